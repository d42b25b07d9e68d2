use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::phase::Phase;
use super::phases::Urgency;
use super::shutdown_handle::ShutdownHandle;
use super::shutdown_report::ShutdownReport;
#[cfg(doc)]
use super::shutdown_report::UnfinishedReason;
use super::shutdown_state::ShutdownState;
#[cfg(feature = "signal")]
use super::signals::Signals;
use crate::cleanup::detach::DEFAULT_GRACE_PERIOD;
use crate::cleanup::drain::{drained, pending};
use crate::cleanup::run_main::drop_cancelled_tasks;
use crate::cleanup::timer::Sleep;

/// The name of the phase that drains the cleanups.
const RUN_EXITS: &str = "run exits";

/// The time within which an aborted task must be dropped. A task that does not block its thread needs microseconds.
const ABORT_TIME: Duration = Duration::from_millis(100);

/// A shutdown in named phases, which run in the order in which they are added, each with a time budget.
///
/// A phase has steps, which components [register](Phase) at any time, and which run concurrently. The next phase begins
/// when all steps of a phase have finished, or when its budget is used up: the remaining steps are dropped, and
/// [reported](ShutdownReport) by name. The phase [`run exits`](Self::run_exits) drains the pending
/// [cleanups](crate::cleanup).
///
/// To stop one piece of work and drain its cleanups, [`shutdown`](crate::cleanup::shutdown()) is enough.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "signal")]
/// # mod program {
/// use std::process::ExitCode;
/// use std::time::Duration;
/// use withal::cleanup::{self, GracefulShutdown, ShutdownReport};
///
/// async fn app() -> std::io::Result<ShutdownReport> {
///     let mut shutdown = GracefulShutdown::new();
///     shutdown.on_signals()?;
///     let accept = shutdown.phase("stop accepting", Duration::from_secs(5));
///     let requests = shutdown.phase("finish requests", Duration::from_secs(15));
///     shutdown.run_exits(Duration::from_secs(5));
///     let telemetry = shutdown.phase("flush telemetry", Duration::from_secs(3));
///
///     telemetry.step("spans", async {
///         // .. export what is buffered ..
///         Ok::<(), std::io::Error>(())
///     });
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
///     let server = axum::serve(listener, axum::Router::new()).with_graceful_shutdown(accept.begun());
///     requests.spawn("http server", server.into_future());
///
///     Ok(shutdown.run().await) // until a signal, or until the server fails
/// }
///
/// #[tokio::main]
/// # pub
/// async fn main() -> ExitCode {
///     cleanup::run_main(app(), Duration::from_secs(5)).await
/// }
/// # }
/// ```
///
/// # Where components belong
///
/// | component | call |
/// |---|---|
/// | a server with `with_graceful_shutdown(signal)` | `accept.begun()` is the signal, `requests.spawn("server", ..)` runs it |
/// | a loop: a consumer, a timer | `requests.spawn("consumer", ..)`, with a branch for `accept.begun()` in its `select!` |
/// | a [`TaskGroup`](crate::tasks::TaskGroup) | `requests.spawn("jobs", ..)` around its scope, whose block awaits `accept.begun()` |
/// | a long crawl | as a loop, which ends after the current page; the next run resumes at its checkpoint |
/// | an exit of a manager, a [`detach`](crate::cleanup::detach())ed cleanup | nothing: `run_exits` waits for it |
/// | a connection pool that is closed | a step of a phase after `run_exits`, because exits use the pool |
/// | a sink that is flushed | a step of the last phase |
/// | a pause until the load balancer notices that the service is not ready | a step of the first phase that sleeps |
/// | a long start-up | `accept.spawn("start-up", ..)`: a signal does not interrupt it, and the steps that it registers are run |
///
/// # Order
///
/// The phases run in the order of the calls that add them, in whatever order components register their steps. A component
/// receives the [`Phase`] that it belongs to, and cannot name another. Work that must be last, such as a flush, is a step
/// of a phase that is added after [`run_exits`](Self::run_exits).
///
/// # Signals
///
/// [`on_signals`](Self::on_signals) connects SIGINT, SIGTERM and their equivalents on Windows. Each call of
/// [`escalate`](ShutdownHandle::escalate) has the effect of a signal:
///
/// | signal | effect |
/// |---|---|
/// | first | the shutdown begins; no effect if it has begun for another reason |
/// | second | from now on, the rest of each budget is at most the [hurry budget](Self::hurry_budget), one second by default |
/// | third | the rest of each budget is zero: running steps are dropped, and those of later phases are not started |
/// | further | none |
///
/// # Guarantees
///
/// - **Nothing is lost.** Each registered step finishes, or is in the report because it failed, panicked, timed out, or was
///   not started. A panic of a step affects no other step. A step that is registered [too late](Phase) runs as a cleanup.
/// - **Bounded.** The phases take at most the sum of their budgets, plus 0.1 seconds for the aborts of each phase, plus the
///   budget of `run exits` once more if later phases detach cleanups. Kubernetes kills a pod 30 seconds after SIGTERM by
///   default: keep the sum below that.
/// - **Independent of tokio's timer.** Budgets are [wall-clock time](crate::cleanup#guarantees), even while tokio's clock
///   is paused.
/// - **One runtime.** Steps are spawned on the runtime of [`run`](Self::run), and tasks of [`Phase::spawn`] on the current
///   one.
/// - **A budget of zero** skips its phase: steps are not started, and running tasks are aborted. All of them are
///   reported. [`begun`](Phase::begun) completes all the same.
///
/// # Limitations
///
/// - A step that blocks its thread cannot be dropped, and is reported as
///   [still running](UnfinishedReason::StillRunning). A runtime waits for it when it is dropped: end the program with
///   [`std::process::exit`]. On a current-thread runtime, such a step blocks the shutdown, and no signal is handled.
/// - The work of a [`spawn_blocking`](tokio::task::spawn_blocking) cannot be dropped either, and continues in the
///   background, while the step that awaits it times out.
#[doc(alias = "ctrl_c")]
#[doc(alias = "SIGTERM")]
#[doc(alias = "drain")]
#[doc(alias = "subsystem")]
#[must_use = "a shutdown does nothing unless it is run"]
pub struct GracefulShutdown {
    state: Arc<ShutdownState>,
    /// The index of the phase `run exits`.
    exits: Option<usize>,
    #[cfg(feature = "signal")]
    signals: Option<Signals>,
    is_finished: bool,
}

