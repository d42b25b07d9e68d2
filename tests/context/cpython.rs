//! `CPython`'s `test_contextlib_async.py` (3.13). Each test has the name of its original.

use std::convert::Infallible;
use std::io;
use std::num::ParseIntError;
use std::sync::{Arc, Mutex};

use tokio::task::yield_now;
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, DropNow, Error, ExitReason, aclosing, async_with,
    asynccontextmanager, decorate, nullcontext, suppress,
};
use withal::coroutine::Thrown;
use withal::generator::{AsyncGeneratorExt, generator, try_generator};

/// A log of events, the `state` of the originals.
#[derive(Clone, Default)]
struct State(Arc<Mutex<Vec<String>>>);

impl State {
    fn push(&self, event: &(impl ToString + ?Sized)) {
        self.0.lock().unwrap().push(event.to_string());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// `woohoo`: pushes 1, yields 42, pushes 999.
fn woohoo(
    state: &State,
) -> impl AsyncContextManager<
    Guard: AsyncGuard<Target = u32, Error = io::Error, Suppression = ()> + Send + 'static,
> + Send
+ use<> {
    let state = state.clone();
    asynccontextmanager(async move |y| {
        state.push(&1);
        yield_now().await;
        let (n, exit) = y.yield_(42).await;
        yield_now().await;
        state.push(&format!("{n} {}", exit.is_ok()));
        Ok::<(), io::Error>(())
    })
}

/// Adapted: there is no default enter. Most managers are their own guard.
#[tokio::test]
async fn enter() {
    struct Manager;
    impl AsyncContextManager for Manager {
        type Guard = Self;
        async fn aenter(self) -> Result<Self, Infallible> {
            Ok(self)
        }
    }
    impl AsyncGuard for Manager {
        type Target = Self;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = DropNow;
        fn target(&mut self) -> &mut Self {
            self
        }
        async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
            Ok(())
        }
    }
    async_with!(_manager = Manager => {});
}

#[tokio::test]
async fn propagates_generator_exit() {
    let state = State::default();
    let s = state.clone();
    let manager = move || {
        let s = s.clone();
        asynccontextmanager(async move |y| {
            let ((), exit) = y.yield_(()).await;
            s.push(format!("{exit:?}").split('(').next().unwrap());
            Ok::<(), Infallible>(())
        })
    };
    let mut numbers = Box::pin(generator(async |mut y| {
        let exit = async_with(manager(), async |()| {
            y.yield_(1).await?;
            Ok::<_, withal::coroutine::GeneratorExit>(())
        });
        exit.await.map_err(Error::into_inner)
    }));
    assert_eq!(numbers.anext().await.unwrap(), Some(1));
    numbers.aclose().await.unwrap();
    assert_eq!(state.all(), ["Error"], "the block failed with the `GeneratorExit`");
}

#[tokio::test]
async fn cm_plain() {
    let state = State::default();
    async_with!(x = woohoo(&state) => {
        assert_eq!(*x, 42);
        state.push("block");
    })
    .unwrap();
    assert_eq!(state.all(), ["1", "block", "42 true"]);
}

#[tokio::test]
async fn cm_finally() {
    let state = State::default();
    let result = async_with(woohoo(&state), async |_| "x".parse::<u32>()).await;
    assert!(matches!(result, Err(Error::Block(ParseIntError { .. }))));
    assert_eq!(state.all(), ["1", "42 false"]);
}

/// An explicit call of `__aexit__` with an error.
#[tokio::test]
async fn cm_no_reraise() {
    let mut entered = woohoo(&State::default()).aenter().await.unwrap();
    let mut error = "block".to_owned();
    let () = entered.aexit(ExitReason::Error(&mut error)).await.unwrap();
    assert_eq!(error, "block");
}

/// Adapted: "generator didn't stop" is impossible, since the first yield consumes the yielder. See the `compile_fail`
/// example of `asynccontextmanager`.
#[tokio::test]
async fn cm_trap_yield_after_throw_and_second_yield() {
    let closed = State::default();
    let s = closed.clone();
    let manager = asynccontextmanager(async move |y| {
        let _spent = y.yield_(()).await;
        s.push("closed");
        Ok::<(), Infallible>(())
    });
    async_with!(() = manager => {});
    assert_eq!(closed.all(), ["closed"]);
}

#[tokio::test]
#[should_panic(expected = "asynccontextmanager: the function returned without a yield")]
async fn cm_trap_no_yield() {
    let manager = asynccontextmanager(async |y: withal::context::YieldOnce<'_, ()>| {
        assert_eq!(format!("{y:?}"), "YieldOnce { .. }");
        Ok::<(), Infallible>(())
    });
    async_with!(() = manager => {});
}

