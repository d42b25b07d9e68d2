use std::convert::Infallible;
use std::marker::PhantomData;
use std::panic::resume_unwind;

use super::returned::Returned;
use crate::context::body::Ended;
use crate::context::fault::Fault;
use crate::context::{AsyncGuard, NEITHER, Suppression, report};

/// How a block was left.
pub struct Left<T, K, E, N> {
    way: Way<T, K>,
    pub fault: Option<Fault<E, N>>,
}

enum Way<T, K> {
    /// At its end, with its value; by `break` or `continue`, with none.
    Fell(Option<T>),
    Returned(K),
    /// By a fault.
    Fault,
}

/// What is to be done when a block was exited.
pub enum After<T, R> {
    Value(T),
    Return(R),
    /// `break` or `continue`, whichever it was.
    Jump,
}

/// Whose error a block has: its manager's, or that of a manager entered inside of it by the same macro.
pub enum Which<X, N> {
    Manager(X),
    Nested(N),
}

#[inline]
pub fn left<T, K, R, N>(
    ended: Ended<Option<R>>,
    value: Option<Result<T, N>>,
    kind: K,
) -> Left<T, K::Kept, K::Error, N>
where
    K: Returned<R>,
{
    let fault = match ended {
        Ended::Done(None) => match value {
            Some(Ok(value)) => return Left { way: Way::Fell(Some(value)), fault: None },
            None => return Left { way: Way::Fell(None), fault: None },
            Some(Err(error)) => Fault::Nested(error),
        },
        Ended::Done(Some(returned)) => {
            let (kept, fault) = kind.split(returned);
            return Left { way: Way::Returned(kept), fault };
        }
        Ended::Panicked(payload) => Fault::Panic(payload),
        Ended::Interrupted => Fault::Interrupted,
    };
    Left { way: Way::Fault, fault: Some(fault) }
}

type Done<G, T, R, N> = After<
    Result<<<G as AsyncGuard>::Suppression as Suppression>::Output<T>, Which<<G as AsyncGuard>::Error, N>>,
    R,
>;

impl<T, L, E, N> Left<T, L, E, N> {
    #[inline]
    pub fn after<G, K, R>(
        self,
        _of: PhantomData<fn(G)>,
        result: Result<G::Suppression, G::Error>,
        kind: K,
    ) -> Done<G, T, R, N>
    where
        G: AsyncGuard,
        K: Returned<R, Kept = L, Error = E>,
    {
        match (self.fault, self.way, result) {
            (None, Way::Fell(Some(value)), Ok(_)) => After::Value(Ok(G::Suppression::completed(value))),
            (None, Way::Fell(None), Ok(_)) => After::Jump,
            (None, Way::Returned(kept), Ok(_)) => After::Return(kind.join(kept, None)),
            (None, _, Err(error)) => After::Value(Err(Which::Manager(error))),
            (Some(fault), way, result) => failed::<G, T, K, R, N>(result, fault, way, kind),
            (None, Way::Fault, Ok(_)) => unreachable!("the exit gives back the fault that it was lent"),
        }
    }
}

#[cold]
fn failed<G, T, K, R, N>(
    result: Result<G::Suppression, G::Error>,
    fault: Fault<K::Error, N>,
    way: Way<T, K::Kept>,
    kind: K,
) -> Done<G, T, R, N>
where
    G: AsyncGuard,
    K: Returned<R>,
{
    let verdict = match (result, &fault) {
        (Err(error), Fault::Interrupted) => return After::Value(Err(Which::Manager(error))),
        // What was under way goes on.
        (Err(error), _) => {
            report::<G>(&error);
            None
        }
        (Ok(verdict), _) => Some(verdict),
    };
    if let Fault::Panic(payload) = fault {
        resume_unwind(*payload)
    }
    if let Some(value) = verdict.and_then(|verdict| verdict.suppressed()) {
        return After::Value(Ok(value));
    }
    match (fault, way) {
        (Fault::Nested(error), _) => After::Value(Err(Which::Nested(error))),
        (Fault::Error(error), Way::Returned(kept)) => After::Return(kind.join(kept, Some(error))),
        (_, Way::Returned(kept)) => After::Return(kind.join(kept, None)),
        _ => panic!("{NEITHER}"),
    }
}

/// A block in no loop was left neither by `break` nor by `continue`.
#[must_use]
pub fn no_jump() -> Infallible {
    unreachable!("a block that came to its end has a value")
}
