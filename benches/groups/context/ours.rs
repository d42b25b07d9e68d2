use std::convert::Infallible;
use std::future::pending;
use std::hint::black_box;

use tokio::sync::Mutex;
use withal::context::{AsyncContextManager, AsyncExitStack, AsyncGuard, Error, async_with};

use super::trivial::{Detached, Held, Now, Restarted, cancel, spin, ten_polls};

pub(super) async fn lock(n: u64) -> u64 {
    let count = Mutex::new(0);
    for _ in 0..n {
        let block = async |count: &mut u64| {
            *count += black_box(1);
            Ok::<_, Infallible>(())
        };
        done(async_with(&count, block).await);
    }
    count.into_inner()
}

pub(super) async fn lock_by_macro(n: u64) -> u64 {
    let count = Mutex::new(0);
    for _ in 0..n {
        async_with!(count = &count => { *count += black_box(1) });
    }
    count.into_inner()
}

pub(super) async fn polls(n: u64) -> u64 {
    spin(async {
        let count = Mutex::new(0);
        for _ in 0..n / 10 {
            let block = async |count: &mut u64| {
                ten_polls(count).await;
                Ok::<_, Infallible>(())
            };
            done(async_with(&count, block).await);
        }
        count.into_inner()
    })
}

pub(super) async fn polls_by_macro(n: u64) -> u64 {
    spin(async {
        let count = Mutex::new(0);
        for _ in 0..n / 10 {
            async_with!(count = &count => { ten_polls(count).await });
        }
        count.into_inner()
    })
}

pub(super) async fn trivial(n: u64) -> u64 {
    scopes(n, Now).await
}

pub(super) async fn drop_after_children(n: u64) -> u64 {
    scopes(n, Held).await
}

pub(super) async fn detach(n: u64) -> u64 {
    scopes(n, Detached).await
}

pub(super) async fn restart(n: u64) -> u64 {
    scopes(n, Restarted).await
}

async fn scopes<M>(n: u64, manager: impl Fn(u64) -> M) -> u64
where
    M: AsyncContextManager<Guard: AsyncGuard<Target = u64, Error = Infallible, Suppression = ()>>,
{
    let mut sum = 0;
    for _ in 0..n {
        let block = async |count: &mut u64| {
            *count += black_box(1);
            Ok::<_, Infallible>(*count)
        };
        sum += done(async_with(manager(0), block).await);
    }
    sum
}

pub(super) async fn trivial_by_macro(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        sum += async_with!(count = Now(0) => { *count += black_box(1); *count });
    }
    sum
}

pub(super) async fn nested(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let block = async |outer: &mut u64| {
            let block = async |middle: &mut u64| {
                let block =
                    async |inner: &mut u64| Ok::<_, Infallible>(*outer + *middle + *inner + black_box(1));
                async_with(Now(0), block).await.map_err(Error::into_inner)
            };
            async_with(Now(0), block).await.map_err(Error::into_inner)
        };
        sum += done(async_with(Now(0), block).await);
    }
    sum
}

pub(super) async fn nested_by_macro(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        sum += async_with!(outer = Now(0), middle = Now(0), inner = Now(0) => {
            *outer + *middle + *inner + black_box(1)
        });
    }
    sum
}

pub(super) async fn stack(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let block = async |stack: &mut AsyncExitStack| {
            let mut one = stack.enter_async_context(Now(0)).await?;
            let mut other = stack.enter_async_context(Now(0)).await?;
            Ok::<_, Infallible>(*one.target() + *other.target() + black_box(1))
        };
        sum += async_with(AsyncExitStack::new(), block)
            .await
            .expect("nothing fails")
            .expect("no error is suppressed");
    }
    sum
}

pub(super) async fn cancelled_now(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        cancel(async_with(Now(0), async |_| pending::<Result<(), Infallible>>().await));
        sum += black_box(1);
    }
    sum
}

pub(super) async fn cancelled_detach(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        cancel(async_with(Detached(0), async |_| pending::<Result<(), Infallible>>().await));
        tokio::task::yield_now().await;
        sum += black_box(1);
    }
    sum
}

fn done<T>(result: Result<T, Error<Infallible, Infallible>>) -> T {
    match result.map_err(Error::into_inner) {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
