//! `async with` inside a coroutine that is resumed by hand: `CPython`'s `test_coroutines.py` (3.13). Each test has
//! the name of its original.

use std::any::Any;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::Stream;
use tokio::time::{Instant, sleep};
use withal::async_for;
use withal::cleanup::{CleanupEvent, observe};
use withal::context::{AsyncContextManager, AsyncGuard, Detach, DropNow, Error, ExitReason, async_with};
use withal::coroutine::{
    self, Coroutine, RawCoroutine, Step, Throw, Thrown, Yielder, coroutine, try_coroutine,
};
use withal::generator::generator;

/// An error with the name of a Python exception.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Raised(&'static str);

const ZERO_DIVISION: Raised = Raised("ZeroDivisionError");
const RUNTIME: Raised = Raised("RuntimeError");

/// The yielder of a body that yields nothing.
type Y<'g> = Yielder<'g, (), (), Thrown<Raised>>;

type Ended<D> = Result<
    <D as RawCoroutine>::Return,
    coroutine::Error<<D as RawCoroutine>::Sent, <<D as RawCoroutine>::Thrown as Throw>::Error>,
>;

/// `run_async` of the original: runs a coroutine to its end, and returns the yielded values and its result.
fn run_async<D>(mut coroutine: Coroutine<D>) -> (Vec<D::Yield>, Ended<D>)
where
    D: RawCoroutine<Sent: Default> + ?Sized,
{
    let mut yielded = Vec::new();
    loop {
        match coroutine.resume() {
            Ok(Step::Yielded(value)) => yielded.push(value),
            Ok(Step::Complete(value)) => return (yielded, Ok(value)),
            Err(error) => return (yielded, Err(error)),
        }
    }
}

/// The reasons that the exits received, in order.
type Seen = Mutex<Vec<&'static str>>;

/// `CM` of the original: a manager with given results of its enter and its exit.
struct Manager<'s> {
    enter: Result<(), Raised>,
    exit: Result<bool, Raised>,
    seen: &'s Seen,
}

impl<'s> Manager<'s> {
    fn new(seen: &'s Seen) -> Self {
        Self { enter: Ok(()), exit: Ok(false), seen }
    }

    fn suppresses(seen: &'s Seen) -> Self {
        Self { exit: Ok(true), ..Self::new(seen) }
    }

    fn exit_fails(seen: &'s Seen, raised: Raised) -> Self {
        Self { exit: Err(raised), ..Self::new(seen) }
    }
}

impl AsyncContextManager for Manager<'_> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Raised> {
        self.enter.map(|()| self)
    }
}

impl AsyncGuard for Manager<'_> {
    type Target = Self;
    type Error = Raised;
    type Suppression = bool;
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, Raised> {
        let seen = match exit {
            ExitReason::Ok => "Ok",
            ExitReason::Error(error) => name(error),
            ExitReason::Panic(_) => "Panic",
            ExitReason::Cancelled => "Cancelled",
        };
        self.seen.lock().unwrap().push(seen);
        self.exit
    }
}

/// Returns the name of an error, in each of the types that the blocks fail with.
fn name(error: &(dyn Any + Send)) -> &'static str {
    if let Some(&Raised(name)) = error.downcast_ref() {
        name
    } else if let Some(&Thrown::Error(Raised(name))) = error.downcast_ref() {
        name
    } else if let Some(&Error::Exit { error: Raised(name), .. }) =
        error.downcast_ref::<Error<Raised, Raised>>()
    {
        name
    } else {
        panic!("unexpected type of error")
    }
}

/// Yields from its enter and its exit, with the yielder of the enclosing coroutine. `B` suppresses the error.
struct Yields<'a, 'g> {
    name: &'static str,
    y: &'a mut Yielder<'g, String, (), Thrown<Raised>>,
}

impl AsyncContextManager for Yields<'_, '_> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Thrown<Raised>> {
        for n in [1, 2] {
            self.y.yield_(format!("enter-{n}-{}", self.name)).await?;
        }
        Ok(self)
    }
}

impl AsyncGuard for Yields<'_, '_> {
    type Target = Self;
    type Error = Thrown<Raised>;
    type Suppression = bool;
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<bool, Thrown<Raised>> {
        for n in [1, 2] {
            self.y.yield_(format!("exit-{n}-{}", self.name)).await?;
        }
        Ok(self.name == "B")
    }
}

