//! Auto traits and type names that users rely on: `Send`, `Unpin`, `FusedStream`, `Debug` without bounds, types of fields.

use std::fmt::Debug;

use futures::stream::{FusedStream, Stream};
use withal::cleanup::{self, AbandonReason, Cleanup, DrainTimeout, ObserverGuard};
use withal::context::{
    self, AsyncExitStack, AsyncExitStackGuard, AsyncGuard, Decorated, Detach, DropAfterChildren, DropNow,
    EitherError, ExitErrors, ExitKind, ExitOutput, GuardInUse, InterruptedByMoved, LockGuard, LockManager,
    NullContext, OpaqueError, Restart, SendAsyncFnOnce, StackGuard, Suppress, Suppression, YieldOnce,
};
use withal::coroutine::{
    self, BoxCoroutine, GeneratorExit, LocalBoxCoroutine, State, Step, Thrown, Yield, Yielder, coroutine,
};
use withal::generator::{
    self, Aclose, Anext, Asend, AsyncGeneratorExt, Athrow, BoxAsyncGenerator, Hooks, LocalBoxAsyncGenerator,
    ManagedGenerator, PendingClose, Start, WeakGenerator, generator,
};
use withal::pages::{
    AsyncGetDocs, Checkpoint, Error, Event, Offset, OnCycle, OnEmpty, OnError, Page, PageNumber, Pages,
    Progress, by_cursor, by_link, by_offset, by_page_number,
};
use withal::tasks::{
    self, AbortHandle, AsCompleted, AsCompletedTimeout, BoxError, CallbackError, ErrorGroup, EventLoop,
    ExecutorError, FailedInGroup, Gather, GatherAll, InvalidState, LoopError, LoopHandle, Map, MapStream,
    Panic, Promise, Shield, Shutdown, Spawner, TaskGroup, TaskGroupError, ThreadPoolExecutor, Timeout,
    TimeoutError, Wait, WaitResult, as_completed, wait,
};

/// An item that is neither `Sync`, nor `Unpin`, nor `Debug`, nor `Clone`.
#[expect(dead_code, reason = "only the type is used")]
#[derive(Debug)]
struct Doc(std::cell::Cell<u8>, std::marker::PhantomPinned);

/// An error that does not implement `std::error::Error`.
#[derive(Debug)]
struct Refused;

impl withal::AsError for Refused {}

/// The types of the streams can be named, for example in the fields of a struct.
#[expect(dead_code, reason = "only the types are used")]
struct Crawler {
    by_token: AsyncGetDocs<Doc, String, Refused>,
    by_key: AsyncGetDocs<Doc, (u64, Vec<u8>), Refused>,
    by_number: AsyncGetDocs<Doc, PageNumber, Refused>,
    by_offset: AsyncGetDocs<Doc, Offset, Refused>,
    whole: Pages<Doc, String, Refused>,
}

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_debug<T: Debug>() {}
fn is_shared<T: Send + Sync + Clone + Debug>() {}
fn is_stream<T: Stream + FusedStream>() {}
fn is_error<T: std::error::Error + Send + Sync + 'static>() {}
fn is_send_unpin_debug<T: Send + Unpin + Debug>(_: &T) {}
fn is_send_future<T: Future + Send>(_: &T) {}
fn is_future<T: Future + Send + Unpin>(_: &T) {}

#[test]
fn streams_are_send_unpin_fused_and_debug() {
    type Docs = AsyncGetDocs<Doc, String, Refused>;
    type Whole = Pages<Doc, String, Refused>;
    is_send::<Crawler>();
    is_unpin::<Crawler>();
    is_stream::<Docs>();
    is_stream::<Whole>();
    is_debug::<Docs>();
    is_debug::<Whole>();
}

#[test]
fn coroutines_are_unpin_and_debug_and_send_if_their_bodies_are() {
    type Docs<'a> = BoxCoroutine<'a, Doc, Doc, Doc, Thrown<Refused>>;
    is_send::<Docs<'_>>();
    is_unpin::<Docs<'_>>();
    is_debug::<Docs<'_>>();
    is_unpin::<LocalBoxCoroutine<'_, Doc, Doc, Doc, Thrown<Refused>>>();
    is_debug::<LocalBoxCoroutine<'_, Doc, Doc, Doc, Thrown<Refused>>>();
    is_send::<Yielder<'_, Doc, Doc, Thrown<Refused>>>();
    is_debug::<Yielder<'_, Doc, Doc, Thrown<Refused>>>();
    is_send::<Yield<'_, '_, Doc, Doc, Thrown<Refused>>>();
    is_unpin::<Yield<'_, '_, Doc, Doc, Thrown<Refused>>>();
    is_debug::<Yield<'_, '_, Doc, Doc, Thrown<Refused>>>();
    is_error::<coroutine::Error<u8, std::io::Error>>();
    is_error::<GeneratorExit>();
    is_error::<Thrown<std::io::Error>>();
    let body = coroutine(async |mut y: Yielder<'_, _>| {
        y.yield_(Doc(std::cell::Cell::new(0), std::marker::PhantomPinned)).await
    });
    is_send_unpin_debug(&body);
}

