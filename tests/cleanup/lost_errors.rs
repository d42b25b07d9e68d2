//! The errors of blocks and futures that can no longer be returned are reported, once; those that are returned or
//! suppressed are not.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;

use futures::{FutureExt as _, poll};
use tokio::runtime::Builder;
use tokio::task::yield_now;
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, DropAfterChildren, DropNow, Error, ExitReason,
    LocalAsyncContextManager, LocalAsyncGuard, Restart, async_with, async_with_local, async_with_send, local,
    suppress,
};
use withal::coroutine::{Thrown, Yielder};
use withal::generator::try_generator;
use withal::tasks::{BoxError, Promise, TaskGroup, create_task, gather, wait};
use withal_test_support::child_process::stderr_of;
use withal_test_support::reports::reports_of;

/// Asserts that a program panics with the exit's message.
async fn panics(program: impl Future) {
    let payload = AssertUnwindSafe(program).catch_unwind().await.err().expect("panics");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"of the exit"));
}

fn fail(label: &'static str) -> io::Result<()> {
    Err(io::Error::other(label))
}

/// The behaviour of an exit.
#[derive(Clone, Copy)]
enum Exits {
    /// It panics after an await.
    Panics,
    /// It is ready after two awaits.
    Slowly,
}

async fn exit(how: Exits) -> Result<(), Infallible> {
    yield_now().await;
    match how {
        Exits::Panics => panic!("of the exit"),
        Exits::Slowly => yield_now().await,
    }
    Ok(())
}

struct Manager<P>(Exits, PhantomData<fn() -> P>);

macro_rules! managers {
    ($($policy:ident),+) => {$(
        impl AsyncContextManager for Manager<$policy> {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, Infallible> {
                Ok(self)
            }
        }

        impl AsyncGuard for Manager<$policy> {
            type Target = Self;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut Self {
                self
            }

            fn name(&self) -> &'static str {
                "manager"
            }

            async fn aexit(&mut self, _: ExitReason<'_>) -> Result<(), Infallible> {
                exit(self.0).await
            }
        }
    )+};
}

managers!(DropNow, DropAfterChildren, Detach, Restart);

/// A manager whose exit suppresses the error of the block after two awaits.
struct Suppresses;

impl AsyncContextManager for Suppresses {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncGuard for Suppresses {
    type Target = Self;
    type Error = Infallible;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _: ExitReason<'_>) -> Result<bool, Infallible> {
        yield_now().await;
        yield_now().await;
        Ok(true)
    }
}

#[tokio::test]
async fn an_error_that_a_detached_exit_suppresses_is_not_reported() {
    const LABEL: &str = "suppressed after the drop";
    let reports = reports_of(LABEL, async {
        let mut scope = Box::pin(async { async_with!(_ = Suppresses => { fail(LABEL) }) });
        assert!(poll!(scope.as_mut()).is_pending());
        drop(scope);
    });
    assert_eq!(reports.await, [""; 0]);
}

struct Local;

impl LocalAsyncContextManager for Manager<Local> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl LocalAsyncGuard for Manager<Local> {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _: ExitReason<'_>) -> Result<(), Infallible> {
        exit(self.0).await
    }
}

/// A manager whose exit fails.
struct Fails(&'static str);

impl AsyncContextManager for Fails {
    type Guard = Self;

    async fn aenter(self) -> io::Result<Self> {
        Ok(self)
    }
}

impl AsyncGuard for Fails {
    type Target = Self;
    type Error = io::Error;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _: ExitReason<'_>) -> io::Result<()> {
        fail(self.0)
    }
}