impl GracefulShutdown {
    /// Creates a shutdown without phases.
    pub fn new() -> Self {
        Self {
            state: Arc::new(ShutdownState::new(Duration::from_secs(1))),
            exits: None,
            #[cfg(feature = "signal")]
            signals: None,
            is_finished: false,
        }
    }

    /// Adds a phase after those that were added before, and returns it for the components that have steps in it.
    ///
    /// `budget` is the time that the phase may take.
    ///
    /// # Panics
    ///
    /// Panics if there is a phase with this name: the report names steps by their phases. Panics if the name is `"run
    /// exits"`, which is that of [`run_exits`](Self::run_exits).
    #[track_caller]
    pub fn phase(&mut self, name: impl Into<Cow<'static, str>>, budget: Duration) -> Phase {
        let name = name.into();
        assert!(name != RUN_EXITS, "add the phase \"run exits\" with `run_exits`");
        self.add_phase(name, budget).1
    }

    /// Adds the phase `run exits`, which waits for the pending [cleanups](crate::cleanup) of this runtime: the exits of
    /// scopes whose futures were dropped, and detached cleanups. It may have steps, too.
    ///
    /// Without this call, it is the last phase, with a budget of 30 seconds. If this phase has not timed out, the shutdown
    /// also waits at its end, within the same budget, for cleanups that later phases detach.
    ///
    /// # Panics
    ///
    /// Panics if it is called twice.
    #[track_caller]
    pub fn run_exits(&mut self, budget: Duration) -> Phase {
        let (index, phase) = self.add_phase(Cow::Borrowed(RUN_EXITS), budget);
        self.exits = Some(index);
        phase
    }

    #[track_caller]
    fn add_phase(&mut self, name: Cow<'static, str>, budget: Duration) -> (usize, Phase) {
        let index = self.state.add_phase(name, budget);
        let index = index.unwrap_or_else(|name| panic!("the shutdown already has a phase \"{name}\""));
        (index, Phase::new(Arc::clone(&self.state), index))
    }

    /// Sets the budget of a phase after a second [signal](Self#signals). The default is one second. A phase keeps its own
    /// budget if that is shorter.
    pub fn hurry_budget(&mut self, hurry_budget: Duration) {
        self.state.set_hurry_budget(hurry_budget);
    }

    /// Begins the shutdown on [`Signals`]: SIGINT and SIGTERM, or on Windows Ctrl-C, Ctrl-Break, the close of the console
    /// and the shutdown of the system. A second signal [hurries](Self#signals) the shutdown, and a third one ends it.
    ///
    /// A signal that arrives after this call is not lost: call it first, before the start-up of the program.
    ///
    /// # Errors
    ///
    /// The error of the system, if a handler cannot be installed.
    ///
    /// # Panics
    ///
    /// As [`Signals::new`]: outside of a runtime, or without its I/O driver.
    #[cfg(feature = "signal")]
    #[cfg_attr(docsrs, doc(cfg(feature = "signal")))]
    pub fn on_signals(&mut self) -> std::io::Result<()> {
        self.signals = Some(Signals::new()?);
        Ok(())
    }

    /// Returns a handle that begins and hurries the shutdown without a signal.
    #[must_use]
    pub fn handle(&self) -> ShutdownHandle {
        ShutdownHandle::new(Arc::clone(&self.state))
    }