#[test]
fn generators_are_send_if_their_bodies_are_and_unpin_if_boxed() {
    type Docs<'a> = BoxAsyncGenerator<'a, Doc, (), Thrown<Refused>>;
    type WithSent<'a> = BoxAsyncGenerator<'a, Doc, Doc, Thrown<Refused>>;
    type Shared = ManagedGenerator<Doc, Doc, Thrown<Refused>>;
    is_send::<Docs<'_>>();
    is_unpin::<Docs<'_>>();
    is_debug::<Docs<'_>>();
    is_stream::<Docs<'_>>();
    is_send::<WithSent<'_>>();
    is_debug::<WithSent<'_>>();
    is_unpin::<LocalBoxAsyncGenerator<'_, Doc, Doc, Thrown<Refused>>>();
    is_debug::<LocalBoxAsyncGenerator<'_, Doc, Doc, Thrown<Refused>>>();
    is_shared::<Shared>();
    is_unpin::<Shared>();
    is_shared::<(Hooks, WeakGenerator)>();
    is_send::<PendingClose>();
    is_unpin::<PendingClose>();
    is_debug::<PendingClose>();
    is_error::<generator::Error<u8, std::io::Error>>();
}

#[test]
fn operations_of_a_generator_are_send_unpin_and_nameable() {
    type Of<'a> = <BoxAsyncGenerator<'a, Doc, Doc, Thrown<Refused>> as AsyncGeneratorExt>::Body;
    type One<'a> = <BoxAsyncGenerator<'a, Doc> as AsyncGeneratorExt>::Body;
    fn all<T: Send + Unpin + Debug>() {}
    fn is_owned<F: Future + Send + 'static>(_: F) {}
    all::<Anext<'_, One<'static>>>();
    all::<Start<'_, Of<'static>>>();
    all::<Asend<'_, Of<'static>>>();
    all::<Athrow<'_, Of<'static>>>();
    all::<Aclose<'_, Of<'static>>>();
    let shared = generator(async |mut y: Yielder<'_, u8, u8>| y.yield_(1).await.map(drop)).managed();
    is_owned(shared.start());
    is_owned(shared.asend(1));
    is_owned(shared.athrow(GeneratorExit));
    is_owned(shared.aclose());
}

#[test]
fn values_are_plain_data() {
    is_shared::<(Step<u8, u8>, State, GeneratorExit, Thrown<String>)>();
    is_shared::<Checkpoint<String>>();
    is_shared::<Page<String, String>>();
    is_shared::<(PageNumber, Offset, Progress, OnEmpty, OnCycle, OnError<String>)>();
    is_debug::<Event<'_, String, std::io::Error>>();
    is_error::<Error<std::io::Error>>();
}

#[test]
fn cleanups_are_send_if_their_work_is() {
    is_debug::<Cleanup<Refused>>();
    is_send::<Cleanup<Doc>>();
    is_send::<ObserverGuard>();
    is_sync::<ObserverGuard>();
    is_debug::<ObserverGuard>();
    is_debug::<cleanup::CleanupEvent<'_>>();
    is_send_future(&cleanup::GracefulShutdown::new().run());
    is_shared::<(AbandonReason, DrainTimeout)>();
    is_error::<DrainTimeout>();
    is_send_future(&cleanup::drain(std::time::Duration::ZERO));
}

#[test]
fn tasks_are_send_if_their_results_are() {
    fn all<T: Send + Unpin + Debug>() {}
    all::<tasks::TaskHandle<Doc, Refused>>();
    all::<Promise<Doc, Refused>>();
    all::<Gather<Doc, Refused>>();
    all::<GatherAll<Doc, Refused>>();
    all::<Map<Doc, Refused>>();
    all::<MapStream<Doc, Refused>>();
    all::<AsCompleted<tasks::TaskHandle<Doc, Refused>>>();
    all::<AsCompletedTimeout<tasks::TaskHandle<Doc, Refused>>>();
    all::<Wait<tasks::TaskHandle<Doc, Refused>>>();
    all::<Shield<std::future::Pending<Doc>>>();
    all::<ThreadPoolExecutor>();
    all::<Shutdown>();
    is_sync::<tasks::TaskHandle<u8, u8>>();
    is_sync::<ThreadPoolExecutor>();
    is_shared::<(AbortHandle, LoopHandle, Panic, LoopError, tasks::Elapsed, InvalidState<u8>)>();
    is_shared::<tasks::Error<std::sync::Arc<u8>>>();
    is_debug::<(WaitResult<u8, u8>, EventLoop, tasks::CallbackHandle, CallbackError)>();
    is_error::<tasks::Error<std::io::Error>>();
    is_error::<InvalidState<u8>>();
    is_error::<ExecutorError>();
    all::<(TaskGroup<Refused>, Spawner<Refused>, Timeout, BoxError)>();
    is_shared::<(Spawner<Refused>, Timeout, FailedInGroup, TaskGroupError, TimeoutError)>();
    is_error::<ErrorGroup<BoxError>>();
    is_error::<LoopError>();
    is_error::<tasks::Elapsed>();
    // Futures that are neither `Unpin` nor `Debug` may be streamed.
    is_send_stream(&as_completed([async { Doc(std::cell::Cell::new(0), std::marker::PhantomPinned) }]));
    is_future(&wait([std::future::ready(Ok::<u8, u8>(1))]));
}

fn is_send_stream<S: Stream + FusedStream + Send + Unpin + Debug>(_: &S) {}

#[test]
fn managers_are_send_and_debug() {
    is_shared::<(DropNow, DropAfterChildren, Detach, Restart)>();
    is_shared::<(OpaqueError, GuardInUse, InterruptedByMoved, ExitKind, EitherError<u8, u8>, NullContext<u8>)>(
    );
    is_send::<context::ExitReason<'_>>();
    is_debug::<context::ExitReason<'_>>();
    is_send::<AsyncExitStack>();
    is_sync::<AsyncExitStack>();
    is_debug::<AsyncExitStack>();
    is_send::<AsyncExitStackGuard>();
    is_sync::<AsyncExitStackGuard>();
    is_debug::<AsyncExitStackGuard>();
    is_send::<StackGuard<'_, NullContext<Doc>>>();
    is_debug::<StackGuard<'_, NullContext<Doc>>>();
    is_debug::<Suppress<Doc, Doc>>();
    is_debug::<context::Closing<Doc, fn(Doc)>>();
    is_debug::<Decorated<Doc, Doc>>();
    is_debug::<YieldOnce<'_, Doc>>();
    is_send::<LockGuard<tokio::sync::MutexGuard<'_, u8>>>();
    is_debug::<LockGuard<tokio::sync::MutexGuard<'_, u8>>>();
    is_lock_manager(context::read(&tokio::sync::RwLock::new(7)));
    is_lock_manager(context::permits(&tokio::sync::Semaphore::new(2), 2));
    is_error::<ExitErrors>();
    is_error::<GuardInUse>();
    is_error::<InterruptedByMoved>();
    is_error::<context::Error<std::io::Error, std::io::Error>>();
    is_error::<EitherError<std::io::Error, std::io::Error>>();
}

fn is_lock_manager<L, M>(_: LockManager<L, M>)
where
    LockManager<L, M>: Send + Sync + Debug,
{
}

/// The traits that occur as bounds can be named, and do not require more than necessary.
#[test]
fn managers_can_be_bounds() {
    fn body<'a, F: SendAsyncFnOnce<&'a mut u8, ()>>(_: F) {}
    fn exit<'a, F: SendAsyncFnOnce<context::ExitReason<'a>, Result<bool, u8>>>(_: F) {}
    fn callback<R: ExitOutput>() {}
    fn suppression<G: AsyncGuard<Suppression = ()>>() {
        fn is_suppression<V: Suppression>() {}
        is_suppression::<G::Suppression>();
    }
    body(async |_: &mut u8| {});
    exit(async |_: context::ExitReason<'_>| Ok(true));
    callback::<()>();
    callback::<Result<(), Doc>>();
    suppression::<NullContext<u8>>();
}

#[test]
fn the_futures_of_next_are_send_and_unpin() {
    let mut docs = by_cursor(|_: Option<String>| async { Err::<(Vec<Doc>, Option<String>), _>(Refused) });
    is_future(&docs.next());
    is_future(&docs.try_next());
    let mut pages = docs.into_pages();
    is_future(&pages.next());
    is_future(&pages.try_next());
}

#[tokio::test]
async fn a_stream_can_be_spawned_and_boxed() {
    let docs = by_link("/", |_| async { Ok::<_, std::io::Error>((vec![1_u8], None)) });
    let mut boxed: std::pin::Pin<Box<dyn Stream<Item = Result<u8, Error<std::io::Error>>> + Send>> =
        Box::pin(docs);
    let task = tokio::spawn(async move { futures::StreamExt::next(&mut boxed).await });
    assert_eq!(task.await.unwrap().unwrap().unwrap(), 1);
}

/// Functions, closures and async closures can be fetch functions, and their results are converted.
#[tokio::test]
async fn any_function_can_be_a_fetch_function() {
    type Io = std::io::Error;
    async fn function(_: Option<u8>) -> Result<(Vec<u8>, Option<u8>), Io> {
        Ok((vec![1], None))
    }
    let key = String::from("key");
    assert_eq!(by_cursor(function).try_next().await.unwrap(), Some(1));
    assert_eq!(by_cursor(async |at: Option<u8>| function(at).await).try_next().await.unwrap(), Some(1));
    let mut docs = by_page_number(1, move |_| {
        let key = key.clone();
        async move { Ok::<_, Io>(vec![key]) }
    });
    assert_eq!(docs.try_next().await.unwrap().as_deref(), Some("key"));
    let mut docs = by_offset(1, |_, _| async { Ok::<_, Io>((vec![2_u8], false)) });
    assert_eq!(docs.try_next().await.unwrap(), Some(2));
    assert_eq!(docs.try_next().await.unwrap(), None);
}