/// Calls the macro `check` with each way in which a block fails with the error `LABEL`. The caller defines `LABEL` and
/// `manager`.
macro_rules! blocks {
    ($check:ident) => {
        $check!(async {
            async_with!(_ = manager() => { fail(LABEL)? });
            io::Result::Ok(())
        });
        $check!(async {
            async_with!(_ = manager() => { return fail(LABEL) })
        });
        $check!(async { async_with!(_ = manager() => { fail(LABEL) }) });
        $check!(async { async_with!(_ = manager(), _ = Fails(LABEL) => {}) });
        $check!(async { async_with!(_ = Some(manager()) => { fail(LABEL) }) });
        $check!(async_with(manager(), async |_| fail(LABEL)));
        $check!(async_with_send(manager(), async move |_: &mut _| fail(LABEL)));
    };
}

macro_rules! policies {
    ($($module:ident: $policy:ident),+) => {$(
        mod $module {
            use super::*;

            /// The exit panics, so that the error of the block cannot be returned.
            #[tokio::test]
            async fn the_exit_panics() {
                const LABEL: &str = concat!("panicking ", stringify!($policy));
                fn manager() -> Manager<$policy> {
                    Manager(Exits::Panics, PhantomData)
                }
                macro_rules! check {
                    ($program:expr) => {
                        let reports = reports_of(LABEL, panics($program)).await;
                        let expected = format!("the error of the block of manager was lost: {LABEL}");
                        assert_eq!(reports, [expected], "{}", stringify!($program));
                    };
                }
                blocks!(check);
            }

            /// The future is dropped during the exit.
            #[tokio::test]
            async fn the_scope_is_dropped_during_the_exit() {
                const LABEL: &str = concat!("dropped ", stringify!($policy));
                fn manager() -> Manager<$policy> {
                    Manager(Exits::Slowly, PhantomData)
                }
                macro_rules! check {
                    ($program:expr) => {
                        let reports = reports_of(LABEL, async {
                            let mut scope = Box::pin($program);
                            assert!(poll!(&mut scope).is_pending());
                            drop(scope);
                        })
                        .await;
                        let expected = format!("the error of the block of a dropped scope was lost: {LABEL}");
                        assert_eq!(reports, [expected], "{}", stringify!($program));
                    };
                }
                blocks!(check);
            }

            /// The error is returned.
            #[tokio::test]
            async fn an_error_that_is_returned_is_not_reported() {
                const LABEL: &str = concat!("returned ", stringify!($policy));
                fn manager() -> Manager<$policy> {
                    Manager(Exits::Slowly, PhantomData)
                }
                macro_rules! check {
                    ($program:expr) => {
                        let reports = reports_of(LABEL, async { assert!($program.await.is_err()) }).await;
                        assert!(reports.is_empty(), "{}: {reports:?}", stringify!($program));
                    };
                }
                blocks!(check);
            }
        }
    )+};
}

policies!(
    with_drop_now: DropNow,
    with_drop_after_children: DropAfterChildren,
    with_detach: Detach,
    with_restart: Restart
);

#[tokio::test]
async fn of_a_local_block() {
    let label = "of a local block";
    let manager = |exits| Manager::<Local>(exits, PhantomData);
    let exit = Exits::Panics;
    let reports = reports_of(label, async {
        panics(async { async_with!(_ = local(manager(exit)) => { fail(label) }) }).await;
        panics(async_with_local(manager(exit), async |_| fail(label))).await;
        let mut scope = Box::pin(async_with_local(manager(Exits::Slowly), async |_| fail(label)));
        assert!(poll!(&mut scope).is_pending());
        drop(scope);
    })
    .await;
    let of = ["lost_errors::Manager", "lost_errors::Manager", "a dropped scope"];
    assert_eq!(reports.len(), 3);
    for (report, of) in reports.iter().zip(of) {
        assert!(report.contains(of), "{report}");
    }
}

