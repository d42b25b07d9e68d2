use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_timer::Delay;

/// Awaits `future` for at most `duration`, and returns its output or `None`.
///
/// The timer does not depend on a runtime. tokio's timer panics on a runtime that has not enabled it, and there is no
/// way to check this beforehand.
pub(super) fn timeout<F: Future>(future: F, duration: Duration) -> impl Future<Output = Option<F::Output>> {
    timeout_if(future, duration, || true)
}

/// Awaits `future` for at most `duration`, which starts at the first poll inside of a cleanup.
///
/// This is the grace period of one exit of a stack: the exits of a stack have no limit while their scope awaits them,
/// but each of them has a limit as soon as they run in a cleanup.
pub(crate) fn timeout_in_cleanup<F: Future>(
    future: F,
    duration: Duration,
) -> impl Future<Output = Option<F::Output>> {
    timeout_if(future, duration, || IN_CLEANUP.get())
}

/// Awaits `future` for at most `duration`, which starts at the first poll for which `is_limited` returns `true`.
async fn timeout_if<F: Future>(future: F, duration: Duration, is_limited: fn() -> bool) -> Option<F::Output> {
    let mut future = pin!(future);
    // Most futures are ready at the first poll, and need no timer.
    let mut delay = None;
    poll_fn(|cx| {
        // Poll the future first: if it is ready at the time the timer fires, its output is returned.
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if delay.is_none() && is_limited() {
            delay = Some(Delay::new(duration));
        }
        delay.as_mut().map_or(Poll::Pending, |delay| pin!(delay).poll(cx).map(|()| None))
    })
    .await
}

thread_local! {
    /// Set while this thread polls a cleanup.
    static IN_CLEANUP: Cell<bool> = const { Cell::new(false) };
}

/// Awaits `work`, with [`IN_CLEANUP`] set during each poll.
pub(super) async fn mark_cleanup<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _restore = RestoreFlag(IN_CLEANUP.replace(true));
        work.as_mut().poll(cx)
    })
    .await
}

/// A guard that restores [`IN_CLEANUP`] at the end of a poll, also after a panic.
struct RestoreFlag(bool);

impl Drop for RestoreFlag {
    fn drop(&mut self) {
        IN_CLEANUP.set(self.0);
    }
}
