use std::any::type_name;
use std::convert::Infallible;

use tokio::runtime::Handle;

use super::sealed::Policy;
use super::{AsyncGuard, grace_period};
use crate::cleanup::{ChildCleanups, Cleanup};

/// Dropped with its block, but not before what was detached inside of it is over. The guard is owned.
///
/// As [`DropNow`](super::DropNow), `aexit` is not called then: the guard's destructor is all the exit that is needed. It
/// waits as a [cleanup](crate::cleanup), and only if there is something to wait for.
///
/// # Examples
///
/// The owned guard of a lock, which is not given back while exits inside of it are still at work: see
/// [`LockGuard`](crate::context::LockGuard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DropAfterChildren;

impl<G: AsyncGuard + Send + 'static> Policy<G> for DropAfterChildren {
    type Home = Option<Handle>;

    fn cancel(guard: G, inner: ChildCleanups, home: Option<Handle>) {
        if inner.is_empty() {
            return drop(guard);
        }
        let grace = grace_period(&guard);
        let work = async move {
            drop(guard);
            Ok::<_, Infallible>(())
        };
        Cleanup::new(work)
            .name(type_name::<G>())
            .grace_period(grace)
            .fallback_runtime(home)
            .wait_for_children(inner)
            .detach();
    }
}
