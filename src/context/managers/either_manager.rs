use std::any::type_name;
use std::time::Duration;

use super::option::SameAsInner;
use crate::cleanup::{ChildCleanups, DEFAULT_GRACE_PERIOD, Name};
use crate::context::error::EitherError;
use crate::context::exit_reason::ExitReason;
use crate::context::guard::sealed::{ExitResult, Policy};
use crate::context::guard::{AsyncGuard, ExitPolicy};
use crate::context::manager::{AsyncContextManager, ManagerError};
use crate::context::scope::failure::BlockFailure;
use crate::context::suppression::Suppression;

/// One of two managers of different types: the value of an `if` with an `else`, or of a `match`.
///
/// The target is an [`EitherGuard`], of which [`get`](EitherGuard::get) returns the manager's target if both managers
/// have the same type of target, and [`first`](EitherGuard::first) and [`second`](EitherGuard::second) if they do not.
/// The error is an [`EitherError`]; in [`async_with!`](macro@crate::async_with), the error of the only manager that can
/// fail, or of both if their errors have the same type. The exit can suppress errors if that of one of them can.
///
/// For more than two managers, nest it. For a manager that is entered only under some condition, use an [`Option`]. For
/// any number of managers, use an [`AsyncExitStack`](crate::context::AsyncExitStack).
///
/// # Examples
///
/// ```
/// use tokio::sync::Mutex;
/// use withal::context::{EitherManager, async_with, nullcontext};
///
/// async fn next(shared: Option<&Mutex<u32>>) -> u32 {
///     let manager = match shared {
///         Some(counter) => EitherManager::First(counter),
///         None => EitherManager::Second(nullcontext(0)),
///     };
///     async_with!(counter = manager => {
///         *counter.get() += 1;
///         *counter.get()
///     })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(next(Some(&Mutex::new(6))).await, 7);
/// assert_eq!(next(None).await, 1);
/// # }
/// ```
#[doc(alias("Either", "if", "else", "match"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a manager does nothing unless it is entered"]
pub enum EitherManager<A, B> {
    /// The first manager.
    First(A),
    /// The second manager.
    Second(B),
}

impl<A, B> AsyncContextManager for EitherManager<A, B>
where
    A: AsyncContextManager<Guard: Send> + Send,
    B: AsyncContextManager<Guard: Send> + Send,
{
    type Guard = EitherGuard<A::Guard, B::Guard>;

    async fn aenter(self) -> Result<Self::Guard, EitherError<ManagerError<A>, ManagerError<B>>> {
        match self {
            Self::First(manager) => {
                manager.aenter().await.map(EitherGuard::first_of).map_err(EitherError::First)
            }
            Self::Second(manager) => {
                manager.aenter().await.map(EitherGuard::second_of).map_err(EitherError::Second)
            }
        }
    }
}

/// The guard of an [`EitherManager`], and the target that it lends to the block.
#[derive(Debug)]
pub struct EitherGuard<A, B>(Entered<A, B>);

#[derive(Debug)]
enum Entered<A, B> {
    /// `None` after an exit has taken the guard.
    First(Option<A>),
    Second(Option<B>),
}

fn held<G>(guard: &mut Option<G>) -> &mut G {
    guard.as_mut().expect("guard used after its exit")
}

impl<A, B> EitherGuard<A, B> {
    fn first_of(guard: A) -> Self {
        Self(Entered::First(Some(guard)))
    }

    fn second_of(guard: B) -> Self {
        Self(Entered::Second(Some(guard)))
    }
}

impl<A: AsyncGuard, B: AsyncGuard> EitherGuard<A, B> {
    /// Returns the manager's target, if both managers have the same type of target.
    #[doc(alias("target", "into_inner"))]
    pub fn get(&mut self) -> &mut A::Target
    where
        B: AsyncGuard<Target = A::Target>,
    {
        match &mut self.0 {
            Entered::First(guard) => held(guard).target(),
            Entered::Second(guard) => held(guard).target(),
        }
    }

    /// Returns the target of the first manager, or `None` if the second one was entered.
    pub fn first(&mut self) -> Option<&mut A::Target> {
        match &mut self.0 {
            Entered::First(guard) => Some(held(guard).target()),
            Entered::Second(_) => None,
        }
    }

