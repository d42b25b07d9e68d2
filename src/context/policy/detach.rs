use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;

use super::sealed::{Exited, Home, Policy};
use super::{AsyncGuard, grace_period};
use crate::cleanup::{ChildCleanups, Cleanup, with_children};
use crate::context::ExitReason;
use crate::context::fault::Fault;

/// Exited as a [cleanup](crate::cleanup), and never broken off: the exit that has begun is the one that ends. The guard is
/// owned.
///
/// Dropped in the block, `aexit` is called with [`ExitReason::Cancelled`]. Dropped in the exit, the same future goes on: it is
/// boxed as it begins, which is one allocation.
///
/// # Examples
///
/// See [`AsyncContextManager`](crate::context::AsyncContextManager).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Detach;

impl<G: AsyncGuard + Send + 'static> Policy<G> for Detach {
    const OWNED: bool = true;

    type Home = Option<Handle>;

    fn exit<E: Send + 'static, N: Send + 'static>(
        mut guard: G,
        mut fault: Option<Fault<E, N>>,
        home: Option<Handle>,
    ) -> impl Future<Output = Exited<G, E, N>> + Send {
        let grace = grace_period(&guard);
        let exit = Box::pin(async move {
            let result = with_children(guard.aexit(Fault::exit(&mut fault))).await;
            (result, fault)
        });
        Shield { exit: Some(exit), name: type_name::<G>(), grace, home }
    }

    fn cancel(guard: G, inner: ChildCleanups, home: Option<Handle>) {
        cancelled(guard, inner, home);
    }
}

/// Detaches the exit of what was dropped.
pub(super) fn cancelled<G: AsyncGuard + Send + 'static>(
    mut guard: G,
    inner: ChildCleanups,
    home: Option<Handle>,
) {
    let grace = grace_period(&guard);
    let exit = async move { guard.aexit(ExitReason::Cancelled).await.map(drop) };
    Cleanup::new(exit)
        .name(type_name::<G>())
        .grace_period(grace)
        .fallback_runtime(home)
        .wait_for_children(inner)
        .detach();
}

/// An exit that goes on where it is when it is dropped.
struct Shield<F, V, X, T>
where
    F: Future<Output = (Result<V, X>, T)> + Send + 'static,
    X: Send + 'static,
{
    /// None while it is polled, so that one which panics is not polled again.
    exit: Option<Pin<Box<F>>>,
    name: &'static str,
    grace: Duration,
    home: Option<Handle>,
}

impl<F, V, X, T> Future for Shield<F, V, X, T>
where
    F: Future<Output = (Result<V, X>, T)> + Send + 'static,
    X: Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut exit = self.exit.take().expect("it is polled until it is ready, and has not panicked");
        let polled = exit.as_mut().poll(cx);
        if polled.is_pending() {
            self.exit = Some(exit);
            self.home.remember();
        }
        polled
    }
}

impl<F, V, X, T> Drop for Shield<F, V, X, T>
where
    F: Future<Output = (Result<V, X>, T)> + Send + 'static,
    X: Send + 'static,
{
    fn drop(&mut self) {
        if let Some(exit) = self.exit.take() {
            let rest = async move { exit.await.0.map(drop) };
            Cleanup::new(rest)
                .name(self.name)
                .grace_period(self.grace)
                .fallback_runtime(self.home.take())
                .detach();
        }
    }
}
