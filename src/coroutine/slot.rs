//! The one file with `unsafe`: how a body reaches what it shares with whoever drives it.
//!
//! A [`Slot`] holds the two side by side, pinned: the body's future, and the [`Exchange`] through which values go in
//! and out. The [`Yielder`] in the body's hands points at the exchange. Everything in the exchange is a `Cell`, so no
//! reference into it is ever exclusive; what has to be shown is that the pointer is good, and that one thread at a time
//! uses it.
//!
//! Invariants
//!
//! 1. **Born pinned.** A `Yielder` is made in `Slot::make_body` alone, out of a `Pin<&mut Slot>`, at the first poll.
//!    `Exchange` is not `Unpin` and `pin_project` pins it with the slot: from then on it stays where it is, until it is
//!    dropped.
//! 2. **Branded.** A body is `for<'g> AsyncFnOnce(Yielder<'g, ..>)`, the only kind that [`cradle`] takes. As it must
//!    accept every `'g`, and `'g` is invariant, nothing that it can name from outside can hold its yielder: no
//!    variable, no channel, no task, no yielder of another body. The yielder lives in the body's future, or is dropped
//!    by it.
//! 3. **Outlived.** `body` is declared before `exchange` and so dropped before it, on every path: end, panic, drop. A
//!    local of the body that yields in its `Drop` still finds the exchange. The pinning promise excludes that the
//!    memory of the slot is used again without a drop, so a slot that is leaked leaks both.
//! 4. **One at a time.** The driver's side is reached through `&Slot` and `Pin<&mut Slot>`, and `Slot` is not `Sync`;
//!    the body's side through `&mut Yielder` or `&Yielder` of one that is not `Sync`. The body runs inside `poll_body`,
//!    `end` or drop, which have the slot borrowed exclusively; the driver waits for them meanwhile, and touches
//!    nothing. A body that lends its yielder to another thread must have it back before it returns (2), which orders
//!    what both did.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::exchange::Exchange;

/// The body's handle on whoever drives it: [`yield_`](Yielder::yield_) is Python's `yield`.
///
/// A body gets one as its argument, and lends it on to helpers as `&mut Yielder<'_, ..>`. `Y` goes out, `S` comes in,
/// and `T` is what can be raised at a yield: [`GeneratorExit`](super::GeneratorExit), or [`Thrown<E>`](super::Thrown) where an error can
/// be thrown.
///
/// It is `Send` when `Y`, `S` and `T` are, so that it never keeps a body from being `Send`. The lifetime `'g` is of the
/// body's run: the yielder cannot leave the body, whichever way.
///
/// ```compile_fail
/// use withal::coroutine::{GeneratorExit, Yielder, coroutine};
/// let mut kept = None;
/// let body = coroutine(async |y: Yielder<'_, u8>| {
///     kept = Some(y);
///     Ok::<(), GeneratorExit>(())
/// });
/// ```
///
/// Nor does it make a body `Send` whose values are not:
///
/// ```compile_fail,E0277
/// use std::cell::Cell;
/// use withal::coroutine::{Yielder, coroutine};
/// fn is_send<T: Send>(_: T) {}
/// is_send(coroutine(async |mut y: Yielder<'_, (), &Cell<u8>>| Ok(y.yield_(()).await?.set(1))));
/// ```
///
/// # Examples
///
/// ```
/// use withal::coroutine::{GeneratorExit, Step, Yielder, coroutine};
///
/// async fn twice(y: &mut Yielder<'_, u32, u32>, n: u32) -> Result<u32, GeneratorExit> {
///     Ok(y.yield_(n).await? + y.yield_(n).await?)
/// }
///
/// let mut sums = coroutine(async |mut y| Ok(twice(&mut y, 7).await? + twice(&mut y, 8).await?));
/// assert_eq!(sums.resume().unwrap(), Step::Yielded(7));
/// assert_eq!(sums.send(1).unwrap(), Step::Yielded(7));
/// assert_eq!(sums.send(2).unwrap(), Step::Yielded(8));
/// ```
pub struct Yielder<'g, Y = (), S = (), T = super::GeneratorExit> {
    exchange: NonNull<Exchange<Y, S, T>>,
    brand: PhantomData<fn(&'g ()) -> &'g ()>,
}

// SAFETY: invariant 4. Through the yielder, values of these three types go to the thread that has it, and nothing else
// does but wakers, which are `Send` and `Sync`.
unsafe impl<Y: Send, S: Send, T: Send> Send for Yielder<'_, Y, S, T> {}

impl<Y, S, T> Yielder<'_, Y, S, T> {
    #[inline]
    pub(super) fn exchange(&self) -> &Exchange<Y, S, T> {
        // SAFETY: it was at this address when the yielder was made, is there as long as the body is (invariants 1 and
        // 3), and the yielder is in the body (2). All references to it are shared ones; for threads, see 4.
        unsafe { self.exchange.as_ref() }
    }
}

/// A body and its exchange, whatever the body's types are.
pub(super) trait Cradle {
    type Yield;
    type Sent;
    type Thrown;
    type Output;

    /// What goes in and out. Only between the polls of the body.
    fn exchange(&self) -> &Exchange<Self::Yield, Self::Sent, Self::Thrown>;

    /// Polls the body, which is made at the first poll; `None` after the end.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Poll<Self::Output>>;

    /// Drops the body, at once.
    fn end(self: Pin<&mut Self>);
}

/// A body that has not begun.
pub(super) fn cradle<Y, S, T, O, F>(body: F) -> impl Cradle<Yield = Y, Sent = S, Thrown = T, Output = O>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, T>) -> O,
{
    // For any `'g`, so also for the one that the slot names it by.
    slot(move |yielder| body(yielder))
}

/// Private to this file, since `make` shows its type for one lifetime alone.
fn slot<Y, S, T, M, B>(make: M) -> Slot<Y, S, T, M, B>
where
    M: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    Slot { body: Body::Fresh(make), exchange: Exchange::new() }
}

/// The order of the fields is invariant 3.
#[pin_project]
struct Slot<Y, S, T, M, B> {
    #[pin]
    body: Body<M, B>,
    #[pin]
    exchange: Exchange<Y, S, T>,
}

#[pin_project(project = BodyProjection, project_replace = BodyTaken)]
enum Body<M, B> {
    Fresh(M),
    Live(#[pin] B),
    Over,
}

impl<Y, S, T, M, B> Slot<Y, S, T, M, B>
where
    M: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    /// Makes the body, unless it is over.
    #[cold]
    fn make_body(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let BodyTaken::Fresh(make) = this.body.as_mut().project_replace(Body::Over) {
            let exchange = NonNull::from(this.exchange.as_ref().get_ref());
            this.body.set(Body::Live(make(Yielder { exchange, brand: PhantomData })));
        }
    }
}

impl<Y, S, T, M, B> Cradle for Slot<Y, S, T, M, B>
where
    M: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    type Yield = Y;
    type Sent = S;
    type Thrown = T;
    type Output = B::Output;

    #[inline]
    fn exchange(&self) -> &Exchange<Y, S, T> {
        &self.exchange
    }

    #[inline(always)]
    fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Poll<B::Output>> {
        if !matches!(self.body, Body::Live(_)) {
            self.as_mut().make_body();
        }
        // At one place, so that it is inlined here.
        match self.project().body.project() {
            BodyProjection::Live(body) => Some(body.poll(cx)),
            _ => None,
        }
    }

    fn end(self: Pin<&mut Self>) {
        self.project().body.set(Body::Over);
    }
}
