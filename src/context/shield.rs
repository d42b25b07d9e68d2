use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use super::policy::sealed::{Home, Policy};
use super::{AsyncContextManager, AsyncGuard, ErrorOf};
use crate::cleanup::{ChildCleanups, Cleanup};

/// What every manager can do.
pub trait AsyncContextManagerExt: AsyncContextManager {
    /// Lets the enter come to its end if it is dropped in the middle; then it is exited at once.
    ///
    /// For managers that would otherwise leave something half open, such as a lease that the server has given and the
    /// program has not heard of. Enter and exit are a [cleanup](crate::cleanup) then, which the scopes around wait for,
    /// and the exit is [`ExitReason::Cancelled`](super::ExitReason::Cancelled). Each has a grace of its own: the enter 30 seconds, the
    /// exit the [guard's](AsyncGuard::grace_period). It is one allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::sync::Arc;
    /// use tokio::sync::Mutex;
    /// use withal::context::{AsyncContextManagerExt, async_with};
    ///
    /// let mutex = Arc::new(Mutex::new(1));
    /// let n = async_with!(n = mutex.shield_enter() => { *n });
    /// assert_eq!(n, 1);
    /// # }
    /// ```
    fn shield_enter(self) -> ShieldEnter<Self>
    where
        Self: Send + 'static,
        Self::Guard: Send + 'static,
    {
        ShieldEnter(self)
    }
}

impl<M: AsyncContextManager> AsyncContextManagerExt for M {}

/// Made by [`shield_enter`](AsyncContextManagerExt::shield_enter).
#[derive(Debug)]
#[must_use = "it does nothing unless it is entered"]
pub struct ShieldEnter<M>(M);

impl<M> AsyncContextManager for ShieldEnter<M>
where
    M: AsyncContextManager + Send + 'static,
    M::Guard: Send + 'static,
{
    type Guard = M::Guard;

    async fn aenter(self) -> Result<M::Guard, ErrorOf<M>> {
        Entering::<_, M::Guard> { enter: Some(Box::pin(self.0.aenter())), home: None }.await
    }
}

struct Entering<F, G>
where
    F: Future<Output = Result<G, G::Error>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
{
    /// None while it is polled, so that one which panics is not polled again.
    enter: Option<Pin<Box<F>>>,
    home: Option<Handle>,
}

impl<F, G> Future for Entering<F, G>
where
    F: Future<Output = Result<G, G::Error>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut enter = self.enter.take().expect("it is polled until it is ready, and has not panicked");
        let polled = enter.as_mut().poll(cx);
        if polled.is_pending() {
            self.enter = Some(enter);
            self.home.remember();
        }
        polled
    }
}

impl<F, G> Drop for Entering<F, G>
where
    F: Future<Output = Result<G, G::Error>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
{
    fn drop(&mut self) {
        let Some(enter) = self.enter.take() else { return };
        let rest = async move {
            // Inside of this one, which is over when that is; with a grace of its own.
            G::OnDrop::cancel(enter.await?, ChildCleanups::default(), Default::default());
            Ok::<_, G::Error>(())
        };
        Cleanup::new(rest).name(type_name::<G>()).fallback_runtime(self.home.take()).detach();
    }
}
