//! Coroutines driven by hand.

use futures::executor::block_on;
use withal::coroutine::{
    BoxCoroutine, GeneratorExit, State, Step, Thrown, Yielder, coroutine, run_all, try_coroutine, yield_now,
};

use crate::E;

#[test]
fn called_and_awaited() {
    async fn f(x: u32) -> Result<u32, E> {
        tokio::task::yield_now().await;
        if x == 0 { Err(E) } else { Ok(x) }
    }
    let program = async {
        let aw = f(1);
        let before = "called, but not started";
        (before, aw.await)
    };
    assert_eq!(block_on(program).1, Ok(1));
}

#[test]
fn sent_thrown_into_and_closed() {
    async fn inner(y: &mut Yielder<'_, u32, u32, GeneratorExit>) -> Result<u32, GeneratorExit> {
        y.yield_(0).await
    }
    let mut coro = coroutine(async |mut y| {
        let value = inner(&mut y).await?;
        let sent = y.yield_(value).await?;
        Ok(sent)
    });
    assert_eq!(coro.resume(), Ok(Step::Yielded(0)));
    let value = 1;
    assert_eq!(coro.send(value), Ok(Step::Yielded(1)));
    assert_eq!(coro.send(value), Ok(Step::Complete(value)));

    let catching = || {
        let mut coro = try_coroutine(async |mut y| match y.yield_(()).await {
            Err(Thrown::Error(E)) => Ok("caught"),
            Err(exit) => Err(exit),
            Ok(()) => Ok("resumed"),
        });
        coro.resume().unwrap();
        coro
    };
    let (mut coro, error) = (catching(), E);
    assert_eq!(coro.throw(error), Ok(Step::Complete("caught")));
    let mut coro = catching();
    assert_eq!(coro.close(), Ok(None));
    assert_eq!(coro.state(), State::Closed);
}

#[test]
fn in_turns() -> Result<(), Box<dyn std::error::Error>> {
    fn coro1() -> BoxCoroutine<'static> {
        coroutine(async |mut y| {
            yield_now(&mut y).await?;
            Ok(())
        })
        .boxed()
    }
    let coro2 = coro1;
    run_all([coro1(), coro2()])?;
    Ok(())
}
