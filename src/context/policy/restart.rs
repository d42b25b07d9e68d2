use tokio::runtime::Handle;

use super::AsyncGuard;
use super::detach::cancelled;
use super::sealed::Policy;
use crate::cleanup::ChildCleanups;

/// Exited as a [cleanup](crate::cleanup), from the start if it was dropped in the middle: `aexit` may be called twice. The
/// guard is owned.
///
/// It needs no allocation unless it comes to that. The second call is with [`ExitReason::Cancelled`](crate::context::ExitReason), and
/// finds what the first one had done until then; an exit that panics is not called again.
///
/// # Examples
///
/// For what can be said twice: "give up lease 7". See [`AsyncContextManager`](crate::context::AsyncContextManager) for the
/// rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Restart;

impl<G: AsyncGuard + Send + 'static> Policy<G> for Restart {
    const RESTARTED: bool = true;

    type Home = Option<Handle>;

    fn cancel(guard: G, inner: ChildCleanups, home: Option<Handle>) {
        cancelled(guard, inner, home);
    }
}
