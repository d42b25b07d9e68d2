//! The inspection of a block's value through the scopes of one macro.

use std::convert::Infallible;
use std::marker::PhantomData;

use super::maybe_result::{Case, MaybeResult};
use crate::context::scope::failure::BlockFailure;
use crate::context::suppression::Suppression;
use crate::panic::Payload;

/// A block's value, after the search for an error.
pub enum Inspection<T> {
    Completed(T),
    /// The value was `Err` with this error.
    Failed(Payload),
    /// The value is `Err`, and its error is not `Send`.
    Opaque(T),
}

/// The way to find an error in a value of type `T`: in a `Result`, or in that of a nested scope.
pub trait ValueKind<T> {
    /// `false` if no value holds an error, and inspecting one is superfluous.
    const MAY_FAIL: bool;

    fn inspect(value: T) -> Inspection<T>;

    /// Returns the value that was [`Inspection::Failed`].
    fn failed(error: Payload) -> T;
}

/// The value of the user's block.
impl<V: MaybeResult<R, S>, R, S> ValueKind<V> for Case<R, S> {
    const MAY_FAIL: bool = V::MAY_FAIL;

    #[inline]
    fn inspect(value: V) -> Inspection<V> {
        match value.split::<Infallible>() {
            (deferred, None) => Inspection::Completed(V::join(deferred, None)),
            (_, Some(BlockFailure::Error(error))) => Inspection::Failed(Box::new(error.into_inner())),
            (deferred, Some(opaque)) => {
                opaque.discard();
                Inspection::Opaque(V::join(deferred, None))
            }
        }
    }

    fn failed(error: Payload) -> V {
        let error = error.downcast().expect("the exit keeps the type of the error");
        V::from_error(*error)
    }
}

/// The value of a scope whose exit succeeds with an `S`, and whose block has a value of type `T` and of kind `K`.
pub struct ScopeValue<S, T, K>(PhantomData<fn() -> (S, T, K)>);

impl<S: Suppression, T, K: ValueKind<T>> ValueKind<S::Output<T>> for ScopeValue<S, T, K> {
    const MAY_FAIL: bool = K::MAY_FAIL;

    #[inline]
    fn inspect(value: S::Output<T>) -> Inspection<S::Output<T>> {
        match S::into_completed(value) {
            Ok(value) => match K::inspect(value) {
                Inspection::Completed(value) => Inspection::Completed(S::completed(value)),
                Inspection::Failed(error) => Inspection::Failed(error),
                Inspection::Opaque(value) => Inspection::Opaque(S::completed(value)),
            },
            Err(suppressed) => Inspection::Completed(suppressed),
        }
    }

    fn failed(error: Payload) -> S::Output<T> {
        S::completed(K::failed(error))
    }
}
