//! Autoref specialization over the errors of nested managers: see the [parent module](super).

use std::convert::Infallible;
use std::marker::PhantomData;

use super::block_exit::ErrorOrigin;
use crate::context::error::EitherError;

/// The error types of a manager and of those nested inside its block.
pub struct MergeErrors<X, N>(PhantomData<fn() -> (X, N)>);

impl<X, N> MergeErrors<X, N> {
    #[inline]
    pub fn of<T>(_outcome: &Result<T, ErrorOrigin<X, N>>) -> Self {
        Self(PhantomData)
    }
}

/// The nested managers cannot fail.
pub struct OuterOnly;

/// Only the nested managers can fail.
pub struct InnerOnly;

/// Both fail with the same type.
pub struct Same;

/// They fail with different types.
pub struct Either;

pub trait OuterOnlyKind {
    #[inline]
    fn errors(&self) -> OuterOnly {
        OuterOnly
    }
}

pub trait InnerOnlyKind {
    #[inline]
    fn errors(&self) -> InnerOnly {
        InnerOnly
    }
}

pub trait SameKind {
    #[inline]
    fn errors(&self) -> Same {
        Same
    }
}

pub trait EitherKind {
    #[inline]
    fn errors(&self) -> Either {
        Either
    }
}

impl<X> OuterOnlyKind for &&&MergeErrors<X, Infallible> {}
impl<N> InnerOnlyKind for &&MergeErrors<Infallible, N> {}
impl<X> SameKind for &MergeErrors<X, X> {}
impl<X, N> EitherKind for MergeErrors<X, N> {}

impl OuterOnly {
    #[inline]
    pub fn merge<T, X>(self, outcome: Result<T, ErrorOrigin<X, Infallible>>) -> Result<T, X> {
        outcome.map_err(|error| match error {
            ErrorOrigin::Manager(error) => error,
            ErrorOrigin::Nested(never) => match never {},
        })
    }
}

impl InnerOnly {
    #[inline]
    pub fn merge<T, N>(self, outcome: Result<T, ErrorOrigin<Infallible, N>>) -> Result<T, N> {
        outcome.map_err(|error| match error {
            ErrorOrigin::Manager(never) => match never {},
            ErrorOrigin::Nested(error) => error,
        })
    }
}

impl Same {
    #[inline]
    pub fn merge<T, X>(self, outcome: Result<T, ErrorOrigin<X, X>>) -> Result<T, X> {
        outcome.map_err(|error| match error {
            ErrorOrigin::Manager(error) | ErrorOrigin::Nested(error) => error,
        })
    }
}

impl Either {
    #[inline]
    pub fn merge<T, X, N>(self, outcome: Result<T, ErrorOrigin<X, N>>) -> Result<T, EitherError<X, N>> {
        outcome.map_err(|error| match error {
            ErrorOrigin::Manager(error) => EitherError::First(error),
            ErrorOrigin::Nested(error) => EitherError::Second(error),
        })
    }
}

/// The error type of a whole `async_with!`.
pub struct Value<X>(PhantomData<fn() -> X>);

impl<X> Value<X> {
    #[inline]
    pub fn of<T>(_merged: &Result<T, X>) -> Self {
        Self(PhantomData)
    }
}

/// No manager can fail: the macro evaluates to the block's value.
pub struct PlainValue;

/// The macro evaluates to a `Result`.
pub struct ResultValue;

pub trait PlainValueKind {
    #[inline]
    fn value(&self) -> PlainValue {
        PlainValue
    }
}

pub trait ResultValueKind {
    #[inline]
    fn value(&self) -> ResultValue {
        ResultValue
    }
}

/// One manager that is one of two, of which only the first, only the second, or neither can fail, or which fail with
/// the same type: see [`EitherManager`](crate::context::EitherManager).
pub struct FirstValue;
pub struct SecondValue;
pub struct NeitherValue;
pub struct SameValue;

pub trait FirstValueKind {
    #[inline]
    fn value(&self) -> FirstValue {
        FirstValue
    }
}

pub trait SecondValueKind {
    #[inline]
    fn value(&self) -> SecondValue {
        SecondValue
    }
}

pub trait NeitherValueKind {
    #[inline]
    fn value(&self) -> NeitherValue {
        NeitherValue
    }
}

pub trait SameValueKind {
    #[inline]
    fn value(&self) -> SameValue {
        SameValue
    }
}

impl PlainValueKind for &&&&&Value<Infallible> {}
impl NeitherValueKind for &&&&Value<EitherError<Infallible, Infallible>> {}
impl<X> FirstValueKind for &&&Value<EitherError<X, Infallible>> {}
impl<X> SecondValueKind for &&Value<EitherError<Infallible, X>> {}
impl<X> SameValueKind for &Value<EitherError<X, X>> {}
impl<X> ResultValueKind for Value<X> {}

impl FirstValue {
    #[inline]
    pub fn finish<T, X>(self, merged: Result<T, EitherError<X, Infallible>>) -> Result<T, X> {
        merged.map_err(|error| match error {
            EitherError::First(error) => error,
            EitherError::Second(never) => match never {},
        })
    }
}

impl SecondValue {
    #[inline]
    pub fn finish<T, X>(self, merged: Result<T, EitherError<Infallible, X>>) -> Result<T, X> {
        merged.map_err(|error| match error {
            EitherError::First(never) => match never {},
            EitherError::Second(error) => error,
        })
    }
}

impl NeitherValue {
    #[inline]
    pub fn finish<T>(self, merged: Result<T, EitherError<Infallible, Infallible>>) -> T {
        match merged {
            Ok(value) => value,
            Err(EitherError::First(never) | EitherError::Second(never)) => match never {},
        }
    }
}

impl SameValue {
    #[inline]
    pub fn finish<T, X>(self, merged: Result<T, EitherError<X, X>>) -> Result<T, X> {
        merged.map_err(|error| match error {
            EitherError::First(error) | EitherError::Second(error) => error,
        })
    }
}

impl PlainValue {
    #[inline]
    pub fn finish<T>(self, merged: Result<T, Infallible>) -> T {
        match merged {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

impl ResultValue {
    #[inline]
    pub fn finish<T, X>(self, merged: Result<T, X>) -> Result<T, X> {
        merged
    }
}
