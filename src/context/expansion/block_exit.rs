use std::convert::Infallible;
use std::fmt::Debug;

use super::maybe_result::{Case, Inspected, MaybeResult, SendError};
use super::value_kind::{Inspection, ScopeValue, ValueKind};
use crate::context::exit_reason::OpaqueError;
use crate::context::scope::block::BlockOutcome;
use crate::context::scope::failure::{BlockFailure, CONTRACT_VIOLATION, report_exit_error};
use crate::context::suppression::{Suppression, suppress};
use crate::panic::{Kept, KeptPayload};

/// The way in which a block was left, kept during the exit. The value stays where the block has stored it: a future
/// would otherwise have a second place for it.
///
/// The deferred value and the error are parameters, not projections of the returned type: the compiler cannot prove that
/// a future is `Send` for every lifetime if it holds a projection through an implementation with a `'static` bound.
pub struct BlockExit<D, E, N> {
    path: ExitPath<D>,
    pub failure: Option<BlockFailure<E, N>>,
}

enum ExitPath<D> {
    /// The block completed with a value, or it was left by `break` or `continue`, without a value. The value may be an
    /// `Err` with an opaque error.
    Completed,
    /// The block was left by `return` or `?`. This is the returned value without its error, which is the failure.
    Returned(D),
    Failed,
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

/// The place where a block stores its value; empty if the block was left otherwise. `N` is the error of a manager that
/// is nested in the block.
type BlockValue<T, K, N> = Option<Result<Inspected<T, K>, N>>;

#[inline]
pub fn block_exit<T, K, R, C, S, N>(
    outcome: BlockOutcome<Option<R>>,
    value: &mut BlockValue<T, K, N>,
    _returns: Case<C, S>,
) -> BlockExit<R::Deferred, R::Error, N>
where
    K: ValueKind<T>,
    R: MaybeResult<C, S> + SendError<S>,
{
    let (path, failure) = match outcome {
        BlockOutcome::Completed(None) => match value.take() {
            Some(Ok(completed)) => match K::inspect(completed.value) {
                Inspection::Completed(completed) => {
                    *value = Some(Ok(Inspected::new(completed)));
                    (ExitPath::Completed, None)
                }
                Inspection::Failed(error) => {
                    (ExitPath::Failed, Some(BlockFailure::Value(Box::new(KeptPayload::new(error)))))
                }
                Inspection::Opaque(opaque) => {
                    *value = Some(Ok(Inspected::new(opaque)));
                    (ExitPath::Completed, Some(BlockFailure::Opaque(OpaqueError)))
                }
            },
            None => (ExitPath::Completed, None),
            Some(Err(error)) => (ExitPath::Failed, Some(BlockFailure::Nested(Kept::new(error)))),
        },
        BlockOutcome::Completed(Some(returned)) => {
            let (deferred, failure) = returned.split();
            (ExitPath::Returned(deferred), failure)
        }
        BlockOutcome::Panicked(payload) => (ExitPath::Failed, Some(BlockFailure::Panic(payload))),
        BlockOutcome::Interrupted => (ExitPath::Failed, Some(BlockFailure::Interrupted)),
    };
    BlockExit { path, failure }
}

/// The value of a scope with the suppression `V` and a block whose value is a `T` of kind `K`.
type ValueOf<V, T, K> = Inspected<<V as Suppression>::Output<T>, ScopeValue<V, T, K>>;

type DispositionOf<V, X, T, K, R, N> = Disposition<Result<ValueOf<V, T, K>, ErrorOrigin<X, N>>, R>;

impl<D, E, N> BlockExit<D, E, N> {
    /// Combines the way in which the block was left with the result of the exit. `name` is that of the guard.
    #[inline]
    pub fn disposition<V, X, T, K, R, C, S>(
        self,
        value: BlockValue<T, K, N>,
        name: Option<&'static str>,
        result: Result<V, X>,
        _returns: Case<C, S>,
    ) -> DispositionOf<V, X, T, K, R, N>
    where
        V: Suppression,
        X: Debug + Send + 'static,
        K: ValueKind<T>,
        R: MaybeResult<C, S, Deferred = D, Error = E>,
    {
        match (self.failure, self.path, result) {
            (None, ExitPath::Completed, Ok(_)) => match value {
                Some(Ok(value)) => completed::<V, X, T, K, R, N>(value.value),
                _ => Disposition::Jump,
            },
            (None, ExitPath::Returned(deferred), Ok(_)) => Disposition::Return(R::join(deferred, None)),
            // The exit failed after a block that did not. Its error replaces the value, `return` or jump of the block.
            (None, _, Err(error)) => Disposition::Value(Err(ErrorOrigin::Manager(error))),
            (Some(failure), path, result) => {
                after_failure::<V, X, T, K, R, C, S, N>(name, result, failure, path, value)
            }
            (None, ExitPath::Failed, Ok(_)) => unreachable!("an exit returns the failure that it borrowed"),
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
    path: ExitPath<R::Deferred>,
    value: BlockValue<T, K, N>,
) -> DispositionOf<V, X, T, K, R, N>
where
    V: Suppression,
    X: Debug + Send + 'static,
    K: ValueKind<T>,
    R: MaybeResult<C, S>,
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
    match (failure, path) {
        (BlockFailure::Nested(error), _) => Disposition::Value(Err(ErrorOrigin::Nested(error.into_inner()))),
        (BlockFailure::Value(error), _) => completed::<V, X, T, K, R, N>(K::failed(error.into_inner())),
        (BlockFailure::Error(error), ExitPath::Returned(deferred)) => {
            Disposition::Return(R::join(deferred, Some(error.into_inner())))
        }
        // An opaque error was never separated from the value that holds it.
        (_, ExitPath::Returned(deferred)) => Disposition::Return(R::join(deferred, None)),
        (_, ExitPath::Completed) => match value {
            Some(Ok(value)) => completed::<V, X, T, K, R, N>(value.value),
            _ => unreachable!("an opaque error is in a value"),
        },
        _ => panic!("{CONTRACT_VIOLATION}"),
    }
}

/// Stands for the jump of a block that contains neither a `break` nor a `continue` for the enclosing code. Never
/// called.
#[must_use]
pub fn no_jump() -> Infallible {
    unreachable!("a block without a jump completes with a value")
}
