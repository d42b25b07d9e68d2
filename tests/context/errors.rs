//! Errors and panics of the enter, the block and the exit, and of several of them at once.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use withal::cleanup::{CleanupEvent, ObserverGuard, drain, observe};
use withal::context::{
    AsyncContextManager, AsyncGuard, Detach, DropNow, EitherError, Error, ExitKind, ExitReason, OpaqueError,
    Restart, async_with, nullcontext, suppress,
};

use crate::managers::{OnExit, on_exit};

/// Fails or panics as configured, and records the reasons of its exits.
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
            ExitReason::Error(error) if error.is::<OpaqueError>() => "opaque".to_owned(),
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

/// Counts the errors of `Fails` with this text that are reported to observers.
fn reported(text: &'static str) -> (Arc<Mutex<usize>>, ObserverGuard) {
    let reported = Arc::new(Mutex::new(0));
    let count = Arc::clone(&reported);
    let observer = observe(move |event| {
        if let CleanupEvent::Failed { name, error, .. } = event {
            if name.ends_with("Fails") && error.downcast_ref::<String>().is_some_and(|error| error == text) {
                *count.lock().unwrap() += 1;
            }
        }
    });
    (reported, observer)
}

#[tokio::test]
async fn the_function_has_a_variant_for_each_error() {
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
async fn the_function_returns_the_exits_error_with_the_blocks_as_its_context() {
    withal_test_support::expect_reports("cleanup exit failed: exit");
    let both = async_with(exit_fails(), async |_| fails()).await.unwrap_err();
    assert!(
        matches!(&both, Error::Exit { error, context: Some(context), .. } if error == "exit" && context == "block")
    );
    assert_eq!(both.into_first(), "block", "the block failed first");
}

/// The exit borrows the block's error, and can change it.
#[tokio::test]
async fn an_exit_can_annotate_the_error() {
    fn annotates() -> OnExit<DropNow, (), Infallible> {
        on_exit(|exit| {
            if let ExitReason::Error(error) = exit {
                error.downcast_mut::<String>().unwrap().push_str(", annotated");
            }
            ready(Ok(()))
        })
    }
    async fn by_macro() -> Result<u32, String> {
        Ok(async_with!(_n = annotates() => { fails()? }))
    }
    let error = async_with(annotates(), async |_| fails()).await.unwrap_err();
    assert_eq!(error.into_inner(), "block, annotated");
    assert_eq!(by_macro().await.unwrap_err(), "block, annotated");
}

#[tokio::test]
async fn the_macro_returns_the_managers_error() {
    async fn one(manager: Fails) -> Result<u32, String> {
        async_with!(n = manager => { *n })
    }
    assert_eq!(one(Fails::default()).await, Ok(7));
    assert_eq!(one(enter_fails()).await.unwrap_err(), "enter");
    assert_eq!(one(exit_fails()).await.unwrap_err(), "exit");
}

/// As an exception in `__aexit__`, which replaces the pending `return`.
#[tokio::test]
async fn an_exit_that_fails_drops_the_pending_jump() {
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
async fn the_macro_returns_the_blocks_error_and_reports_the_exits() {
    async fn both() -> Result<u32, String> {
        let manager = Fails { exit: Some("reported by the macro"), ..Fails::default() };
        async_with!(_n = manager => { fails()? })
    }
    let (reported, _observer) = reported("reported by the macro");
    assert_eq!(both().await.unwrap_err(), "block");
    assert_eq!(*reported.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_panic_continues_and_the_exits_error_is_reported() {
    let (reported, _observer) = reported("reported by a panic");
    let manager = || Fails { exit: Some("reported by a panic"), ..Fails::default() };
    let by_function = async_with(manager(), async |_| -> Result<u32, String> { panic!("block panics") });
    let by_macro =
        async { async_with!(-> Result<u32, String>; _n = manager() => { panic!("block panics") }) };
    assert_eq!(panic_of(by_function).await, "block panics");
    assert_eq!(panic_of(by_macro).await, "block panics");
    assert_eq!(*reported.lock().unwrap(), 2);
}

async fn panic_of<T>(future: impl Future<Output = T>) -> &'static str {
    let Err(payload) = std::panic::AssertUnwindSafe(future).catch_unwind().await else {
        panic!("the future did not panic")
    };
    payload.downcast_ref::<&str>().unwrap()
}

#[tokio::test]
async fn of_the_panics_of_a_block_and_its_exit_the_first_continues() {
    withal_test_support::expect_reports("errors::Fails panicked: exit panics");
    let seen = Arc::default();
    let outer = Fails { seen: Arc::clone(&seen), ..Fails::default() };
    let inner = Fails { panics: true, seen: Arc::clone(&seen), ..Fails::default() };
    let program = async_with(outer, async |_| {
        async_with(inner, async |_| -> Result<u32, String> { panic!("block panics") })
            .await
            .map_err(Error::into_first)
    });
    assert_eq!(panic_of(program).await, "block panics");
    assert_eq!(*seen.lock().unwrap(), ["panic: block panics"; 2]);
}

#[tokio::test]
async fn an_exit_that_panics_is_not_restarted() {
    let runs = Arc::new(Mutex::new(0));
    let count = Arc::clone(&runs);
    let manager = on_exit::<Restart, (), String, _>(move |_| {
        *count.lock().unwrap() += 1;
        async {
            tokio::task::yield_now().await;
            panic!("exit panics")
        }
    });
    let program = async_with(manager, async |_| Ok::<_, String>(()));
    assert_eq!(panic_of(program).await, "exit panics");
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*runs.lock().unwrap(), 1);
}

#[tokio::test]
async fn the_error_of_a_detached_exit_is_reported() {
    let (reported, _observer) = reported("reported when detached");
    let manager = Fails { exit: Some("reported when detached"), ..Fails::default() };
    let mut program = Box::pin(async_with(manager, async |_| pending::<Result<u32, String>>().await));
    assert!(futures::poll!(&mut program).is_pending());
    drop(program);
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*reported.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_panic_is_never_suppressed() {
    let all = || suppress(|_: &String| true);
    let by_function = async_with(all(), async |()| -> Result<u32, String> { panic!("block panics") });
    let by_macro = async {
        async_with!(() = all() => { panic!("block panics") });
    };
    assert_eq!(panic_of(by_function).await, "block panics");
    assert_eq!(panic_of(by_macro).await, "block panics");
}

#[tokio::test]
async fn a_panic_is_not_suppressed_by_an_exit_that_returns_true() {
    let suppresses = || on_exit::<DropNow, _, Infallible, _>(|_| ready(Ok(true)));
    let by_function = async_with(suppresses(), async |_| -> Result<u32, String> { panic!("block panics") });
    let by_macro = async {
        async_with!(_s = suppresses() => { panic!("block panics") });
    };
    assert_eq!(panic_of(by_function).await, "block panics");
    assert_eq!(panic_of(by_macro).await, "block panics");
    assert_eq!(async_with(suppresses(), async |_| fails()).await, Ok(None));
}

#[tokio::test]
async fn an_exit_that_panics_before_it_returns_a_future_is_not_restarted() {
    let calls = Arc::new(Mutex::new(0));
    let count = Arc::clone(&calls);
    let manager = on_exit::<Restart, (), Infallible, _>(move |_| {
        let mut calls = count.lock().unwrap();
        *calls += 1;
        let is_first = *calls == 1;
        drop(calls);
        assert!(!is_first, "no future");
        ready(Ok(()))
    });
    let work = async_with(manager, async |_| Ok::<_, String>(()));
    assert_eq!(panic_of(work).await, "no future");
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*calls.lock().unwrap(), 1);
}

#[tokio::test]
async fn after_a_suppressed_error_the_value_is_none_and_the_function_continues() {
    async fn by_macro(text: &str) -> Result<Option<u32>, std::num::ParseIntError> {
        let zero = suppress(|error: &std::num::ParseIntError| *error.kind() == std::num::IntErrorKind::Empty);
        let n = async_with!(() = zero => { text.parse::<u32>()? });
        Ok(n)
    }
    assert_eq!(by_macro("7").await, Ok(Some(7)));
    assert_eq!(by_macro("").await, Ok(None));
    assert!(by_macro("x").await.is_err());
    let suppressed = async_with(suppress(|error: &String| error == "block"), async |()| fails()).await;
    assert_eq!(suppressed, Ok(None));
    let other = async_with(suppress(|_: &u8| true), async |()| fails()).await;
    assert_eq!(other.unwrap_err().into_inner(), "block", "the type differs");
}

#[tokio::test]
async fn an_error_that_is_not_send_is_opaque_and_still_an_error() {
    async fn fails_unsendably(manager: Fails) -> Result<u32, Box<dyn std::error::Error>> {
        Ok(async_with!(n = manager => { *n + "x".parse::<u32>()? })?)
    }
    let manager = Fails::default();
    let seen = Arc::clone(&manager.seen);
    assert!(fails_unsendably(manager).await.is_err());
    assert_eq!(*seen.lock().unwrap(), ["opaque"]);
}

/// The error of a nested manager is an error for the outer one.
#[tokio::test]
async fn each_of_several_managers_receives_the_errors_inside() {
    async fn two(outer: Fails, inner: Fails) -> Result<u32, String> {
        async_with!(n = outer, m = inner => { *n + *m })
    }
    for inner in [enter_fails(), exit_fails()] {
        let outer = Fails::default();
        let (seen, word) = (Arc::clone(&outer.seen), inner.enter.unwrap_or("exit"));
        assert_eq!(two(outer, inner).await.unwrap_err(), word);
        assert_eq!(*seen.lock().unwrap(), [word]);
    }
    let (reported, _observer) = reported("outer exit");
    let outer = Fails { exit: Some("outer exit"), ..Fails::default() };
    assert_eq!(two(outer, exit_fails()).await.unwrap_err(), "exit", "the first error is returned");
    assert_eq!(*reported.lock().unwrap(), 1);
}

#[tokio::test]
async fn the_errors_of_several_managers_become_one() {
    use tokio::sync::{AcquireError, Mutex, Semaphore};
    let (mutex, semaphore) = (Mutex::new(7), Semaphore::new(1));
    // No manager can fail: the macro evaluates to the block's value.
    let n: u32 = async_with!(n = &mutex, m = nullcontext(1) => { *n + *m });
    assert_eq!(n, 8);
    // One manager can fail, the first or the last.
    let n: Result<u32, AcquireError> = async_with!(n = &mutex, _permit = &semaphore => { *n });
    assert_eq!(n.unwrap(), 7);
    let n: Result<u32, AcquireError> = async_with!(_permit = &semaphore, n = &mutex => { *n });
    assert_eq!(n.unwrap(), 7);
    // Several can fail, with the same type.
    let other = Semaphore::new(1);
    let n: Result<u32, AcquireError> = async_with!(_one = &semaphore, _other = &other, n = &mutex => { *n });
    assert_eq!(n.unwrap(), 7);
    // Both can fail, with different types.
    let n: Result<u32, EitherError<AcquireError, String>> =
        async_with!(_p = &semaphore, n = exit_fails() => { *n });
    assert_eq!(n.unwrap_err().to_string(), "exit");
    semaphore.close();
    let n = async_with!(_p = &semaphore, n = Fails::default() => { *n });
    assert!(matches!(n, Err(EitherError::First(AcquireError { .. }))));
}

#[tokio::test]
async fn errors_have_predicates() {
    let ok = async |n: &mut u32| Ok::<_, String>(*n);
    let enter = async_with(enter_fails(), ok).await.unwrap_err();
    let block = async_with(Fails::default(), async |_| fails()).await.unwrap_err();
    let exit = async_with(exit_fails(), async |_| fails()).await.unwrap_err();
    let of = |error: &Error<String, String>| (error.is_enter(), error.is_block(), error.is_exit());
    assert_eq!(of(&enter), (true, false, false));
    assert_eq!(of(&block), (false, true, false));
    assert_eq!(of(&exit), (false, false, true));
}

#[test]
fn exit_reasons_have_predicates() {
    let of = |exit: &ExitReason<'_>| (exit.is_ok(), exit.is_panic(), exit.is_cancelled());
    assert_eq!(of(&ExitReason::Ok), (true, false, false));
    assert_eq!(of(&ExitReason::Error(&mut "error")), (false, false, false));
    assert_eq!(of(&ExitReason::Panic(&mut "panic")), (false, true, false));
    assert_eq!(of(&ExitReason::Cancelled), (false, false, true));
    let of = |exit: ExitKind| (exit.is_ok(), exit.is_panic(), exit.is_cancelled());
    assert_eq!(of(ExitKind::Ok), (true, false, false));
    assert_eq!(of(ExitKind::Panic), (false, true, false));
    assert_eq!(of(ExitKind::Cancelled), (false, false, true));
}

/// The `?` of an `Option` leaves the block without an error.
#[tokio::test]
async fn a_block_that_is_left_by_none_has_completed() {
    async fn option(manager: Fails) -> Option<Result<u32, String>> {
        Some(async_with!(_n = manager => { None::<u32>? }))
    }
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let manager = Fails { seen: Arc::clone(&seen), ..Fails::default() };
    assert_eq!(option(manager).await, None);
    assert_eq!(*seen.lock().unwrap(), ["Ok"]);
}

/// An exit that fails after a block that evaluated to an error is reported, and the error is the value.
#[tokio::test]
async fn the_error_of_the_value_takes_precedence_over_that_of_the_exit() {
    withal_test_support::expect_reports("errors::Fails failed: exit");
    let manager = Fails { exit: Some("exit"), ..Fails::default() };
    assert_eq!(
        async_with!(_n = manager => { Err::<(), _>("a value".to_owned()) }),
        Ok(Err("a value".to_owned()))
    );
}

/// A plain closure runs when it is called, before it returns the future of the body.
#[tokio::test]
async fn a_closure_that_panics_when_it_is_called() {
    let fails = Fails::default();
    let seen = fails.seen.clone();
    let result =
        async_with(fails, |_: &mut u32| -> std::future::Ready<Result<(), Infallible>> { panic!("called") });
    let panic = std::panic::AssertUnwindSafe(result).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"called"));
    assert_eq!(*seen.lock().unwrap(), ["panic: called"]);
}

/// A future that is ready at once, and whose destructor panics.
struct PanicsInDrop;

impl Future for PanicsInDrop {
    type Output = Result<(), Infallible>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::task::Poll::Ready(Ok(()))
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Its exit is a future that the scope drops, and counts the calls.
struct Exits(Arc<Mutex<u32>>);

impl AsyncContextManager for Exits {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for Exits {
    type Target = ();
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Restart;

    fn target(&mut self) -> &mut () {
        Box::leak(Box::new(()))
    }

    fn aexit(&mut self, _exit: ExitReason<'_>) -> impl Future<Output = Result<(), Infallible>> + Send {
        *self.0.lock().unwrap() += 1;
        PanicsInDrop
    }
}

#[tokio::test]
async fn an_exit_whose_destructor_panics_is_not_restarted() {
    let calls = Arc::new(Mutex::new(0));
    let manager = Exits(calls.clone());
    let scope = async { async_with!(_ = manager => {}) };
    assert!(std::panic::AssertUnwindSafe(scope).catch_unwind().await.is_err());
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*calls.lock().unwrap(), 1);
}
