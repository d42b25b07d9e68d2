use tokio::runtime::Handle;

use super::detach::detach_exit;
use crate::cleanup::ChildCleanups;
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::Policy;

/// A drop policy that runs a dropped exit again, as a [cleanup](crate::cleanup): `aexit` may be called twice. The guard
/// must be owned.
///
/// It is for idempotent exits, such as releasing a lease by its number. The second call receives
/// [`ExitReason::Cancelled`](crate::context::ExitReason), and finds the guard in the state in which the first call
/// left it. An exit that panics is not called again. The policy allocates only if the exit is dropped.
///
/// The second call has the [surroundings](super::Detach#surroundings) of a cleanup.
///
/// # Examples
///
/// ```
/// use std::collections::HashSet;
/// use std::convert::Infallible;
/// use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, Restart, async_with};
///
/// struct Leases(HashSet<u32>);
///
/// impl AsyncGuard for Leases {
///     type Target = HashSet<u32>;
///     type Error = Infallible;
///     type Suppression = ();
///     type OnDrop = Restart;
///     fn target(&mut self) -> &mut HashSet<u32> {
///         &mut self.0
///     }
///     async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
///         while let Some(&lease) = self.0.iter().next() {
///             tokio::task::yield_now().await; // release it; releasing it twice does no harm
///             self.0.remove(&lease);
///         }
///         Ok(())
///     }
/// }
/// # impl AsyncContextManager for Leases {
/// #     type Guard = Self;
/// #     async fn aenter(self) -> Result<Self, Infallible> { Ok(self) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// async_with!(leases = Leases(HashSet::new()) => { leases.insert(7) });
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Restart;

impl<G: AsyncGuard + Send + 'static> Policy<G> for Restart {
    const RESTARTABLE: bool = true;

    type Runtime = Option<Handle>;

    fn on_drop(guard: G, children: ChildCleanups, runtime: Option<Handle>) {
        // Whether the block or the exit was dropped, `aexit` is called from its beginning.
        detach_exit(guard, children, runtime);
    }
}
