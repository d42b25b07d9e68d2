use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_timer::Delay;

/// The output of `future`, or `None` if it takes longer.
///
/// By a timer of no runtime: tokio's panics where it is not enabled, and does not say beforehand.
pub(super) async fn within<F: Future>(future: F, most: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    // Most are ready at once, and need no timer.
    let mut delay = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let delay = delay.get_or_insert_with(|| Delay::new(most));
        pin!(delay).poll(cx).map(|()| None)
    })
    .await
}
