use std::convert::Infallible;
use std::marker::PhantomData;

use super::after::Which;
use crate::context::EitherError;

/// The errors of a block: of its manager, and of those inside. How they become one, method resolution says.
pub struct Errors<X, N>(PhantomData<fn() -> (X, N)>);

impl<X, N> Errors<X, N> {
    #[inline]
    pub fn of<T>(_outcome: &Result<T, Which<X, N>>) -> Self {
        Self(PhantomData)
    }
}

/// Nothing inside can fail.
pub trait First {
    #[inline]
    fn errors(&self) -> Manager {
        Manager
    }
}

/// The manager itself cannot fail.
pub trait Nested {
    #[inline]
    fn errors(&self) -> Inside {
        Inside
    }
}

/// All fail alike.
pub trait Same {
    #[inline]
    fn errors(&self) -> Alike {
        Alike
    }
}

/// They fail differently.
pub trait Different {
    #[inline]
    fn errors(&self) -> Unlike {
        Unlike
    }
}

impl<X> First for &&&Errors<X, Infallible> {}
impl<N> Nested for &&Errors<Infallible, N> {}
impl<X> Same for &Errors<X, X> {}
impl<X, N> Different for Errors<X, N> {}

pub struct Manager;
pub struct Inside;
pub struct Alike;
pub struct Unlike;

impl Manager {
    #[inline]
    pub fn merge<T, X>(self, outcome: Result<T, Which<X, Infallible>>) -> Result<T, X> {
        outcome.map_err(|error| match error {
            Which::Manager(error) => error,
            Which::Nested(never) => match never {},
        })
    }
}

impl Inside {
    #[inline]
    pub fn merge<T, N>(self, outcome: Result<T, Which<Infallible, N>>) -> Result<T, N> {
        outcome.map_err(|error| match error {
            Which::Manager(never) => match never {},
            Which::Nested(error) => error,
        })
    }
}

impl Alike {
    #[inline]
    pub fn merge<T, X>(self, outcome: Result<T, Which<X, X>>) -> Result<T, X> {
        outcome.map_err(|error| match error {
            Which::Manager(error) | Which::Nested(error) => error,
        })
    }
}

impl Unlike {
    #[inline]
    pub fn merge<T, X, N>(self, outcome: Result<T, Which<X, N>>) -> Result<T, EitherError<X, N>> {
        outcome.map_err(|error| match error {
            Which::Manager(error) => EitherError::First(error),
            Which::Nested(error) => EitherError::Second(error),
        })
    }
}

/// What a macro gives in the end: the value, where nothing can fail.
pub struct Settled<X>(PhantomData<fn() -> X>);

impl<X> Settled<X> {
    #[inline]
    pub fn of<T>(_merged: &Result<T, X>) -> Self {
        Self(PhantomData)
    }
}

pub trait Bare {
    #[inline]
    fn settled(&self) -> Value {
        Value
    }
}

pub trait Settle {
    #[inline]
    fn settled(&self) -> Result_ {
        Result_
    }
}

impl Bare for &Settled<Infallible> {}
impl<X> Settle for Settled<X> {}

pub struct Value;
pub struct Result_;

impl Value {
    #[inline]
    pub fn settle<T>(self, merged: Result<T, Infallible>) -> T {
        match merged {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

impl Result_ {
    #[inline]
    pub fn settle<T, X>(self, merged: Result<T, X>) -> Result<T, X> {
        merged
    }
}
