//! The systematic search for unsound states: every call into user code panics once, at every step of every short body
//! under every short sequence of operations, and destructors of the body reenter it.
//!
//! The bodies and the counting are in `withal_test_support::faults`. After each run, no token is alive or was dropped
//! twice, and the coroutine could be closed. The tests do no I/O, so that Miri and the sanitizers can run them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Context;

use withal::coroutine::{Coroutine, Error, RawCoroutine, State, Thrown, try_coroutine};

use withal_test_support::faults::{Act, Raises, Reply, Token, body, fail_each_call, scripts, waker};

#[derive(Debug, Clone, Copy)]
enum Operation {
    Resume,
    Send,
    Throw,
    Close,
    /// With a waker of its own.
    Poll,
}

const OPERATIONS: [Operation; 5] =
    [Operation::Resume, Operation::Send, Operation::Throw, Operation::Close, Operation::Poll];

/// The way in which the coroutine is discarded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Discard {
    Drop,
    Close,
    Leak,
}

fn apply<D>(body: &mut Coroutine<D>, operation: Operation)
where
    D: RawCoroutine<Yield = Token, Return = Token, Thrown = Thrown<Token>, Sent: Reply> + ?Sized,
{
    // The outcome is dropped in here, too.
    let _panic = catch_unwind(AssertUnwindSafe(|| match operation {
        Operation::Resume => drop(body.resume()),
        Operation::Send => drop(body.send(Reply::create())),
        Operation::Throw => drop(body.throw(Raises(Token::new()))),
        Operation::Close => drop(body.close()),
        Operation::Poll => drop(body.poll_resume(&mut Context::from_waker(&waker()))),
    }));
}

fn play<D>(mut body: Coroutine<D>, script: &[Act], operations: &[Operation], discard: Discard)
where
    D: RawCoroutine<Yield = Token, Return = Token, Thrown = Thrown<Token>, Sent: Reply> + ?Sized,
{
    for &operation in operations {
        apply(&mut body, operation);
    }
    match discard {
        Discard::Drop => {}
        Discard::Close => {
            // Each close raises an exit, or continues a step, so that this ends.
            for _ in 0..20 {
                apply(&mut body, Operation::Close);
            }
            assert_eq!(body.state(), State::Closed, "{script:?} is not closed, after {operations:?}");
            let resumed = catch_unwind(AssertUnwindSafe(|| body.start().err()));
            assert!(matches!(resumed, Ok(Some(Error::AlreadyAwaited))));
        }
        Discard::Leak => return std::mem::forget(body),
    }
    let _panic = catch_unwind(AssertUnwindSafe(|| drop(body)));
}

/// Calls `test` with all pairs of operations.
fn pairs(test: impl Fn(&[Operation])) {
    for first in OPERATIONS {
        for second in OPERATIONS {
            // As most bodies yield more than once, the pairs are preceded by a start.
            test(&[Operation::Resume, first, second]);
        }
    }
    for only in OPERATIONS {
        test(&[only]);
    }
}

fn search<S: Reply + 'static>(script: &[Act], reenters: bool, discard: Discard) {
    pairs(|operations| {
        fail_each_call(discard == Discard::Leak, || {
            let body = try_coroutine(body::<S, Token>(script.to_vec(), reenters, waker, Token::new));
            play(body, script, operations, discard);
        });
    });
}

fn search_all<S: Reply + 'static>(reenters: bool) {
    for script in scripts() {
        search::<S>(&script, reenters, Discard::Close);
        if script.len() < 2 {
            search::<S>(&script, reenters, Discard::Drop);
            search::<S>(&script, reenters, Discard::Leak);
        }
    }
}

#[test]
fn every_call_into_user_code_panics_once() {
    search_all::<Token>(false);
}

/// `()` is the type of most replies, and has neither size nor destructor.
#[test]
fn every_call_into_user_code_panics_once_with_replies_without_a_size() {
    search_all::<()>(false);
}

#[test]
fn every_call_into_user_code_panics_once_while_a_destructor_yields() {
    search_all::<Token>(true);
    search_all::<()>(true);
}
