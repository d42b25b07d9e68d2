//! Functions of `asynccontextmanager` that are entered where no scope is being entered: a limit around the yield is an
//! error of the enter, and nothing else is.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, ExitReason, NotEntering, async_with,
    asynccontextmanager, interrupt_when,
};
use withal::tasks::{TimeoutError, timeout};

const LIMIT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(1);

fn refused() -> NotEntering {
    interrupt_when(pending()).unwrap_err()
}

/// A manager that yields nothing and fails with a timeout.
trait Limited:
    AsyncContextManager<Guard: AsyncGuard<Target = (), Error = TimeoutError, Suppression = ()> + Send>
    + Send
    + 'static
{
}

impl<M> Limited for M where
    M: AsyncContextManager<Guard: AsyncGuard<Target = (), Error = TimeoutError, Suppression = ()> + Send>
        + Send
        + 'static
{
}

fn limited() -> impl Limited {
    asynccontextmanager(async |y| async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; }))
}

fn nested(inner: impl Limited) -> impl Limited {
    asynccontextmanager(async move |y| async_with!(_ = inner => { y.yield_(()).await; }))
}

fn on_a_stack(inner: impl Limited) -> impl Limited {
    asynccontextmanager(async move |y| {
        let ended = async_with!(stack = AsyncExitStack::new() => {
            let _plain = stack.enter_async_context(asynccontextmanager(async |y| {
                y.yield_(()).await;
                Ok::<(), Infallible>(())
            }));
            let _inner = stack.enter_async_context(inner).await.unwrap();
            y.yield_(()).await;
        });
        ended.map(drop).map_err(|mut errors| *errors.downcast_mut::<TimeoutError>().unwrap())
    })
}

/// Enters `manager` in each way that no scope knows of.
async fn assert_refused<M: Limited>(manager: impl Fn() -> M) {
    let expected = Err(TimeoutError::NotEntering(refused()));
    assert_eq!(manager().aenter().await.map(drop), expected);
    let (by_hand, on_a_stack) = (manager(), manager());
    let task = tokio::spawn(async move { by_hand.aenter().await.map(drop) });
    assert_eq!(task.await.unwrap(), expected);
    let stack = AsyncExitStack::new();
    assert_eq!(stack.enter_async_context(on_a_stack).await.map(drop), expected);
    stack.aclose().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limit_around_the_yield_is_an_error_of_the_enter() {
    assert_refused(limited).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_in_a_nested_function_is_an_error_of_the_enter() {
    assert_refused(|| nested(limited())).await;
    assert_refused(|| nested(nested(limited()))).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_a_stack_around_the_yield_is_an_error_of_the_enter() {
    assert_refused(|| on_a_stack(limited())).await;
    assert_refused(|| on_a_stack(nested(limited()))).await;
    assert_refused(|| nested(on_a_stack(limited()))).await;
}

/// A manager of the user that interrupts its block.
struct Interrupting;

#[derive(Debug, PartialEq)]
struct Interrupted;

impl AsyncContextManager for Interrupting {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Interrupted> {
        interrupt_when(pending()).map_err(|_| Interrupted)?;
        Ok(self)
    }
}

impl AsyncGuard for Interrupting {
    type Target = Self;
    type Error = Interrupted;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Interrupted> {
        if exit.is_cancelled() { Err(Interrupted) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_of_the_user_around_the_yield_is_an_error_of_the_enter() {
    let limited = asynccontextmanager(async |y| async_with!(_ = Interrupting => { y.yield_(()).await; }));
    assert_eq!(limited.aenter().await.map(drop), Err(Interrupted));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "no scope is being entered")]
async fn a_function_that_ignores_the_error_has_nothing_to_lend() {
    let limited = asynccontextmanager(async |y| {
        let _in_time = async_with!(_ = timeout(LIMIT) => { y.yield_(()).await; });
        Ok::<(), TimeoutError>(())
    });
    let _guard = limited.aenter().await;
}

#[tokio::test(start_paused = true)]
async fn a_function_without_a_limit_is_entered_and_exited() {
    let plain = asynccontextmanager(async |y| {
        y.yield_(7).await;
        Ok::<_, TimeoutError>(())
    });
    let mut guard = plain.aenter().await.unwrap();
    assert_eq!(*guard.target(), 7);
    assert_eq!(guard.aexit(ExitReason::Ok).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_limit_beside_the_yield_before_it_or_after_it_does_not_matter() {
    let beside = asynccontextmanager(async |y| {
        async_with!(_ = timeout(LONG) => {})?;
        let heartbeat = async { async_with!(_ = timeout(LONG) => { pending::<()>().await }) };
        tokio::select! {
            biased;
            _ = heartbeat => {}
            _ = y.yield_(()) => {}
        }
        async_with!(_ = timeout(LONG) => { tokio::task::yield_now().await })?;
        Ok::<(), TimeoutError>(())
    });
    let task = tokio::spawn(async move {
        let mut guard = beside.aenter().await?;
        guard.aexit(ExitReason::Ok).await
    });
    assert_eq!(task.await.unwrap(), Ok(()));
}

/// The limit of a scope in the function, which the function itself enters by a scope, still works.
#[tokio::test(start_paused = true)]
async fn a_limit_after_the_yield_ends_what_it_limits() {
    let slow = asynccontextmanager(async |y| {
        y.yield_(()).await;
        async_with!(_ = nested(limited()) => { pending::<()>().await })
    });
    let mut guard = slow.aenter().await.unwrap();
    assert_eq!(guard.aexit(ExitReason::Ok).await, Err(TimeoutError::Elapsed));
}
