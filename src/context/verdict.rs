/// What an exit says of the block's error: `()` or `bool`; see [`AsyncExit::Verdict`](super::AsyncExit::Verdict).
///
/// No other types implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no verdict",
    note = "write `type Verdict = ();` where the exit never swallows the block's error, `bool` where it may"
)]
pub trait Verdict: sealed::Sealed + Send {
    /// The value of a block that gives a `T`.
    type Out<T>;

    /// Of one that came to its end.
    #[doc(hidden)]
    fn done<T>(value: T) -> Self::Out<T>;

    /// Of one whose error is swallowed by this verdict.
    #[doc(hidden)]
    fn swallowed<T>(&self) -> Option<Self::Out<T>>;
}

impl Verdict for () {
    type Out<T> = T;

    #[inline]
    fn done<T>(value: T) -> T {
        value
    }

    #[inline]
    fn swallowed<T>(&self) -> Option<T> {
        None
    }
}

impl Verdict for bool {
    type Out<T> = Option<T>;

    #[inline]
    fn done<T>(value: T) -> Option<T> {
        Some(value)
    }

    #[inline]
    fn swallowed<T>(&self) -> Option<Option<T>> {
        self.then_some(None)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for bool {}
}
