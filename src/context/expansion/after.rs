use std::convert::Infallible;
use std::panic::resume_unwind;

use super::returned::Returned;
use crate::context::body::Ended;
use crate::context::fault::Fault;
use crate::context::policy::sealed::Exited;
use crate::context::{AsyncExit, NEITHER, Verdict, report};

/// How a block was left.
pub enum Left<T, K> {
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

type Sorted<T, K, R, N> = (Left<T, <K as Returned<R>>::Kept>, Option<Fault<<K as Returned<R>>::Error, N>>);

#[inline]
pub fn sort<T, K, R, N>(ended: Ended<Option<R>>, value: Option<Result<T, N>>, kind: K) -> Sorted<T, K, R, N>
where
    K: Returned<R>,
{
    match ended {
        Ended::Done(None) => match value {
            Some(Err(error)) => (Left::Fault, Some(Fault::Nested(error))),
            Some(Ok(value)) => (Left::Fell(Some(value)), None),
            None => (Left::Fell(None), None),
        },
        Ended::Done(Some(returned)) => {
            let (kept, fault) = kind.split(returned);
            (Left::Returned(kept), fault)
        }
        Ended::Panicked(payload) => (Left::Fault, Some(Fault::Panic(payload))),
        Ended::Interrupted => (Left::Fault, Some(Fault::Interrupted)),
    }
}

type Done<G, T, R, N> =
    After<Result<<<G as AsyncExit>::Verdict as Verdict>::Out<T>, Which<<G as AsyncExit>::Error, N>>, R>;

#[inline]
pub fn after<G, T, K, R, N>(
    _scope: &super::Scope<G>,
    (result, fault): Exited<G, K::Error, N>,
    left: Left<T, K::Kept>,
    kind: K,
) -> Done<G, T, R, N>
where
    G: AsyncExit,
    K: Returned<R>,
{
    let Some(fault) = fault else {
        return match (result, left) {
            (Err(error), _) => After::Value(Err(Which::Manager(error))),
            (Ok(_), Left::Fell(Some(value))) => After::Value(Ok(G::Verdict::done(value))),
            (Ok(_), Left::Fell(None)) => After::Jump,
            (Ok(_), Left::Returned(kept)) => After::Return(kind.join(kept, None)),
            (Ok(_), Left::Fault) => unreachable!("the exit gives back the fault that it was lent"),
        };
    };
    failed::<G, T, K, R, N>(result, fault, left, kind)
}

#[cold]
fn failed<G, T, K, R, N>(
    result: Result<G::Verdict, G::Error>,
    fault: Fault<K::Error, N>,
    left: Left<T, K::Kept>,
    kind: K,
) -> Done<G, T, R, N>
where
    G: AsyncExit,
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
        resume_unwind(payload)
    }
    if let Some(value) = verdict.and_then(|verdict| verdict.swallowed()) {
        return After::Value(Ok(value));
    }
    match (fault, left) {
        (Fault::Nested(error), _) => After::Value(Err(Which::Nested(error))),
        (Fault::Error(error), Left::Returned(kept)) => After::Return(kind.join(kept, Some(error))),
        (_, Left::Returned(kept)) => After::Return(kind.join(kept, None)),
        _ => panic!("{NEITHER}"),
    }
}

/// A block in no loop was left neither by `break` nor by `continue`.
#[must_use]
pub fn no_jump() -> Infallible {
    unreachable!("a block that came to its end has a value")
}
