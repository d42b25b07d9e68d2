//! Interrupts pass through everything between a manager and the scope that enters it. Where they cannot pass, entering
//! fails.

use std::convert::Infallible;
use std::future::pending;
use std::mem;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use withal::context::{
    AsyncContextManager, AsyncContextManagerExt, AsyncExitStack, AsyncGuard, Detach, ExitErrors, ExitReason,
    InterruptedByMoved, NotEntering, async_with, interrupt_when,
};
use withal::tasks::{ErrorGroup, TaskGroup, Timeout, TimeoutError, timeout};
use withal_test_support::event_log::{EventLog, kind};
use withal_test_support::probes;

use crate::managers::{MoveOn, PanicsOnDrop};

probes!(Probe: Detach);

const LIMIT: Duration = Duration::from_millis(50);

/// Longer than each limit, so that a test whose interrupt is lost fails instead of hanging.
const LONG: Duration = Duration::from_secs(1);

fn limit() -> Timeout {
    timeout(LIMIT)
}

/// Pushes an exit that records its reason, and suppresses the error or not.
fn watch(stack: &AsyncExitStack, log: &EventLog, name: &'static str, suppresses: bool) {
    let log = log.clone();
    stack.push_async_exit(async move |exit: ExitReason<'_>| {
        log.record(format_args!("<{name}:{} {name}>", kind(&exit)));
        Ok::<_, Infallible>(suppresses)
    });
}

fn elapsed(error: &mut ExitErrors) -> Option<&mut TimeoutError> {
    error.downcast_mut::<TimeoutError>()
}

#[tokio::test(start_paused = true)]
async fn a_timeout_on_a_stack_interrupts_the_block_of_the_stack() {
    let (log, begin) = (EventLog::new(), Instant::now());
    let mut ended = async_with!(stack = AsyncExitStack::new() => {
        watch(stack, &log, "below", false);
        let _limit = stack.enter_async_context(limit()).await.unwrap();
        watch(stack, &log, "above", false);
        sleep(LONG).await;
    });
    assert_eq!(begin.elapsed(), LIMIT);
    assert_eq!(ended.as_mut().err().and_then(elapsed), Some(&mut TimeoutError::Elapsed));
    assert_eq!(log.entries(), "<above:cancelled above> <below:error below>");
}

