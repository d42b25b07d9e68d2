//! The one file with `unsafe`: the pointer from a body to the mailbox that it shares with its driver.
//!
//! A [`BodyCell`] holds two pinned fields: the future of the body, and the [`Mailbox`] through which the body and its
//! driver exchange values. The [`Yielder`], which the body owns, points to the mailbox. The mailbox consists of
//! `Cell`s, so no reference into it is ever exclusive. The invariants below show that the pointer is valid, and that
//! only one thread at a time uses it.
//!
//! # Invariants
//!
//! 1. **Created pinned.** A `Yielder` is created in `BodyCell::create_body` only, from a `Pin<&mut BodyCell>`, at the
//!    first poll. `Mailbox` is not `Unpin`, and `pin_project` pins it together with the cell. From then on, the mailbox
//!    stays at its address until it is dropped.
//! 2. **Branded.** A body is a `for<'g> AsyncFnOnce(Yielder<'g, ..>)`, the only kind that [`body_cell`] accepts. The
//!    body has to accept every `'g`, and `'g` is invariant. Therefore nothing outside of the body can hold its yielder:
//!    no variable, no channel, no task, no yielder of another body. The yielder lives in the future of the body, or is
//!    dropped by it.
//! 3. **Outlived.** `body` is declared before `mailbox`, and is therefore dropped before it, on every path: completion,
//!    panic and drop. A local variable of the body that yields in its `Drop` still finds the mailbox. By the pinning
//!    guarantee, the memory of the cell is not reused before the cell is dropped. A cell that is leaked leaks both.
//! 4. **Not concurrent.** The driver reaches the mailbox through `&BodyCell` and `Pin<&mut BodyCell>`, and `BodyCell`
//!    is not `Sync`. The body reaches it through a `&mut Yielder` or `&Yielder`, and `Yielder` is not `Sync`. The body
//!    runs inside of `poll_body`, `drop_body` or drop, which borrow the cell exclusively; meanwhile, the driver waits
//!    and uses nothing. A body that lends its yielder to another thread must get it back before it returns (2), which
//!    orders the accesses of both threads.
//! 5. **Not read.** Local variables of the body may be borrowed exclusively across a yield. A shared reference to the
//!    cell, as that of `mailbox`, must not count as a read of them. Therefore the body is in an `UnsafeCell`
//!    (`Unread`), of which only `Unread::body` creates a reference, an exclusive and pinned one.

use std::cell::UnsafeCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::mailbox::Mailbox;
use super::throw::GeneratorExit;

/// The handle by which a body yields values: [`yield_`](Yielder::yield_) is Python's `yield`.
///
/// The body receives its yielder as an argument, and lends it to helper functions as `&mut Yielder<'_, ..>`. The body
/// yields values of type `Y` and receives values of type `S`. A yield fails with a `T`, which is [`GeneratorExit`], or
/// [`Thrown<E>`](super::Thrown) if errors can be thrown in.
///
/// A yielder is `Send` if `Y`, `S` and `T` are, so it never prevents a body from being `Send`. The lifetime `'g` ties
/// the yielder to one body, and the yielder cannot leave it:
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
/// A body whose values are not `Send` is not `Send` either:
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
pub struct Yielder<'g, Y = (), S = (), T = GeneratorExit> {
    mailbox: NonNull<Mailbox<Y, S, T>>,
    brand: PhantomData<fn(&'g ()) -> &'g ()>,
}

// SAFETY: invariant 4. Through the yielder, values of these three types move to the thread that owns the yielder. The
// only other values that move there are wakers, which are `Send` and `Sync`.
unsafe impl<Y: Send, S: Send, T: Send> Send for Yielder<'_, Y, S, T> {}

impl<'g, Y, S, T> Yielder<'g, Y, S, T> {
    #[inline]
    pub(super) fn mailbox(&self) -> &Mailbox<Y, S, T> {
        // SAFETY: the mailbox was at this address when the yielder was created, and exists for as long as the body
        // (invariants 1 and 3), which contains the yielder (2). All references to the mailbox are shared ones; for
        // threads, see 4.
        unsafe { self.mailbox.as_ref() }
    }

    /// Borrows the yielder for a future, which then reaches the mailbox without a detour through the yielder.
    #[inline]
    pub(super) fn reborrow<'a>(&'a mut self) -> BorrowedYielder<'a, 'g, Y, S, T> {
        let yielder = Yielder { mailbox: self.mailbox, brand: PhantomData };
        BorrowedYielder { yielder, borrow: PhantomData }
    }
}

