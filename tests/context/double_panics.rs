//! Values whose destructors panic while another panic unwinds, which would abort the process: the payloads and errors
//! that a scope keeps during an exit that panics, and guards.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::marker::PhantomData;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, panic_any};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::yield_now;
use withal::cleanup::drain;
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, DropAfterChildren, DropNow, ExitReason,
    LocalAsyncContextManager, LocalAsyncGuard, Restart, async_with, async_with_local, asynccontextmanager,
    local,
};

use crate::managers::{PanicsOnDrop, drop_while_pending, on_exit};

const ENOUGH: Duration = Duration::from_secs(60);

/// Asserts that the program panics with this message, or with a payload whose destructor panics.
async fn panics(with: &str, program: impl Future) {
    withal_test_support::expect_reports("OnExit panicked: exit");
    withal_test_support::expect_reports("Explodes panicked: exit");
    withal_test_support::expect_reports("functions_as_managers panicked: exit");
    withal_test_support::expect_reports("functions_as_managers was lost");
    withal_test_support::expect_reports("Explodes was lost");
    withal_test_support::expect_reports("OnExit was lost");
    withal_test_support::expect_reports("Bomb(PanicsOnDrop)");
    let payload = AssertUnwindSafe(program).catch_unwind().await.err().expect("panics");
    if let Some(text) = payload.downcast_ref::<&str>() {
        assert_eq!(*text, with);
    } else {
        // The panic of the block continues. Its payload is the bomb.
        assert!(payload.is::<PanicsOnDrop>() || payload.is::<Bomb>());
        std::mem::forget(payload);
    }
}

/// Asserts that the program panics with a [`Bomb`].
async fn panics_with_bomb(program: impl Future) {
    withal_test_support::expect_reports("OnExit panicked: exit");
    withal_test_support::expect_reports("Explodes panicked: exit");
    let payload = AssertUnwindSafe(program).catch_unwind().await.err().expect("panics");
    forget(payload.downcast::<Bomb>().expect("the first panic"));
}

/// An error or value whose destructor panics.
#[derive(Debug)]
struct Bomb(PanicsOnDrop);

fn bomb() -> Bomb {
    Bomb(PanicsOnDrop)
}

fn fails() -> Result<(), Bomb> {
    Err(bomb())
}

macro_rules! policies {
    ($($name:ident: $policy:ty),+) => {$(
        #[tokio::test]
        async fn $name() {
            let exit = || on_exit::<$policy, (), Infallible, _>(|_| async { panic!("exit") });
            // The payload of the block.
            panics_with_bomb(async { async_with!(_ = exit() => { if true { panic_any(bomb()) } }) }).await;
            panics_with_bomb(async {
                drop(async_with(exit(), async |_| -> Result<(), Infallible> { panic_any(bomb()) }).await);
            })
            .await;
            // The error of the block, by `?` and as its value.
            panics("exit", async {
                drop::<Result<(), Bomb>>(async { async_with!(_ = exit() => { fails()?; }); Ok(()) }.await);
            })
            .await;
            panics("exit", async { drop(async_with!(_ = exit() => { fails() })) }).await;
            panics("exit", async { drop(async_with(exit(), async |_| fails()).await) }).await;
            // The error of a nested manager.
            let nested = || on_exit::<$policy, (), Bomb, _>(|_| async { Err(bomb()) });
            panics("exit", async { drop(async_with!(_ = exit(), _ = nested() => {})) }).await;
            // The same in a cleanup.
            let slow = || on_exit::<$policy, (), Infallible, _>(|_| async {
                yield_now().await;
                panic!("exit")
            });
            tokio::spawn(async move { async_with!(_ = slow() => { if true { panic_any(bomb()) } }) })
                .await
                .map_err(|error| forget(error.into_panic().downcast::<Bomb>().expect("the first panic")))
                .unwrap_err();
            let mut dropped = Box::pin(async { async_with!(_ = slow() => { if true { panic_any(bomb()) } }) });
            assert!(futures::poll!(&mut dropped).is_pending());
            drop(dropped);
            drain(ENOUGH).await.unwrap();
        }
    )+};
}

policies!(
    with_drop_now: DropNow,
    with_drop_after_children: DropAfterChildren,
    with_detach: Detach,
    with_restart: Restart
);

/// A guard whose destructor and exit panic.
struct Explodes<P>(PhantomData<fn() -> P>, PanicsOnDrop);

