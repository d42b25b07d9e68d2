//! The three variants of the crate genawaiter, without its procedural macros.

/// The two variants on the heap differ only in their module.
macro_rules! on_the_heap {
    ($kind:ident) => {
        pub(super) mod $kind {
            use std::future;
            use std::hint::black_box;

            use futures::{Stream, StreamExt as _};
            use genawaiter::GeneratorState;
            use genawaiter::$kind::Gen;

            pub(crate) fn plain(n: u64) -> impl Stream<Item = u64> {
                Gen::new(async move |co| {
                    for number in 0..n {
                        co.yield_(black_box(number)).await;
                    }
                })
            }

            pub(crate) fn ready(n: u64) -> impl Stream<Item = u64> {
                Gen::new(async move |co| {
                    for number in 0..n {
                        let number = future::ready(number).await;
                        co.yield_(black_box(number)).await;
                    }
                })
            }

            pub(crate) fn nested(n: u64) -> impl Stream<Item = u64> {
                relay(relay(relay(innermost(n))))
            }

            fn innermost(n: u64) -> impl Stream<Item = u64> {
                Gen::new(async move |co| {
                    for number in 0..n {
                        co.yield_(black_box(number)).await;
                    }
                })
            }

            fn relay(inner: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
                Gen::new(async move |co| {
                    let mut inner = std::pin::pin!(inner);
                    while let Some(item) = inner.next().await {
                        co.yield_(item).await;
                    }
                })
            }

            pub(crate) fn one(number: u64) -> impl Stream<Item = u64> {
                Gen::new(async move |co| co.yield_(black_box(number)).await)
            }

            pub(crate) async fn asend(n: u64) -> u64 {
                let mut body = Gen::new(async |co| {
                    let mut total = 0;
                    loop {
                        total += co.yield_(black_box(total)).await;
                    }
                });
                let mut last = 0;
                // The first argument only starts the body.
                body.resume_with(0);
                for number in 0..n {
                    let GeneratorState::Yielded(total) = body.resume_with(number);
                    last = total;
                }
                last
            }
        }
    };
}

on_the_heap!(rc);
on_the_heap!(sync);

/// These generators cannot be returned, so each is driven where it is created.
pub(super) mod stack {
    use std::future;
    use std::hint::black_box;

    use futures::StreamExt as _;
    use genawaiter::GeneratorState;
    use genawaiter::stack::{Co, let_gen_using};

    use super::super::sum;

    pub(crate) async fn plain(n: u64) -> u64 {
        let_gen_using!(numbers, async move |co: Co<'_, _>| {
            for number in 0..n {
                co.yield_(black_box(number)).await;
            }
        });
        sum(numbers).await
    }

    pub(crate) async fn ready(n: u64) -> u64 {
        let_gen_using!(numbers, async move |co: Co<'_, _>| {
            for number in 0..n {
                let number = future::ready(number).await;
                co.yield_(black_box(number)).await;
            }
        });
        sum(numbers).await
    }

    pub(crate) async fn nested(n: u64) -> u64 {
        let innermost = async move |co: Co<'_, _>| {
            for number in 0..n {
                co.yield_(black_box(number)).await;
            }
        };
        let second = async move |co: Co<'_, _>| relay(co, innermost).await;
        let third = async move |co: Co<'_, _>| relay(co, second).await;
        let_gen_using!(numbers, |co| relay(co, third));
        sum(numbers).await
    }

    async fn relay(co: Co<'_, u64>, inner: impl AsyncFnOnce(Co<'_, u64>)) {
        let_gen_using!(items, |co| inner(co));
        while let Some(item) = items.next().await {
            co.yield_(item).await;
        }
    }

    pub(crate) async fn create(n: u64) -> u64 {
        let mut total = 0;
        for number in 0..n {
            let_gen_using!(one, async move |co: Co<'_, _>| co.yield_(black_box(number)).await);
            total += sum(one).await;
        }
        total
    }

    pub(crate) async fn asend(n: u64) -> u64 {
        let_gen_using!(body, async |co: Co<'_, u64, u64>| {
            let mut total = 0;
            loop {
                total += co.yield_(black_box(total)).await;
            }
        });
        let mut last = 0;
        // The first argument only starts the body.
        body.resume_with(0);
        for number in 0..n {
            let GeneratorState::Yielded(total) = body.resume_with(number);
            last = total;
        }
        last
    }
}
