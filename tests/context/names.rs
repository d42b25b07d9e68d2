//! The names of exits in reports.

use std::any::Any;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::cleanup::{AbandonReason, Cleanup, CleanupEvent, ObserverGuard, detach, drain, observe};
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, EitherError, EitherManager, ExitReason,
    async_with, asynccontextmanager, local, nullcontext, on_exit,
};

use crate::managers::drop_while_pending;

/// Fails with this error, which identifies the reports of one test.
#[derive(Debug)]
struct Refused(&'static str);

/// Finds the error of a test, also as that of one of two managers.
fn refused(error: &dyn Any) -> Option<&Refused> {
    if let Some(EitherError::<_, Infallible>::First(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(EitherError::<Infallible, _>::Second(error)) = error.downcast_ref() {
        return Some(error);
    }
    error.downcast_ref()
}

/// Records the names of the failures of one test.
fn names(test: &'static str) -> (Arc<Mutex<Vec<String>>>, ObserverGuard) {
    let names = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&names);
    let observer = observe(move |event| {
        if let CleanupEvent::Failed { name, error, .. } = event {
            if refused(*error).is_some_and(|error| error.0 == test) {
                record.lock().unwrap().push((*name).to_owned());
            }
        }
    });
    (names, observer)
}

async fn cancelled(scope: impl Future) {
    drop_while_pending(scope).await;
    drain(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn functions_and_closures_are_named_after_the_function_that_contains_them() {
    let (names, _observer) = names("functions");
    let transaction = asynccontextmanager(async |y| {
        y.yield_(()).await;
        Err::<(), _>(Refused("functions"))
    });
    cancelled(async { async_with!(_ = transaction => { pending::<()>().await }) }).await;
    let session = on_exit((), async |(), _| Err::<(), _>(Refused("functions")));
    cancelled(async { async_with!(_ = session => { pending::<()>().await }) }).await;
    let here = "context::names::functions_and_closures_are_named_after_the_function_that_contains_them";
    assert_eq!(*names.lock().unwrap(), [here, here]);
}

#[tokio::test]
async fn a_name_of_ones_own_replaces_the_default() {
    let (names, _observer) = names("own");
    let transaction = asynccontextmanager(async |y| {
        y.yield_(()).await;
        Err::<(), _>(Refused("own"))
    });
    cancelled(async { async_with!(_ = transaction.name("transaction") => { pending::<()>().await }) }).await;
    let session = on_exit((), async |(), _| Err::<(), _>(Refused("own"))).name("session");
    cancelled(async { async_with!(_ = session => { pending::<()>().await }) }).await;
    // Through an optional manager.
    let session = on_exit((), async |(), _| Err::<(), _>(Refused("own"))).name("optional");
    cancelled(async { async_with!(_ = Some(session) => { pending::<()>().await }) }).await;
    assert_eq!(*names.lock().unwrap(), ["transaction", "session", "optional"]);
}

/// A guard of a generic type, with the default name or with its own.
struct Generic<T>(&'static str, Option<&'static str>, T);

impl<T: Send + 'static> AsyncContextManager for Generic<T> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Refused> {
        Ok(self)
    }
}

impl<T: Send + 'static> AsyncGuard for Generic<T> {
    type Target = T;
    type Error = Refused;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut T {
        &mut self.2
    }

    fn name(&self) -> &'static str {
        assert_ne!(self.1, Some("panics"), "the name panics");
        self.1.unwrap_or(std::any::type_name::<Self>())
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Refused> {
        Err(Refused(self.0))
    }
}

#[tokio::test]
async fn names_of_types_are_shown_without_generic_arguments() {
    let (names, _observer) = names("generic");
    for name in [None, Some("panics"), Some("a <b>")] {
        let guard = Generic("generic", name, [vec![Some(String::new())]]);
        cancelled(async { async_with!(_ = guard => { pending::<()>().await }) }).await;
    }
    assert_eq!(*names.lock().unwrap(), ["context::names::Generic", "context::names::Generic", "a <b>"]);
}

/// An exit that fails after its block has failed is reported under its name.
#[tokio::test]
async fn the_error_of_an_exit_that_the_error_of_the_block_precedes_has_the_name() {
    let (names, _observer) = names("preceded");
    let result: Result<(), Refused> = async {
        let transaction = asynccontextmanager(async |y| {
            y.yield_(()).await;
            Err::<(), _>(Refused("preceded"))
        });
        async_with!(_ = transaction.name("transaction") => { Err(Refused("block"))? })
    }
    .await;
    assert_eq!(result.unwrap_err().0, "block");
    let result: Result<(), Refused> =
        async { async_with!(_ = Generic("preceded", None, 7) => { Err(Refused("block"))? }) }.await;
    assert_eq!(result.unwrap_err().0, "block");
    assert_eq!(*names.lock().unwrap(), ["transaction", "context::names::Generic"]);
}

/// A manager that is optional, or one of two, has the name that it has alone.
#[tokio::test]
async fn a_wrapper_has_the_name_of_the_guard_inside() {
    let (names, _observer) = names("wrapped");
    let guard = || Generic("wrapped", None, 7);
    let session = |name| {
        let session = on_exit((), async |(), _| Err::<(), _>(Refused("wrapped")));
        if let Some(name) = name { session.name(name) } else { session }
    };
    macro_rules! fail {
        ($manager:expr) => {
            let result: Result<(), Refused> =
                async { async_with!(_ = $manager => { Err(Refused("block"))? }) }.await;
            assert_eq!(result.unwrap_err().0, "block");
        };
    }
    fail!(Some(guard()));
    fail!(if true { EitherManager::First(guard()) } else { EitherManager::Second(nullcontext(())) });
    fail!(if false { EitherManager::First(nullcontext(())) } else { EitherManager::Second(guard()) });
    fail!(Some(session(None)));
    fail!(local(session(None)));
    fail!(local(session(Some("session"))));
    let (ours, here) =
        ("context::names::Generic", "context::names::a_wrapper_has_the_name_of_the_guard_inside");
    assert_eq!(*names.lock().unwrap(), [ours, ours, ours, here, here, "session"]);
}

/// A stack names the exit that exceeds its grace period.
#[tokio::test]
async fn a_stack_reports_the_name_of_an_abandoned_exit() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&names);
    let _observer = observe(move |event| {
        if let CleanupEvent::Abandoned { name, reason: AbandonReason::TimedOut, .. } = event {
            if name.starts_with("slow") {
                record.lock().unwrap().push((*name).to_owned());
            }
        }
    });
    let slow = on_exit((), async |(), _| pending::<()>().await);
    let slow = slow.name("slow logout").grace_period(Duration::from_millis(1));
    let stack = AsyncExitStack::new();
    stack.enter_async_context(slow).await.unwrap();
    drop(stack);
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(*names.lock().unwrap(), ["slow logout"]);
}

