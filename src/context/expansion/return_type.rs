//! Autoref specialization over the type that leaves the function by `return` or `?`: see the [parent module](super).

use std::convert::Infallible;
use std::marker::PhantomData;

use super::return_capture::ReturnWitness;
use crate::context::exit_reason::OpaqueError;
use crate::context::scope::failure::BlockFailure;

/// A case of the specialization: separates the error from a returned value for the exit, and joins them afterwards.
pub trait ReturnType<R>: Copy {
    /// The part of the returned value that is kept aside during the exit.
    type Deferred;
    /// The error that the manager can inspect.
    type Error: Send + 'static;

    fn split<N>(self, returned: R) -> (Self::Deferred, Option<BlockFailure<Self::Error, N>>);
    fn join(self, deferred: Self::Deferred, error: Option<Self::Error>) -> R;
}

/// The returned type, as the receiver of `kind`.
pub struct ReturnOf<R>(PhantomData<fn() -> R>);

impl<R> ReturnWitness<R> {
    #[inline]
    pub fn return_type(&self) -> ReturnOf<R> {
        ReturnOf(PhantomData)
    }
}

/// A type that implements [`Return`]: a `Result` with an [`Inspectable`] error, or a type of the standard library.
#[derive(Clone, Copy)]
pub struct Known;

/// A `Result` whose error is not `Send + 'static`: the manager receives an [`OpaqueError`].
#[derive(Clone, Copy)]
pub struct OpaqueResult;

/// Any other type, which has no error.
#[derive(Clone, Copy)]
pub struct Other;

/// The most specific case. The compiler also chooses it while the return type is still unknown, as in an `async` block.
/// It then checks the bounds of [`Return`] once the type is inferred.
pub trait KnownKind {
    #[inline]
    fn kind(&self) -> Known {
        Known
    }
}

pub trait OpaqueResultKind {
    #[inline]
    fn kind(&self) -> OpaqueResult {
        OpaqueResult
    }
}

pub trait OtherKind {
    #[inline]
    fn kind(&self) -> Other {
        Other
    }
}

impl<R: Return> KnownKind for &&ReturnOf<R> {}
impl<T, E> OpaqueResultKind for &ReturnOf<Result<T, E>> {}
impl<R> OtherKind for ReturnOf<R> {}

/// A returned type that the compiler may infer after it has chosen the case [`Known`].
#[diagnostic::on_unimplemented(
    message = "the return type around `async_with!` must be known before the macro",
    label = "the type that `return` and `?` return is not known here",
    note = "in an `async` block, name the type first: `async_with!(-> {Self}; ..)`"
)]
pub trait Return: Sized {
    type Deferred;
    type Error: Send + 'static;

    fn split<N>(self) -> (Self::Deferred, Option<BlockFailure<Self::Error, N>>);
    fn join(deferred: Self::Deferred, error: Option<Self::Error>) -> Self;
}

/// An error that a manager can inspect.
#[diagnostic::on_unimplemented(
    message = "the error type `{Self}` around `async_with!` is not `Send + 'static`",
    label = "not `Send + 'static`, and not known before the macro",
    note = "in an `async` block, which `#[tokio::main]` makes of a function, name the return type first: \
            `async_with!(-> Result<_, {Self}>; ..)`",
    note = "or use a `Send` error: `Box<dyn Error + Send + Sync>`"
)]
pub trait Inspectable: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Send + 'static> Inspectable for E {}

impl<T, E: Inspectable> Return for Result<T, E> {
    type Deferred = Option<T>;
    type Error = E;

    #[inline]
    fn split<N>(self) -> (Option<T>, Option<BlockFailure<E, N>>) {
        match self {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(BlockFailure::Error(error))),
        }
    }

    #[inline]
    fn join(deferred: Option<T>, error: Option<E>) -> Self {
        match error {
            Some(error) => Err(error),
            None => Ok(deferred.expect("a `Result` is an error or a value")),
        }
    }
}

macro_rules! without_error {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> Return for $type {
            type Deferred = Self;
            type Error = Infallible;

            #[inline]
            fn split<N>(self) -> (Self, Option<BlockFailure<Infallible, N>>) {
                (self, None)
            }

            #[inline]
            fn join(deferred: Self, _error: Option<Infallible>) -> Self {
                deferred
            }
        }
    )*};
}

without_error! {
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

impl<R: Return> ReturnType<R> for Known {
    type Deferred = R::Deferred;
    type Error = R::Error;

    #[inline]
    fn split<N>(self, returned: R) -> (R::Deferred, Option<BlockFailure<R::Error, N>>) {
        returned.split()
    }

    #[inline]
    fn join(self, deferred: R::Deferred, error: Option<R::Error>) -> R {
        R::join(deferred, error)
    }
}

impl<T, E> ReturnType<Result<T, E>> for OpaqueResult {
    type Deferred = Result<T, E>;
    type Error = Infallible;

    #[inline]
    fn split<N>(self, returned: Result<T, E>) -> (Result<T, E>, Option<BlockFailure<Infallible, N>>) {
        let failure = returned.is_err().then_some(BlockFailure::Opaque(OpaqueError));
        (returned, failure)
    }

    #[inline]
    fn join(self, deferred: Result<T, E>, _error: Option<Infallible>) -> Result<T, E> {
        deferred
    }
}

impl<R> ReturnType<R> for Other {
    type Deferred = R;
    type Error = Infallible;

    #[inline]
    fn split<N>(self, returned: R) -> (R, Option<BlockFailure<Infallible, N>>) {
        (returned, None)
    }

    #[inline]
    fn join(self, deferred: R, _error: Option<Infallible>) -> R {
        deferred
    }
}
