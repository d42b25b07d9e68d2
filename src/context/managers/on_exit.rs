use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;

use self::sealed::Sealed as _;
use super::exit_kind::ExitKind;
use crate::cleanup::{DEFAULT_GRACE_PERIOD, Name};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::local::guard::LocalAsyncGuard;
use crate::context::local::manager::LocalAsyncContextManager;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::detach::Detach;
use crate::context::suppression::Suppression;

/// Creates a manager that lends `value` to the block, and calls the async closure `exit` with the value and the
/// [way](ExitKind) in which the block was left.
///
/// It is the shortest way to an async release of a value: no trait is implemented, and entering does nothing. If the
/// enter awaits as well, use [`asynccontextmanager`](super::asynccontextmanager()). If many places enter the manager, or
/// the exit has to inspect the error, implement [`AsyncContextManager`] and [`AsyncGuard`].
///
/// The closure returns `()`, `Result<(), E>`, or `Result<bool, E>` with `Ok(true)` to suppress the block's error; see
/// [`OnExitOutput`]. It is called once, on every exit path. The drop policy is [`Detach`].
///
/// The value and the closure are `'static`, because the exit may outlive the block: write `async move` if the closure
/// captures variables.
///
/// # Cancel safety
///
/// If the future of the scope is dropped, the closure runs to completion as a [cleanup](crate::cleanup).
///
/// # Examples
///
/// ```
/// use std::io;
/// use withal::context::{async_with, on_exit};
/// # struct Session;
/// # impl Session {
/// #     async fn login() -> io::Result<Self> { Ok(Self) }
/// #     async fn ask(&mut self) -> io::Result<u32> { Ok(42) }
/// #     async fn logout(self, is_ok: bool) -> io::Result<()> { assert!(is_ok); Ok(()) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> io::Result<()> {
/// let session = Session::login().await?;
/// let session = on_exit(session, async |session, exit| session.logout(exit.is_ok()).await);
/// let answer = async_with!(session = session => { session.ask().await? })?;
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
#[doc(alias("scopeguard", "guard", "defer", "finally", "async drop", "async_closing"))]
pub fn on_exit<T, F, R>(value: T, exit: F) -> OnExit<T, F>
where
    F: FnOnce(T, ExitKind) -> R,
    R: Future<Output: OnExitOutput>,
{
    OnExit { parts: Some((value, exit)), grace_period: DEFAULT_GRACE_PERIOD, name: None }
}

/// The output of the closure of an [`on_exit`].
///
/// | output | the exit |
/// |---|---|
/// | `()` | cannot fail |
/// | `Result<(), E>` | can fail |
/// | `Result<bool, E>` | can fail, and `Ok(true)` suppresses the block's error |
///
/// The trait is sealed: no other types implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the output of an exit",
    label = "expected `()`, `Result<(), E>` or `Result<bool, E>`",
    note = "write `Ok(())` at the end of the closure, or a semicolon after its last expression; for a closure that only \
            panics, name the output, as in `async |value, exit| -> ()`"
)]
pub trait OnExitOutput: sealed::Sealed {}

impl OnExitOutput for () {}
impl<V: Suppression, E: fmt::Debug + Send + 'static> OnExitOutput for Result<V, E> {}

mod sealed {
    use super::{Infallible, Suppression, fmt};

    pub trait Sealed {
        type Suppression: Suppression;
        type Error: fmt::Debug + Send + 'static;

        fn into_result(self) -> Result<Self::Suppression, Self::Error>;
    }

    impl Sealed for () {
        type Suppression = ();
        type Error = Infallible;

        fn into_result(self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    impl<V: Suppression, E: fmt::Debug + Send + 'static> Sealed for Result<V, E> {
        type Suppression = V;
        type Error = E;

        fn into_result(self) -> Self {
            self
        }
    }
}

/// A manager whose exit is an async closure. Created by [`on_exit`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct OnExit<T, F> {
    /// `None` after the exit has taken them.
    parts: Option<(T, F)>,
    grace_period: Duration,
    /// `None` is the path of the closure.
    name: Option<&'static str>,
}

