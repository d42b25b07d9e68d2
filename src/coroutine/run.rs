use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use super::{Coroutine, Failure, RawCoroutine, Step, Yield, Yielder};

/// Lets the others go on: the article's `await yield_now()`, a yield that carries nothing.
///
/// It is `y.yield_(())` under the name that it has there. Python finds the driver through the chain of frames; Rust has
/// no such chain, so the yielder is handed along.
///
/// # Errors
///
/// What was thrown in, as [`Yielder::yield_`].
///
/// # Cancel safety
///
/// Cancel safe, as [`Yielder::yield_`]: the turn is given up or not, and nothing is lost.
///
/// # Examples
///
/// See [`run_all`].
pub fn yield_now<'a, 'g, T>(y: &'a mut Yielder<'g, (), (), T>) -> Yield<'a, 'g, (), (), T> {
    y.yield_(())
}

/// Runs coroutines in turns until all have returned: the article's round-robin scheduler.
///
/// Each goes on to its next [`yield_now`], then the next one has its turn; one that returns leaves the round. What they
/// return comes back in the order in which they were given.
///
/// A coroutine that awaits something that is not ready is left out until that wakes it, and the thread sleeps when
/// there is no other; so this blocks, and is no runtime: what needs tokio's must run inside it. If nothing ever wakes a
/// coroutine, it never returns.
///
/// # Errors
///
/// The first error that a coroutine fails with. The others are dropped where they are.
///
/// # Panics
///
/// When a body does.
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
pub fn run_all<D>(coroutines: impl IntoIterator<Item = Coroutine<D>>) -> Result<Vec<D::Return>, Failure<D>>
where
    D: RawCoroutine<Yield = (), Sent = ()> + ?Sized,
{
    let round = Arc::new(Round { queue: Mutex::default(), runner: thread::current() });
    let mut runs: Vec<_> = coroutines.into_iter().enumerate().map(|run| Run::new(run, &round)).collect();
    let mut under_way = runs.len();
    while under_way > 0 {
        let Some(next) = round.queue().pop_front() else {
            thread::park();
            continue;
        };
        let Run { coroutine, turn, waker, returned } = &mut runs[next];
        // From here on a wake is one for the next turn.
        turn.is_queued.store(false, Ordering::Release);
        let Some(running) = coroutine else { continue };
        match running.poll_resume(&mut Context::from_waker(waker)) {
            Poll::Ready(Ok(Step::Yielded(()))) => turn.queue(),
            Poll::Ready(Ok(Step::Complete(value))) => {
                (*coroutine, *returned) = (None, Some(value));
                under_way -= 1;
            }
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => {}
        }
    }
    Ok(runs.into_iter().filter_map(|run| run.returned).collect())
}

/// One of the coroutines, until it has returned.
struct Run<D: RawCoroutine + ?Sized> {
    coroutine: Option<Coroutine<D>>,
    turn: Arc<Turn>,
    waker: Waker,
    returned: Option<D::Return>,
}

impl<D: RawCoroutine + ?Sized> Run<D> {
    fn new((index, coroutine): (usize, Coroutine<D>), round: &Arc<Round>) -> Self {
        let turn = Arc::new(Turn { index, is_queued: AtomicBool::new(false), round: Arc::clone(round) });
        turn.queue();
        Self { coroutine: Some(coroutine), waker: Arc::clone(&turn).into(), turn, returned: None }
    }
}

/// Whose turn it is, in order.
struct Round {
    queue: Mutex<VecDeque<usize>>,
    runner: Thread,
}

impl Round {
    fn queue(&self) -> MutexGuard<'_, VecDeque<usize>> {
        // Nothing panics while it is locked.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one coroutine in the round; its waker.
struct Turn {
    index: usize,
    is_queued: AtomicBool,
    round: Arc<Round>,
}

impl Turn {
    /// At the end of the queue, once.
    fn queue(&self) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            self.round.queue().push_back(self.index);
        }
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
        self.round.runner.unpark();
    }
}
