use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{AsyncContextManager, AsyncGuard, Detach, DropAfterChildren, ExitReason};
use crate::coroutine::{RawCoroutine, Throw};
use crate::generator::{self, AsyncGenerator, AsyncGeneratorExt, ErrorOf, ManagedGenerator};

/// What has an end that is awaited: Python's `aclose` method, as [`aclosing`] calls it.
///
/// Async generators have one, where they can be moved: boxed and pinned, or managed.
///
/// # Examples
///
/// See [`aclosing`].
pub trait AsyncClose {
    /// What closing fails with.
    type Error: Send + 'static;

    /// Closes. Called once.
    ///
    /// # Errors
    ///
    /// Its own.
    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Closes `value` when the block is left, whichever way: an async generator, a connection.
///
/// Its policy is [`Detach`]: a closing that has begun goes on as a cleanup if it is dropped.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use withal::context::{AsyncClose, aclosing, async_with};
///
/// struct Connection(&'static str);
///
/// impl AsyncClose for Connection {
///     type Error = Infallible;
///     async fn close(&mut self) -> Result<(), Infallible> {
///         tokio::task::yield_now().await;
///         println!("goodbye, {}", self.0);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let length = async_with!(connection = aclosing(Connection("server")) => { connection.0.len() });
/// assert_eq!(length, 6);
/// # }
/// ```
///
/// A generator that is not read to its end, and cleans up all the same before the next line runs:
///
/// ```
/// use withal::context::{aclosing, async_with};
/// use withal::generator::{AsyncGeneratorExt, generator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let rows = Box::pin(generator(async |mut y| {
///     for n in 0..100 {
///         if let Err(exit) = y.yield_(n).await {
///             println!("cursor closed");
///             return Err(exit);
///         }
///     }
///     Ok(())
/// }));
/// let first = async_with!(rows = aclosing(rows) => { rows.anext().await.unwrap() });
/// assert_eq!(first.unwrap(), Some(0));
/// # }
/// ```
pub fn aclosing<T: AsyncClose>(value: T) -> AClosing<T> {
    AClosing(value)
}

impl<D> AsyncClose for Pin<Box<AsyncGenerator<D>>>
where
    D: RawCoroutine<Return = (), Sent: Send + 'static, Thrown: Throw<Error: Send + 'static>> + Send + ?Sized,
{
    type Error = ErrorOf<D>;

    async fn close(&mut self) -> Result<(), ErrorOf<D>> {
        AsyncGeneratorExt::aclose(self).await
    }
}

impl<Y, S, T> AsyncClose for ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    type Error = generator::Error<S, T::Error>;

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        Self::aclose(self)
    }
}

/// Made by [`aclosing`].
#[derive(Debug)]
#[must_use = "it does nothing unless it is entered"]
pub struct AClosing<T>(T);

impl<T: AsyncClose + Send + 'static> AsyncContextManager for AClosing<T> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, T::Error> {
        Ok(self)
    }
}

impl<T: AsyncClose + Send + 'static> AsyncGuard for AClosing<T> {
    type Target = T;
    type Error = T::Error;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut T {
        &mut self.0
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), T::Error> {
        self.0.close().await
    }
}

/// Calls `close` with `value` when the block is left, whichever way.
///
/// Nothing is awaited: it is for values with a `close` of their own that is no destructor. Its policy is [`DropAfterChildren`].
///
/// # Examples
///
/// ```
/// use withal::context::{async_with, closing};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let file = closing(vec!["line 1"], |file| println!("flush {} lines", file.len()));
/// async_with!(file = file => { file.push("line 2") });
/// # }
/// ```
pub fn closing<T, F: FnOnce(T)>(value: T, close: F) -> Closing<T, F> {
    Closing(Some((value, close)))
}

/// Made by [`closing`].
#[must_use = "dropped without being entered, it closes at once"]
pub struct Closing<T, F: FnOnce(T)>(Option<(T, F)>);

impl<T, F: FnOnce(T)> Closing<T, F> {
    fn close(&mut self) {
        if let Some((value, close)) = self.0.take() {
            close(value);
        }
    }
}

impl<T, F: FnOnce(T)> Drop for Closing<T, F> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T, F> AsyncContextManager for Closing<T, F>
where
    T: Send + 'static,
    F: FnOnce(T) + Send + 'static,
{
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<T, F> AsyncGuard for Closing<T, F>
where
    T: Send + 'static,
    F: FnOnce(T) + Send + 'static,
{
    type Target = T;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = DropAfterChildren;

    fn target(&mut self) -> &mut T {
        let (value, _) = self.0.as_mut().expect("it is closed when the block is over");
        value
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.close();
        Ok(())
    }
}

impl<T, F: FnOnce(T)> fmt::Debug for Closing<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}
