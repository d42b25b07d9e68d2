//! A panic of a block and a panic of its exit: the first continues, and the other is reported once.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::task::yield_now;
use withal::context::{
    AsyncExitStack, Detach, DropAfterChildren, DropNow, ExitReason, LocalAsyncContextManager,
    LocalAsyncGuard, Restart, async_with, async_with_local, async_with_send, asynccontextmanager, local,
};
use withal::tasks::{BoxError, TaskGroup};
use withal_test_support::reports::reports_of;

use crate::managers::on_exit;

/// Runs a program that panics. Returns the message of the panic, and the reports with `label`.
async fn run(label: &'static str, program: impl Future) -> (String, Vec<String>) {
    let mut payload = None;
    let reports = reports_of(label, async {
        payload = AssertUnwindSafe(program).catch_unwind().await.err();
    });
    let reports = reports.await;
    let payload = payload.expect("panics").downcast::<String>().expect("a formatted message");
    let kind = |report: &str| if report.contains(" panicked: ") { "panic" } else { "error" };
    let short = |report: String| {
        let (_, text) = report.split_once(": ").expect("a report has a text");
        format!("{} {text}", kind(&report))
    };
    (*payload, reports.into_iter().map(short).collect())
}

/// Asserts that the block's panic continues, and that of the exit is reported.
async fn block_first(label: &'static str, program: impl Future) {
    let (panic, reported) = run(label, program).await;
    assert_eq!(panic, format!("block {label}"));
    assert_eq!(reported, [format!("panic exit {label}")]);
}

fn panic_in_block(label: &str) {
    assert!(label.is_empty(), "block {label}");
}

macro_rules! policies {
    ($($name:ident: $policy:ty),+) => {$(
        #[tokio::test]
        async fn $name() {
            let label = stringify!($name);
            let exit = || on_exit::<$policy, (), Infallible, _>(move |_| async move {
                yield_now().await;
                panic!("exit {label}")
            });
            block_first(label, async { async_with!(_ = exit() => { panic_in_block(label) }) }).await;
            block_first(label, async {
                drop(async_with(exit(), async |_| Ok::<_, Infallible>(panic_in_block(label))).await);
            })
            .await;
            block_first(label, async {
                drop(async_with_send(exit(), async move |_: &mut _| {
                    Ok::<_, Infallible>(panic_in_block(label))
                }).await);
            })
            .await;
            // The exits of two scopes panic as well.
            let (panic, reported) = run(label, async {
                async_with!(_ = exit(), _ = exit() => { panic_in_block(label) })
            })
            .await;
            assert_eq!(panic, format!("block {label}"));
            assert_eq!(reported, [format!("panic exit {label}"), format!("panic exit {label}")]);
        }
    )+};
}

policies!(
    with_drop_now: DropNow,
    with_drop_after_children: DropAfterChildren,
    with_detach: Detach,
    with_restart: Restart
);

struct Local;

impl LocalAsyncContextManager for Local {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl LocalAsyncGuard for Local {
    type Target = Self;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        panic!("exit {}", "of a local guard")
    }
}

#[tokio::test]
async fn of_other_managers() {
    let label = "of a local guard";
    block_first(label, async { async_with!(_ = local(Local) => { panic_in_block(label) }) }).await;
    block_first(label, async {
        drop(
            async_with_local(Local, async |_| {
                panic_in_block(label);
                Ok::<_, Infallible>(())
            })
            .await,
        );
    })
    .await;
    let label = "of a function";
    block_first(label, async {
        let function = asynccontextmanager(async move |y| -> Result<(), Infallible> {
            y.yield_(()).await;
            panic!("exit {label}")
        });
        async_with!(_ = function => { panic_in_block(label) });
    })
    .await;
    let label = "of a stack";
    block_first(label, async {
        drop(async_with!(stack = AsyncExitStack::new() => {
            stack.callback(move || -> () { panic!("exit {label}") });
            panic_in_block(label);
        }));
    })
    .await;
}

/// Panics when it is dropped: the panic of a task that is cancelled.
struct PanicsLate(&'static str);

impl Drop for PanicsLate {
    fn drop(&mut self) {
        panic_in_block(self.0);
    }
}

/// The error of an exit on a stack, of which a group that panics later reports the reason.
#[tokio::test]
async fn an_error_on_a_stack_is_reported_once() {
    let label = "beside a late panic";
    let (panic, reported) = run(label, async {
        drop(async_with!(stack = AsyncExitStack::new() => {
            let mut group = stack.enter_async_context(TaskGroup::<BoxError>::new()).await.unwrap();
            group.target().create_task(async move {
                let _panics = PanicsLate(label);
                pending::<Result<(), BoxError>>().await
            });
            drop(group);
            stack.callback(move || Err::<(), _>(BoxError::msg(format!("error {label}"))));
            // The task starts.
            yield_now().await;
        }));
    })
    .await;
    assert_eq!((panic, reported), (format!("block {label}"), vec![format!("error error {label}")]));
}