#[tokio::test(start_paused = true)]
async fn each_manager_on_a_stack_can_interrupt_the_block() {
    for (first, second) in [(LIMIT, LONG), (LONG, LIMIT)] {
        let begin = Instant::now();
        let (one, other) = (timeout(first), timeout(second));
        let ended = async_with!(stack = AsyncExitStack::new() => {
            let _one = stack.enter_async_context(one.clone()).await.unwrap();
            let _other = stack.enter_async_context(other.clone()).await.unwrap();
            sleep(2 * LONG).await;
        });
        assert_eq!(ended.unwrap_err().len(), 1);
        assert_eq!((one.expired(), other.expired()), (first < second, second < first));
        assert_eq!(begin.elapsed(), LIMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_group_on_a_stack_interrupts_the_block_of_the_stack() {
    let mut ended = async_with!(stack = AsyncExitStack::new() => {
        let mut group = stack.enter_async_context(TaskGroup::<String>::new()).await.unwrap();
        drop(group.target().create_task(async { Err::<(), _>("task".to_owned()) }));
        sleep(LONG).await;
    });
    let errors = ended.as_mut().err().and_then(|error| error.downcast_mut::<ErrorGroup<String>>());
    assert_eq!(errors.unwrap().errors(), ["task"]);
}

#[tokio::test(start_paused = true)]
async fn an_exit_below_the_timeout_suppresses_its_error_and_one_above_it_does_not() {
    let log = EventLog::new();
    for (below, above) in [(true, false), (false, true)] {
        let ended = async_with!(stack = AsyncExitStack::new() => {
            watch(stack, &log, "below", below);
            let _limit = stack.enter_async_context(limit()).await.unwrap();
            watch(stack, &log, "above", above);
            sleep(LONG).await;
        });
        assert_eq!(ended.ok(), below.then_some(None));
    }
}

/// The error of an exit above the timeout is suppressed, and the interrupt is not.
#[tokio::test(start_paused = true)]
async fn a_suppressed_error_of_an_exit_does_not_suppress_the_interrupt() {
    let log = EventLog::new();
    let ended = async_with!(stack = AsyncExitStack::new() => {
        let _limit = stack.enter_async_context(limit()).await.unwrap();
        watch(stack, &log, "one", true);
        stack.callback(|| Err::<(), _>("exit"));
        sleep(LONG).await;
    });
    assert_eq!(ended.unwrap_err().into_vec().len(), 1);
    assert_eq!(log.entries(), "<one:error one>");
}

#[tokio::test(start_paused = true)]
async fn an_exit_on_a_stack_may_suppress_its_interrupt() {
    let log = EventLog::new();
    let ended = async_with!(stack = AsyncExitStack::new() => {
        watch(stack, &log, "below", false);
        let _guard = stack.enter_async_context(MoveOn(LIMIT)).await.unwrap();
        sleep(LONG).await;
    });
    assert_eq!(ended.unwrap(), None);
    assert_eq!(log.entries(), "<below:ok below>");
}

#[tokio::test(start_paused = true)]
async fn after_pop_all_the_timeout_interrupts_the_block_that_the_new_stack_is_entered_for() {
    let begin = Instant::now();
    let moved = async_with!(stack = AsyncExitStack::new() => {
        let _limit = stack.enter_async_context(limit()).await.unwrap();
        stack.pop_all()
    });
    sleep(2 * LIMIT).await;
    let mut ended = async_with!(_ = moved.unwrap().unwrap() => { sleep(LONG).await });
    assert_eq!(ended.as_mut().err().and_then(elapsed), Some(&mut TimeoutError::Elapsed));
    assert_eq!(begin.elapsed(), 2 * LIMIT, "the deadline has passed before the second block");
}

/// How a block moves its stack.
type MoveStack = fn(&mut AsyncExitStack) -> AsyncExitStack;

const MOVES: [MoveStack; 2] = [|stack| stack.pop_all(), mem::take];

/// The exit of the stack cannot answer the interrupt, and the limit applies nevertheless.
#[tokio::test(start_paused = true)]
async fn a_moved_timeout_interrupts_the_block_until_it_has_ended() {
    withal_test_support::expect_reports("AsyncExitStack failed: an exit failed: timed out");
    for move_stack in MOVES {
        let (log, begin) = (EventLog::new(), Instant::now());
        let mut ended = async_with!(stack = AsyncExitStack::new() => {
            drop(stack.enter_async_context(limit()).await.unwrap());
            let _moved = move_stack(stack);
            watch(stack, &log, "kept", false);
            sleep(LONG).await;
        });
        assert_eq!(begin.elapsed(), LIMIT);
        let errors = ended.as_mut().unwrap_err();
        assert_eq!(errors.downcast_mut::<InterruptedByMoved>(), Some(&mut interrupted_by_moved().await));
        assert_eq!((errors.len(), log.entries()), (1, "<kept:error kept>".to_owned()));
    }
}

async fn interrupted_by_moved() -> InterruptedByMoved {
    let mut ended = async_with!(stack = AsyncExitStack::new() => {
        drop(stack.enter_async_context(timeout(Duration::ZERO)).await.unwrap());
        let _moved = stack.pop_all();
        pending::<()>().await;
    });
    *ended.as_mut().unwrap_err().downcast_mut().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_moved_timeout_that_was_exited_does_not_interrupt_the_block() {
    for move_stack in MOVES {
        let ended = async_with!(stack = AsyncExitStack::new() => {
            drop(stack.enter_async_context(limit()).await.unwrap());
            move_stack(stack).aclose().await.unwrap();
            drop(stack.enter_async_context(limit()).await);
            drop(stack.pop_all());
            sleep(LONG).await;
        });
        assert_eq!(ended.unwrap(), Some(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_moved_timeout_interrupts_the_block_of_the_stack_that_is_entered_last() {
    for move_stack in MOVES {
        let begin = Instant::now();
        let ended = async_with!(stack = AsyncExitStack::new() => {
            drop(stack.enter_async_context(limit()).await.unwrap());
            let moved = move_stack(stack);
            let mut inner = async_with!(_ = moved => { sleep(LONG).await });
            assert_eq!(inner.as_mut().err().and_then(elapsed), Some(&mut TimeoutError::Elapsed));
            assert_eq!(begin.elapsed(), LIMIT);
            sleep(LONG).await;
        });
        assert_eq!(ended.unwrap(), Some(()));
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_block_a_moved_timeout_interrupts_the_block_that_the_moved_stack_is_entered_for() {
    for move_stack in MOVES {
        let mut moved = AsyncExitStack::new();
        let ended = async_with!(stack = AsyncExitStack::new() => {
            drop(stack.enter_async_context(limit()).await.unwrap());
            drop(stack.enter_async_context(MoveOn(LIMIT)).await.unwrap());
            moved = move_stack(stack);
        });
        assert_eq!(ended.unwrap(), Some(()));
        let begin = Instant::now();
        let mut ended = async_with!(_ = moved => { sleep(LONG).await });
        assert_eq!(ended.as_mut().err().and_then(elapsed), Some(&mut TimeoutError::Elapsed));
        assert_eq!(begin.elapsed(), LIMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_moved_out_of_its_block_takes_no_interrupts() {
    let moved = async_with!(stack = AsyncExitStack::new() => { mem::take(stack) }).unwrap().unwrap();
    assert_eq!(
        moved.enter_async_context(limit()).await.map(drop),
        Err(TimeoutError::NotEntering(entering_nothing()))
    );
}

fn entering_nothing() -> NotEntering {
    interrupt_when(pending()).unwrap_err()
}

#[tokio::test]
async fn where_no_scope_is_entered_entering_fails() {
    let refused = Err(TimeoutError::NotEntering(entering_nothing()));
    assert_eq!(limit().aenter().await.map(drop), refused);
    let stack = AsyncExitStack::new();
    assert_eq!(stack.enter_async_context(limit()).await.map(drop), refused);
    // In a block, the scope has been entered already.
    assert_eq!(
        async_with!(_ = TaskGroup::<()>::new() => { limit().aenter().await.map(drop) }).unwrap(),
        refused
    );
    stack.aclose().await.unwrap();
}

/// A manager that spawns the enter of another one.
struct Spawns;

impl AsyncContextManager for Spawns {
    type Guard = Timeout;

    async fn aenter(self) -> Result<Timeout, TimeoutError> {
        tokio::spawn(limit().aenter()).await.expect("nothing panics")
    }
}

#[tokio::test]
async fn an_enter_in_a_spawned_task_fails() {
    let ended = async_with!(_ = Spawns => { unreachable!("entering has failed") });
    assert_eq!(ended, Err::<(), _>(TimeoutError::NotEntering(entering_nothing())));
}

/// How a manager enters others with a stack.
#[derive(Clone, Copy, Debug)]
enum By {
    Stack,
    PopAll,
    EnteredLater,
}

/// A manager that consists of a stack of others.
struct Composed(By);

struct ComposedGuard(Option<AsyncExitStack>);

impl AsyncContextManager for Composed {
    type Guard = ComposedGuard;

    async fn aenter(self) -> Result<ComposedGuard, ExitErrors> {
        let stack = match self.0 {
            By::Stack => {
                let stack = AsyncExitStack::new();
                stack.enter_async_context(limit()).await.expect("a scope is being entered");
                stack
            }
            By::PopAll => async_with!(stack = AsyncExitStack::new() => {
                drop(stack.enter_async_context(limit()).await.expect("the stack was entered"));
                stack.pop_all()
            })?
            .expect("nothing is suppressed"),
            By::EnteredLater => {
                let stack = AsyncExitStack::new().aenter().await?;
                return Self::enter_later(stack).await;
            }
        };
        Ok(ComposedGuard(Some(stack)))
    }
}

impl Composed {
    async fn enter_later(
        mut stack: <AsyncExitStack as AsyncContextManager>::Guard,
    ) -> Result<ComposedGuard, ExitErrors> {
        let target = stack.target();
        drop(target.enter_async_context(limit()).await.expect("the stack was entered"));
        Ok(ComposedGuard(Some(target.pop_all())))
    }
}

impl AsyncGuard for ComposedGuard {
    type Target = AsyncExitStack;
    type Error = ExitErrors;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut AsyncExitStack {
        self.0.as_mut().unwrap()
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), ExitErrors> {
        self.0.take().unwrap().aclose().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_inside_of_a_manager_interrupts_the_block_of_the_manager() {
    for by in [By::Stack, By::PopAll, By::EnteredLater] {
        let begin = Instant::now();
        let mut ended = async_with!(_ = Composed(by) => { sleep(LONG).await });
        assert_eq!(ended.as_mut().err().and_then(elapsed), Some(&mut TimeoutError::Elapsed), "{by:?}");
        assert_eq!(begin.elapsed(), LIMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn shielded_optional_and_nested_managers_interrupt_the_block() {
    let ended = async_with!(_ = limit().shield_enter() => { sleep(LONG).await });
    assert_eq!(ended, Err(TimeoutError::Elapsed));
    let ended = async_with!(_ = Some(limit().shield_enter()) => { sleep(LONG).await });
    assert_eq!(ended, Err(TimeoutError::Elapsed));
}

/// A manager that registers two interrupts.
struct Two(Duration, Duration);

impl AsyncContextManager for Two {
    type Guard = MoveOn;

    async fn aenter(self) -> Result<MoveOn, NotEntering> {
        let begin = Instant::now();
        interrupt_when(sleep_until(begin + self.0))?;
        tokio::task::yield_now().await;
        interrupt_when(sleep_until(begin + self.1))?;
        Ok(MoveOn(LIMIT))
    }
}

#[tokio::test(start_paused = true)]
async fn a_manager_may_register_several_interrupts() {
    for two in [Two(LIMIT, LONG), Two(LONG, LIMIT)] {
        let begin = Instant::now();
        assert_eq!(async_with!(_ = two => { sleep(2 * LONG).await }).unwrap(), None);
        assert_eq!(begin.elapsed(), LIMIT);
    }
}

#[tokio::test(start_paused = true)]
async fn a_manager_entered_in_the_block_does_not_interrupt_the_outer_block() {
    let outer = async_with!(_ = timeout(LONG) => {
        let inner = async_with!(_ = limit() => { sleep(LONG / 2).await });
        assert_eq!(inner, Err(TimeoutError::Elapsed));
        sleep(LONG / 4).await;
    });
    assert_eq!(outer, Ok(()));
}

/// A manager that is exited inside of the enter of another one interrupts no block.
struct EntersAndExits;

impl AsyncContextManager for EntersAndExits {
    type Guard = Timeout;

    async fn aenter(self) -> Result<Timeout, TimeoutError> {
        let mut first = limit().aenter().await?;
        first.aexit(ExitReason::Ok).await?;
        timeout(LONG).aenter().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_has_finished_does_not_interrupt_the_block() {
    assert_eq!(async_with!(_ = EntersAndExits => { sleep(LONG / 2).await }), Ok(()));
}

/// The same with a stack, for a manager that can only suppress its own interrupt.
struct EntersAndCloses;

impl AsyncContextManager for EntersAndCloses {
    type Guard = Probe;

    async fn aenter(self) -> Result<Probe, String> {
        let stack = AsyncExitStack::new();
        stack.enter_async_context(MoveOn(LIMIT)).await.expect("a scope is being entered");
        stack.aclose().await.expect("nothing fails");
        Probe::new(&EventLog::new(), "a").aenter().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_manager_on_a_stack_that_was_closed_does_not_interrupt_the_block() {
    assert_eq!(async_with!(_ = EntersAndCloses => { sleep(LONG).await }), Ok(()));
}

/// A manager that enters others on a stack that outlives it, and then fails.
struct EntersAndFails<'a>(&'a AsyncExitStack);

impl AsyncContextManager for EntersAndFails<'_> {
    type Guard = Timeout;

    async fn aenter(self) -> Result<Timeout, TimeoutError> {
        drop(self.0.enter_async_context(limit()).await?);
        Err(TimeoutError::Elapsed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_takes_no_interrupts_after_the_enter_that_it_was_a_part_of_has_failed() {
    let stack = AsyncExitStack::new();
    let ended = async_with!(_ = EntersAndFails(&stack) => {});
    assert_eq!(ended, Err(TimeoutError::Elapsed));
    let refused = Err(TimeoutError::NotEntering(entering_nothing()));
    assert_eq!(stack.enter_async_context(limit()).await.map(drop), refused);
    stack.aclose().await.unwrap();
}

/// A manager whose interrupt has a destructor that panics.
struct InterruptDropPanics(EventLog);

impl AsyncContextManager for InterruptDropPanics {
    type Guard = Probe;

    async fn aenter(self) -> Result<Probe, String> {
        let panics = PanicsOnDrop;
        let interrupt = async move {
            pending::<()>().await;
            drop(panics);
        };
        interrupt_when(interrupt).expect("entered by a scope");
        Probe::new(&self.0, "a").aenter().await
    }
}

#[tokio::test]
async fn a_panicking_destructor_of_an_interrupt_is_a_panic_of_the_block() {
    let log = EventLog::new();
    let manager = InterruptDropPanics(log.clone());
    let task = tokio::spawn(async move { async_with!(_ = manager => { tokio::task::yield_now().await }) });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(log.entries(), "+a <a:panic a>");
}