#[test]
fn the_kind_of_an_exit_is_shown_without_the_number_of_a_type() {
    use std::any::TypeId;
    use withal::context::ExitKind;

    let kinds = [ExitKind::Ok, ExitKind::Error(TypeId::of::<u8>()), ExitKind::Panic, ExitKind::Cancelled];
    assert_eq!(format!("{kinds:?}"), "[Ok, Error(..), Panic, Cancelled]");
}

/// A name that was chosen is never cut, also if it looks like the name of a type.
#[tokio::test]
async fn a_chosen_name_is_reported_in_full() {
    const CHOSEN: [&str; 4] = ["db::pool<primary>", "a::b<c>::d", "<pool as Db>::close", "pool::{{closure}}"];
    let (names, _observer) = names("chosen");
    for name in CHOSEN {
        let guard = Generic("chosen", Some(name), 7);
        cancelled(async { async_with!(_ = guard => { pending::<()>().await }) }).await;
        let session = on_exit((), async |(), _| Err::<(), _>(Refused("chosen"))).name(name);
        cancelled(async { async_with!(_ = session => { pending::<()>().await }) }).await;
        Cleanup::new(async { Err::<(), _>(Refused("chosen")) }).name(name).detach();
        drain(Duration::from_secs(60)).await.unwrap();
    }
    let expected: Vec<_> = CHOSEN.iter().flat_map(|name| [*name; 3]).collect();
    assert_eq!(*names.lock().unwrap(), expected);
}

/// Without a name, a cleanup has that of its future.
#[tokio::test]
async fn the_name_of_a_future_is_shortened() {
    async fn logout<T>(_: T) -> Result<(), Refused> {
        std::future::ready(()).await;
        Err(Refused("future"))
    }
    let (names, _observer) = names("future");
    detach(logout(vec![String::new()]));
    drain(Duration::from_secs(60)).await.unwrap();
    assert_eq!(
        *names.lock().unwrap(),
        ["context::names::the_name_of_a_future_is_shortened::{{closure}}::logout"]
    );
}
