//! An operation that has completed cannot be awaited again. `await` usually moves it; here it is awaited by reference.

use std::pin::pin;

use withal::coroutine::{GeneratorExit, State, Thrown};
use withal::generator::{AsyncGenerator, AsyncGeneratorExt, Error, GeneratorBody, try_generator};

use super::MyError;

const MINE: MyError = MyError("mine");

fn async_iterate() -> AsyncGenerator<impl GeneratorBody<u32, (), Thrown<MyError>>> {
    try_generator(async |mut y| {
        y.yield_(1).await?;
        y.yield_(2).await
    })
}

#[test]
#[should_panic(expected = "`anext` polled after completion")]
fn await_same_anext_coro_twice_is_refused() {
    let mut it = pin!(async_iterate());
    let mut nxt = it.anext();
    assert_eq!(now!(&mut nxt), Ok(Some(1)));
    drop(now!(nxt));
}

#[test]
#[should_panic(expected = "`aclose` polled after completion")]
fn await_same_aclose_coro_twice_is_refused() {
    let mut it = pin!(async_iterate());
    let mut nxt = it.aclose();
    assert_eq!(now!(&mut nxt), Ok(()));
    drop(now!(nxt));
}

/// Instead of a throw into an awaitable that was never awaited, another operation throws.
#[test]
#[should_panic(expected = "`athrow` polled after completion")]
fn throw_same_aclose_coro_twice_is_refused() {
    let mut it = pin!(async_iterate());
    drop(it.aclose());
    assert_eq!(it.state(), State::Created);
    let mut nxt = it.athrow(Thrown::Exit(GeneratorExit));
    assert_eq!(now!(&mut nxt), Err(Error::GeneratorExit));
    drop(now!(nxt));
}

#[test]
#[should_panic(expected = "`athrow` polled after completion")]
fn throw_custom_same_aclose_coro_twice_is_refused() {
    let mut it = pin!(async_iterate());
    drop(it.aclose());
    let mut nxt = it.athrow(MINE);
    assert_eq!(now!(&mut nxt), Err(Error::Raised(MINE)));
    drop(now!(nxt));
}

#[test]
#[should_panic(expected = "`athrow` polled after completion")]
fn throw_custom_same_athrow_coro_twice_is_refused() {
    let mut it = pin!(async_iterate());
    drop(it.athrow(MyError("never polled")));
    let mut nxt = it.athrow(MINE);
    assert_eq!(now!(&mut nxt), Err(Error::Raised(MINE)));
    drop(now!(nxt));
}

/// The generator of this test has not started, so the throw ends it.
#[test]
fn aclose_throw_is_returned() {
    let mut g = pin!(async_iterate());
    drop(g.aclose());
    assert_eq!(now!(g.athrow(MINE)), Err(Error::Raised(MINE)));
    assert_eq!(g.state(), State::Closed);
}

#[test]
fn aclose_twice_with_different_coros_closes_once() {
    let mut it = pin!(async_iterate());
    assert_eq!(now!(it.aclose()), Ok(()));
    assert_eq!(now!(it.aclose()), Ok(()));
    assert_eq!(now!(it.anext()), Ok(None));
}

#[test]
fn aclose_after_exhaustion_does_nothing() {
    let mut it = pin!(async_iterate());
    let mut items = 0;
    while now!(it.anext()).unwrap().is_some() {
        items += 1;
    }
    assert_eq!(items, 2);
    assert_eq!(now!(it.aclose()), Ok(()));
}
