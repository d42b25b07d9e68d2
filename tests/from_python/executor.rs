//! The executor of PEP 3148.

use std::convert::Infallible;
use std::error::Error;

use withal::context::async_with;
use withal::tasks::{ExecutorError, ThreadPoolExecutor};

#[test]
fn threads() -> Result<(), Box<dyn Error>> {
    let executor = ThreadPoolExecutor::new(5)?;
    let executor = executor.thread_name_prefix("crawler");
    let job = || Ok::<_, Infallible>(std::thread::current().name().map(str::to_owned));
    let future = executor.submit(job)?;
    assert_eq!(future.blocking_result().unwrap().as_deref(), Some("crawler_0"));
    let (items, function) = ([1, 2], |n: u32| Ok::<_, Infallible>(n * n));
    assert_eq!(executor.map(items, function)?.collect::<Result<Vec<_>, _>>()?, [1, 4]);
    drop(executor.shutdown());
    let shutdown = executor.shutdown();
    shutdown.cancel_futures().wait();
    executor.shutdown().wait();

    let executor = ThreadPoolExecutor::with_default_workers();
    assert!(executor.submit(|| Ok::<_, Infallible>(1)).is_ok());
    let future = ThreadPoolExecutor::scope(5, |executor| executor.submit(|| Ok::<_, Infallible>(1)))?;
    assert_eq!(future?.result(), Ok(&1));
    Ok(())
}

#[tokio::test]
async fn in_a_task() -> Result<(), ExecutorError> {
    let one = async_with!(executor = ThreadPoolExecutor::new(5)? => {
        executor.submit(|| Ok::<_, Infallible>(1))?.await
    });
    assert_eq!(one, Ok(1));
    let executor = ThreadPoolExecutor::new(1)?;
    executor.shutdown().await;
    Ok(())
}