#[test]
fn with_1_enters_and_exits_yield_through_the_coroutine() {
    let foo = |name| {
        try_coroutine(async move |mut y| {
            let value = async_with!(
                a = Yields { name: "A", y: &mut y },
                b = Yields { name, y: &mut *a.y } => {
                    b.y.yield_(format!("managers-{}-{}", a.name, b.name)).await?;
                    Err(ZERO_DIVISION)?;
                }
            )?;
            Ok::<Option<Option<()>>, _>(value)
        })
    };
    let all = [
        "enter-1-A",
        "enter-2-A",
        "enter-1-B",
        "enter-2-B",
        "managers-A-B",
        "exit-1-B",
        "exit-2-B",
        "exit-1-A",
        "exit-2-A",
    ];
    let (result, value) = run_async(foo("B"));
    assert_eq!(result, all);
    assert_eq!(value, Ok(Some(None)), "suppressed by B, so that the block of A completes");

    let (result, value) = run_async(foo("C"));
    assert_eq!(result, all.map(|word| word.replace('B', "C")));
    assert_eq!(value, Err(coroutine::Error::Raised(ZERO_DIVISION)));
}

/// Adapted: a failed assertion is a panic. It passes the exit, and leaves the step.
#[test]
fn with_5_an_assertion_that_fails_in_the_block() {
    let seen = Seen::default();
    let mut func = try_coroutine(async |_: Y<'_>| {
        async_with!(_cm = Manager::new(&seen) => {
            assert_eq!([1].len(), 2, "AssertionError");
        })?;
        Ok("end")
    });
    let payload = catch_unwind(AssertUnwindSafe(|| func.send(()))).unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().contains("AssertionError"));
    assert_eq!(func.send(()), Err(coroutine::Error::AlreadyAwaited));
    drop(func);
    assert_eq!(seen.into_inner().unwrap(), ["Panic"]);
}

/// Adapted: an exit that cannot be awaited would not compile. This one fails.
#[test]
fn with_7_an_exit_that_fails_after_an_error() {
    let seen = Seen::default();
    let foo = coroutine(async |_: Yielder<'_>| {
        let manager = Manager::exit_fails(&seen, Raised("TypeError"));
        Ok(async_with(manager, async |_| Err::<(), _>(ZERO_DIVISION)).await)
    });
    let (_, outcome) = run_async(foo);
    assert!(matches!(
        outcome,
        Ok(Err(Error::Exit { error: Raised("TypeError"), context: Some(ZERO_DIVISION), .. }))
    ));
    assert_eq!(seen.into_inner().unwrap(), ["ZeroDivisionError"]);
}

/// Adapted as `with_7`: the exit's error replaces the pending jump.
#[test]
fn with_8_an_exit_that_fails_after_any_way_out() {
    let (seen, cnt) = (Seen::default(), Cell::new(0));
    let (cm, add) = (|| Manager::exit_fails(&seen, Raised("TypeError")), || cnt.set(cnt.get() + 1));
    let raised = Err(coroutine::Error::Raised(Raised("TypeError")));

    let completes = try_coroutine(async |_: Y<'_>| {
        async_with!(_cm = cm() => { add() })?;
        Ok("end")
    });
    assert_eq!(run_async(completes).1, raised);
    assert_eq!(cnt.get(), 1);

    let breaks = try_coroutine(async |_: Y<'_>| {
        for _ in 0..2 {
            async_with!(loop; _cm = cm() => { add(); break })?;
        }
        Ok("end")
    });
    assert_eq!(run_async(breaks).1, raised);
    assert_eq!(cnt.get(), 2);

    let continues = try_coroutine(async |_: Y<'_>| {
        for _ in 0..2 {
            async_with!(loop; _cm = cm() => { add(); continue })?;
        }
        Ok("end")
    });
    assert_eq!(run_async(continues).1, raised);
    assert_eq!(cnt.get(), 3);

    let returns = try_coroutine(async |_: Y<'_>| {
        async_with!(_cm = cm() => { add(); return Ok("returned") })?;
        Ok("end")
    });
    assert_eq!(run_async(returns).1, raised);
    assert_eq!(cnt.get(), 4);
    assert_eq!(*seen.lock().unwrap(), ["Ok"; 4]);
}

