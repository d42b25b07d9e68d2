//! The stack that large futures take at each entry point of the crate: a table whose rows run on a worker thread with
//! tokio's default stack of 2 MiB. A stack overflow aborts the process, so each row runs in its own process.

use std::convert::Infallible;
use std::env;
use std::future::pending;
use std::hint::black_box;
use std::pin::pin;
use std::process::Command;
use std::thread;
use std::time::Duration;

use futures::{StreamExt, poll};
use tokio::task::yield_now;
use withal::cleanup::{detach, run_main, shutdown};
use withal::context::{
    AsyncClose, AsyncContextManager, AsyncContextManagerExt, AsyncExitStack, AsyncGuard, Detach,
    DropAfterChildren, DropNow, ExitReason, Restart, aclosing, async_with, asynccontextmanager, closing,
    nullcontext, on_exit,
};
use withal::coroutine::{GeneratorExit, Thrown, Yielder, coroutine};
use withal::generator::{AsyncGeneratorExt, generator, shutdown_asyncgens, try_generator};
use withal::tasks::{
    EventLoop, TaskGroup, ThreadPoolExecutor, as_completed, create_task, gather, shield, timeout, wait,
};

use crate::stack::on_worker;

const ENOUGH: Duration = Duration::from_secs(60);

/// The environment variable by which a test process runs one row.
const ROW: &str = "WITHAL_STACK_ROW";

/// The stack of a thread that is not a worker of tokio.
const STACK: usize = 2 << 20;

type Done = Result<(), Infallible>;

/// Holds `N` bytes across an await.
macro_rules! hold {
    ($N:expr) => {{
        let mut buffer = [1_u8; $N];
        yield_now().await;
        buffer[0] += 1;
        assert_eq!(black_box(&buffer).iter().map(|&byte| usize::from(byte)).sum::<usize>(), $N + 1);
    }};
}

async fn large<const N: usize>() -> Done {
    hold!(N);
    Ok(())
}

/// Managers with a large enter or a large exit, each with its drop policy.
macro_rules! guards {
    ($($name:ident: $policy:ty),*) => { $(
        struct $name<const ENTER: usize, const EXIT: usize>;

        impl<const ENTER: usize, const EXIT: usize> AsyncContextManager for $name<ENTER, EXIT> {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, Infallible> {
                hold!(ENTER);
                Ok(self)
            }
        }

        impl<const ENTER: usize, const EXIT: usize> AsyncGuard for $name<ENTER, EXIT> {
            type Target = Self;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut Self {
                self
            }

            async fn aexit(&mut self, _exit: ExitReason<'_>) -> Done {
                hold!(EXIT);
                Ok(())
            }
        }
    )* };
}

guards!(Now: DropNow, AfterChildren: DropAfterChildren, Detached: Detach, Restarted: Restart);

/// A value of `N` bytes that is its own manager.
struct Value<const N: usize>([u8; N]);

impl<const N: usize> AsyncContextManager for Value<N> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<const N: usize> AsyncGuard for Value<N> {
    type Target = [u8; N];
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Done {
        yield_now().await;
        Ok(())
    }
}

impl<const N: usize> AsyncClose for Value<N> {
    type Error = Infallible;

    async fn close(&mut self) -> Done {
        yield_now().await;
        Ok(())
    }
}

/// Spawns a block that is entered, and then cancelled.
macro_rules! cancelled {
    ($manager:expr) => {
        let scope = tokio::spawn(async {
            let _ = async_with!(_ = $manager => { pending::<()>().await });
        });
        for _ in 0..4 {
            yield_now().await;
        }
        scope.abort();
        assert!(scope.await.unwrap_err().is_cancelled());
    };
}

/// Drops a scope at the first await of its exit.
macro_rules! cancelled_exit {
    ($manager:expr) => {
        let mut scope = Box::pin(async_with($manager, async |_| Ok::<(), Infallible>(())));
        assert!(poll!(&mut scope).is_pending(), "the exit awaits");
        drop(scope);
    };
}

/// Runs the statements on a thread that is not a worker of tokio.
fn on_thread(run: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
}

/// The body of a generator whose close holds `N` bytes across an await.
macro_rules! closed {
    ($y:ident, $N:expr) => {{
        let closed: Result<(), GeneratorExit> = $y.yield_(1).await;
        hold!($N);
        closed
    }};
}

