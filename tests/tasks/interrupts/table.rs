use std::any::Any;
use std::convert::Infallible;

use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Error, async_with, asynccontextmanager, decorate,
};

use super::user::Wrapper;
use super::{Block, Failed, check, check_busy, failing, limited, name, outcome, users};

/// Returns the error of the exit.
fn exit_error<E>(error: Error<Failed, E>) -> E {
    match error {
        Error::Exit { error, context: None, .. } => error,
        _ => panic!("not the error of an exit"),
    }
}

/// A function with code beside its yield that is always ready.
fn busy(
    block: Block,
) -> impl AsyncContextManager<
    Guard: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send + 'static,
> + Send
+ 'static {
    asynccontextmanager(async move |y| {
        tokio::select! {
            biased;
            _ = y.yield_(()) => {}
            () = block.spend_budget() => {}
        }
        Ok(())
    })
}

/// The rows of the table for one manager.
macro_rules! rows {
    ($manager:ident, $expected:literal) => {
        mod $manager {
            use super::*;

            #[test]
            fn by_the_macro() {
                check(
                    |block| async move { outcome(async_with!(_ = $manager(block) => { block.run().await })) },
                    $expected,
                );
            }

            #[test]
            fn by_the_function() {
                check(
                    |block| async move {
                        let result = async_with($manager(block), async |_| Ok::<_, Failed>(block.run().await));
                        outcome(result.await.map_err(exit_error))
                    },
                    $expected,
                );
            }

            #[test]
            fn by_decorate() {
                check(
                    |block| async move {
                        let run = async |block: Block| Ok::<_, Failed>(block.run().await);
                        outcome(decorate(|| $manager(block), run).call(block).await.map_err(exit_error))
                    },
                    $expected,
                );
            }

            #[test]
            fn on_an_exit_stack() {
                check(
                    |block| async move {
                        let result = async_with!(stack = AsyncExitStack::new() => {
                            let _guard = stack.enter_async_context($manager(block)).await.ok();
                            block.run().await;
                        });
                        let errors = result.unwrap_err().into_vec();
                        let [error] = errors.try_into().expect("one error");
                        name(&*error as &dyn Any)
                    },
                    $expected,
                );
            }

            #[test]
            fn on_an_exit_stack_beside_other_managers() {
                check(
                    |block| async move {
                        let result = async_with!(stack = AsyncExitStack::new() => {
                            let _first = stack.enter_async_context(super::super::timeout(None)).await.ok();
                            let _guard = stack.enter_async_context(Wrapper($manager(block))).await.ok();
                            let _last = stack.enter_async_context(super::super::timeout(None)).await.ok();
                            block.run().await;
                        });
                        let errors = result.unwrap_err().into_vec();
                        let [error] = errors.try_into().expect("one error");
                        name(&*error as &dyn Any)
                    },
                    $expected,
                );
            }

            #[test]
            fn around_the_yield_of_a_function() {
                check(
                    |block| async move {
                        let manager = asynccontextmanager(async move |y| {
                            async_with!(_ = $manager(block) => {
                                y.yield_(()).await;
                            })
                        });
                        outcome(async_with!(_ = manager => { block.run().await }))
                    },
                    $expected,
                );
            }

            #[test]
            fn around_the_yield_of_a_function_with_busy_code() {
                check_busy(
                    |block| async move {
                        let manager = asynccontextmanager(async move |y| {
                            async_with!(_ = $manager(block) => {
                                tokio::select! {
                                    biased;
                                    () = block.spend_budget() => {}
                                    _ = y.yield_(()) => {}
                                }
                            })
                        });
                        outcome(async_with!(_ = manager => { block.run().await }))
                    },
                    $expected,
                );
            }

            #[test]
            fn around_a_function_with_busy_code() {
                check_busy(
                    |block| async move {
                        let busy = Wrapper(busy(block));
                        outcome(async_with!(_ = $manager(block) => {
                            async_with!(_ = busy => { block.run().await })
                        }))
                    },
                    $expected,
                );
            }

            #[test]
            fn on_an_exit_stack_beside_functions_with_busy_code() {
                check_busy(
                    |block| async move {
                        let result = async_with!(stack = AsyncExitStack::new() => {
                            let _first = stack.enter_async_context(busy(block)).await.ok();
                            let _guard = stack.enter_async_context($manager(block)).await.ok();
                            let _last = stack.enter_async_context(busy(block)).await.ok();
                            block.run().await;
                        });
                        let errors = result.unwrap_err().into_vec();
                        let [error] = errors.try_into().expect("one error");
                        name(&*error as &dyn Any)
                    },
                    $expected,
                );
            }

            #[test]
            fn in_a_wrapper() {
                check(
                    |block| async move {
                        let manager = Wrapper(Wrapper($manager(block)));
                        outcome(async_with!(_ = manager => { block.run().await }))
                    },
                    $expected,
                );
            }
        }
    };
}

rows!(limited, "Elapsed");
rows!(failing, "[Failed(\"task\")]");
rows!(users, "Expired");