#[test]
fn with_9_an_exit_that_fails() {
    let (seen, cnt) = (Seen::default(), Cell::new(0));
    let foo = try_coroutine(async |_: Y<'_>| {
        async_with!(_cm = Manager::exit_fails(&seen, ZERO_DIVISION) => { cnt.set(cnt.get() + 1) })?;
        Ok("end")
    });
    assert_eq!(run_async(foo).1, Err(coroutine::Error::Raised(ZERO_DIVISION)));
    assert_eq!(cnt.get(), 1);
    assert_eq!(*seen.lock().unwrap(), ["Ok"]);
}

/// The last error is returned, with the earlier ones as its context.
#[test]
fn with_10_two_exits_that_fail_after_an_error() {
    const INNER: Raised = Raised("ZeroDivisionError, inner");
    const OUTER: Raised = Raised("ZeroDivisionError, outer");
    let seen = Seen::default();
    let foo = coroutine(async |_: Yielder<'_>| {
        let outcome = async_with(Manager::exit_fails(&seen, OUTER), async |_| {
            async_with(Manager::exit_fails(&seen, INNER), async |_| Err::<(), _>(RUNTIME)).await
        });
        Ok(outcome.await)
    });
    let Ok(Err(Error::Exit { error: OUTER, context: Some(context), .. })) = run_async(foo).1 else {
        panic!("the outer exit fails after an error")
    };
    assert!(matches!(context, Error::Exit { error: INNER, context: Some(RUNTIME), .. }));
    assert_eq!(seen.into_inner().unwrap(), [RUNTIME.0, INNER.0], "each receives the error of its block");
}

/// The macro returns no context: the first error is returned, and the others are reported.
#[test]
fn with_10_by_the_macro_the_first_error_is_returned() {
    const INNER: Raised = Raised("reported, inner");
    const OUTER: Raised = Raised("reported, outer");
    let reported = Arc::new(Mutex::new(Vec::<Raised>::new()));
    let hook = Arc::clone(&reported);
    let _observer = observe(move |event| {
        if let CleanupEvent::Failed { error, .. } = event {
            hook.lock().unwrap().extend(error.downcast_ref().filter(|error| [INNER, OUTER].contains(error)));
        }
    });
    let seen = Seen::default();
    let foo = try_coroutine(async |_: Y<'_>| {
        async_with!(
            _outer = Manager::exit_fails(&seen, OUTER),
            _inner = Manager::exit_fails(&seen, INNER) => { Err(RUNTIME)? }
        )?;
        Ok("end")
    });
    assert_eq!(run_async(foo).1, Err(coroutine::Error::Raised(RUNTIME)));
    assert_eq!(*reported.lock().unwrap(), [INNER, OUTER]);
    assert_eq!(*seen.lock().unwrap(), ["RuntimeError"; 2]);
}

/// The variant of the error has no context.
#[test]
fn with_11_an_enter_that_fails() {
    const NOT_IMPLEMENTED: Raised = Raised("NotImplementedError");
    let seen = Seen::default();
    let foo = coroutine(async |_: Yielder<'_>| {
        let manager = Manager { enter: Err(NOT_IMPLEMENTED), ..Manager::exit_fails(&seen, ZERO_DIVISION) };
        Ok(async_with(manager, async |_| Err::<(), _>(RUNTIME)).await)
    });
    assert_eq!(run_async(foo).1, Ok(Err(Error::Enter(NOT_IMPLEMENTED))));
    assert!(seen.into_inner().unwrap().is_empty(), "nothing to exit");
}

#[test]
fn with_12_suppressed_by_the_exit() {
    let (seen, entered) = (Seen::default(), Cell::new(false));
    let foo = try_coroutine(async |_: Y<'_>| {
        let value: Option<()> = async_with!(cm = Manager::suppresses(&seen) => {
            let cm: &mut Manager<'_> = cm;
            entered.set(cm.exit == Ok(true));
            Err(RUNTIME)?;
        })?;
        Ok(("end", value))
    });
    assert_eq!(run_async(foo).1, Ok(("end", None)));
    assert!(entered.get(), "the target is the manager itself");
    assert_eq!(*seen.lock().unwrap(), ["RuntimeError"]);
}

#[test]
fn with_13_an_enter_that_fails_is_not_suppressed() {
    let (seen, cnt) = (Seen::default(), Cell::new(0));
    let add = |n| cnt.set(cnt.get() + n);
    let foo = try_coroutine(async |_: Y<'_>| {
        add(1);
        let manager = Manager { enter: Err(ZERO_DIVISION), ..Manager::suppresses(&seen) };
        async_with!(_cm = manager => { add(1000) })?;
        add(10_000);
        Ok("end")
    });
    assert_eq!(run_async(foo).1, Err(coroutine::Error::Raised(ZERO_DIVISION)));
    assert_eq!(cnt.get(), 1);
    assert!(seen.lock().unwrap().is_empty(), "nothing to exit");
}

