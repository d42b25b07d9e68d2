use super::scope::failure::BlockFailure;

/// The success value of an exit: `()` or `bool`; see [`AsyncGuard::Suppression`](super::AsyncGuard::Suppression).
///
/// The trait is sealed: no other types implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a suppression type",
    label = "expected `()` or `bool`",
    note = "write `type Suppression = ();` if the exit never suppresses the block's error, `bool` if it can"
)]
#[doc(alias = "suppress")]
pub trait Suppression: sealed::Sealed + Send + Sized {
    /// The value of a scope whose block returns a `T`: `T` for `()`, `Option<T>` for `bool`.
    type Output<T>;

    /// The suppression of an exit that is either this one or one with `S`.
    #[doc(hidden)]
    type Or<S: Suppression>: Suppression;

    /// The value of an exit that suppresses nothing.
    #[doc(hidden)]
    const NONE: Self;

    #[doc(hidden)]
    fn or<S: Suppression>(self) -> Self::Or<S>;

    #[doc(hidden)]
    fn or_from<S: Suppression>(other: S) -> Self::Or<S>;

    /// Returns the value of a scope whose block completed.
    #[doc(hidden)]
    fn completed<T>(value: T) -> Self::Output<T>;

    /// Separates the value of a block that completed from that of a scope whose exit suppressed an error.
    #[doc(hidden)]
    fn into_completed<T>(output: Self::Output<T>) -> Result<T, Self::Output<T>>;

    /// Returns the value of a scope whose block failed, if this exit suppresses the error.
    #[doc(hidden)]
    fn suppressed<T>(&self) -> Option<Self::Output<T>>;
}

impl Suppression for () {
    type Output<T> = T;

    type Or<S: Suppression> = S;

    const NONE: Self = ();

    #[inline]
    fn or<S: Suppression>(self) -> S {
        S::NONE
    }

    #[inline]
    fn or_from<S: Suppression>(other: S) -> S {
        other
    }

    #[inline]
    fn completed<T>(value: T) -> T {
        value
    }

    #[inline]
    fn into_completed<T>(output: T) -> Result<T, T> {
        Ok(output)
    }

    #[inline]
    fn suppressed<T>(&self) -> Option<T> {
        None
    }
}

impl Suppression for bool {
    type Output<T> = Option<T>;

    type Or<S: Suppression> = Self;

    const NONE: Self = false;

    #[inline]
    fn or<S: Suppression>(self) -> Self {
        self
    }

    #[inline]
    fn or_from<S: Suppression>(other: S) -> Self {
        other.suppressed::<()>().is_some()
    }

    #[inline]
    fn completed<T>(value: T) -> Option<T> {
        Some(value)
    }

    #[inline]
    fn into_completed<T>(output: Option<T>) -> Result<T, Option<T>> {
        output.ok_or(None)
    }

    #[inline]
    fn suppressed<T>(&self) -> Option<Option<T>> {
        self.then_some(None)
    }
}

/// Decides whether an exit that succeeded with `suppression` suppresses the failure of its block.
///
/// Returns the value of the scope if it does, and the failure if it does not. A panic is never suppressed: it continues
/// here. An exit stack decides in the same way for each of its entries, in `stack/unwind.rs`.
#[cold]
pub(super) fn suppress<S: Suppression, T, E, N>(
    suppression: &S,
    failure: BlockFailure<E, N>,
) -> Result<S::Output<T>, BlockFailure<E, N>>
where
    E: Send + 'static,
    N: Send + 'static,
{
    if let BlockFailure::Panic(payload) = failure {
        payload.resume()
    }
    let Some(value) = suppression.suppressed() else { return Err(failure) };
    failure.discard();
    Ok(value)
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for bool {}
}
