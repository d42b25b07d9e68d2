use std::convert::Infallible;
use std::marker::PhantomData;
use std::panic::resume_unwind;

use super::return_type::ReturnType;
use crate::context::guard::AsyncGuard;
use crate::context::scope::block::BlockOutcome;
use crate::context::scope::failure::{BlockFailure, CONTRACT_VIOLATION, report_exit_error};
use crate::context::suppression::{Suppression, suppress};

/// The way in which a block was left, kept during the exit.
pub struct BlockExit<T, K, E, N> {
    path: ExitPath<T, K>,
    pub failure: Option<BlockFailure<E, N>>,
}

enum ExitPath<T, K> {
    /// The block completed with a value, or it was left by `break` or `continue`, without a value.
    Completed(Option<T>),
    /// The block was left by `return` or `?`. This is the returned value without its error, which is the failure.
    Returned(K),
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

#[inline]
pub fn block_exit<T, K, R, N>(
    outcome: BlockOutcome<Option<R>>,
    value: Option<Result<T, N>>,
    kind: K,
) -> BlockExit<T, K::Deferred, K::Error, N>
where
    K: ReturnType<R>,
{
    let failure = match outcome {
        BlockOutcome::Completed(None) => match value {
            Some(Ok(value)) => return BlockExit { path: ExitPath::Completed(Some(value)), failure: None },
            None => return BlockExit { path: ExitPath::Completed(None), failure: None },
            Some(Err(error)) => BlockFailure::Nested(error),
        },
        BlockOutcome::Completed(Some(returned)) => {
            let (deferred, failure) = kind.split(returned);
            return BlockExit { path: ExitPath::Returned(deferred), failure };
        }
        BlockOutcome::Panicked(payload) => BlockFailure::Panic(payload),
        BlockOutcome::Interrupted => BlockFailure::Interrupted,
    };
    BlockExit { path: ExitPath::Failed, failure: Some(failure) }
}

type DispositionOf<G, T, R, N> = Disposition<
    Result<
        <<G as AsyncGuard>::Suppression as Suppression>::Output<T>,
        ErrorOrigin<<G as AsyncGuard>::Error, N>,
    >,
    R,
>;

impl<T, D, E, N> BlockExit<T, D, E, N> {
    /// Combines the way in which the block was left with the result of the exit.
    #[inline]
    pub fn disposition<G, K, R>(
        self,
        _guard_type: PhantomData<fn(G)>,
        result: Result<G::Suppression, G::Error>,
        kind: K,
    ) -> DispositionOf<G, T, R, N>
    where
        G: AsyncGuard,
        K: ReturnType<R, Deferred = D, Error = E>,
    {
        match (self.failure, self.path, result) {
            (None, ExitPath::Completed(Some(value)), Ok(_)) => {
                Disposition::Value(Ok(G::Suppression::completed(value)))
            }
            (None, ExitPath::Completed(None), Ok(_)) => Disposition::Jump,
            (None, ExitPath::Returned(deferred), Ok(_)) => Disposition::Return(kind.join(deferred, None)),
            // The exit failed after a block that did not. Its error replaces the value, `return` or jump of the block.
            (None, _, Err(error)) => Disposition::Value(Err(ErrorOrigin::Manager(error))),
            (Some(failure), path, result) => after_failure::<G, T, K, R, N>(result, failure, path, kind),
            (None, ExitPath::Failed, Ok(_)) => unreachable!("an exit returns the failure that it borrowed"),
        }
    }
}

#[cold]
fn after_failure<G, T, K, R, N>(
    result: Result<G::Suppression, G::Error>,
    failure: BlockFailure<K::Error, N>,
    path: ExitPath<T, K::Deferred>,
    kind: K,
) -> DispositionOf<G, T, R, N>
where
    G: AsyncGuard,
    K: ReturnType<R>,
{
    let failure = match (result, failure) {
        (Ok(suppression), failure) => match suppress(&suppression, failure) {
            Ok(value) => return Disposition::Value(Ok(value)),
            Err(failure) => failure,
        },
        // The error of the exit states the reason of the interrupt.
        (Err(error), BlockFailure::Interrupted) => {
            return Disposition::Value(Err(ErrorOrigin::Manager(error)));
        }
        // The block's own error or panic takes precedence.
        (Err(error), failure) => {
            report_exit_error::<G>(&error);
            if let BlockFailure::Panic(payload) = failure {
                resume_unwind(*payload)
            }
            failure
        }
    };
    match (failure, path) {
        (BlockFailure::Nested(error), _) => Disposition::Value(Err(ErrorOrigin::Nested(error))),
        (BlockFailure::Error(error), ExitPath::Returned(deferred)) => {
            Disposition::Return(kind.join(deferred, Some(error)))
        }
        // An opaque error was never separated from the returned value.
        (_, ExitPath::Returned(deferred)) => Disposition::Return(kind.join(deferred, None)),
        _ => panic!("{CONTRACT_VIOLATION}"),
    }
}

/// Stands for the jump of a block that contains neither a `break` nor a `continue` for the enclosing code. Never
/// called.
#[must_use]
pub fn no_jump() -> Infallible {
    unreachable!("a block without a jump completes with a value")
}