impl<T, F> OnExit<T, F> {
    /// Sets the time that the closure may take when it runs as a cleanup: see [`AsyncGuard::grace_period`]. The default
    /// is 30 seconds.
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }

    /// Sets the name of the exit in reports and [events](crate::cleanup::CleanupEvent). The default is the path of the
    /// closure.
    pub fn name(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }

    fn exit_name(&self) -> Name {
        self.name.map_or_else(Name::of_type::<F>, Name::chosen)
    }

    fn value(&mut self) -> &mut T {
        let (value, _) = self.parts.as_mut().expect("guard used after its exit");
        value
    }

    fn exit<R>(&mut self, exit: &ExitReason<'_>) -> R
    where
        F: FnOnce(T, ExitKind) -> R,
    {
        let (value, on_exit) = self.parts.take().expect("guard exited twice");
        on_exit(value, ExitKind::of(exit))
    }
}

impl<T, F, R> AsyncContextManager for OnExit<T, F>
where
    T: Send + 'static,
    F: FnOnce(T, ExitKind) -> R + Send + 'static,
    R: Future<Output: OnExitOutput> + Send + 'static,
{
    type Guard = Self;

    async fn aenter(self) -> Result<Self, <R::Output as sealed::Sealed>::Error> {
        Ok(self)
    }
}

impl<T, F, R> AsyncGuard for OnExit<T, F>
where
    T: Send + 'static,
    F: FnOnce(T, ExitKind) -> R + Send + 'static,
    R: Future<Output: OnExitOutput> + Send + 'static,
{
    type Target = T;
    type Error = <R::Output as sealed::Sealed>::Error;
    type Suppression = <R::Output as sealed::Sealed>::Suppression;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut T {
        self.value()
    }

    fn grace_period(&self) -> Duration {
        self.grace_period
    }

    fn name(&self) -> &'static str {
        self.exit_name().get()
    }

    fn report_name(&self) -> Name {
        self.exit_name()
    }

    fn aexit(
        &mut self,
        exit: ExitReason<'_>,
    ) -> impl Future<Output = Result<Self::Suppression, Self::Error>> + Send {
        OnExitFuture { exit: self.exit(&exit) }
    }
}

/// The future of an exit. Written by hand, because an async block stores its argument twice.
#[pin_project]
struct OnExitFuture<R> {
    #[pin]
    exit: R,
}

impl<R: Future<Output: OnExitOutput>> Future for OnExitFuture<R> {
    type Output = Result<<R::Output as sealed::Sealed>::Suppression, <R::Output as sealed::Sealed>::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().exit.poll(cx).map(sealed::Sealed::into_result)
    }
}

impl<T, F, R> LocalAsyncContextManager for OnExit<T, F>
where
    T: 'static,
    F: FnOnce(T, ExitKind) -> R + 'static,
    R: Future<Output: OnExitOutput> + 'static,
{
    type Guard = Self;

    async fn aenter(self) -> Result<Self, <R::Output as sealed::Sealed>::Error> {
        Ok(self)
    }
}

impl<T, F, R> LocalAsyncGuard for OnExit<T, F>
where
    T: 'static,
    F: FnOnce(T, ExitKind) -> R + 'static,
    R: Future<Output: OnExitOutput> + 'static,
{
    type Target = T;
    type Error = <R::Output as sealed::Sealed>::Error;
    type Suppression = <R::Output as sealed::Sealed>::Suppression;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut T {
        self.value()
    }

    fn grace_period(&self) -> Duration {
        self.grace_period
    }

    fn report_name(&self) -> Name {
        self.exit_name()
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<Self::Suppression, Self::Error> {
        crate::__await_in_place!(self.exit(&exit)).into_result()
    }
}

impl<T, F> fmt::Debug for OnExit<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnExit").field("name", &self.exit_name().get()).finish_non_exhaustive()
    }
}
