use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use super::body_cell::Yielder;
use super::coroutine::{Coroutine, ErrorOf};
use super::raw_coroutine::RawCoroutine;
use super::step::Step;
use super::yielder::Yield;

/// Yields to the other coroutines of [`run_all`]: short for `y.yield_(())`.
///
/// In Python, `await switch()` reaches the driver through the chain of awaiting frames. Rust has no such chain, so the
/// yielder is an argument.
///
/// # Errors
///
/// As [`Yielder::yield_`].
///
/// # Cancel safety
///
/// Cancel safe, as [`Yielder::yield_`].
///
/// # Examples
///
/// ```
/// use withal::coroutine::{BoxCoroutine, coroutine, run_all, yield_now};
///
/// fn count(name: &'static str, to: u32) -> BoxCoroutine<'static> {
///     coroutine(async move |mut y| {
///         for n in 0..to {
///             println!("{name}: {n}");
///             yield_now(&mut y).await?;
///         }
///         Ok(())
///     })
///     .boxed()
/// }
///
/// run_all([count("a", 2), count("b", 3)]).unwrap(); // a: 0, b: 0, a: 1, b: 1, b: 2
/// ```
#[doc(alias = "switch")]
pub fn yield_now<'a, 'g, T>(y: &'a mut Yielder<'g, (), (), T>) -> Yield<'a, 'g, (), (), T> {
    y.yield_(())
}

/// Runs coroutines concurrently on this thread until all have returned: a round-robin scheduler.
///
/// The coroutines run in turn, each until its next [`yield_now`]. The returned values are in the order of the
/// coroutines.
///
/// `run_all` blocks the thread, and is not a runtime: coroutines that use tokio's I/O or timers need a tokio runtime
/// that was [entered](tokio::runtime::Runtime::enter) and that other threads drive. A coroutine that awaits something
/// other than `yield_now` is skipped until it is woken. While all coroutines wait, the thread sleeps. If a coroutine is
/// never woken, `run_all` never returns.
///
/// # Errors
///
/// Returns the first error of a coroutine. The other coroutines are dropped, wherever they are suspended.
///
/// # Panics
///
/// Panics if a body panics.
///
/// # Examples
///
/// ```
/// use withal::coroutine::{coroutine, run_all, yield_now};
///
/// let sums = [vec![1, 2], vec![3, 4, 5]].map(|numbers| {
///     coroutine(async move |mut y| {
///         let mut sum = 0;
///         for number in numbers {
///             sum += number;
///             yield_now(&mut y).await?;
///         }
///         Ok(sum)
///     })
/// });
/// assert_eq!(run_all(sums), Ok(vec![3, 12]));
/// ```
#[doc(alias = "scheduler", alias = "round_robin", alias = "run", alias = "block_on", alias = "join_all")]
pub fn run_all<D>(coroutines: impl IntoIterator<Item = Coroutine<D>>) -> Result<Vec<D::Return>, ErrorOf<D>>
where
    D: RawCoroutine<Yield = (), Sent = ()> + ?Sized,
{
    let ready = Arc::new(ReadyQueue { queue: Mutex::default(), runner: thread::current() });
    let mut slots: Vec<_> = coroutines
        .into_iter()
        .enumerate()
        .map(|(index, coroutine)| Slot::new(index, coroutine, &ready))
        .collect();
    let mut unfinished = slots.len();
    while unfinished > 0 {
        let Some(next) = ready.queue().pop_front() else {
            // A waker unparks the thread after it has queued its coroutine.
            thread::park();
            continue;
        };
        let Slot { coroutine, waker, std_waker, returned } = &mut slots[next];
        // From here on, a wake queues the coroutine again.
        waker.is_queued.swap(false, Ordering::Acquire);
        // A waker may outlive its coroutine, and may be woken after the coroutine has returned.
        let Some(running) = coroutine else { continue };
        match running.poll_resume(&mut Context::from_waker(std_waker)) {
            // Queued at the back, without an unpark: this thread is not parked.
            Poll::Ready(Ok(Step::Yielded(()))) => waker.enqueue(),
            Poll::Ready(Ok(Step::Complete(value))) => {
                (*coroutine, *returned) = (None, Some(value));
                unfinished -= 1;
            }
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => {}
        }
    }
    Ok(slots.into_iter().filter_map(|slot| slot.returned).collect())
}

/// A coroutine of [`run_all`], and the value that it has returned.
struct Slot<D: RawCoroutine + ?Sized> {
    /// `None` once it has returned.
    coroutine: Option<Coroutine<D>>,
    waker: Arc<TaskWaker>,
    /// The same waker as the standard library's type.
    std_waker: Waker,
    returned: Option<D::Return>,
}

impl<D: RawCoroutine + ?Sized> Slot<D> {
    fn new(index: usize, coroutine: Coroutine<D>, ready: &Arc<ReadyQueue>) -> Self {
        let is_queued = AtomicBool::new(false);
        let waker = Arc::new(TaskWaker { index, is_queued, ready: Arc::clone(ready) });
        waker.enqueue();
        Self { coroutine: Some(coroutine), std_waker: Arc::clone(&waker).into(), waker, returned: None }
    }
}

/// The indices of the coroutines that are ready to run, in order, and the thread that runs them.
struct ReadyQueue {
    queue: Mutex<VecDeque<usize>>,
    runner: Thread,
}

impl ReadyQueue {
    /// Never poisoned: no code that may panic runs while the queue is locked.
    fn queue(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker of one coroutine.
struct TaskWaker {
    index: usize,
    /// `true` while the coroutine is in the queue, which must contain it at most once.
    ///
    /// A wake sets it with `Release`, and `run_all` clears it with `Acquire` before it polls. So the poll sees what was
    /// written before any wake since the last poll, also before a wake that found the coroutine queued already and did
    /// not lock the queue. Both are read-modify-write operations: a plain store would not synchronize with such a wake.
    is_queued: AtomicBool,
    ready: Arc<ReadyQueue>,
}

impl TaskWaker {
    /// Appends the coroutine to the queue, unless it is in the queue already.
    fn enqueue(&self) {
        if !self.is_queued.swap(true, Ordering::Release) {
            self.ready.queue().push_back(self.index);
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.enqueue();
        self.ready.runner.unpark();
    }
}