/// Adapted: there are no exception types without values. The exit learns the type of the error.
#[tokio::test]
async fn cm_non_normalised() {
    let seen = Arc::new(Mutex::new(None));
    let s = Arc::clone(&seen);
    let manager = asynccontextmanager(async move |y| {
        let ((), exit) = y.yield_(()).await;
        *s.lock().unwrap() = Some(exit);
        Ok::<(), Infallible>(())
    });
    drop(async_with(manager, async |()| "x".parse::<u32>()).await);
    let exit = seen.lock().unwrap().take().unwrap();
    assert!(exit.is::<ParseIntError>() && !exit.is::<io::Error>());
}

#[tokio::test]
async fn cm_except() {
    let manager = || {
        asynccontextmanager(async |y| {
            let (_, exit) = y.yield_(42).await;
            Ok::<bool, Infallible>(exit.is::<ParseIntError>())
        })
    };
    assert_eq!(async_with(manager(), async |_| "x".parse::<u32>()).await, Ok(None));
    assert_eq!(async_with(manager(), async |n| Ok::<_, ParseIntError>(*n)).await, Ok(Some(42)));
}

/// The end of an iteration is a value, and is never mistaken for the end of the manager's function.
#[tokio::test]
async fn cm_except_stopiter() {
    let mut empty = Box::pin(generator(async |_: withal::coroutine::Yielder<'_, u32>| Ok(())));
    let end = async_with(woohoo(&State::default()), async |_| empty.anext().await).await;
    assert_eq!(end.unwrap(), None);
    let exit =
        async_with(woohoo(&State::default()), async |_| Err::<(), _>(withal::coroutine::GeneratorExit)).await;
    assert!(
        matches!(exit, Err(Error::Block(withal::coroutine::GeneratorExit))),
        "a `GeneratorExit` is an error of the block"
    );
}

/// An error that wraps another one is passed on unchanged.
#[tokio::test]
async fn cm_wrap_runtimeerror() {
    let wrapped = || io::Error::other("x".parse::<u32>().unwrap_err());
    let error = async_with(woohoo(&State::default()), async |_| Err::<(), _>(wrapped())).await.unwrap_err();
    let Error::Block(error) = error else { panic!("{error}") };
    assert!(error.get_ref().unwrap().is::<ParseIntError>());
}

/// Adapted: a decorated function calls itself.
#[tokio::test]
async fn recursive() {
    fn count_down(state: &State, n: u32) -> futures::future::LocalBoxFuture<'_, u32> {
        Box::pin(async move {
            let step = decorate(
                || woohoo(state),
                async |n: u32| {
                    Ok::<_, Infallible>(if n == 0 { 0 } else { count_down(state, n - 1).await + 1 })
                },
            );
            step.call(n).await.unwrap()
        })
    }
    let state = State::default();
    assert_eq!(count_down(&state, 10).await, 10);
    assert_eq!(state.all().len(), 22);
}

/// Adapted: each call of a decorated function has a new manager.
#[tokio::test]
async fn decorator() {
    let state = State::default();
    let function = decorate(
        || woohoo(&state),
        async |n: u32| {
            state.push(&n);
            Ok::<_, Infallible>(())
        },
    );
    function.call(7).await.unwrap();
    function.call(8).await.unwrap();
    assert_eq!(state.all(), ["1", "7", "42 true", "1", "8", "42 true"]);
}

/// Adapted: the same with an error.
#[tokio::test]
async fn decorator_with_exception() {
    let state = State::default();
    let function = decorate(|| woohoo(&state), async |text: &str| text.parse::<u32>());
    assert!(matches!(function.call("x").await, Err(Error::Block(ParseIntError { .. }))));
    assert_eq!(state.all(), ["1", "42 false"]);
}

/// Counts how often it is closed.
struct Closes(State);

impl withal::context::AsyncClose for Closes {
    type Error = Infallible;
    async fn close(&mut self) -> Result<(), Infallible> {
        self.0.push("aclose");
        Ok(())
    }
}

#[tokio::test]
async fn aclosing_once() {
    let state = State::default();
    async_with!(x = aclosing(Closes(state.clone())) => {
        assert!(x.0.all().is_empty());
    });
    assert_eq!(state.all(), ["aclose"]);
}

#[tokio::test]
async fn aclosing_error() {
    let state = State::default();
    let error = async_with(aclosing(Closes(state.clone())), async |_| "x".parse::<u32>()).await;
    assert!(error.is_err());
    assert_eq!(state.all(), ["aclose"]);
}

/// `aclosing` exits a scope inside the generator.
#[tokio::test]
async fn aclosing_bpo41229() {
    let state = State::default();
    let s = state.clone();
    let numbers = Box::pin(generator(async move |mut y| {
        let exit = async_with(woohoo(&s), async |_| y.yield_(1).await);
        exit.await.map_err(|error| match error {
            Error::Block(exit) => exit,
            error => panic!("{error}"),
        })
    }));
    let first = async_with!(numbers = aclosing(numbers) => { numbers.anext().await.unwrap() });
    assert_eq!(first.unwrap(), Some(1));
    assert_eq!(state.all(), ["1", "42 false"], "exited before the block ends");
    let mut fails = Box::pin(try_generator(async |mut y| {
        let _exit: Result<(), Thrown<&str>> = y.yield_(1).await;
        Err(Thrown::Error("in its cleanup"))
    }));
    assert_eq!(fails.start().await.unwrap(), Some(1));
    let closed = async_with!(_fails = aclosing(fails) => {});
    assert_eq!(closed.unwrap_err(), withal::generator::Error::Raised("in its cleanup"));
}

/// Adapted: a closure captures the arguments of the callback.
#[tokio::test]
async fn async_callback() {
    let state = State::default();
    let stack = AsyncExitStack::new();
    for arguments in ["", "1", "1 2", "example=1", "1 example=1"] {
        let state = state.clone();
        stack.push_async_callback(async move || {
            yield_now().await;
            state.push(arguments);
        });
    }
    stack.aclose().await.unwrap();
    assert_eq!(state.all(), ["1 example=1", "example=1", "1 2", "1", ""]);
}

#[tokio::test]
async fn async_push() {
    let state = State::default();
    let expect = |seen: &'static str, suppresses: bool| {
        let state = state.clone();
        async move |exit: ExitReason<'_>| {
            yield_now().await;
            assert_eq!(format!("{exit:?}"), seen);
            state.push(seen);
            Ok::<_, Infallible>(suppresses)
        }
    };
    let result = async_with(AsyncExitStack::new(), async |stack| {
        stack.push_async_exit(expect("Ok", false));
        stack.push_async_exit(expect("Error(..)", true));
        stack.push_async_exit(expect("Error(..)", false));
        "x".parse::<u32>()
    });
    assert_eq!(result.await.unwrap(), None);
    assert_eq!(state.all(), ["Error(..)", "Error(..)", "Ok"]);
}

