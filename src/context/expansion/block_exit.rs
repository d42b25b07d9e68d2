use std::convert::Infallible;
use std::fmt::Debug;
use std::mem::{self, replace};

use super::maybe_result::{Case, Inspected, MaybeResult, SendError};
use super::value_kind::{Inspection, ScopeValue, ValueKind};
use crate::context::exit_reason::OpaqueError;
use crate::context::report::report_exit_error;
use crate::context::scope::block::BlockOutcome;
use crate::context::scope::failure::{BlockFailure, CONTRACT_VIOLATION, KeptError};
use crate::context::suppression::{Suppression, suppress};

/// The value with which a block is left, apart from its failure. It stays in one place while the block runs and during
/// the exit.
///
/// The deferred value is a parameter, not a projection of the returned type: the compiler cannot prove that a future is
/// `Send` for every lifetime if it holds a projection through an implementation with a `'static` bound.
pub enum BlockValue<T, D> {
    /// The block has not ended, has failed, or was left by `break` or `continue`.
    Empty,
    /// The block completed with a value, which may be an `Err` with an opaque error.
    Completed(T),
    /// The block was left by `return` or `?`. This is the returned value without its error, which is the failure.
    Returned(D),
}

impl<T, D> BlockValue<T, D> {
    #[inline]
    pub fn complete(&mut self, value: T) {
        // There is no old value to drop.
        mem::forget(replace(self, Self::Completed(value)));
    }

    #[inline]
    fn take(&mut self) -> Self {
        replace(self, Self::Empty)
    }
}

/// The action after the exit.
pub enum Disposition<T, R> {
    Value(T),
    Return(R),
    /// The pending `break` or `continue`.
    Jump,
}

/// An error of one of the macro's managers: of the manager of this scope, or of one that is nested in its block.
pub enum ErrorOrigin<X, N> {
    Manager(X),
    Nested(N),
}

/// The value of a block. `N` is the error of a manager that is nested in the block.
type NestedValue<T, K, N> = Result<Inspected<T, K>, N>;

/// Returns the failure of the block, and leaves the rest of its value in its place.
#[inline]
pub fn block_failure<T, K, R, C, S, N>(
    outcome: BlockOutcome<Option<R>>,
    value: &mut BlockValue<NestedValue<T, K, N>, R::Deferred>,
    _returns: Case<C, S>,
) -> Option<BlockFailure<R::Error, N>>
where
    K: ValueKind<T>,
    R: MaybeResult<C, S> + SendError<S>,
    N: Send + 'static,
{
    let BlockOutcome::Completed(returned) = outcome else { return Some(interrupted_or_panicked(outcome)) };
    if let Some(returned) = returned {
        let (deferred, failure) = returned.split();
        *value = BlockValue::Returned(deferred);
        return failure;
    }
    // A value without an error stays where it is.
    if !K::MAY_FAIL && !matches!(value, BlockValue::Completed(Err(_))) {
        return None;
    }
    match value.take() {
        BlockValue::Completed(Ok(completed)) => match K::inspect(completed.value) {
            Inspection::Completed(completed) => {
                value.complete(Ok(Inspected::new(completed)));
                None
            }
            Inspection::Failed(error) => Some(BlockFailure::Value(Box::new(KeptError::new(error)))),
            Inspection::Opaque(opaque) => {
                value.complete(Ok(Inspected::new(opaque)));
                Some(BlockFailure::Opaque(KeptError::new(OpaqueError)))
            }
        },
        BlockValue::Completed(Err(error)) => Some(BlockFailure::Nested(KeptError::new(error))),
        BlockValue::Empty | BlockValue::Returned(_) => None,
    }
}

#[cold]
fn interrupted_or_panicked<R, E, N>(outcome: BlockOutcome<R>) -> BlockFailure<E, N>
where
    E: Send + 'static,
    N: Send + 'static,
{
    match outcome {
        BlockOutcome::Panicked(payload) => BlockFailure::Panic(payload),
        BlockOutcome::Interrupted => BlockFailure::Interrupted,
        BlockOutcome::Completed(_) => unreachable!("the block was interrupted or has panicked"),
    }
}

type ValueOf<V, T, K> = Inspected<<V as Suppression>::Output<T>, ScopeValue<V, T, K>>;