macro_rules! rows {
    ($N:ident; $($kib:literal KiB $name:literal => { $($body:tt)* })*) => {
        const ROWS: &[(&str, usize, fn())] = &[ $( ($name, $kib, {
            fn row<const $N: usize>() {
                on_worker(async { $($body)* });
            }
            row::<{ $kib << 10 }>
        }), )* ];
    };
}

rows! { N;
    // `tokio::spawn` for comparison.
    512 KiB "tokio::spawn" => { tokio::spawn(large::<N>()).await.unwrap().unwrap(); }

    512 KiB "detach" => { detach(large::<N>()); }
    512 KiB "shutdown" => { shutdown(large::<N>(), ENOUGH).await.unwrap(); }
    512 KiB "run_main" => { run_main(large::<N>(), ENOUGH).await; }

    512 KiB "create_task" => { create_task(large::<N>()).await.unwrap(); }
    512 KiB "create_task, cancelled" => {
        let task = create_task(large::<N>());
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
    }
    512 KiB "TaskGroup::create_task" => {
        async_with!(group = TaskGroup::new() => { group.create_task(large::<N>()); }).unwrap();
    }
    512 KiB "TaskGroup::spawn" => {
        async_with!(group = TaskGroup::new() => { group.spawn(large::<N>()); }).unwrap();
    }
    512 KiB "Spawner::create_task" => {
        async_with!(group = TaskGroup::new() => { group.spawner().create_task(large::<N>()).unwrap(); }).unwrap();
    }
    512 KiB "Spawner::spawn" => {
        async_with!(group = TaskGroup::new() => { group.spawner().spawn(large::<N>()).unwrap(); }).unwrap();
    }
    512 KiB "gather" => { gather([create_task(large::<N>()), create_task(large::<N>())]).await.unwrap(); }
    512 KiB "gather, dropped" => {
        let mut gathered = gather([create_task(large::<N>()), create_task(large::<N>())]);
        assert!(poll!(&mut gathered).is_pending());
    }
    512 KiB "wait" => { wait([create_task(large::<N>())]).await.done.pop().unwrap().1.unwrap(); }
    512 KiB "wait, boxed" => { wait([Box::pin(large::<N>())]).await.done.pop().unwrap().1.unwrap(); }
    512 KiB "shield" => { shield(large::<N>()).await.unwrap(); }
    512 KiB "shield, dropped" => {
        let mut shielded = shield(large::<N>());
        assert!(poll!(&mut shielded).is_pending());
    }
    512 KiB "as_completed, boxed" => {
        as_completed([Box::pin(large::<N>())]).next().await.unwrap().1.unwrap();
    }
    // By value: the iterator copies each future as well.
    128 KiB "as_completed" => { as_completed([large::<N>()]).next().await.unwrap().1.unwrap(); }
    512 KiB "EventLoop::create_task" => {
        on_thread(|| {
            let event_loop = EventLoop::new().unwrap();
            let task = event_loop.create_task(large::<N>()).unwrap();
            event_loop.run_until_complete(task).unwrap().unwrap();
        });
    }
    512 KiB "EventLoop::run_until_complete" => {
        on_thread(|| EventLoop::new().unwrap().run_until_complete(large::<N>()).unwrap().unwrap());
    }

    512 KiB "coroutine" => {
        let mut large = coroutine(async |mut y: Yielder<'_>| {
            let buffer = [1_u8; N];
            y.yield_(()).await?;
            black_box(&buffer);
            Ok(())
        });
        large.resume().unwrap();
        large.resume().unwrap();
    }
    512 KiB "generator" => {
        let mut large = pin!(generator(async |mut y: Yielder<'_, u8>| {
            let buffer = [1_u8; N];
            y.yield_(1).await?;
            black_box(&buffer);
            Ok(())
        }));
        while let Some(item) = large.next().await {
            assert_eq!(item, 1);
        }
    }
    512 KiB "generator, boxed" => {
        let mut large = generator(async |mut y: Yielder<'_, u8>| { y.yield_(1).await?; hold!(N); Ok(()) }).boxed();
        while let Some(item) = large.next().await {
            assert_eq!(item, 1);
        }
    }
    512 KiB "try_generator, managed" => {
        let large = try_generator(async |mut y: Yielder<'_, u8, (), _>| {
            y.yield_(1).await?;
            hold!(N);
            Ok::<(), Thrown<Infallible>>(())
        })
        .managed();
        while let Some(item) = large.anext().await.unwrap() {
            assert_eq!(item, 1);
        }
    }
    512 KiB "AsyncGenerator, aclose" => {
        let mut large = pin!(generator(async |mut y: Yielder<'_, u8>| { closed!(y, N) }));
        large.anext().await.unwrap();
        large.aclose().await.unwrap();
    }
    512 KiB "ManagedGenerator, dropped" => {
        let large = generator(async |mut y: Yielder<'_, u8>| { closed!(y, N) }).managed();
        large.anext().await.unwrap();
    }
    512 KiB "ManagedGenerator, aclose" => {
        let large = generator(async |mut y: Yielder<'_, u8>| { closed!(y, N) }).managed();
        large.anext().await.unwrap();
        large.aclose().await.unwrap();
    }
    512 KiB "shutdown_asyncgens" => {
        let large = generator(async |mut y: Yielder<'_, u8>| { closed!(y, N) }).managed();
        large.anext().await.unwrap();
        shutdown_asyncgens(ENOUGH).await.unwrap();
    }

    512 KiB "asynccontextmanager, enter" => {
        async_with!(_ = asynccontextmanager(async |y| { hold!(N); y.yield_(()).await; Ok::<(), Infallible>(()) })
            => { yield_now().await });
    }
    128 KiB "asynccontextmanager, block" => {
        async_with!(_ = asynccontextmanager(async |y| { y.yield_(()).await; Ok::<(), Infallible>(()) })
            => { hold!(N) });
    }
    512 KiB "asynccontextmanager, over the yield" => {
        async_with!(_ = over_yield::<N>() => { yield_now().await });
    }
    512 KiB "asynccontextmanager, exit" => { async_with!(_ = large_exit::<N>() => { yield_now().await }); }
    512 KiB "asynccontextmanager, exit of a function" => {
        async_with(large_exit::<N>(), async |()| Ok::<(), Infallible>(())).await.unwrap();
    }
    512 KiB "asynccontextmanager, cancelled" => { cancelled!(large_exit::<N>()); }
    512 KiB "asynccontextmanager, cancelled over the yield" => { cancelled!(over_yield::<N>()); }
    512 KiB "asynccontextmanager, cancelled exit" => { cancelled_exit!(large_exit::<N>()); }
    512 KiB "asynccontextmanager, stack" => {
        async_with!(stack = AsyncExitStack::new() => {
            stack.enter_async_context(large_exit::<N>()).await.unwrap();
        }).unwrap();
    }
    512 KiB "asynccontextmanager, three nested" => {
        async_with!(_ = large_exit::<N>(), _ = large_exit::<N>(), _ = large_exit::<N>() => { yield_now().await });
    }

    512 KiB "on_exit" => {
        async_with!(_ = on_exit((), async |(), _| { hold!(N); }) => { yield_now().await });
    }
    512 KiB "on_exit, cancelled" => { cancelled!(on_exit((), async |(), _| { hold!(N); })); }
    512 KiB "on_exit, cancelled exit" => { cancelled_exit!(on_exit((), async |(), _| { hold!(N); })); }
    512 KiB "on_exit, stack" => {
        async_with!(stack = AsyncExitStack::new() => {
            stack.enter_async_context(on_exit((), async |(), _| { hold!(N); })).await.unwrap();
        }).unwrap();
    }

    512 KiB "DropNow" => { async_with!(_ = Now::<1, N> => { yield_now().await }); }
    512 KiB "DropAfterChildren" => { async_with!(_ = AfterChildren::<1, N> => { yield_now().await }); }
    512 KiB "Detach" => { async_with!(_ = Detached::<1, N> => { yield_now().await }); }
    384 KiB "Restart" => { async_with!(_ = Restarted::<1, N> => { yield_now().await }); }
    512 KiB "DropNow, cancelled" => { cancelled!(Now::<1, N>); }
    512 KiB "DropAfterChildren, cancelled" => { cancelled!(AfterChildren::<1, N>); }
    512 KiB "Detach, cancelled" => { cancelled!(Detached::<1, N>); }
    512 KiB "Restart, cancelled" => { cancelled!(Restarted::<1, N>); }
    512 KiB "Detach, cancelled exit" => { cancelled_exit!(Detached::<1, N>); }
    384 KiB "Restart, cancelled exit" => { cancelled_exit!(Restarted::<1, N>); }
    384 KiB "enter" => { async_with!(_ = Detached::<N, 1> => { yield_now().await }); }
    384 KiB "enter of a function" => {
        async_with(Detached::<N, 1>, async |_| Ok::<(), Infallible>(())).await.unwrap();
    }
    512 KiB "shield_enter" => { async_with!(_ = Detached::<N, 1>.shield_enter() => { yield_now().await }); }
    128 KiB "stack" => {
        async_with!(stack = AsyncExitStack::new() => {
            stack.enter_async_context(Detached::<N, N>).await.unwrap();
        }).unwrap();
    }

    128 KiB "block of a timeout" => { async_with!(_ = timeout(ENOUGH) => { hold!(N) }).unwrap(); }
    128 KiB "body of a timeout" => {
        async_with(timeout(ENOUGH), async |_| { hold!(N); Ok::<(), Infallible>(()) }).await.unwrap();
    }
    64 KiB "block of three scopes" => {
        async_with!(_ = timeout(ENOUGH), _ = nullcontext(()), _ = nullcontext(()) => { hold!(N) }).unwrap();
    }

    // Values that are moved into a scope, which a debug build copies at each step of the enter.
    64 KiB "value of a guard" => { async_with!(_ = Value([1; N]) => { yield_now().await }); }
    32 KiB "value of a guard, cancelled" => { cancelled!(Value([1; N])); }
    32 KiB "aclosing" => { async_with!(_ = aclosing(Value([1; N])) => { yield_now().await }); }
    64 KiB "closing" => { async_with!(_ = closing([1_u8; N], drop) => { yield_now().await }); }
    32 KiB "value of on_exit" => {
        async_with!(_ = on_exit([1_u8; N], async |value, _| { yield_now().await; black_box(&value); }) => {});
    }
    16 KiB "values of three guards" => {
        async_with!(_ = Value([1; N]), _ = Value([1; N]), _ = Value([1; N]) => { yield_now().await });
    }
    32 KiB "ThreadPoolExecutor::submit" => {
        on_thread(|| {
            ThreadPoolExecutor::scope(1, |executor| {
                let value = [1_u8; N];
                let job = executor.submit(move || Ok::<_, Infallible>(value)).unwrap();
                assert_eq!(job.blocking_result().unwrap()[0], 1);
                assert_eq!(job.into_result().unwrap()[0], 1);
            }).unwrap();
        });
    }
    32 KiB "ThreadPoolExecutor::map" => {
        on_thread(|| {
            ThreadPoolExecutor::scope(1, |executor| {
                let results = executor.map([[1_u8; N]], Ok::<_, Infallible>).unwrap();
                results.for_each(|result| assert_eq!(result.unwrap()[0], 1));
            }).unwrap();
        });
    }
}

fn large_exit<const N: usize>()
-> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send> + Send
{
    asynccontextmanager(async |y| {
        y.yield_(()).await;
        hold!(N);
        Ok(())
    })
}

fn over_yield<const N: usize>()
-> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send> + Send
{
    asynccontextmanager(async |y| {
        let buffer = [1_u8; N];
        y.yield_(()).await;
        black_box(&buffer);
        yield_now().await;
        Ok(())
    })
}

/// Runs one row if this is the process of a row.
#[test]
fn row() {
    let Ok(name) = env::var(ROW) else { return };
    let (_, _, run) = *ROWS.iter().find(|(row, ..)| *row == name).expect("the row is in the table");
    // The stack is large, because a future is moved several times before it reaches the worker.
    thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn each_entry_point_takes_large_futures() {
    let mut failures = Vec::new();
    for (name, kib, _) in ROWS {
        let mut process = Command::new(env::current_exe().unwrap());
        let output =
            process.args(["entry_points::row", "--exact", "--nocapture"]).env(ROW, name).output().unwrap();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            failures.push(format!("{name} with {kib} KiB: {}\n{errors}", output.status));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