    /// Waits until the shutdown begins, and then runs its phases.
    ///
    /// It begins at the first [signal](Self#signals), by a [handle](Self::handle), or when a task of
    /// [`Phase::spawn`] fails. The [report](ShutdownReport) is the exit code of the program, if `main` or the main future
    /// of [`run_main`](crate::cleanup::run_main()) returns it.
    ///
    /// # Panics
    ///
    /// Panics outside of a runtime.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if it is dropped, the shutdown ends. Steps that have not started are dropped, running steps and
    /// tasks are aborted, and one [report](crate::cleanup#reports) names all of them. The same holds for a
    /// `GracefulShutdown` that is dropped without being run: after an error of the start-up, [begin](ShutdownHandle::begin)
    /// the shutdown and run it, or run the start-up in [`Phase::spawn`].
    pub async fn run(mut self) -> ShutdownReport {
        let runtime = Handle::current();
        let exits = match self.exits {
            Some(exits) => exits,
            None => self.add_phase(Cow::Borrowed(RUN_EXITS), DEFAULT_GRACE_PERIOD).0,
        };
        self.state.set_runtime(runtime.clone());
        while self.state.urgency() == Urgency::Idle {
            self.event(Duration::MAX, None).await;
        }
        let mut is_drained = true;
        for phase in 0..self.state.phases() {
            let started = Instant::now();
            self.run_phase(phase, started).await;
            if phase == exits {
                is_drained = self.drain(exits, started, &runtime).await;
            }
        }
        // The later phases may have detached cleanups as well. Those that exceeded the first drain are not awaited again.
        if is_drained {
            self.drain(exits, Instant::now(), &runtime).await;
        }
        self.is_finished = true;
        self.state.take_report()
    }

    /// Runs the steps of a phase, and waits for its tasks, within its budget.
    async fn run_phase(&mut self, phase: usize, started: Instant) {
        self.state.begin(phase, !self.state.rest(phase, started).is_zero());
        while !self.state.end_if_idle(phase) {
            let rest = self.state.rest(phase, started);
            if rest.is_zero() {
                return self.abort_phase(phase).await;
            }
            self.event(rest, None).await;
        }
    }

    /// Aborts the tasks of a phase, and waits until they are dropped, which detaches their cleanups.
    async fn abort_phase(&mut self, phase: usize) {
        self.state.end(phase);
        let aborted = Instant::now();
        while self.state.has_steps(phase) {
            let rest = ABORT_TIME.saturating_sub(aborted.elapsed());
            if rest.is_zero() {
                return self.state.give_up(phase);
            }
            self.event(rest, None).await;
        }
    }

    /// Waits for the pending cleanups, within the budget of the phase that drains them. Returns `false` if some are still
    /// pending.
    async fn drain(&mut self, phase: usize, started: Instant, runtime: &Handle) -> bool {
        let begun = Instant::now();
        let mut dropped = pin!(drop_cancelled_tasks());
        loop {
            let rest = self.state.rest(phase, started).max(ABORT_TIME.saturating_sub(begun.elapsed()));
            if rest.is_zero() || self.event(rest, Some(dropped.as_mut())).await {
                break;
            }
        }
        while let Some(drained) = drained(runtime.id()) {
            let rest = self.state.rest(phase, started);
            if rest.is_zero() {
                self.state.record_pending_cleanups(phase, pending());
                return false;
            }
            self.event(rest, Some(pin!(drained))).await;
        }
        true
    }

    /// Waits for a change of the state, a signal, the end of `rest`, or `work`. Returns `true` if `work` has completed.
    async fn event(
        &mut self,
        rest: Duration,
        mut work: Option<Pin<&mut (dyn Future<Output = ()> + Send)>>,
    ) -> bool {
        let state = Arc::clone(&self.state);
        let mut changed = pin!(state.changed());
        let mut sleep = Sleep::new(rest);
        poll_fn(|cx| {
            let has_signal = self.poll_signals(cx).is_ready();
            let has_changed = changed.as_mut().poll(cx).is_ready();
            let has_completed = work.as_mut().is_some_and(|work| work.as_mut().poll(cx).is_ready());
            let has_elapsed = Pin::new(&mut sleep).poll(cx).is_ready();
            if has_signal || has_changed || has_completed || has_elapsed {
                return Poll::Ready(has_completed);
            }
            Poll::Pending
        })
        .await
    }

    /// Escalates for each signal that has arrived.
    #[cfg(feature = "signal")]
    fn poll_signals(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(signals) = &mut self.signals else { return Poll::Pending };
        let mut polled = Poll::Pending;
        while signals.poll_recv(cx).is_ready() {
            self.state.escalate();
            polled = Poll::Ready(());
        }
        polled
    }

    #[cfg(not(feature = "signal"))]
    #[expect(clippy::unused_self, reason = "used with the feature `signal`")]
    fn poll_signals(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Default for GracefulShutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for GracefulShutdown {
    fn drop(&mut self) {
        if !self.is_finished {
            self.state.abandon();
        }
    }
}

impl fmt::Debug for GracefulShutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GracefulShutdown").field("urgency", &self.state.urgency()).finish_non_exhaustive()
    }
}
