//! What fails, and what comes out: of the enter, of the block, of the exit, and of several of them.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use withal::cleanup::{CleanupEvent, ObserverGuard, drain, observe};
use withal::context::{
    AsyncContextManager, AsyncGuard, Detach, DropNow, EitherError, Error, ExitReason, OpaqueError, Restart,
    async_with, nullcontext, suppress,
};

/// Fails or panics where it is told to.
#[derive(Default)]
struct Fails {
    enter: Option<&'static str>,
    exit: Option<&'static str>,
    panics: bool,
    seen: Arc<Mutex<Vec<String>>>,
}

impl AsyncContextManager for Fails {
    type Guard = Self;

    async fn aenter(mut self) -> Result<Self, String> {
        self.enter.take().map_or(Ok(self), |error| Err(error.to_owned()))
    }
}

impl AsyncGuard for Fails {
    type Target = u32;
    type Error = String;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut u32 {
        Box::leak(Box::new(7))
    }

    async fn aexit(&mut self, mut exit: ExitReason<'_>) -> Result<(), String> {
        let seen = match exit.reborrow() {
            ExitReason::Error(error) if error.is::<OpaqueError>() => "hidden".to_owned(),
            ExitReason::Error(error) => error.downcast_ref::<String>().unwrap().clone(),
            ExitReason::Panic(payload) => format!("panic: {}", payload.downcast_ref::<&str>().unwrap()),
            other => format!("{other:?}"),
        };
        self.seen.lock().unwrap().push(seen);
        assert!(!self.panics, "exit panics");
        self.exit.take().map_or(Ok(()), |error| Err(error.to_owned()))
    }
}

fn enter_fails() -> Fails {
    Fails { enter: Some("enter"), ..Fails::default() }
}

fn exit_fails() -> Fails {
    Fails { exit: Some("exit"), ..Fails::default() }
}

fn fails() -> Result<u32, String> {
    Err("block".to_owned())
}

/// What observers were told of `Fails` by errors of this text.
fn told(of: &'static str) -> (Arc<Mutex<usize>>, ObserverGuard) {
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let observer = observe(move |event| {
        if let CleanupEvent::Failed { name, error, .. } = event {
            if name.ends_with("Fails") && error.downcast_ref::<String>().is_some_and(|error| error == of) {
                *count.lock().unwrap() += 1;
            }
        }
    });
    (told, observer)
}

#[tokio::test]
async fn by_the_function_each_has_its_variant() {
    let ok = async |n: &mut u32| Ok::<_, String>(*n);
    assert_eq!(async_with(Fails::default(), ok).await, Ok(7));
    assert_eq!(async_with(enter_fails(), ok).await, Err(Error::Enter("enter".to_owned())));
    let block = async_with(Fails::default(), async |_| fails()).await;
    assert_eq!(block, Err(Error::Block("block".to_owned())));
    let exit = async_with(exit_fails(), ok).await.unwrap_err();
    assert!(matches!(&exit, Error::Exit { error, context: None, .. } if error == "exit"));
    assert_eq!(exit.to_string(), "failed to exit the context manager");
    assert_eq!(exit.into_first(), "exit");
}

#[tokio::test]
async fn by_the_function_the_exits_error_has_the_blocks_as_its_context() {
    let both = async_with(exit_fails(), async |_| fails()).await.unwrap_err();
    assert!(
        matches!(&both, Error::Exit { error, context: Some(context), .. } if error == "exit" && context == "block")
    );
    assert_eq!(both.into_first(), "block", "the block's own comes first");
}