/// A copy of a [`Yielder`] that borrows it exclusively, as `&'a mut Yielder` does, and stays in the body with it (2).
///
/// The copy is not handed out, so it does not outlive `'a`.
pub(super) struct BorrowedYielder<'a, 'g, Y, S, T> {
    yielder: Yielder<'g, Y, S, T>,
    borrow: PhantomData<&'a mut Yielder<'g, Y, S, T>>,
}

impl<Y, S, T> BorrowedYielder<'_, '_, Y, S, T> {
    #[inline]
    pub(super) fn mailbox(&self) -> &Mailbox<Y, S, T> {
        self.yielder.mailbox()
    }
}

/// A body and its mailbox, with the types of the closure and its future erased.
pub(super) trait PinnedBody {
    type Yield;
    type Sent;
    type Thrown;
    type Output;

    /// The mailbox, to be used between the polls of the body only.
    fn mailbox(&self) -> &Mailbox<Self::Yield, Self::Sent, Self::Thrown>;

    /// Polls the body, which is created at the first poll. Returns `None` once the body has been dropped.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Poll<Self::Output>>;

    /// Drops the body at once.
    fn drop_body(self: Pin<&mut Self>);
}

/// Creates a cell for a body that has not started. Inlined, so that it is created in place.
#[inline(always)]
pub(super) fn body_cell<Y, S, T, O, F>(
    body: F,
) -> impl PinnedBody<Yield = Y, Sent = S, Thrown = T, Output = O>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, T>) -> O,
{
    // The body accepts a yielder with any `'g`, and so also the `'static` that the types of the cell use.
    named_cell(move |yielder| body(yielder))
}

/// Private to this file, because `create` accepts a yielder with the lifetime `'static` only: invariant 2 is not
/// checked here.
#[inline(always)]
fn named_cell<Y, S, T, C, B>(create: C) -> BodyCell<Y, S, T, C, B>
where
    C: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    BodyCell { body: BodyState::Initial(create), mailbox: Mailbox::new() }
}

/// The order of the fields is invariant 3.
#[pin_project]
struct BodyCell<Y, S, T, C, B> {
    #[pin]
    body: BodyState<C, B>,
    #[pin]
    mailbox: Mailbox<Y, S, T>,
}

#[pin_project(project = BodyStateProj, project_replace = BodyStateOwned)]
enum BodyState<C, B> {
    /// The closure that creates the body.
    Initial(C),
    Running(#[pin] Unread<B>),
    Dropped,
}

/// A pinned value that shared references to its owner do not read.
struct Unread<B>(UnsafeCell<B>);

impl<B> Unread<B> {
    #[inline]
    fn body(self: Pin<&mut Self>) -> Pin<&mut B> {
        // SAFETY: the value is pinned whenever its owner is. No code moves it out, `Unread` has no destructor of its own,
        // and is `Unpin` only if the value is. The reference is exclusive, as `self` is (5).
        unsafe { self.map_unchecked_mut(|unread| unread.0.get_mut()) }
    }
}

impl<Y, S, T, C, B> BodyCell<Y, S, T, C, B>
where
    C: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    /// Creates the body if it has not been created before.
    #[cold]
    fn create_body(self: Pin<&mut Self>) {
        let mut this = self.project();
        // Replace the state before the closure is called: if the closure panics, there is nothing left to poll.
        if let BodyStateOwned::Initial(create) = this.body.as_mut().project_replace(BodyState::Dropped) {
            let mailbox = NonNull::from(this.mailbox.as_ref().get_ref());
            let body = create(Yielder { mailbox, brand: PhantomData });
            this.body.set(BodyState::Running(Unread(UnsafeCell::new(body))));
        }
    }
}

impl<Y, S, T, C, B> PinnedBody for BodyCell<Y, S, T, C, B>
where
    C: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    type Yield = Y;
    type Sent = S;
    type Thrown = T;
    type Output = B::Output;

    #[inline]
    fn mailbox(&self) -> &Mailbox<Y, S, T> {
        &self.mailbox
    }

    #[inline(always)]
    fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Poll<B::Output>> {
        // Both rare states take this branch. If the body has been dropped, `create_body` does nothing.
        if !matches!(self.body, BodyState::Running(_)) {
            self.as_mut().create_body();
        }
        // The only call of the body's `poll`, so that it is inlined here.
        match self.project().body.project() {
            BodyStateProj::Running(unread) => Some(unread.body().poll(cx)),
            _ => None,
        }
    }

    #[inline]
    fn drop_body(self: Pin<&mut Self>) {
        self.project().body.set(BodyState::Dropped);
    }
}
