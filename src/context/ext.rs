use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use super::guard::AsyncGuard;
use super::guard::sealed::Policy;
use super::manager::{AsyncContextManager, ManagerError};
use super::scope::state::RuntimeSlot as _;
use crate::cleanup::{ChildCleanups, Cleanup, short_type_name};

/// Adapters for every [`AsyncContextManager`].
pub trait AsyncContextManagerExt: AsyncContextManager {
    /// Protects the enter from cancellation: if its future is dropped, the enter runs to completion as a
    /// [cleanup](crate::cleanup), and the guard is then exited at once, as its drop policy decides.
    ///
    /// Use it for managers whose interrupted enter would leak a resource, such as a lease that the server grants while
    /// the program no longer waits for the response. The enclosing scopes wait for the cleanup. The exit receives
    /// [`ExitReason::Cancelled`](super::ExitReason::Cancelled). The grace period of the enter is 30 seconds, that of
    /// the exit is the [guard's](AsyncGuard::grace_period). Entering takes one allocation.
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
    #[doc(alias("shield", "cancellation safe"))]
    fn shield_enter(self) -> ShieldEnter<Self>
    where
        Self: Send + 'static,
        Self::Guard: Send + 'static,
    {
        ShieldEnter(self)
    }
}

impl<M: AsyncContextManager> AsyncContextManagerExt for M {}

/// A manager whose enter always runs to completion. Created by [`shield_enter`](AsyncContextManagerExt::shield_enter).
#[derive(Debug)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct ShieldEnter<M>(M);

impl<M> AsyncContextManager for ShieldEnter<M>
where
    M: AsyncContextManager + Send + 'static,
    M::Guard: Send + 'static,
{
    type Guard = M::Guard;

    async fn aenter(self) -> Result<M::Guard, ManagerError<M>> {
        ShieldedEnter::<_, M::Guard> { enter: Some(Box::pin(self.0.aenter())), runtime: None }.await
    }
}

struct ShieldedEnter<F, G>
where
    F: Future<Output = Result<G, G::Error>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
{
    /// `None` during a poll, so that an enter that panicked is not polled again.
    enter: Option<Pin<Box<F>>>,
    runtime: Option<Handle>,
}

impl<F, G> Future for ShieldedEnter<F, G>
where
    F: Future<Output = Result<G, G::Error>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut enter = self.enter.take().expect("enter polled after completion or a panic");
        let polled = enter.as_mut().poll(cx);
        if polled.is_pending() {
            self.enter = Some(enter);
            self.runtime.capture_current();
        }
        polled
    }
}

impl<F, G> Drop for ShieldedEnter<F, G>
where
    F: Future<Output = Result<G, G::Error>> + Send + 'static,
    G: AsyncGuard + Send + 'static,
{
    fn drop(&mut self) {
        // `None` if the enter has completed or panicked.
        let Some(enter) = self.enter.take() else { return };
        let rest = async move {
            // The exit is nested in this cleanup, which completes after the exit. The exit has its own grace period.
            G::OnDrop::on_drop(enter.await?, ChildCleanups::default(), Default::default());
            Ok::<_, G::Error>(())
        };
        Cleanup::new(rest)
            .name(short_type_name::<G>())
            .fallback_runtime(self.runtime.take())
            .in_place()
            .detach();
    }
}
