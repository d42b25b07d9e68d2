use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::cleanup::{DrainTimeout, drain};
use crate::panic::{Payload, catch_panic, catch_unwind};

/// Runs a program repeatedly, and drops each run at another await, until a run completes.
///
/// `program` creates a future for each run. The first run is dropped before its first poll. Then, for each time that the
/// future is pending, two runs are dropped:
///
/// - one at once, before the event that it awaits has happened, and
/// - one after it has been woken, before it is polled again: the event has happened, and is lost.
///
/// The last run completes. After each run, [`drain`](crate::cleanup::drain()) waits for the cleanups that the run detached,
/// and then [`check`](CancelAtEveryAwait::check) is called. The output is the number of runs that were dropped.
///
/// The runs are polled in the task that awaits the value, whenever that task is woken. They may use timers, sockets,
/// `spawn_local` and everything else of the runtime, and need not be `Send`. With tokio's paused clock
/// (`#[tokio::test(start_paused = true)]`), runs with timers are fast, and have the same awaits each time. In a program
/// that waits for other threads, an await may be ready in one run and pending in another, so a run may complete early:
/// [`repeat`](CancelAtEveryAwait::repeat) it.
///
/// As in an application, a task that the program spawns is not dropped with it, unless its handle aborts it. The check can
/// wait for such tasks.
///
/// # Panics
///
/// Panics in three cases:
///
/// - The program or the check panics. The await at which the run was dropped is printed before.
/// - The cleanups of a run are still pending after the [limit](CancelAtEveryAwait::drain_limit).
/// - The program has been pending [`max_awaits`](CancelAtEveryAwait::max_awaits) times without completing.
///
/// # Examples
///
/// Two counters that must be equal. The program has a bug, because it awaits between the two changes:
///
/// ```
/// use std::cell::Cell;
/// use withal::testing::cancel_at_every_await;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sent, received) = (Cell::new(0), Cell::new(0));
/// let program = || async {
///     sent.set(sent.get() + 1);
///     tokio::task::yield_now().await;
///     received.set(received.get() + 1);
/// };
/// let mut faults = 0;
/// let drops = cancel_at_every_await(program)
///     .check(async |_| {
///         if sent.get() != received.get() {
///             faults += 1;
///         }
///         received.set(sent.get());
///     })
///     .await;
/// assert_eq!((drops, faults), (3, 2));
/// # }
/// ```
#[doc(alias("cancellation", "drop", "cancel safety", "fault injection"))]
#[track_caller]
pub fn cancel_at_every_await<F, P>(program: F) -> CancelAtEveryAwait<F, P>
where
    F: FnMut() -> P,
    P: Future,
{
    CancelAtEveryAwait {
        program,
        stage: Stage::Start,
        awaits: 0,
        moment: Moment::AtOnce,
        drops: 0,
        repetitions: 1,
        only_at_once: false,
        drain_limit: Duration::from_secs(10),
        max_awaits: 10_000,
        caller: Location::caller(),
    }
}

/// A future that drops a program at each of its awaits. Created by [`cancel_at_every_await`].
///
/// Its output is the number of runs that were dropped.
#[must_use = "nothing runs unless the value is awaited"]
pub struct CancelAtEveryAwait<F, P: Future> {
    program: F,
    stage: Stage<P>,
    /// The number of times that the current run is pending before it is dropped.
    awaits: usize,
    moment: Moment,
    drops: usize,
    /// The number of runs that are still to complete.
    repetitions: usize,
    only_at_once: bool,
    drain_limit: Duration,
    max_awaits: usize,
    caller: &'static Location<'static>,
}

/// The moment at which a run is dropped at its last await.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    AtOnce,
    AfterWake,
}

/// ```text
/// Start --> Running --pending for the last time, AfterWake--> Woken
///   ^         | completes, or pending, AtOnce                   | polled again
///   |         v                                                 |
///   +----- Draining <-------------------------------------------+
///             | the last run has completed
///             v
///           Ended
/// ```
enum Stage<P: Future> {
    Start,
    /// The number of times that the future will still be pending.
    Running(Pin<Box<P>>, usize),
    /// The next poll drops the future.
    Woken(Pin<Box<P>>),
    /// `None` outside of a runtime. With the output, if the run has completed.
    Draining(Option<Pin<Box<Drain>>>, Option<P::Output>),
    /// Also during a poll.
    Ended,
}

type Drain = dyn Future<Output = Result<(), DrainTimeout>> + Send;

/// All fields are moved in and out by value, and the futures are boxed.
impl<F, P: Future> Unpin for CancelAtEveryAwait<F, P> {}