/// The error is not `Send`, so that the observers cannot inspect it.
#[tokio::test]
async fn an_error_that_is_not_send() {
    #[derive(Debug)]
    struct Opaque(#[expect(dead_code, reason = "not `Send`")] Rc<RefCell<u32>>);
    fn fail() -> Result<(), Opaque> {
        Err(Opaque(Rc::default()))
    }
    struct Named;
    impl AsyncContextManager for Named {
        type Guard = Self;

        async fn aenter(self) -> Result<Self, Infallible> {
            Ok(self)
        }
    }
    impl AsyncGuard for Named {
        type Target = Self;
        type Error = Infallible;
        type Suppression = ();
        type OnDrop = Detach;

        fn target(&mut self) -> &mut Self {
            self
        }

        fn name(&self) -> &'static str {
            "manager of an opaque error"
        }

        async fn aexit(&mut self, _: ExitReason<'_>) -> Result<(), Infallible> {
            exit(Exits::Panics).await
        }
    }
    let reports = reports_of("manager of an opaque error", async {
        panics(async { async_with!(_ = Named => { fail() }) }).await;
        panics(async {
            async_with!(_ = Named => { fail()? });
            Ok::<_, Opaque>(())
        })
        .await;
    })
    .await;
    let expected = "the error of the block of manager of an opaque error was lost: ";
    assert_eq!(reports, [expected, expected]);
}

#[tokio::test]
async fn a_suppressed_error_is_not_reported() {
    let label = "a suppressed error";
    let reports = reports_of(label, async {
        let ignored = || suppress(|_: &io::Error| true);
        async_with!(_ = ignored() => { fail(label)? });
        assert!(async_with!(_ = ignored() => { fail(label) }).is_none());
        assert!(async_with!(_ = ignored(), _ = Fails(label) => {}).unwrap().is_none());
        assert!(async_with(ignored(), async |()| fail(label)).await.unwrap().is_none());
        Ok::<_, io::Error>(())
    })
    .await;
    assert!(reports.is_empty(), "{reports:?}");
}

/// The exit of a group panics because a task has panicked before, and reports the error of the block itself.
#[tokio::test]
async fn an_error_after_the_panic_of_a_task_is_reported_once() {
    struct PanicsLate;
    impl Drop for PanicsLate {
        fn drop(&mut self) {
            panic!("of the exit");
        }
    }
    async fn late() -> Result<(), BoxError> {
        let _panics = PanicsLate;
        pending().await
    }
    let label = "beside a task that panics";
    let of_a_group = reports_of(label, async {
        panics(async {
            async_with!(group = TaskGroup::new() => {
                group.create_task(late());
                yield_now().await;
                fail(label)?;
            })?;
            Ok::<_, BoxError>(())
        })
        .await;
    });
    assert_eq!(of_a_group.await.len(), 1);
    let of_a_stack = reports_of(label, async {
        panics(async {
            async_with!(stack = AsyncExitStack::new() => {
                let mut group = stack.enter_async_context(TaskGroup::new()).await.unwrap();
                group.target().create_task(late());
                drop(group);
                yield_now().await;
                fail(label)?;
            })?;
            Ok::<_, BoxError>(())
        })
        .await;
    });
    assert_eq!(of_a_stack.await.len(), 1);
}

#[tokio::test]
async fn of_an_exit_that_into_first_drops() {
    let label = "dropped by into_first";
    let reports = reports_of(label, async {
        let result = async_with(Fails(label), async |_| Err::<(), _>(io::Error::other("of the block"))).await;
        assert_eq!(result.map_err(Error::into_first).unwrap_err().to_string(), "of the block");
        // Returned.
        let result = async_with(Fails(label), async |_| io::Result::Ok(())).await;
        assert_eq!(result.map_err(Error::into_first).unwrap_err().to_string(), label);
    })
    .await;
    assert_eq!(reports, [format!("cleanup exit failed: {label}")]);
}

/// The errors of the first exits of a stack whose remaining exits are abandoned.
#[test]
fn of_the_exits_of_an_abandoned_stack() {
    let lines = stderr_of("lost_errors::of_the_exits_of_an_abandoned_stack", || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stack = AsyncExitStack::new();
            stack.push_async_callback(pending::<()>);
            stack.callback(|| fail("second"));
            stack.callback(|| fail("first"));
            drop(stack);
            yield_now().await;
        });
    });
    let Some(mut lines) = lines else { return };
    lines.sort();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("AsyncExitStack was abandoned"), "{lines:?}");
    assert!(lines[1].ends_with("failed: first"), "{lines:?}");
    assert!(lines[2].ends_with("failed: second"), "{lines:?}");
}

