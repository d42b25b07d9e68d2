use std::time::Duration;

use crate::cleanup::{ChildCleanups, DEFAULT_GRACE_PERIOD, Name};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::sealed::{ExitResult, Policy};
use crate::context::guard::{AsyncGuard, ExitPolicy};
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::context::scope::failure::BlockFailure;
use crate::context::suppression::Suppression;

/// Enters the manager if there is one.
///
/// The error and the [suppression](AsyncGuard::Suppression) are those of the manager. The target is an [`OptionGuard`],
/// of which [`as_mut`](OptionGuard::as_mut) returns the manager's target.
///
/// # Examples
///
/// ```
/// use tokio::sync::Mutex;
/// use withal::context::async_with;
///
/// async fn add(total: Option<&Mutex<u32>>, n: u32) -> u32 {
///     async_with!(total = total => {
///         match total.as_mut() {
///             Some(total) => { *total += n; *total }
///             None => n,
///         }
///     })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(add(Some(&Mutex::new(1)), 2).await, 3);
/// assert_eq!(add(None, 2).await, 2);
/// # }
/// ```
impl<M: AsyncContextManager<Guard: Send>> AsyncContextManager for Option<M>
where
    M: Send,
{
    type Guard = OptionGuard<M::Guard>;

    async fn aenter(self) -> Result<OptionGuard<M::Guard>, ManagerError<M>> {
        match self {
            Some(manager) => Ok(OptionGuard(Some(manager.aenter().await?))),
            None => Ok(OptionGuard(None)),
        }
    }
}

/// The guard of an optional manager, and the target that it lends to the block.
#[derive(Debug)]
pub struct OptionGuard<G>(Option<G>);

impl<G: AsyncGuard> OptionGuard<G> {
    /// Returns the manager's target, or `None` if there is no manager.
    #[doc(alias = "target")]
    pub fn as_mut(&mut self) -> Option<&mut G::Target> {
        self.0.as_mut().map(G::target)
    }

    /// Returns `true` if a manager was entered.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl<G: AsyncGuard + Send> AsyncGuard for OptionGuard<G> {
    type Target = Self;
    type Error = G::Error;
    type Suppression = G::Suppression;
    type OnDrop = SameAsInner;

    #[inline]
    fn target(&mut self) -> &mut Self {
        self
    }

    fn grace_period(&self) -> Duration {
        self.0.as_ref().map_or(DEFAULT_GRACE_PERIOD, G::grace_period)
    }

    fn name(&self) -> &'static str {
        self.0.as_ref().map_or("None", G::name)
    }

    fn report_name(&self) -> Name {
        self.0.as_ref().map_or_else(|| Name::chosen("None"), G::report_name)
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<G::Suppression, G::Error> {
        match &mut self.0 {
            Some(guard) => guard.aexit(exit).await,
            None => Ok(G::Suppression::NONE),
        }
    }
}

/// The drop policy of a guard that holds another guard: the policy of that guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SameAsInner;

impl<G: AsyncGuard + Send> ExitPolicy<OptionGuard<G>> for SameAsInner {}

impl<G: AsyncGuard + Send> Policy<OptionGuard<G>> for SameAsInner {
    type Runtime = <G::OnDrop as Policy<G>>::Runtime;

    async fn exit<'s, E: Send + 'static, N: Send + 'static>(
        guard: &'s mut Option<OptionGuard<G>>,
        children: &'s mut ChildCleanups,
        runtime: &'s mut Self::Runtime,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> ExitResult<OptionGuard<G>> {
        match guard {
            Some(OptionGuard(guard @ Some(_))) => G::OnDrop::exit(guard, children, runtime, failure).await,
            _ => Ok(G::Suppression::NONE),
        }
    }

    fn on_drop(guard: OptionGuard<G>, children: ChildCleanups, runtime: Self::Runtime) {
        match guard.0 {
            Some(guard) => G::OnDrop::on_drop(guard, children, runtime),
            // There is nothing to exit: the enclosing scopes wait for the children.
            None => children.reparent(),
        }
    }
}