    /// Returns the target of the second manager, or `None` if the first one was entered.
    pub fn second(&mut self) -> Option<&mut B::Target> {
        match &mut self.0 {
            Entered::First(_) => None,
            Entered::Second(guard) => Some(held(guard).target()),
        }
    }
}

/// The suppression of either guard: `bool` if that of one of them is.
type EitherSuppression<A, B> =
    <<A as AsyncGuard>::Suppression as Suppression>::Or<<B as AsyncGuard>::Suppression>;

impl<A, B> AsyncGuard for EitherGuard<A, B>
where
    A: AsyncGuard + Send,
    B: AsyncGuard + Send,
{
    type Target = Self;
    type Error = EitherError<A::Error, B::Error>;
    type Suppression = EitherSuppression<A, B>;
    type OnDrop = SameAsInner;

    #[inline]
    fn target(&mut self) -> &mut Self {
        self
    }

    fn grace_period(&self) -> Duration {
        match &self.0 {
            Entered::First(guard) => guard.as_ref().map_or(DEFAULT_GRACE_PERIOD, A::grace_period),
            Entered::Second(guard) => guard.as_ref().map_or(DEFAULT_GRACE_PERIOD, B::grace_period),
        }
    }

    fn name(&self) -> &'static str {
        match &self.0 {
            Entered::First(guard) => guard.as_ref().map_or_else(type_name::<A>, A::name),
            Entered::Second(guard) => guard.as_ref().map_or_else(type_name::<B>, B::name),
        }
    }

    fn report_name(&self) -> Name {
        match &self.0 {
            Entered::First(guard) => guard.as_ref().map_or_else(Name::of_type::<A>, A::report_name),
            Entered::Second(guard) => guard.as_ref().map_or_else(Name::of_type::<B>, B::report_name),
        }
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<EitherSuppression<A, B>, Self::Error> {
        match &mut self.0 {
            Entered::First(guard) => first::<A, B>(held(guard).aexit(exit).await),
            Entered::Second(guard) => second::<A, B>(held(guard).aexit(exit).await),
        }
    }
}

type EitherResult<A, B> =
    Result<EitherSuppression<A, B>, EitherError<<A as AsyncGuard>::Error, <B as AsyncGuard>::Error>>;

fn first<A: AsyncGuard, B: AsyncGuard>(result: Result<A::Suppression, A::Error>) -> EitherResult<A, B> {
    result.map(Suppression::or).map_err(EitherError::First)
}

fn second<A: AsyncGuard, B: AsyncGuard>(result: Result<B::Suppression, B::Error>) -> EitherResult<A, B> {
    result.map(A::Suppression::or_from).map_err(EitherError::Second)
}

impl<A, B> ExitPolicy<EitherGuard<A, B>> for SameAsInner
where
    A: AsyncGuard + Send,
    B: AsyncGuard + Send,
{
}

impl<A, B> Policy<EitherGuard<A, B>> for SameAsInner
where
    A: AsyncGuard + Send,
    B: AsyncGuard + Send,
{
    type Runtime = (<A::OnDrop as Policy<A>>::Runtime, <B::OnDrop as Policy<B>>::Runtime);

    async fn exit<'s, E: Send + 'static, N: Send + 'static>(
        guard: &'s mut Option<EitherGuard<A, B>>,
        children: &'s mut ChildCleanups,
        runtime: &'s mut Self::Runtime,
        failure: &'s mut Option<BlockFailure<E, N>>,
    ) -> ExitResult<EitherGuard<A, B>> {
        // The policies may differ. Each finds its guard in its own place.
        match guard.as_mut().map(|guard| &mut guard.0) {
            Some(Entered::First(guard)) => {
                first::<A, B>(A::OnDrop::exit(guard, children, &mut runtime.0, failure).await)
            }
            Some(Entered::Second(guard)) => {
                second::<A, B>(B::OnDrop::exit(guard, children, &mut runtime.1, failure).await)
            }
            None => unreachable!("scope exited twice"),
        }
    }

    fn on_drop(guard: EitherGuard<A, B>, children: ChildCleanups, runtime: Self::Runtime) {
        match guard.0 {
            Entered::First(Some(guard)) => A::OnDrop::on_drop(guard, children, runtime.0),
            Entered::Second(Some(guard)) => B::OnDrop::on_drop(guard, children, runtime.1),
            // The exit has taken the guard, and was dropped.
            Entered::First(None) | Entered::Second(None) => children.reparent(),
        }
    }
}
