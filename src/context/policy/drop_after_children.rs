use std::convert::Infallible;

use tokio::runtime::Handle;

use crate::cleanup::{ChildCleanups, CleanupOptions};
use crate::context::guard::sealed::Policy;
use crate::context::guard::{AsyncGuard, grace_period};
use crate::panic::drop_quietly;

/// A drop policy that drops the guard after everything that is nested in its block has ended. The guard must be owned.
///
/// As with [`DropNow`](super::DropNow), the destructor is a complete exit: if the block is dropped, `aexit` is not
/// called. The guard waits in a [cleanup](crate::cleanup), and only if there are nested cleanups to wait for.
///
/// # Examples
///
/// The guard of an owned lock has this policy, so that the lock is not released while nested exits are running: see
/// [`LockGuard`](crate::context::LockGuard).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DropAfterChildren;

impl<G: AsyncGuard + Send + 'static> Policy<G> for DropAfterChildren {
    type Runtime = Option<Handle>;

    fn on_drop(guard: G, children: ChildCleanups, runtime: Option<Handle>) {
        // The usual case needs neither a task nor a runtime.
        if children.is_empty() {
            return drop_quietly(guard);
        }
        let (grace_period, name) = (grace_period(&guard), guard.report_name());
        let work = async move {
            drop(guard);
            Ok::<_, Infallible>(())
        };
        CleanupOptions::new(name)
            .grace_period(grace_period)
            .fallback_runtime(runtime)
            .wait_for_children(children)
            .in_place()
            .detach(work);
    }
}
