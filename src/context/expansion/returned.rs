use std::convert::Infallible;
use std::marker::PhantomData;

use super::block::Witness;
use crate::context::OpaqueError;
use crate::context::fault::Fault;

/// How to show what leaves the function to a manager: which of the three kinds below it is, method resolution says.
pub trait Returned<R>: Copy {
    /// What of it is kept aside while the manager exits.
    type Kept;
    /// What the manager is shown.
    type Error: Send + 'static;

    fn split<N>(self, returned: R) -> (Self::Kept, Option<Fault<Self::Error, N>>);
    fn join(self, kept: Self::Kept, error: Option<Self::Error>) -> R;
}

/// The type of what is returned.
pub struct Kind<R>(PhantomData<fn() -> R>);

impl<R> Witness<R> {
    #[inline]
    pub fn kind(&self) -> Kind<R> {
        Kind(PhantomData)
    }
}

/// A type that says itself what a manager is shown of it, [`Return`].
#[derive(Clone, Copy)]
pub struct ByItself;

/// A `Result` whose error cannot be shown.
#[derive(Clone, Copy)]
pub struct Concealed;

/// Any other value.
#[derive(Clone, Copy)]
pub struct Plain;

/// First choice, and the one that is taken where nothing has said yet what the function or the `async` block returns.
pub trait Known {
    #[inline]
    fn kind(&self) -> ByItself {
        ByItself
    }
}

pub trait Unsendable {
    #[inline]
    fn kind(&self) -> Concealed {
        Concealed
    }
}

pub trait Other {
    #[inline]
    fn kind(&self) -> Plain {
        Plain
    }
}

impl<R: Return> Known for &&Kind<R> {}
impl<T, E> Unsendable for &Kind<Result<T, E>> {}
impl<R> Other for Kind<R> {}

/// What may be left for the compiler to find out later, as in an `async` block.
#[diagnostic::on_unimplemented(
    message = "the type that `return` and `?` have around `async_with!` has to be known",
    label = "not known before this",
    note = "in an `async` block, name it first: `async_with!(-> {Self}; ..)`"
)]
pub trait Return: Sized {
    type Kept;
    type Error: Send + 'static;

    fn split<N>(self) -> (Self::Kept, Option<Fault<Self::Error, N>>);
    fn join(kept: Self::Kept, error: Option<Self::Error>) -> Self;
}

/// An error that a manager can be shown.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` around `async_with!` is not `Send + 'static`, and its type was not known before",
    label = "not known before this",
    note = "in an `async` block, which is what `#[tokio::main]` makes of a function, say first what it returns: \
            `async_with!(-> Result<_, {Self}>; ..)`",
    note = "or let it be `Send`: `Box<dyn Error + Send + Sync>`"
)]
pub trait Shown: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Send + 'static> Shown for E {}

impl<T, E: Shown> Return for Result<T, E> {
    type Kept = Option<T>;
    type Error = E;

    #[inline]
    fn split<N>(self) -> (Option<T>, Option<Fault<E, N>>) {
        match self {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(Fault::Error(error))),
        }
    }

    #[inline]
    fn join(kept: Option<T>, error: Option<E>) -> Self {
        match error {
            Some(error) => Err(error),
            None => Ok(kept.expect("what is no error is a value")),
        }
    }
}

macro_rules! plain {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> Return for $type {
            type Kept = Self;
            type Error = Infallible;

            #[inline]
            fn split<N>(self) -> (Self, Option<Fault<Infallible, N>>) {
                (self, None)
            }

            #[inline]
            fn join(kept: Self, _error: Option<Infallible>) -> Self {
                kept
            }
        }
    )*};
}

plain! {
    [] ();
    [] bool;
    [] char;
    [] i8;
    [] i16;
    [] i32;
    [] i64;
    [] i128;
    [] isize;
    [] u8;
    [] u16;
    [] u32;
    [] u64;
    [] u128;
    [] usize;
    [] f32;
    [] f64;
    [] String;
    [] std::time::Duration;
    [T: ?Sized] &T;
    [T: ?Sized] Box<T>;
    [T: ?Sized] std::sync::Arc<T>;
    [T, const LENGTH: usize] [T; LENGTH];
    [T] Option<T>;
    [T] Vec<T>;
    [A, B] (A, B);
    [A, B, C] (A, B, C);
}

impl<R: Return> Returned<R> for ByItself {
    type Kept = R::Kept;
    type Error = R::Error;

    #[inline]
    fn split<N>(self, returned: R) -> (R::Kept, Option<Fault<R::Error, N>>) {
        returned.split()
    }

    #[inline]
    fn join(self, kept: R::Kept, error: Option<R::Error>) -> R {
        R::join(kept, error)
    }
}

impl<T, E> Returned<Result<T, E>> for Concealed {
    type Kept = Result<T, E>;
    type Error = Infallible;

    #[inline]
    fn split<N>(self, returned: Result<T, E>) -> (Result<T, E>, Option<Fault<Infallible, N>>) {
        let fault = returned.is_err().then_some(Fault::OpaqueError(OpaqueError));
        (returned, fault)
    }

    #[inline]
    fn join(self, kept: Result<T, E>, _error: Option<Infallible>) -> Result<T, E> {
        kept
    }
}

impl<R> Returned<R> for Plain {
    type Kept = R;
    type Error = Infallible;

    #[inline]
    fn split<N>(self, returned: R) -> (R, Option<Fault<Infallible, N>>) {
        (returned, None)
    }

    #[inline]
    fn join(self, kept: R, _error: Option<Infallible>) -> R {
        kept
    }
}
