use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::operation::Operation;
use super::{AsyncGenerator, Error, Failure};
use crate::coroutine::RawCoroutine;

/// What [`aclose`](super::AsyncGeneratorExt::aclose) returns: resolves when the body has ended.
#[must_use = "nothing is closed unless it is awaited"]
pub struct Aclose<'a, D: ?Sized> {
    operation: Operation<'a, D>,
    is_told: bool,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Aclose<'a, D> {
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self { operation: Operation::new(generator), is_told: false }
    }
}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Aclose<'_, D> {
    type Output = Result<(), Failure<D>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Failure<D>>> {
        let is_told = std::mem::replace(&mut self.is_told, true);
        self.operation.poll(cx, |generator| if is_told { None } else { generator.close() }).map(closed)
    }
}

/// What a step that was told to exit makes of the close.
pub(super) fn closed<Y, S, E>(stepped: Result<Option<Y>, Error<S, E>>) -> Result<(), Error<S, E>> {
    match stepped {
        Ok(Some(_)) => Err(Error::IgnoredExit),
        Ok(None) | Err(Error::GeneratorExit) => Ok(()),
        Err(error) => Err(error),
    }
}

impl<D: ?Sized> fmt::Debug for Aclose<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aclose").finish_non_exhaustive()
    }
}
