//! The memory of a pending cleanup: that of its work, and at most 1 KiB.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

use tokio::task::yield_now;
use withal::cleanup::{Cleanup, detach, drain, pending};

/// Counts the bytes and the allocations of a thread. The tests of this binary run concurrently, each on its own thread.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: both methods pass their arguments to the system allocator unchanged. The other methods call these two. The
// counters have no destructor, and need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().wrapping_add(layout.size()));
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the contract is that of this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // Another thread may have allocated it.
        ALLOCATED.set(ALLOCATED.get().wrapping_sub(layout.size()));
        // SAFETY: the contract is that of this method.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Returns the number of allocations of this thread so far.
pub(super) fn allocations() -> usize {
    ALLOCATIONS.get()
}

const CLEANUPS: usize = 64;

/// Work that holds `N` bytes across two awaits.
async fn work<const N: usize>() -> Result<(), ()> {
    let buffer = [1_u8; N];
    yield_now().await;
    yield_now().await;
    black_box(&buffer);
    Ok(())
}

/// Returns the bytes of one cleanup, after its first poll.
async fn bytes_of_one(detach: impl Fn()) -> usize {
    // The timer, the runtime's queues and the registry allocate once.
    for _ in 0..CLEANUPS {
        detach();
    }
    drain(Duration::from_secs(60)).await.unwrap();
    let before = ALLOCATED.get();
    for _ in 0..CLEANUPS {
        detach();
    }
    yield_now().await;
    assert_eq!(pending(), CLEANUPS);
    let bytes = (ALLOCATED.get() - before) / CLEANUPS;
    drain(Duration::from_secs(60)).await.unwrap();
    bytes
}

async fn check<const N: usize>() {
    let work_bytes = size_of_val(&work::<N>());
    let bytes = bytes_of_one(|| detach(work::<N>())).await;
    assert!(bytes <= work_bytes + 1024, "{bytes} bytes for {work_bytes} bytes of work");
    let bytes = bytes_of_one(|| Cleanup::new(work::<N>()).name("work").detach()).await;
    assert!(bytes <= work_bytes + 1024, "{bytes} bytes for {work_bytes} bytes of work, by a builder");
}

#[tokio::test]
async fn a_cleanup_takes_its_work_and_at_most_1_kib() {
    check::<0>().await;
    check::<100>().await;
    check::<1_000>().await;
    check::<4_096>().await;
    check::<65_536>().await;
}