#[tokio::test]
async fn the_error_is_lent_to_the_exit_and_may_be_changed() {
    async fn by_macro() -> Result<u32, String> {
        Ok(async_with!(_a = Annotates => { fails()? }))
    }
    struct Annotates;
    impl AsyncContextManager for Annotates {
        type Guard = Self;
        async fn aenter(self) -> Result<Self, Infallible> {
            Ok(self)
        }
    }
    impl AsyncGuard for Annotates {
        type Target = Self;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = DropNow;
        fn target(&mut self) -> &mut Self {
            self
        }
        async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Infallible> {
            if let ExitReason::Error(error) = exit {
                error.downcast_mut::<String>().unwrap().push_str(", annotated");
            }
            Ok(())
        }
    }
    let error = async_with(Annotates, async |_| fails()).await.unwrap_err();
    assert_eq!(error.into_inner(), "block, annotated");
    assert_eq!(by_macro().await.unwrap_err(), "block, annotated");
}

#[tokio::test]
async fn by_the_macro_the_managers_error_is_that_of_the_block() {
    async fn one(manager: Fails) -> Result<u32, String> {
        async_with!(n = manager => { *n })
    }
    assert_eq!(one(Fails::default()).await, Ok(7));
    assert_eq!(one(enter_fails()).await.unwrap_err(), "enter");
    assert_eq!(one(exit_fails()).await.unwrap_err(), "exit");
}

/// As Python's exception in `__aexit__`, which takes the place of the `return`.
#[tokio::test]
async fn by_the_macro_an_exit_that_fails_keeps_the_block_from_leaving() {
    async fn leaves(manager: Fails) -> &'static str {
        for manager in [manager] {
            let result = async_with!(loop; n = manager => {
                if *n == 7 {
                    return "returned";
                }
                break;
            });
            assert_eq!(result, Err("exit".to_owned()));
            return "caught";
        }
        "broken"
    }
    assert_eq!(leaves(Fails::default()).await, "returned");
    assert_eq!(leaves(exit_fails()).await, "caught");
}

#[tokio::test]
async fn by_the_macro_the_blocks_error_goes_on_and_the_exits_is_told() {
    async fn both() -> Result<u32, String> {
        let manager = Fails { exit: Some("told by the macro"), ..Fails::default() };
        async_with!(_n = manager => { fails()? })
    }
    let (told, _observer) = told("told by the macro");
    assert_eq!(both().await.unwrap_err(), "block");
    assert_eq!(*told.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_panic_goes_on_and_the_exits_error_is_told() {
    let (told, _observer) = told("told by a panic");
    let manager = || Fails { exit: Some("told by a panic"), ..Fails::default() };
    let by_function = async_with(manager(), async |_| -> Result<u32, String> { panic!("block panics") });
    let by_macro =
        async { async_with!(-> Result<u32, String>; _n = manager() => { panic!("block panics") }) };
    assert_eq!(panic_of(by_function).await, "block panics");
    assert_eq!(panic_of(by_macro).await, "block panics");
    assert_eq!(*told.lock().unwrap(), 2);
}

async fn panic_of<T>(future: impl Future<Output = T>) -> &'static str {
    let Err(payload) = std::panic::AssertUnwindSafe(future).catch_unwind().await else {
        panic!("it does not panic")
    };
    payload.downcast_ref::<&str>().unwrap()
}

#[tokio::test]
async fn a_panic_of_an_exit_takes_the_place_of_what_was_under_way() {
    let seen = Arc::default();
    let outer = Fails { seen: Arc::clone(&seen), ..Fails::default() };
    let inner = Fails { panics: true, seen: Arc::clone(&seen), ..Fails::default() };
    let program = async_with(outer, async |_| {
        async_with(inner, async |_| -> Result<u32, String> { panic!("block panics") })
            .await
            .map_err(Error::into_first)
    });
    assert_eq!(panic_of(program).await, "exit panics");
    assert_eq!(*seen.lock().unwrap(), ["panic: block panics", "panic: exit panics"]);
}

/// Panics in its exit, under a policy of its own.
struct Explodes(Arc<Mutex<u32>>);

impl AsyncContextManager for Explodes {
    type Guard = Self;
    async fn aenter(self) -> Result<Self, String> {
        Ok(self)
    }
}

impl AsyncGuard for Explodes {
    type Target = Self;
    type Error = String;
    type Suppression = ();
    type OnDrop = Restart;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), String> {
        *self.0.lock().unwrap() += 1;
        tokio::task::yield_now().await;
        panic!("exit panics")
    }
}