impl<F, P> CancelAtEveryAwait<F, P>
where
    F: FnMut() -> P,
    P: Future,
{
    /// Sets the time within which the cleanups of a run must finish. The default is 10 seconds.
    ///
    /// The limit is wall-clock time, even while tokio's clock is paused.
    pub fn drain_limit(self, drain_limit: Duration) -> Self {
        Self { drain_limit, ..self }
    }

    /// Sets the number of times that a run may be pending, after which the test fails, because the program seems never to
    /// complete. The default is 10,000.
    pub fn max_awaits(self, max_awaits: usize) -> Self {
        Self { max_awaits, ..self }
    }

    /// Repeats the test of all awaits this many times instead of once, for programs whose awaits differ between runs.
    pub fn repeat(self, times: usize) -> Self {
        Self { repetitions: times, ..self }
    }

    /// Drops one run at each await instead of two: at once, but not after it has been woken. Programs that wait for real time
    /// are then tested without that wait.
    pub fn only_at_once(self) -> Self {
        Self { only_at_once: true, ..self }
    }

    /// Calls `check` after each run and its cleanups, with the output of the program, or `None` if the run was dropped.
    ///
    /// Awaits all runs, and returns the number of those that were dropped.
    pub async fn check(mut self, mut check: impl AsyncFnMut(Option<P::Output>)) -> usize {
        while let Some(Run { output }) = poll_fn(|cx| self.poll_run(cx)).await {
            let place = self.place(output.is_none());
            if let Err(payload) = catch_unwind(check(output)).await {
                self.resume(&format!("the check after {place}"), payload);
            }
            self.next_run(place == Place::Complete);
        }
        self.drops
    }

    /// Polls the current run and its cleanups. Completes when the run has ended, with `None` after the last run.
    fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<Option<Run<P::Output>>> {
        loop {
            match mem::replace(&mut self.stage, Stage::Ended) {
                Stage::Start if self.repetitions == 0 => return Poll::Ready(None),
                // Create the future.
                Stage::Start => match catch_panic(|| Box::pin((self.program)())) {
                    Ok(run) if self.awaits == 0 => self.drop_run(run),
                    Ok(run) => self.stage = Stage::Running(run, self.awaits),
                    Err(payload) => self.resume("the program", payload),
                },
                // Poll it, and drop it when it is pending for the last time.
                Stage::Running(mut run, left) => match catch_panic(|| run.as_mut().poll(cx)) {
                    Ok(Poll::Ready(output)) => {
                        self.stage = Stage::Draining(self.drain(), Some(output));
                        if let Err(payload) = catch_panic(|| drop(run)) {
                            self.resume("a destructor of the run that has completed", payload);
                        }
                    }
                    Ok(Poll::Pending) if left > 1 => {
                        self.stage = Stage::Running(run, left - 1);
                        return Poll::Pending;
                    }
                    Ok(Poll::Pending) if self.moment == Moment::AtOnce => self.drop_run(run),
                    Ok(Poll::Pending) => {
                        self.stage = Stage::Woken(run);
                        return Poll::Pending;
                    }
                    Err(payload) => {
                        let what = format!("the run that was to be dropped at await {}", self.awaits);
                        self.resume(&what, payload)
                    }
                },
                Stage::Woken(run) => self.drop_run(run),
                // Wait for the cleanups.
                Stage::Draining(Some(mut drain), output) => {
                    let Poll::Ready(drained) = drain.as_mut().poll(cx) else {
                        self.stage = Stage::Draining(Some(drain), output);
                        return Poll::Pending;
                    };
                    if let Err(timeout) = drained {
                        let place = self.place(output.is_none());
                        panic!(
                            "cancel_at_every_await at {}: after {place}, the cleanups {timeout}",
                            self.caller
                        );
                    }
                    return Poll::Ready(Some(Run { output }));
                }
                Stage::Draining(None, output) => return Poll::Ready(Some(Run { output })),
                Stage::Ended => panic!("cancel_at_every_await polled after completion or a panic"),
            }
        }
    }

    /// Drops a run, and begins to wait for its cleanups.
    fn drop_run(&mut self, run: Pin<Box<P>>) {
        if let Err(payload) = catch_panic(|| drop(run)) {
            self.resume(&format!("a destructor of {}", self.place(true)), payload);
        }
        self.drops += 1;
        self.stage = Stage::Draining(self.drain(), None);
    }

    fn drain(&self) -> Option<Pin<Box<Drain>>> {
        Handle::try_current().ok()?;
        Some(Box::pin(drain(self.drain_limit)))
    }

    /// Chooses the next run after one has ended.
    fn next_run(&mut self, is_complete: bool) {
        if is_complete {
            self.repetitions -= 1;
            (self.awaits, self.moment) = (0, Moment::AtOnce);
        } else if self.moment == Moment::AtOnce && self.awaits > 0 && !self.only_at_once {
            self.moment = Moment::AfterWake;
        } else {
            (self.awaits, self.moment) = (self.awaits + 1, Moment::AtOnce);
        }
        assert!(
            self.awaits <= self.max_awaits,
            "cancel_at_every_await at {}: the program has been pending {} times, and has not completed",
            self.caller,
            self.max_awaits,
        );
        self.stage = Stage::Start;
    }

    fn place(&self, is_dropped: bool) -> Place {
        match self.moment {
            _ if !is_dropped => Place::Complete,
            _ if self.awaits == 0 => Place::Unpolled,
            Moment::AtOnce => Place::AtOnce(self.awaits),
            Moment::AfterWake => Place::AfterWake(self.awaits),
        }
    }

    /// Prints where a panic has occurred, and resumes it.
    fn resume(&self, what: &str, payload: Payload) -> ! {
        eprintln!("withal: cancel_at_every_await at {}: {what} has panicked", self.caller);
        resume_unwind(payload)
    }
}

/// A run that has ended.
struct Run<T> {
    /// `None` if the run was dropped.
    output: Option<T>,
}

/// The end of a run, for messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Complete,
    Unpolled,
    AtOnce(usize),
    AfterWake(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("the run that has completed"),
            Self::Unpolled => f.write_str("the run that was dropped before its first poll"),
            Self::AtOnce(awaits) => write!(f, "the run that was dropped at await {awaits}"),
            Self::AfterWake(awaits) => {
                write!(f, "the run that was dropped at await {awaits}, after it was woken")
            }
        }
    }
}

impl<F, P> Future for CancelAtEveryAwait<F, P>
where
    F: FnMut() -> P,
    P: Future,
{
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        while let Some(Run { output }) = ready!(self.poll_run(cx)) {
            self.next_run(output.is_some());
        }
        Poll::Ready(self.drops)
    }
}

impl<F, P: Future> fmt::Debug for CancelAtEveryAwait<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelAtEveryAwait").field("drops", &self.drops).finish_non_exhaustive()
    }
}
