use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::AsyncExit;
use super::fault::Fault;
use super::policy::sealed::{Exited, Home, Policy};
use crate::cleanup::Inner;

type HomeOf<G> = <<G as AsyncExit>::OnDrop as Policy<G>>::Home;

/// What has been entered and not been exited: dropped in between, its policy says what becomes of it.
pub struct Scope<G: AsyncExit> {
    /// None when it has been exited, or is exited in a future that owns it.
    guard: Option<G>,
    /// In the middle of a poll of its exit: if it is dropped then, that has panicked.
    is_polled: bool,
    rest: Rest<HomeOf<G>>,
}

/// What a scope keeps beside its guard.
#[derive(Debug, Default)]
pub struct Rest<H> {
    pub(super) inner: Inner,
    pub(super) home: H,
}

impl<G: AsyncExit> Scope<G> {
    #[inline]
    pub fn new(guard: G) -> Self {
        Self { guard: Some(guard), is_polled: false, rest: Rest::default() }
    }

    /// The target, what interrupts the block, and what is kept for the exit.
    #[inline]
    pub fn parts(&mut self) -> (&mut G::Target, impl Future<Output = ()> + Send, &mut Rest<HomeOf<G>>) {
        let guard = self.guard.as_mut().expect("it has not been exited");
        let (target, interrupt) = guard.parts();
        (target, interrupt, &mut self.rest)
    }

    /// Exits, when all that was detached inside is over. Dropped in the middle, it does what the policy says.
    #[inline]
    pub async fn exit<E, N>(&mut self, mut fault: Option<Fault<E, N>>) -> Exited<G, E, N>
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        let Rest { inner, home } = &mut self.rest;
        if !inner.is_empty() {
            home.remember();
            inner.wait().await;
        }
        if G::OnDrop::OWNED {
            let guard = self.guard.take().expect("it is exited once");
            return G::OnDrop::exit(guard, fault, std::mem::take(home)).await;
        }
        let guard = self.guard.as_mut().expect("it is exited once");
        let exit = guard.aexit(Fault::exit(&mut fault));
        let result = Watched { exit, is_polled: &mut self.is_polled, home }.await;
        self.guard = None;
        (result, fault)
    }
}

impl<G: AsyncExit> Drop for Scope<G> {
    #[inline]
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            if !self.is_polled {
                let Rest { inner, home } = std::mem::take(&mut self.rest);
                G::OnDrop::cancel(guard, inner, home);
            }
        }
    }
}

/// An exit that borrows its guard.
#[pin_project]
struct Watched<'s, F, H> {
    #[pin]
    exit: F,
    is_polled: &'s mut bool,
    home: &'s mut H,
}

impl<F: Future, H: Home> Future for Watched<'_, F, H> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        **this.is_polled = true;
        let polled = this.exit.poll(cx);
        **this.is_polled = false;
        if polled.is_pending() {
            this.home.remember();
        }
        polled
    }
}