#[tokio::test]
async fn an_exit_that_panics_is_not_run_again() {
    let runs = Arc::default();
    let program = async_with(Explodes(Arc::clone(&runs)), async |_| Ok::<_, String>(()));
    assert_eq!(panic_of(program).await, "exit panics");
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*runs.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_detached_exit_that_fails_is_told() {
    let (told, _observer) = told("told when detached");
    let manager = Fails { exit: Some("told when detached"), ..Fails::default() };
    let mut program = Box::pin(async_with(manager, async |_| pending::<Result<u32, String>>().await));
    assert!(futures::poll!(&mut program).is_pending());
    drop(program);
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*told.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_panic_is_never_swallowed() {
    let all = || suppress(|_: &String| true);
    let by_function = async_with(all(), async |()| -> Result<u32, String> { panic!("block panics") });
    let by_macro = async {
        async_with!(() = all() => { panic!("block panics") });
    };
    assert_eq!(panic_of(by_function).await, "block panics");
    assert_eq!(panic_of(by_macro).await, "block panics");
}

/// Says that it swallows, whatever it was.
struct Swallows;

impl AsyncContextManager for Swallows {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for Swallows {
    type Target = Self;
    type Error = Infallible;
    type Suppression = bool;
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<bool, Infallible> {
        Ok(true)
    }
}

#[tokio::test]
async fn a_panic_is_not_swallowed_by_an_exit_that_says_so() {
    let by_function = async_with(Swallows, async |_| -> Result<u32, String> { panic!("block panics") });
    let by_macro = async {
        async_with!(_s = Swallows => { panic!("block panics") });
    };
    assert_eq!(panic_of(by_function).await, "block panics");
    assert_eq!(panic_of(by_macro).await, "block panics");
    assert_eq!(async_with(Swallows, async |_| fails()).await, Ok(None));
}

/// It has been called, and is not called once more.
#[tokio::test]
async fn an_exit_that_panics_before_it_gives_a_future_is_not_restarted() {
    let calls = Arc::new(Mutex::new(0));
    let work = async_with(AtOnce(Arc::clone(&calls)), async |_| Ok::<_, String>(()));
    assert_eq!(panic_of(work).await, "at once");
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*calls.lock().unwrap(), 1);
}

struct AtOnce(Arc<Mutex<u32>>);

impl AsyncContextManager for AtOnce {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for AtOnce {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Restart;

    fn target(&mut self) -> &mut Self {
        self
    }

    fn aexit(&mut self, _exit: ExitReason<'_>) -> impl Future<Output = Result<(), Infallible>> + Send {
        *self.0.lock().unwrap() += 1;
        let is_first = *self.0.lock().unwrap() == 1;
        assert!(!is_first, "at once");
        std::future::ready(Ok(()))
    }
}

#[tokio::test]
async fn swallowed_the_value_is_none_and_the_function_goes_on() {
    async fn by_macro(text: &str) -> Result<Option<u32>, std::num::ParseIntError> {
        let zero = suppress(|error: &std::num::ParseIntError| *error.kind() == std::num::IntErrorKind::Empty);
        let n = async_with!(() = zero => { text.parse::<u32>()? });
        Ok(n)
    }
    assert_eq!(by_macro("7").await, Ok(Some(7)));
    assert_eq!(by_macro("").await, Ok(None));
    assert!(by_macro("x").await.is_err());
    let swallowed = async_with(suppress(|error: &String| error == "block"), async |()| fails()).await;
    assert_eq!(swallowed, Ok(None));
    let other = async_with(suppress(|_: &u8| true), async |()| fails()).await;
    assert_eq!(other.unwrap_err().into_inner(), "block", "of another type");
}

#[tokio::test]
async fn an_error_that_cannot_be_sent_is_hidden_and_still_an_error() {
    async fn fails_unsendably(manager: Fails) -> Result<u32, Box<dyn std::error::Error>> {
        Ok(async_with!(n = manager => { *n + "x".parse::<u32>()? })?)
    }
    let manager = Fails::default();
    let seen = Arc::clone(&manager.seen);
    assert!(fails_unsendably(manager).await.is_err());
    assert_eq!(*seen.lock().unwrap(), ["hidden"]);
}

/// Of several managers: the error of the inner is an error for the outer.
#[tokio::test]
async fn of_several_managers_each_sees_the_errors_inside() {
    async fn two(outer: Fails, inner: Fails) -> Result<u32, String> {
        async_with!(n = outer, m = inner => { *n + *m })
    }
    for inner in [enter_fails(), exit_fails()] {
        let outer = Fails::default();
        let (seen, word) = (Arc::clone(&outer.seen), inner.enter.unwrap_or("exit"));
        assert_eq!(two(outer, inner).await.unwrap_err(), word);
        assert_eq!(*seen.lock().unwrap(), [word]);
    }
    let (told, _observer) = told("outer exit");
    let outer = Fails { exit: Some("outer exit"), ..Fails::default() };
    assert_eq!(two(outer, exit_fails()).await.unwrap_err(), "exit", "the first is the one that goes on");
    assert_eq!(*told.lock().unwrap(), 1);
}

#[tokio::test]
async fn of_several_managers_the_errors_become_one() {
    use tokio::sync::{AcquireError, Mutex, Semaphore};
    let (mutex, semaphore) = (Mutex::new(7), Semaphore::new(1));
    // None can fail: the bare value.
    let n: u32 = async_with!(n = &mutex, m = nullcontext(1) => { *n + *m });
    assert_eq!(n, 8);
    // One of them can, the first or the last.
    let n: Result<u32, AcquireError> = async_with!(n = &mutex, _permit = &semaphore => { *n });
    assert_eq!(n.unwrap(), 7);
    let n: Result<u32, AcquireError> = async_with!(_permit = &semaphore, n = &mutex => { *n });
    assert_eq!(n.unwrap(), 7);
    // Both can, alike.
    let other = Semaphore::new(1);
    let n: Result<u32, AcquireError> = async_with!(_one = &semaphore, _other = &other, n = &mutex => { *n });
    assert_eq!(n.unwrap(), 7);
    // Both can, each in its way.
    let n: Result<u32, EitherError<AcquireError, String>> =
        async_with!(_p = &semaphore, n = exit_fails() => { *n });
    assert_eq!(n.unwrap_err().to_string(), "exit");
    semaphore.close();
    let n = async_with!(_p = &semaphore, n = Fails::default() => { *n });
    assert!(matches!(n, Err(EitherError::First(AcquireError { .. }))));
}

/// What a block comes to is its own affair: an error is what leaves it.
#[tokio::test]
async fn the_value_of_a_block_is_not_looked_at() {
    async fn value(manager: Fails) -> Result<Result<(), String>, String> {
        async_with!(_n = manager => { Err("a value".to_owned()) })
    }
    async fn option(manager: Fails) -> Option<Result<u32, String>> {
        Some(async_with!(_n = manager => { None::<u32>? }))
    }
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let manager = || Fails { seen: Arc::clone(&seen), ..Fails::default() };
    assert_eq!(value(manager()).await, Ok(Err("a value".to_owned())));
    assert_eq!(option(manager()).await, None);
    let by_function = async_with(manager(), async |_| Err::<(), _>("returned".to_owned())).await;
    assert!(matches!(by_function, Err(Error::Block(_))));
    assert_eq!(*seen.lock().unwrap(), ["Ok", "Ok", "returned"]);
}
