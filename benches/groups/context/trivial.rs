//! A manager that does nothing, and what is awaited in the blocks.

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

/// Not ready at its first poll, and as good as woken.
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

/// Polls to the end, with nobody to wake: what an executor does is no part of the figure, nor is tokio's budget, which
/// only an executor can give back.
pub(super) fn spin<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(tokio::task::unconstrained(future));
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Polls once, and drops.
pub(super) fn cancel<F: Future>(future: F) {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}