fn explodes<P>() -> Explodes<P> {
    Explodes(PhantomData, PanicsOnDrop)
}

macro_rules! guards {
    ($($policy:ident),+) => {$(
        impl AsyncContextManager for Explodes<$policy> {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, Infallible> {
                Ok(self)
            }
        }

        impl AsyncGuard for Explodes<$policy> {
            type Target = Self;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut Self {
                self
            }

            async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
                yield_now().await;
                panic!("exit")
            }
        }
    )+};
}

guards!(DropNow, DropAfterChildren, Detach, Restart);

/// The same for a scope that is not `Send`.
struct Local;

impl LocalAsyncContextManager for Explodes<Local> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl LocalAsyncGuard for Explodes<Local> {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        panic!("exit")
    }
}

#[tokio::test]
async fn a_guard_whose_exit_and_destructor_panic() {
    macro_rules! check {
        ($($policy:ident),+) => {$(
            panics("exit", async { async_with!(_ = explodes::<$policy>() => {}) }).await;
            panics("exit", async {
                let block = async |_: &mut Explodes<$policy>| Ok::<_, Infallible>(());
                drop(async_with(explodes::<$policy>(), block).await);
            })
            .await;
        )+};
    }
    check!(DropNow, DropAfterChildren, Detach, Restart);
    panics("exit", async { async_with!(_ = local(explodes::<Local>()) => {}) }).await;
    panics_with_bomb(async {
        async_with!(_ = local(explodes::<Local>()) => { if true { panic_any(bomb()) } });
    })
    .await;
    let block = async |_: &mut Explodes<Local>| fails();
    panics("exit", async { drop(async_with_local(explodes::<Local>(), block).await) }).await;
    // As a cleanup.
    drop_while_pending(async { async_with!(_ = explodes::<Detach>() => { pending::<()>().await }) }).await;
    drop_while_pending(async { async_with!(_ = explodes::<Restart>() => { pending::<()>().await }) }).await;
    drain(ENOUGH).await.unwrap();
}

/// Two guards that a panic of the program drops with their blocks.
#[tokio::test]
async fn guards_that_a_panic_drops() {
    let mut now = Box::pin(async { async_with!(_ = explodes::<DropNow>() => { pending::<()>().await }) });
    let mut after =
        Box::pin(async { async_with!(_ = explodes::<DropAfterChildren>() => { pending::<()>().await }) });
    assert!(futures::poll!(&mut now).is_pending());
    assert!(futures::poll!(&mut after).is_pending());
    panics("program", async {
        let _dropped = (now, after);
        panic!("program");
    })
    .await;
}

#[tokio::test]
async fn exits_on_a_stack() {
    withal_test_support::expect_reports("CallbackEntry panicked");
    withal_test_support::expect_reports("AsyncExitStackGuard was abandoned: its runtime shut down");
    // Errors and payloads that a later panic precedes.
    panics("exit", async {
        let stack = AsyncExitStack::new();
        stack.callback(|| -> () { panic!("exit") });
        stack.callback(fails);
        stack.callback(fails);
        drop(stack.aclose().await);
    })
    .await;
    panics("exit", async {
        async_with!(stack = AsyncExitStack::new() => {
            stack.callback(|| -> () { panic_any(bomb()) });
            stack.callback(|| -> () { panic!("exit") });
            if false { panic_any(bomb()) }
        })
    })
    .await;
    // Exits that do not run: the first panic continues, after all destructors.
    panics("in a destructor", async {
        let stack = AsyncExitStack::new();
        for _ in 0..3 {
            let bomb = bomb();
            stack.callback(move || drop(bomb));
        }
        let mut closed = Box::pin(async move {
            stack.push_async_callback(async || pending::<()>().await);
            drop(stack.aclose().await);
        });
        assert!(futures::poll!(&mut closed).is_pending());
        // On no runtime, the cleanup is dropped.
        std::thread::spawn(move || drop(closed)).join().unwrap();
        panic!("in a destructor");
    })
    .await;
}

#[tokio::test]
async fn functions_as_managers() {
    let manager = || {
        asynccontextmanager(async |y| {
            let bomb = bomb();
            y.yield_(()).await;
            std::mem::forget(bomb);
            assert!(std::hint::black_box(false), "exit");
            Ok::<_, Infallible>(())
        })
    };
    panics("exit", async { async_with!(_ = manager() => { if true { panic_any(bomb()) } }) }).await;
    panics("exit", async { drop(async_with(manager(), async |()| fails()).await) }).await;
}
