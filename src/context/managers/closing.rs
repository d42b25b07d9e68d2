use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::detach::Detach;
use crate::context::policy::drop_after_children::DropAfterChildren;
use crate::coroutine::{RawCoroutine, Throw};
use crate::generator::{self, AsyncGenerator, AsyncGeneratorExt, ManagedGenerator};

/// A value with an async close, for [`aclosing`]: Python's objects with an `aclose` method.
///
/// Implemented for async generators that can be moved: for boxed and pinned generators, and for managed generators.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use withal::context::{AsyncClose, aclosing, async_with};
///
/// struct Connection;
///
/// impl AsyncClose for Connection {
///     type Error = Infallible;
///     async fn close(&mut self) -> Result<(), Infallible> {
///         tokio::task::yield_now().await;
///         Ok(println!("closed"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// async_with!(_ = aclosing(Connection) => { println!("connected") });
/// # }
/// ```
#[doc(alias("aclose", "shutdown"))]
pub trait AsyncClose {
    /// The error of closing.
    type Error: fmt::Debug + Send + 'static;

    /// Closes the value. Called once.
    ///
    /// # Errors
    ///
    /// The implementor's own error.
    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Creates a manager that closes `value`, such as an async generator or a connection, on every exit path.
///
/// The drop policy is [`Detach`]: if the block or the close is dropped, the close runs to completion as a cleanup.
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
///         println!("disconnected from {}", self.0);
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
/// If the block does not iterate a generator to its end, the generator has still cleaned up when the scope ends:
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
    D: RawCoroutine<Return = (), Sent: Send + 'static, Thrown: Throw<Error: fmt::Debug + Send + 'static>>
        + Send
        + ?Sized,
{
    type Error = generator::Error<D::Sent, <D::Thrown as Throw>::Error>;

    async fn close(&mut self) -> Result<(), Self::Error> {
        AsyncGeneratorExt::aclose(self).await
    }
}

impl<Y, S, T> AsyncClose for ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    type Error = generator::Error<S, T::Error>;

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        Self::aclose(self)
    }
}

/// A manager that awaits the close of its value. Created by [`aclosing`].
#[derive(Debug)]
#[must_use = "a manager does nothing unless it is entered"]
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
        crate::__await_in_place!(self.0.close())
    }
}

/// Creates a manager that calls `close` with `value` on every exit path.
///
/// `close` is not async. It is for values whose destructor does not close them. The drop policy is
/// [`DropAfterChildren`].
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
#[doc(alias("scopeguard", "scope guard", "defer"))]
pub fn closing<T, F: FnOnce(T)>(value: T, close: F) -> Closing<T, F> {
    Closing(Some((value, close)))
}

/// A manager that closes its value with a function. Created by [`closing`].
#[must_use = "it closes the value at once unless it is entered"]
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
        let (value, _) = self.0.as_mut().expect("guard used after its exit");
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
