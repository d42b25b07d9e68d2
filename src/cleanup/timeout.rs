use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_timer::Delay;

/// The output of `future`, or `None` if it takes longer.
///
/// By a timer of no runtime: tokio's panics where it is not enabled, and does not say beforehand.
pub(super) fn within<F: Future>(future: F, most: Duration) -> impl Future<Output = Option<F::Output>> {
    within_if(future, most, || true)
}

/// The same, where the time counts from the first poll at which `counts` says so.
async fn within_if<F: Future>(future: F, most: Duration, counts: fn() -> bool) -> Option<F::Output> {
    let mut future = pin!(future);
    // Most are ready at once, and need no timer.
    let mut delay = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if delay.is_none() && counts() {
            delay = Some(Delay::new(most));
        }
        delay.as_mut().map_or(Poll::Pending, |delay| pin!(delay).poll(cx).map(|()| None))
    })
    .await
}

thread_local! {
    static IS_CLEANUP: Cell<bool> = const { Cell::new(false) };
}

/// The output of `work`, whose polls are those of a cleanup.
pub(super) async fn as_cleanup<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _before = Before(IS_CLEANUP.replace(true));
        work.as_mut().poll(cx)
    })
    .await
}

struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        IS_CLEANUP.set(self.0);
    }
}

/// The output of `future`, or `None` if it takes longer once it is part of a cleanup: the grace of a part.
pub(crate) fn timeout_in_cleanup<F: Future>(
    future: F,
    most: Duration,
) -> impl Future<Output = Option<F::Output>> {
    within_if(future, most, || IS_CLEANUP.get())
}
