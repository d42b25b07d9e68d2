//! An allocator that counts the bytes that a process allocates, and their maximum.

#![expect(unsafe_code, reason = "an allocator that counts implements an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The allocator, for a `#[global_allocator]`. A binary that uses it has only one test, because all threads share the count.
#[derive(Debug)]
pub struct CountingAllocator;

// Relaxed suffices: the counters publish nothing.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: both methods pass their arguments to the system allocator unchanged. The other methods call these two.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let allocated = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(allocated, Ordering::Relaxed);
        // SAFETY: the contract is that of this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the contract is that of this method.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Awaits some work. Returns its output, and the number of bytes by which the peak during the work exceeded the memory in
/// use before.
pub async fn peak_of<T>(work: impl Future<Output = T>) -> (T, usize) {
    let before = ALLOCATED.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let output = work.await;
    (output, PEAK.load(Ordering::Relaxed) - before)
}
