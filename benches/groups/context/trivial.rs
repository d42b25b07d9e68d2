//! A manager that does nothing, and the futures that the blocks await.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use withal::context::{
    AsyncContextManager, AsyncGuard, Detach, DropAfterChildren, DropNow, ExitReason, Restart,
};

macro_rules! managers {
    ($($name:ident: $policy:ty),+) => {$(
        pub(super) struct $name(pub(super) u64);

        impl AsyncContextManager for $name {
            type Guard = Self;

            #[inline]
            async fn aenter(self) -> Result<Self, Infallible> {
                black_box(());
                Ok(self)
            }
        }

        impl AsyncGuard for $name {
            type Target = u64;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;

            #[inline]
            fn target(&mut self) -> &mut u64 {
                &mut self.0
            }

            #[inline]
            async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
                black_box(&self.0);
                Ok(())
            }
        }
    )+};
}

managers!(Now: DropNow, Held: DropAfterChildren, Detached: Detach, Restarted: Restart);

/// A future that is pending at its first poll and ready at its second, without a wake-up.
pub(super) struct Twice(pub(super) bool);

impl Future for Twice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        let _ = cx;
        Poll::Pending
    }
}

/// The body of `polls`.
pub(super) async fn ten_polls(count: &mut u64) {
    for _ in 0..10 {
        Twice(false).await;
        *count += black_box(1);
    }
}

/// Polls until ready, without an executor, so that neither an executor nor tokio's budget is part of the figure.
pub(super) fn spin<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(tokio::task::unconstrained(future));
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Polls once, then drops.
pub(super) fn cancel<F: Future>(future: F) {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