type DispositionOf<V, X, T, K, R, N> = Disposition<Result<ValueOf<V, T, K>, ErrorOrigin<X, N>>, R>;

/// Decides what happens after the exit: given the block's value and failure, the guard's name and the result of the
/// exit.
#[inline]
pub fn disposition<V, X, T, K, R, C, S, N>(
    value: BlockValue<NestedValue<T, K, N>, R::Deferred>,
    failure: Option<BlockFailure<R::Error, N>>,
    name: Option<&'static str>,
    result: Result<V, X>,
    _returns: Case<C, S>,
) -> DispositionOf<V, X, T, K, R, N>
where
    V: Suppression,
    X: Debug + Send + 'static,
    K: ValueKind<T>,
    R: MaybeResult<C, S>,
    N: Send + 'static,
{
    match (failure, result, value) {
        (None, Ok(_), BlockValue::Completed(Ok(value))) => completed::<V, X, T, K, R, N>(value.value),
        (None, Ok(_), BlockValue::Returned(deferred)) => Disposition::Return(R::join(deferred, None)),
        (None, Ok(_), _) => Disposition::Jump,
        // The exit failed after a block that did not. Its error replaces the value, `return` or jump of the block.
        (None, Err(error), _) => Disposition::Value(Err(ErrorOrigin::Manager(error))),
        (Some(failure), result, value) => {
            after_failure::<V, X, T, K, R, C, S, N>(name, result, failure, value)
        }
    }
}

#[inline]
fn completed<V: Suppression, X, T, K, R, N>(value: T) -> DispositionOf<V, X, T, K, R, N> {
    Disposition::Value(Ok(Inspected::new(V::completed(value))))
}

#[cold]
fn after_failure<V, X, T, K, R, C, S, N>(
    name: Option<&'static str>,
    result: Result<V, X>,
    failure: BlockFailure<R::Error, N>,
    value: BlockValue<NestedValue<T, K, N>, R::Deferred>,
) -> DispositionOf<V, X, T, K, R, N>
where
    V: Suppression,
    X: Debug + Send + 'static,
    K: ValueKind<T>,
    R: MaybeResult<C, S>,
    N: Send + 'static,
{
    let failure = match (result, failure) {
        (Ok(suppression), failure) => match suppress(&suppression, failure) {
            Ok(value) => return Disposition::Value(Ok(Inspected::new(value))),
            Err(failure) => failure,
        },
        // The error of the exit states the reason of the interrupt.
        (Err(error), BlockFailure::Interrupted) => {
            return Disposition::Value(Err(ErrorOrigin::Manager(error)));
        }
        // The block's own error or panic takes precedence.
        (Err(error), failure) => {
            report_exit_error(name.unwrap_or("exit"), &error);
            if let BlockFailure::Panic(payload) = failure {
                payload.resume()
            }
            failure
        }
    };
    match (failure, value) {
        (BlockFailure::Nested(error), _) => Disposition::Value(Err(ErrorOrigin::Nested(error.into_inner()))),
        (BlockFailure::Value(error), _) => completed::<V, X, T, K, R, N>(K::failed(error.into_inner())),
        (BlockFailure::Error(error), BlockValue::Returned(deferred)) => {
            Disposition::Return(R::join(deferred, Some(error.into_inner())))
        }
        // An opaque error was never separated from the value that holds it.
        (BlockFailure::Opaque(placeholder), value) => {
            let OpaqueError = placeholder.into_inner();
            match value {
                BlockValue::Returned(deferred) => Disposition::Return(R::join(deferred, None)),
                BlockValue::Completed(Ok(value)) => completed::<V, X, T, K, R, N>(value.value),
                _ => unreachable!("an opaque error is a part of the value"),
            }
        }
        _ => panic!("{CONTRACT_VIOLATION}"),
    }
}

/// Stands for the jump of a block that contains neither a `break` nor a `continue` for the enclosing code. Never
/// called.
#[must_use]
pub fn no_jump() -> Infallible {
    unreachable!("a block without a jump completes with a value")
}

/// Forgets a value that the macro has used up, so that the future contains no code that drops it.
///
/// A function of this crate, because clippy reports `mem::forget` in the user's code if the value needs no drop.
#[inline(always)]
pub fn forget<T>(used: T) {
    mem::forget(used);
}
