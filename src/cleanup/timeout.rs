use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;

use super::timer::Sleep;

/// Awaits `future` for at most `duration`, and returns its output or `None`.
pub(crate) fn timeout<F: Future>(future: F, duration: Duration) -> Timeout<F> {
    Timeout { future, limit: Limit::Waiting { duration, is_limited: || true } }
}

/// Awaits `future` for at most `duration`, which starts at the first poll inside of a cleanup.
///
/// This is the grace period of one exit of a stack: the exits of a stack have no limit while their scope awaits them,
/// but each of them has a limit as soon as they run in a cleanup.
pub(crate) fn timeout_in_cleanup<F: Future>(future: F, duration: Duration) -> Timeout<F> {
    Timeout { future, limit: Limit::Waiting { duration, is_limited: || IN_CLEANUP.get() } }
}

/// A future with a time limit, which starts at the first poll for which `is_limited` returns `true`.
///
/// This future and the others that a cleanup consists of are written by hand: an async function stores its argument
/// twice, and with four of them, a cleanup would be 17 times as large as its work.
#[pin_project]
pub(crate) struct Timeout<F> {
    #[pin]
    future: F,
    limit: Limit,
}

/// Most futures are ready at the first poll, and need no timer.
enum Limit {
    Waiting { duration: Duration, is_limited: fn() -> bool },
    Running(Sleep),
}

impl<F: Future> Future for Timeout<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Poll the future first: if it is ready at the time the timer fires, its output is returned.
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        match this.limit {
            Limit::Waiting { duration, is_limited } if is_limited() => {
                *this.limit = Limit::Running(Sleep::new(*duration));
            }
            _ => {}
        }
        match this.limit {
            Limit::Waiting { .. } => Poll::Pending,
            Limit::Running(sleep) => Pin::new(sleep).poll(cx).map(|()| None),
        }
    }
}

thread_local! {
    /// Set while this thread polls a cleanup.
    static IN_CLEANUP: Cell<bool> = const { Cell::new(false) };
}

/// Awaits `work`, with [`IN_CLEANUP`] set during each poll.
pub(super) fn mark_cleanup<F: Future>(work: F) -> MarkCleanup<F> {
    MarkCleanup { work }
}

/// The future that [`mark_cleanup`] returns.
#[pin_project]
pub(super) struct MarkCleanup<F> {
    #[pin]
    work: F,
}

impl<F: Future> Future for MarkCleanup<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _restore = RestoreFlag(IN_CLEANUP.replace(true));
        self.project().work.poll(cx)
    }
}

/// A guard that restores [`IN_CLEANUP`] at the end of a poll, also after a panic.
struct RestoreFlag(bool);

impl Drop for RestoreFlag {
    fn drop(&mut self) {
        IN_CLEANUP.set(self.0);
    }
}