#[tokio::test]
async fn enter_async_context() {
    let state = State::default();
    async_with(AsyncExitStack::new(), async |stack| {
        let mut n = stack.enter_async_context(woohoo(&state)).await.unwrap();
        assert_eq!(*n.target(), 42);
        let s = state.clone();
        stack.push_async_callback(async move || s.push("callback"));
        Ok::<_, Infallible>(())
    })
    .await
    .unwrap();
    assert_eq!(state.all(), ["1", "callback", "42 true"]);
}

#[derive(Debug, PartialEq)]
struct Raised(&'static str);

#[tokio::test]
async fn async_exit_exception_chaining() {
    let seen = State::default();
    let s = seen.clone();
    let result = async_with(AsyncExitStack::new(), async |stack| {
        stack.push_async_callback(async || Err(Raised("index")));
        stack.push_async_callback(async || Err(Raised("key")));
        stack.push_async_callback(async || Err(Raised("attribute")));
        stack.push_async_exit(async move |exit: ExitReason<'_>| {
            if let ExitReason::Error(error) = exit {
                s.push(error.downcast_ref::<Raised>().unwrap().0);
            }
            Ok::<_, Infallible>(true)
        });
        stack.push_async_callback(async || Err(Raised("value")));
        "x".parse::<u32>()
    });
    let Err(Error::Exit { mut error, .. }) = result.await else { panic!("the exits fail") };
    let chain: Vec<_> = error.iter_mut().map(|error| error.downcast_ref::<Raised>().unwrap().0).collect();
    assert_eq!(chain, ["index", "key", "attribute"], "a suppressed error is not a context");
    assert_eq!(seen.all(), ["value"]);
}

/// Adapted: an exit cannot clear the context of its error, but it can suppress the current error before another exit
/// fails.
#[tokio::test]
async fn async_exit_exception_explicit_none_context() {
    let result = async_with(AsyncExitStack::new(), async |stack| {
        stack.callback(|| Err(Raised("own")));
        stack.push_async_exit(async |_: ExitReason<'_>| Ok::<_, Infallible>(true));
        stack.callback(|| Err(Raised("suppressed")));
        Ok::<_, Infallible>(())
    });
    let Err(Error::Exit { error, context: None, .. }) = result.await else { panic!("an exit fails") };
    assert_eq!(error.len(), 1);
}

#[tokio::test]
async fn async_nullcontext() {
    let value = async_with!(value = nullcontext("value") => { *value });
    assert_eq!(value, "value");
    let error = async_with(nullcontext(()), async |()| Err::<(), _>("block")).await;
    assert_eq!(error.unwrap_err().into_inner(), "block");
    assert_eq!(async_with!(() = suppress(|_: &String| true) => { 1 }), Some(1));
}
