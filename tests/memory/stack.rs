//! Cleanups and exits whose futures are large: they run on the 2 MiB stack of a worker thread, in a debug build as well.

use std::convert::Infallible;
use std::future::pending;
use std::hint::black_box;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, detach, drain};
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, Restart, async_with};

const ENOUGH: Duration = Duration::from_secs(60);

/// Work that holds `N` bytes across an await, and sends their sum at its end.
async fn large<const N: usize>(done: oneshot::Sender<usize>) -> Result<(), usize> {
    let mut buffer = [1_u8; N];
    yield_now().await;
    buffer[0] += 1;
    done.send(black_box(&buffer).iter().map(|&byte| usize::from(byte)).sum())
}

/// Runs `test` in a task on a worker thread with tokio's default stack of 2 MiB, and then drains the runtime.
pub(crate) fn on_worker<F: Future<Output = ()> + Send + 'static>(test: F) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(2 << 20)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::spawn(test).await.unwrap();
        drain(ENOUGH).await.unwrap();
    });
}

macro_rules! sizes {
    ($test:ident: $($kib:literal)*) => { $(
        $test::<{ $kib << 10 }>();
    )* };
}

fn detached<const N: usize>() {
    let (sender, done) = oneshot::channel();
    on_worker(async move { detach(large::<N>(sender)) });
    assert_eq!(done.blocking_recv(), Ok(N + 1), "{N} bytes");
}

#[test]
fn detach_takes_512_kib() {
    sizes!(detached: 1 2 4 16 20 28 32 64 100 128 256 512);
}

fn built<const N: usize>() {
    let (sender, done) = oneshot::channel();
    on_worker(async move {
        Cleanup::new(large::<N>(sender))
            .name("large")
            .grace_period(ENOUGH)
            .fallback_runtime(None)
            .on_runtime(tokio::runtime::Handle::current())
            .detach();
    });
    assert_eq!(done.blocking_recv(), Ok(N + 1), "{N} bytes");
}

#[test]
fn a_builder_takes_512_kib() {
    sizes!(built: 1 64 512);
}

/// Managers whose exit holds `N` bytes across an await, each with its drop policy.
macro_rules! large_exits {
    ($($name:ident: $policy:ty),*) => { $(
        struct $name<const N: usize>(Option<oneshot::Sender<usize>>);

        impl<const N: usize> AsyncContextManager for $name<N> {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, Infallible> {
                Ok(self)
            }
        }

        impl<const N: usize> AsyncGuard for $name<N> {
            type Target = Option<oneshot::Sender<usize>>;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut Option<oneshot::Sender<usize>> {
                &mut self.0
            }

            async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
                let done = self.0.take().unwrap();
                large::<N>(done).await.unwrap();
                Ok(())
            }
        }
    )* };
}

large_exits!(Detached: Detach, Restarted: Restart);

/// The block is dropped, and its exit runs as a cleanup.
macro_rules! cancelled_block {
    ($manager:ident, $kib:literal) => {{
        let (sender, done) = oneshot::channel();
        on_worker(async move {
            let scope = tokio::spawn(async {
                async_with!(_ = $manager::<{ $kib << 10 }>(Some(sender)) => { pending::<()>().await });
            });
            yield_now().await;
            scope.abort();
            assert!(scope.await.unwrap_err().is_cancelled());
        });
        assert_eq!(done.blocking_recv(), Ok(($kib << 10) + 1), "{} KiB", $kib);
    }};
}

#[test]
fn the_exit_of_a_cancelled_block_takes_512_kib() {
    cancelled_block!(Detached, 64);
    cancelled_block!(Detached, 512);
    cancelled_block!(Restarted, 64);
    cancelled_block!(Restarted, 512);
}

/// The exit is dropped at its await, and continues as a cleanup.
fn cancelled_exit<const N: usize>() {
    let (sender, done) = oneshot::channel();
    on_worker(async move {
        let mut scope = Box::pin(async_with(Detached::<N>(Some(sender)), async |_| Ok::<(), Infallible>(())));
        assert!(futures::poll!(&mut scope).is_pending(), "the exit awaits");
    });
    assert_eq!(done.blocking_recv(), Ok(N + 1), "{N} bytes");
}

#[test]
fn a_cancelled_exit_takes_512_kib() {
    sizes!(cancelled_exit: 64 256 512);
}
