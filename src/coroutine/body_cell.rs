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
//! 3. **Outlived.** The destructor of `BodyCell` drops the body, and only then its fields, of which the mailbox is one:
//!    on every path, completion, panic and drop, the body is dropped before the mailbox. A local variable of the body
//!    that yields in its `Drop` still finds the mailbox. By the pinning guarantee, the memory of the cell is not reused
//!    before the cell is dropped. A cell that is leaked leaks both.
//! 4. **Not concurrent.** The driver reaches the mailbox through `&BodyCell` and `Pin<&mut BodyCell>`, and `BodyCell`
//!    is not `Sync`. The body reaches it through a `&mut Yielder` or `&Yielder`, and `Yielder` is not `Sync`. The body
//!    runs inside of `poll_body`, `drop_body` or drop, which borrow the cell exclusively; meanwhile, the driver waits
//!    and uses nothing. A body that lends its yielder to another thread must get it back before it returns (2), which
//!    orders the accesses of both threads.
//! 5. **Not read.** Local variables of the body may be borrowed exclusively across a yield. A shared reference to the
//!    cell, as that of `mailbox`, must not count as a read of them. Therefore the body is in an `UnsafeCell`. Only
//!    `Storage::body` and `clear` create references to it, exclusive ones, and the body stays pinned until it is dropped.
//! 6. **Initialized.** `BodyCell::content` names the field of its `Storage` that is initialized: `create` from the
//!    beginning, and `body` from the end of `create_body`. It is set to `Nothing` before the closure is moved out, and
//!    before either is dropped, and to `Body` only after the body was written. So a panic of user code in between leaves
//!    `Nothing`, and no value is used or dropped twice.

use std::cell::UnsafeCell;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};

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
pub(crate) trait PinnedBody {
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

/// Creates a cell for a body that has not started. In a release build, it is created in place. In a debug build, the
/// temporary copies are on the stack only until this function returns.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn body_cell<Y, S, T, O, F>(
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
#[cfg_attr(not(debug_assertions), inline(always))]
fn named_cell<Y, S, T, C, B>(create: C) -> BodyCell<Y, S, T, C, B>
where
    C: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    let storage = Storage { create: ManuallyDrop::new(create) };
    BodyCell { content: Content::Create, storage, mailbox: Mailbox::new() }
}

/// A body and its mailbox. Its destructor drops the storage first (3).
#[pin_project(PinnedDrop)]
struct BodyCell<Y, S, T, C, B> {
    content: Content,
    #[pin]
    storage: Storage<C, B>,
    #[pin]
    mailbox: Mailbox<Y, S, T>,
}

/// The field of the storage that is initialized (6).
#[derive(Clone, Copy, PartialEq)]
enum Content {
    Create,
    Body,
    Nothing,
}

/// The place of a body, and before that of the closure that creates the body.
///
/// A union, because the body is then written to its place, and dropped there, without a copy. In a debug build, an enum
/// would be copied to the stack several times, and a body may take a large part of the stack.
union Storage<C, B> {
    create: ManuallyDrop<C>,
    body: ManuallyDrop<UnsafeCell<B>>,
}

impl<C, B> Storage<C, B> {
    /// Moves the closure out.
    ///
    /// # Safety
    ///
    /// The content was `Create`, and has been changed before the call.
    #[inline]
    unsafe fn take_create(self: Pin<&mut Self>) -> C {
        // SAFETY: only a body is pinned, and there is none. The closure is initialized (6), and is moved out once.
        unsafe { ManuallyDrop::take(&mut self.get_unchecked_mut().create) }
    }

    /// Creates the body in its place.
    ///
    /// # Safety
    ///
    /// The content is `Nothing`, and is changed to `Body` afterwards. If `create` panics, it stays `Nothing`.
    #[inline]
    unsafe fn write_body(self: Pin<&mut Self>, create: impl FnOnce() -> B) {
        // SAFETY: nothing is moved out.
        let place = &raw mut unsafe { self.get_unchecked_mut() }.body;
        // SAFETY: the field is borrowed exclusively, and there is nothing to drop in it. `ManuallyDrop` and `UnsafeCell`
        // have the layout of their value.
        unsafe { place.cast::<B>().write(create()) };
    }

    /// Returns the body.
    ///
    /// # Safety
    ///
    /// The content is `Body`.
    #[inline]
    unsafe fn body(self: Pin<&mut Self>) -> Pin<&mut B> {
        // SAFETY: the body is initialized (6). It is pinned whenever the storage is: no code moves it out, the destructor of
        // the cell drops it in its place, and the storage is `Unpin` only if the body is. The reference is exclusive, as
        // `self` is (5).
        unsafe { self.map_unchecked_mut(|storage| storage.body.get_mut()) }
    }
}

impl<Y, S, T, C, B> BodyCell<Y, S, T, C, B> {
    /// Drops the body, or the closure, in its place.
    #[inline]
    fn clear(self: Pin<&mut Self>) {
        let this = self.project();
        // Replaced before a destructor is called: if it panics, it is not called again.
        match mem::replace(this.content, Content::Nothing) {
            // SAFETY: the closure was initialized until now (6). It is not pinned.
            Content::Create => unsafe { ManuallyDrop::drop(&mut this.storage.get_unchecked_mut().create) },
            // SAFETY: the body was initialized until now (6), and is dropped in its place.
            Content::Body => unsafe { ManuallyDrop::drop(&mut this.storage.get_unchecked_mut().body) },
            Content::Nothing => {}
        }
    }
}

#[pinned_drop]
impl<Y, S, T, C, B> PinnedDrop for BodyCell<Y, S, T, C, B> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        self.clear();
    }
}

impl<Y, S, T, C, B> BodyCell<Y, S, T, C, B>
where
    C: FnOnce(Yielder<'static, Y, S, T>) -> B,
    B: Future,
{
    /// Creates the body. Returns `false` if it has been dropped.
    #[cold]
    fn create_body(self: Pin<&mut Self>) -> bool {
        let mut this = self.project();
        if *this.content != Content::Create {
            return false;
        }
        // Replaced before the closure is called: if the closure panics, there is nothing left to poll or drop.
        *this.content = Content::Nothing;
        // SAFETY: the content was `Create` until now.
        let create = unsafe { this.storage.as_mut().take_create() };
        let mailbox = NonNull::from(this.mailbox.as_ref().get_ref());
        // SAFETY: the content is `Nothing`, and changes below.
        unsafe { this.storage.write_body(|| create(Yielder { mailbox, brand: PhantomData })) };
        *this.content = Content::Body;
        true
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
        // Both rare states take this branch.
        if self.content != Content::Body && !self.as_mut().create_body() {
            return None;
        }
        // The only call of the body's `poll`, so that it is inlined here.
        // SAFETY: the content is the body.
        Some(unsafe { self.project().storage.body() }.poll(cx))
    }

    #[inline]
    fn drop_body(self: Pin<&mut Self>) {
        self.clear();
    }
}
