use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

use super::AsyncGuard;
use super::fault::Fault;
use super::policy::sealed::{Exited, Home, Policy};
use crate::cleanup::{ChildCleanups, TrackingScope};

type HomeOf<G> = <<G as AsyncGuard>::OnDrop as Policy<G>>::Home;

/// What has been entered and not been exited: dropped in between, its policy says what becomes of it.
pub struct Scope<G: AsyncGuard> {
    /// None when it has been exited, or is exited in a future that owns it.
    guard: Option<G>,
    /// In the middle of a poll of its exit: if it is dropped then, that has panicked, and is not to begin anew.
    is_polled: bool,
    rest: Rest<HomeOf<G>>,
}

/// What a scope keeps beside its guard.
#[derive(Debug, Default)]
pub struct Rest<H> {
    pub(super) inner: ChildCleanups,
    pub(super) home: H,
}

impl<G: AsyncGuard> Scope<G> {
    #[inline]
    pub fn new(guard: G) -> Self {
        Self { guard: Some(guard), is_polled: false, rest: Rest::default() }
    }

    /// The type of its guard, for when it is gone.
    #[inline]
    pub fn of(&self) -> PhantomData<fn(G)> {
        PhantomData
    }

    /// The target, what interrupts the block, and what is kept for the exit.
    #[inline]
    pub fn parts(&mut self) -> (&mut G::Target, impl Future<Output = ()> + Send, &mut Rest<HomeOf<G>>) {
        let guard = self.guard.as_mut().expect("it has not been exited");
        let (target, interrupt) = guard.target_and_interrupt();
        (target, interrupt, &mut self.rest)
    }

    /// Whether the exit is to own its guard.
    #[inline]
    pub const fn is_owned(&self) -> bool {
        G::OnDrop::OWNED
    }

    /// Whether an exit that is dropped in its middle is to begin anew.
    #[inline]
    pub const fn is_watched(&self) -> bool {
        G::OnDrop::RESTARTED
    }

    /// Whether something that was detached inside is still to be waited for, by [`wait`](Self::wait).
    #[inline]
    pub fn has_inner(&self) -> bool {
        !self.rest.inner.is_empty()
    }

    /// Waits until all that was detached inside is over.
    #[cold]
    pub async fn wait(&mut self) {
        self.rest.home.remember();
        self.rest.inner.wait().await;
        self.rest.inner = ChildCleanups::default();
    }

    /// The exit, in a future that owns the guard.
    #[inline]
    pub fn owned_exit<E, N>(
        &mut self,
        fault: Option<Fault<E, N>>,
    ) -> impl Future<Output = Exited<G, E, N>> + Send + use<E, N, G>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let guard = self.guard.take().expect("it is exited once");
        G::OnDrop::exit(guard, fault, std::mem::take(&mut self.rest.home))
    }

    /// The exit, in a future that borrows the guard, of which nobody has to know how far it came; [`exited`](Self::exited)
    /// is to be called after it.
    #[inline]
    pub fn plain_exit<E, N>(
        &mut self,
        fault: &mut Option<Fault<E, N>>,
    ) -> impl Future<Output = Result<G::Suppression, G::Error>> + Send
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        self.guard.as_mut().expect("it is exited once").aexit(Fault::exit(fault))
    }

    /// The exit, in a future that borrows the guard; [`exited`](Self::exited) is to be called after it.
    #[inline]
    pub fn watched_exit<E, N>(
        &mut self,
        fault: &mut Option<Fault<E, N>>,
    ) -> impl Future<Output = Result<G::Suppression, G::Error>> + Send
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let guard = self.guard.as_mut().expect("it is exited once");
        // One that panics before it gives a future has been called, too.
        self.is_polled = true;
        let exit = guard.aexit(Fault::exit(fault));
        Watched { exit: Some(exit), is_polled: &mut self.is_polled, rest: &mut self.rest }
    }

    /// The guard is not needed any more. When what was detached inside the exit is over, nothing else is left: no
    /// destructor has to find that out.
    #[inline]
    pub fn exited(&mut self) {
        self.guard = None;
        self.rest.home = HomeOf::<G>::default();
    }
}

/// Exits a scope with a fault, when all that was detached inside is over, and gives what the exit and the fault are then.
/// What the exit detaches is inside of it, where the exit is a cleanup when nobody awaits it; where it is a destructor, it
/// is left to the scopes around, since one more extent would cost as much as the rest.
/// Dropped in the middle, it does what the policy says.
///
/// Not a function, since one more future inside of those around it costs as much as all the rest.
#[doc(hidden)]
#[macro_export]
macro_rules! __exit_scope {
    ($scope:ident, $fault:expr) => {{
        if $scope.has_inner() {
            $scope.wait().await;
        }
        let result = if $scope.is_owned() {
            let (result, fault) = $scope.owned_exit($fault.take()).await;
            $fault = fault;
            result
        } else if $scope.is_watched() {
            $scope.watched_exit(&mut $fault).await
        } else {
            $scope.plain_exit(&mut $fault).await
        };
        $scope.exited();
        if $scope.is_watched() && $scope.has_inner() {
            $scope.wait().await;
        }
        $crate::context::expansion::forget($scope);
        result
    }};
}

impl<G: AsyncGuard> Drop for Scope<G> {
    #[inline]
    fn drop(&mut self) {
        let Rest { inner, home } = std::mem::take(&mut self.rest);
        match self.guard.take() {
            Some(guard) if !self.is_polled => G::OnDrop::cancel(guard, inner, home),
            guard => {
                // The guard's destructor may panic.
                inner.reparent();
                drop(guard);
            }
        }
    }
}

/// An exit that borrows its guard: what is detached while it is polled or dropped, is inside of it.
#[pin_project(PinnedDrop)]
struct Watched<'s, F, H> {
    /// None when it is over.
    #[pin]
    exit: Option<F>,
    is_polled: &'s mut bool,
    rest: &'s mut Rest<H>,
}

impl<F: Future, H: Home> Future for Watched<'_, F, H> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Rest { inner, home } = &mut **this.rest;
        let _extent = TrackingScope::open(inner);
        **this.is_polled = true;
        let exit = this.exit.as_mut().as_pin_mut().expect("it is polled until it is ready");
        let polled = exit.poll(cx);
        **this.is_polled = false;
        if polled.is_pending() {
            home.remember();
        } else {
            this.exit.set(None);
        }
        polled
    }
}

#[pinned_drop]
impl<F, H> PinnedDrop for Watched<'_, F, H> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.exit.is_some() {
            let _extent = TrackingScope::open(&mut this.rest.inner);
            this.exit.set(None);
        }
    }
}
