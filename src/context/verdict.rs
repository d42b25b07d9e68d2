/// What an exit says of the block's error: `()` or `bool`; see [`AsyncGuard::Suppression`](super::AsyncGuard::Suppression).
///
/// No other types implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no verdict",
    note = "write `type Suppression = ();` where the exit never suppresses the block's error, `bool` where it may"
)]
pub trait Suppression: sealed::Sealed + Send {
    /// The value of a block that gives a `T`.
    type Output<T>;

    /// Of one that came to its end.
    #[doc(hidden)]
    fn completed<T>(value: T) -> Self::Output<T>;

    /// Of one whose error is suppressed by this verdict.
    #[doc(hidden)]
    fn suppressed<T>(&self) -> Option<Self::Output<T>>;
}

impl Suppression for () {
    type Output<T> = T;

    #[inline]
    fn completed<T>(value: T) -> T {
        value
    }

    #[inline]
    fn suppressed<T>(&self) -> Option<T> {
        None
    }
}

impl Suppression for bool {
    type Output<T> = Option<T>;

    #[inline]
    fn completed<T>(value: T) -> Option<T> {
        Some(value)
    }

    #[inline]
    fn suppressed<T>(&self) -> Option<Option<T>> {
        self.then_some(None)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for bool {}
}
