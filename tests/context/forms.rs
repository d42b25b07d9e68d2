//! The forms of the macro, and the number of managers and of nested macros that compile without a `recursion_limit`.

#![allow(clippy::many_single_char_names, reason = "one name for each of twenty managers")]

use std::convert::Infallible;
use std::fmt::Debug;

use tokio::sync::Mutex;
use withal::context::{AsyncContextManager, AsyncGuard, async_with, asynccontextmanager, nullcontext};

/// rustfmt formats the block of this form.
#[tokio::test]
async fn a_comma_in_place_of_the_arrow() {
    async fn sum(a: &Mutex<u32>, b: &Mutex<u32>) -> Result<u32, Infallible> {
        async_with!(a = a, b = b, {
            *a += 1;
            Ok(*a + *b)
        })
    }
    let (a, b) = (Mutex::new(1), Mutex::new(2));
    assert_eq!(sum(&a, &b).await, Ok(4));
    assert_eq!(async_with!(n = &a, { *n }), 2);
    let mut rounds = 0;
    'outer: loop {
        for _ in 0..2 {
            rounds += 1;
            async_with!(loop, 'outer; n = &a, {
                *n += 1;
                if *n < 4 {
                    continue;
                }
                break 'outer
            });
        }
    }
    assert_eq!(rounds, 2);
    'outer: loop {
        async_with!('outer; n = &a, _ = nullcontext(()), {
            if *n == 4 {
                break 'outer;
            }
        });
        unreachable!("the block is left by `break`");
    }
}

#[tokio::test]
async fn trailing_commas() {
    let mutex = Mutex::new(1);
    assert_eq!(async_with!(n = &mutex, { *n },), 1);
    assert_eq!(async_with!(n = &mutex => { *n },), 1);
    assert_eq!(async_with!(n = &mutex, m = nullcontext(2), => { *n + *m }), 3);
    assert_eq!(async_with!(-> (); n = &mutex, { *n }), 1);
    for _ in 0..1 {
        async_with!(loop; _n = &mutex, => { break },);
    }
}

/// The expression of a manager may end with braces.
#[tokio::test]
async fn managers_that_end_with_braces() {
    struct Builder {
        value: u32,
    }
    impl Builder {
        fn manager(&self) -> withal::context::NullContext<u32> {
            nullcontext(self.value)
        }
    }
    assert_eq!(async_with!(n = (Builder { value: 1 }).manager() => { *n }), 1);
    assert_eq!(async_with!(n = if true { nullcontext(1) } else { nullcontext(2) } => { *n }), 1);
    assert_eq!(async_with!(n = if true { nullcontext(1) } else { nullcontext(2) }, { *n }), 1);
    assert_eq!(async_with!(n = { nullcontext(1) }, m = { nullcontext(*n) }, { *m }), 1);
}

#[tokio::test]
async fn twenty_managers() {
    let future = async {
        async_with!(
            a = nullcontext(1), b = nullcontext(1), c = nullcontext(1), d = nullcontext(1), e = nullcontext(1),
            f = nullcontext(1), g = nullcontext(1), h = nullcontext(1), i = nullcontext(1), j = nullcontext(1),
            k = nullcontext(1), l = nullcontext(1), m = nullcontext(1), n = nullcontext(1), o = nullcontext(1),
            p = nullcontext(1), q = nullcontext(1), r = nullcontext(1), s = nullcontext(1), t = nullcontext(1) => {
                tokio::task::yield_now().await;
                *a + *b + *c + *d + *e + *f + *g + *h + *i + *j + *k + *l + *m + *n + *o + *p + *q + *r + *s + *t
            }
        )
    };
    assert_eq!(tokio::spawn(future).await.unwrap(), 20);
}

#[tokio::test]
#[rustfmt::skip]
async fn twenty_nested_macros() {
    let future = async {
        1 + async_with!(_ = nullcontext(()), {
            1 + async_with!(_ = nullcontext(()), {
                1 + async_with!(_ = nullcontext(()), {
                    1 + async_with!(_ = nullcontext(()), {
                        1 + async_with!(_ = nullcontext(()), {
                            1 + async_with!(_ = nullcontext(()), {
                                1 + async_with!(_ = nullcontext(()), {
                                    1 + async_with!(_ = nullcontext(()), {
                                        1 + async_with!(_ = nullcontext(()), {
                                            1 + async_with!(_ = nullcontext(()), {
                                                1 + async_with!(_ = nullcontext(()), {
                                                    1 + async_with!(_ = nullcontext(()), {
                                                        1 + async_with!(_ = nullcontext(()), {
                                                            1 + async_with!(_ = nullcontext(()), {
                                                                1 + async_with!(_ = nullcontext(()), {
                                                                    1 + async_with!(_ = nullcontext(()), {
                                                                        1 + async_with!(_ = nullcontext(()), {
                                                                            1 + async_with!(_ = nullcontext(()), {
                                                                                1 + async_with!(_ = nullcontext(()), {
                                                                                    1 + async_with!(_ = nullcontext(()), {
                                                                                        tokio::task::yield_now().await;
                                                                                        0
                                                                                    })
                                                                                })
                                                                            })
                                                                        })
                                                                    })
                                                                })
                                                            })
                                                        })
                                                    })
                                                })
                                            })
                                        })
                                    })
                                })
                            })
                        })
                    })
                })
            })
        })
    };
    assert_eq!(tokio::spawn(future).await.unwrap(), 20);
}

/// A generic function that receives a closure names its guard as a type. With the bound `Guard: AsyncGuard<..>`, the compiler
/// would infer the error too late for the macro.
#[tokio::test]
async fn an_opaque_manager_that_a_generic_function_makes_of_a_closure() {
    fn runs<F, E>(
        start: impl FnOnce(u32) -> F + Send + 'static,
    ) -> impl AsyncContextManager<
        Guard = impl AsyncGuard<Target = (), Error = Option<E>, Suppression = ()> + Send,
    > + Send
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Debug + Send + 'static,
    {
        asynccontextmanager(async move |y| {
            y.yield_(()).await;
            start(1).await.map_err(Some)
        })
    }

    let ended = async_with!(_ = runs(|_| async { Err("failed") }) => { 5 });
    assert_eq!(ended, Err(Some("failed")));
    let ended = async_with!(_ = runs(|_| async { Ok::<_, Infallible>(()) }), _ = nullcontext(()) => { 5 });
    assert_eq!(ended, Ok(5));
}