/// The close of a generator that the drop of its last handle starts.
#[tokio::test]
async fn of_the_close_of_a_generator() {
    let label = "of a close";
    let reports = reports_of(label, async {
        let numbers = try_generator(async move |mut y: Yielder<'_, u8, (), Thrown<BoxError>>| {
            drop(y.yield_(1).await);
            Err(BoxError::msg(label).into())
        })
        .managed();
        assert!(matches!(numbers.anext().await, Ok(Some(1))));
    });
    assert_eq!(
        reports.await,
        [format!("cleanup async generator failed: async generator raised an error: {label}")]
    );
}

type Failing = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

#[tokio::test]
async fn of_a_wait_that_is_dropped_half_way() {
    let label = "of a dropped wait";
    let reports = reports_of(label, async {
        let plain: [Failing; 2] = [Box::pin(ready(fail(label))), Box::pin(pending())];
        let mut waiting = wait(plain);
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
        // Handles, passed by value and by reference, and together with tasks that were cancelled.
        let task = || create_task(async move { fail(label) });
        let cancelled = || {
            let task = create_task(pending::<io::Result<()>>());
            task.cancel();
            task
        };
        let mut tasks = [task(), cancelled(), create_task(pending())];
        yield_now().await;
        let mut waiting = wait(tasks.iter_mut());
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
        let mut waiting = gather([task(), cancelled(), create_task(pending())]).return_exceptions();
        yield_now().await;
        yield_now().await;
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
    })
    .await;
    assert_eq!(reports.len(), 3, "{reports:?}");
    let of = ["future in a wait", "future in a wait", "task in a gather"];
    for (report, of) in reports.iter().zip(of) {
        let here = format!("the error of the {of} created at {}", file!());
        assert!(report.starts_with(&here), "{report}");
        assert!(report.contains(label), "{report}");
    }
}

/// Errors that are returned, and those that the group reports.
#[tokio::test]
async fn a_wait_reports_no_other_errors() {
    let label = "lost_errors.rs";
    let reports = reports_of(label, async {
        let (promise, future) = Promise::<(), io::Error>::new();
        drop(promise.set_exception(io::Error::other("returned")));
        assert!(wait([future]).await.done[0].1.is_err());
        let group = async_with!(group = TaskGroup::<io::Error>::new() => {
            let mut tasks = [group.create_task(ready(fail("of the group")))];
            let mut waiting = wait(tasks.iter_mut());
            drop(poll!(&mut waiting));
            yield_now().await;
            drop(poll!(&mut waiting));
        });
        assert!(group.is_err());
        let group = async_with!(group = TaskGroup::<io::Error>::new() => {
            let unfinished = group.create_task(pending());
            let mut waiting = gather([group.create_task(ready(fail("of the group"))), unfinished]).return_exceptions();
            yield_now().await;
            yield_now().await;
            drop(poll!(&mut waiting));
        });
        assert!(group.is_err());
    })
    .await;
    assert!(reports.is_empty(), "{reports:?}");
}

/// The type of the error is not `'static`.
#[tokio::test]
async fn of_a_wait_for_an_error_that_borrows() {
    #[derive(Debug)]
    struct Invalid<'a>(#[expect(dead_code, reason = "for its `Debug`")] &'a str);
    let text = String::from("borrowed by an error");
    let reports = reports_of("borrowed by an error", async {
        let parse = async |valid| if valid { pending().await } else { Err::<u32, _>(Invalid(&text)) };
        let mut waiting = wait([true, false].map(|valid| Box::pin(parse(valid))));
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
    });
    let reports = reports.await;
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].ends_with(r#"was never retrieved: Invalid("borrowed by an error")"#), "{reports:?}");
}
