//! The inspection of a returned value or of a block's value, for the error that it may hold.
//!
//! The macro must distinguish a `Result` from all other types, which may not be known before the end of the function is
//! type-checked, as in `let n: Own = async_with!(x = manager => { "1".parse()? })`. Autoref specialization would choose
//! too early. Instead, the case is a pair of *integer variables*: the types of two literals `0`.
//!
//! - [`MaybeResult`] is implemented with the marker [`No`] for every type, and with [`Yes`] for `Result`. For another
//!   type, only `No` applies, and the compiler infers it. For a `Result`, both apply: the variable stays open until the
//!   end of the function, where an integer without a type becomes an `i32`, which is [`Yes`].
//! - [`SendError`] determines in the same way whether the error is `Send`.
//!
//! The type of a block that never completes becomes `()` or `!` in the same step as the literals become `i32`. Therefore
//! the two types implement the traits with `Yes`, too.

use std::convert::Infallible;
use std::marker::PhantomData;

use crate::context::exit_reason::OpaqueError;
use crate::context::scope::failure::{BlockFailure, KeptError};

/// The type of a literal that more than one implementation leaves open.
pub(super) type Yes = i32;

pub(super) type No = u8;

type Never = <fn() -> ! as Output>::Output;

pub trait Output {
    type Output;
}

impl<T> Output for fn() -> T {
    type Output = T;
}

/// A value that may be a `Result`: separates the error for the exit, and joins them afterwards.
///
/// `R` is [`Yes`] for a `Result`, and `S` is `Yes` if its error is `Send`.
pub trait MaybeResult<R, S>: Sized {
    /// The part of the value that is kept aside during the exit.
    type Deferred;
    /// The error that the manager can inspect.
    type Error: Send + 'static;

    /// `false` for types that hold no error.
    const MAY_FAIL: bool = true;

    fn split<N: Send + 'static>(self) -> (Self::Deferred, Option<BlockFailure<Self::Error, N>>);
    fn join(deferred: Self::Deferred, error: Option<Self::Error>) -> Self;
    fn from_error(error: Self::Error) -> Self;
}

/// Determines whether the type is a `Result` whose error is `Send`.
pub trait SendError<S> {}

impl<V> SendError<No> for V {}
impl<T, E: Send + 'static> SendError<Yes> for Result<T, E> {}
impl SendError<Yes> for () {}
impl SendError<Yes> for Never {}

/// A `Result` whose error the manager can inspect.
impl<T, E: Send + 'static> MaybeResult<Yes, Yes> for Result<T, E> {
    type Deferred = Option<T>;
    type Error = E;

    #[inline]
    fn split<N: Send + 'static>(self) -> (Option<T>, Option<BlockFailure<E, N>>) {
        match self {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(BlockFailure::Error(KeptError::new(error)))),
        }
    }

    #[inline]
    fn join(deferred: Option<T>, error: Option<E>) -> Self {
        match error {
            Some(error) => Err(error),
            None => Ok(deferred.expect("a `Result` is an error or a value")),
        }
    }

    #[inline]
    fn from_error(error: E) -> Self {
        Err(error)
    }
}

/// A `Result` whose error is not `Send`: the manager receives an [`OpaqueError`].
impl<T, E> MaybeResult<Yes, No> for Result<T, E> {
    type Deferred = Self;
    type Error = Infallible;

    #[inline]
    fn split<N: Send + 'static>(self) -> (Self, Option<BlockFailure<Infallible, N>>) {
        let failure = self.is_err().then(|| BlockFailure::Opaque(KeptError::new(OpaqueError)));
        (self, failure)
    }

    #[inline]
    fn join(deferred: Self, _error: Option<Infallible>) -> Self {
        deferred
    }

    #[inline]
    fn from_error(error: Infallible) -> Self {
        match error {}
    }
}

/// Implements the trait for types without an error.
macro_rules! without_error {
    ($([$($generics:ident),*] $type:ty: $result:ty;)*) => {$(
        impl<$($generics,)* S> MaybeResult<$result, S> for $type {
            type Deferred = Self;
            type Error = Infallible;

            const MAY_FAIL: bool = false;

            #[inline]
            fn split<N: Send + 'static>(self) -> (Self, Option<BlockFailure<Infallible, N>>) {
                (self, None)
            }

            #[inline]
            fn join(deferred: Self, _error: Option<Infallible>) -> Self {
                deferred
            }

            #[inline]
            fn from_error(error: Infallible) -> Self {
                match error {}
            }
        }
    )*};
}

without_error! {
    [V] V: No;
    [] (): Yes;
}

impl<S> MaybeResult<Yes, S> for Never {
    type Deferred = Self;
    type Error = Infallible;

    fn split<N: Send + 'static>(self) -> (Self, Option<BlockFailure<Infallible, N>>) {
        self
    }

    fn join(deferred: Self, _error: Option<Infallible>) -> Self {
        deferred
    }

    fn from_error(error: Infallible) -> Self {
        match error {}
    }
}

/// The case of a type, as integer variables.
#[derive(Clone, Copy)]
pub struct Case<R, S>(PhantomData<fn() -> (R, S)>);

/// Returns the case whose variables are the types of two literals.
#[inline]
pub fn case<R, S>(_result: R, _send: S) -> Case<R, S> {
    Case(PhantomData)
}

/// The value of a block of the user, or of a scope, and how to find an error in it.
pub struct Inspected<T, K> {
    pub(super) value: T,
    kind: PhantomData<fn() -> K>,
}

impl<T, K> Inspected<T, K> {
    #[inline]
    pub(super) fn new(value: T) -> Self {
        Self { value, kind: PhantomData }
    }
}

/// Prepares the value of the user's block for inspection.
#[inline]
pub fn inspect<V, R, S>(value: V, _case: Case<R, S>) -> Inspected<V, Case<R, S>>
where
    V: MaybeResult<R, S> + SendError<S>,
{
    Inspected::new(value)
}

/// Returns the value of a whole macro, or the error of a manager.
#[inline]
pub fn inspected<T, K, X>(merged: Result<Inspected<T, K>, X>) -> Result<T, X> {
    merged.map(|inspected| inspected.value)
}