/// On a runtime: the enter, the block and the exit sleep.
#[tokio::test(start_paused = true)]
async fn asyncio_1_sleeps_in_enter_block_and_exit() {
    #[derive(Debug, PartialEq)]
    struct MyException;
    type Buffer = Arc<Mutex<Vec<&'static str>>>;
    struct Sleeps(Buffer);
    impl AsyncContextManager for Sleeps {
        type Guard = Self;
        async fn aenter(self) -> Result<Self, Infallible> {
            self.0.lock().unwrap().push("1");
            sleep(Duration::from_millis(10)).await;
            self.0.lock().unwrap().push("2");
            Ok(self)
        }
    }
    impl AsyncGuard for Sleeps {
        type Target = Self;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = Detach;
        fn target(&mut self) -> &mut Self {
            self
        }
        async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Infallible> {
            sleep(Duration::from_millis(10)).await;
            if let ExitReason::Error(error) = exit {
                if error.downcast_ref() == Some(&Thrown::Error(MyException)) {
                    self.0.lock().unwrap().push("MyException");
                }
            }
            Ok(())
        }
    }

    let (buffer, begin) = (Buffer::default(), Instant::now());
    let mut f = try_coroutine(async |_: Yielder<'_, (), (), _>| {
        async_with!(_c = Sleeps(Arc::clone(&buffer)) => {
            sleep(Duration::from_millis(10)).await;
            Err(MyException)?
        });
        buffer.lock().unwrap().push("unreachable");
        Ok(())
    });
    let outcome = poll_fn(|cx| f.poll_resume(cx)).await;
    assert_eq!(outcome, Err(coroutine::Error::Raised(MyException)));
    assert_eq!(begin.elapsed(), Duration::from_millis(30), "all three were awaited");
    assert_eq!(*buffer.lock().unwrap(), ["1", "2", "MyException"]);
}

/// Counts its enters and its exits.
struct Counts(Arc<AtomicU32>);

impl AsyncContextManager for Counts {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        self.0.fetch_add(10_000, Ordering::Relaxed);
        Ok(self)
    }
}

impl AsyncGuard for Counts {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.0.fetch_add(100_000, Ordering::Relaxed);
        Ok(())
    }
}

/// Yields 1 to 11, and holds a value until its end.
fn iterable<T>(held: T) -> impl Stream<Item = u32> {
    generator(async move |mut y| {
        for i in 1..=11 {
            y.yield_(i).await?;
        }
        drop(held);
        Ok(())
    })
}

#[test]
fn for_6_loops_in_blocks() {
    let total = Arc::new(AtomicU32::new(0));
    let add = |n| total.fetch_add(n, Ordering::Relaxed);
    let manager = || Counts(Arc::clone(&total));

    let main = coroutine(async |_: Yielder<'_>| {
        async_with!(_m = manager() => {
            async_for!(_ in iterable(Arc::clone(&total)) => { add(1); });
        });
        add(1000);
        // Python counts references after the coroutine; here the coroutine still exists.
        assert_eq!(Arc::strong_count(&total), 1, "neither the manager nor the stream still exists");
        Ok(())
    });
    run_async(main).1.unwrap();
    assert_eq!(total.load(Ordering::Relaxed), 111_011);

    let main = coroutine(async |_: Yielder<'_>| {
        async_with!(_m = manager() => {
            async_for!(_ in iterable(()) => { add(1); });
        });
        add(1000);

        async_with!(_m = manager() => {
            async_for!(_ in iterable(()) => { add(1); });
        });
        add(1000);
        Ok(())
    });
    run_async(main).1.unwrap();
    assert_eq!(total.load(Ordering::Relaxed), 333_033);

    let main = coroutine(async |_: Yielder<'_>| {
        async_with!(_m = manager() => {
            add(100);
            async_for!(_ in iterable(()) => { add(1); } else { add(10_000_000); });
        });
        add(1000);

        async_with!(_m = manager() => {
            add(100);
            async_for!(_ in iterable(()) => { add(1); } else { add(10_000_000); });
        });
        add(1000);
        Ok(())
    });
    run_async(main).1.unwrap();
    assert_eq!(total.load(Ordering::Relaxed), 20_555_255);
}
