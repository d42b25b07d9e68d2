//! The systematic search of `tests/coroutine/faults.rs`, by the operations of a generator: every call into user code
//! panics once, at every step. Each operation is polled up to twice, and dropped if it is still pending then.

use std::future::Future;
use std::ops::DerefMut;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::Stream;
use withal::coroutine::{RawCoroutine, State, Thrown};
use withal::generator::{AsyncGenerator, AsyncGeneratorExt, try_generator};

use withal_test_support::faults::{Act, Raises, Reply, Token, body, fail_each_call, scripts, waker};

#[derive(Debug, Clone, Copy)]
enum Operation {
    Start,
    Asend,
    Athrow,
    Aclose,
}

const OPERATIONS: [Operation; 4] = [Operation::Start, Operation::Asend, Operation::Athrow, Operation::Aclose];

fn poll(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(&waker())).is_ready() {
            break;
        }
    }
}

fn apply<D>(
    generator: &mut Pin<impl DerefMut<Target = AsyncGenerator<D>>>,
    operation: Operation,
    polls: usize,
) where
    D: RawCoroutine<Yield = Token, Return = (), Thrown = Thrown<Token>, Sent: Reply> + ?Sized,
{
    let _panic = catch_unwind(AssertUnwindSafe(|| match operation {
        Operation::Start => poll(generator.start(), polls),
        Operation::Asend => poll(generator.asend(Reply::create()), polls),
        Operation::Athrow => poll(generator.athrow(Raises(Token::new())), polls),
        Operation::Aclose => poll(generator.aclose(), polls),
    }));
}

fn play<D>(
    mut generator: Pin<impl DerefMut<Target = AsyncGenerator<D>>>,
    script: &[Act],
    operations: &[(Operation, usize)],
) where
    D: RawCoroutine<Yield = Token, Return = (), Thrown = Thrown<Token>, Sent: Reply> + ?Sized,
{
    for &(operation, polls) in operations {
        apply(&mut generator, operation, polls);
    }
    for _ in 0..20 {
        apply(&mut generator, Operation::Aclose, 2);
    }
    assert_eq!(generator.state(), State::Closed, "{script:?} is not closed, after {operations:?}");
    let _panic = catch_unwind(AssertUnwindSafe(|| drop(generator)));
}

/// Calls `test` with a start and one or two operations.
fn sequences(test: impl Fn(&[(Operation, usize)])) {
    for first in OPERATIONS {
        test(&[(first, 1)]);
        for second in OPERATIONS {
            test(&[(Operation::Start, 2), (first, 1), (second, 2)]);
        }
    }
}

fn search<S: Reply + 'static>(reenters: bool) {
    for script in scripts() {
        sequences(|operations| {
            fail_each_call(false, || {
                let generator = try_generator(body::<S, ()>(script.clone(), reenters, waker, || ()));
                play(Box::pin(generator), &script, operations);
            });
        });
    }
}

#[test]
fn every_call_into_user_code_panics_once() {
    search::<Token>(false);
    search::<()>(false);
}

#[test]
fn every_call_into_user_code_panics_once_while_a_destructor_yields() {
    search::<Token>(true);
    search::<()>(true);
}

/// By virtual calls.
#[test]
fn every_call_into_user_code_panics_once_in_a_boxed_generator() {
    for script in scripts() {
        sequences(|operations| {
            fail_each_call(false, || {
                let generator = try_generator(body::<Token, ()>(script.clone(), false, waker, || ()));
                play(generator.boxed_local(), &script, operations);
            });
        });
    }
}

fn stream_to_the_end<St: Stream + ?Sized>(mut stream: Pin<impl DerefMut<Target = St>>) {
    let mut pending = 0;
    for _ in 0..20 {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            match stream.as_mut().poll_next(&mut Context::from_waker(&waker())) {
                Poll::Ready(item) => Some(item.is_some()),
                Poll::Pending => None,
            }
        }));
        match polled {
            Ok(Some(false)) => break,
            Ok(None) => pending += 1,
            Ok(Some(true)) | Err(_) => {}
        }
    }
    assert!(pending < 10, "the stream stalls");
    let _panic = catch_unwind(AssertUnwindSafe(|| drop(stream)));
}

#[test]
fn every_call_into_user_code_panics_once_in_a_stream() {
    for reenters in [false, true] {
        for script in scripts() {
            fail_each_call(false, || {
                stream_to_the_end(Box::pin(try_generator(body::<(), ()>(
                    script.clone(),
                    reenters,
                    waker,
                    || (),
                ))));
            });
            fail_each_call(false, || {
                let generator = try_generator(body::<(), ()>(script.clone(), reenters, waker, || ()));
                stream_to_the_end(generator.boxed_local());
            });
        }
    }
}
