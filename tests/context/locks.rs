//! Tokio's locks as managers, borrowed and owned.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::{Mutex, RwLock, Semaphore};
use withal::context::{async_with, permits, permits_owned, read, read_owned, write, write_owned};

#[tokio::test]
async fn a_lock_is_held_during_the_block_and_released_after_it() {
    let mutex = Arc::new(Mutex::new(1));
    async_with!(n = &mutex => { assert!(mutex.try_lock().is_err()); *n += 1 });
    async_with!(n = Arc::clone(&mutex) => { assert!(mutex.try_lock().is_err()); *n += 1 });
    assert_eq!(*mutex.try_lock().unwrap(), 3);

    let lock = Arc::new(RwLock::new(1));
    async_with!(n = write(&lock) => { assert!(lock.try_read().is_err()); *n += 1 });
    async_with!(n = write_owned(Arc::clone(&lock)) => { assert!(lock.try_read().is_err()); *n += 1 });
    let both = async_with!(n = read(&lock), m = read_owned(Arc::clone(&lock)) => {
        assert!(lock.try_write().is_err() && lock.try_read().is_ok());
        **n + **m
    });
    assert_eq!(both, 6);
    assert_eq!(*lock.try_write().unwrap(), 3);

    let semaphore = Arc::new(Semaphore::new(4));
    let available = async_with!(
        _one = &semaphore, _other = Arc::clone(&semaphore),
        _two = permits(&semaphore, 2) => { semaphore.available_permits() }
    );
    assert_eq!((available.unwrap(), semaphore.available_permits()), (0, 4));
    let available =
        async_with!(_all = permits_owned(Arc::clone(&semaphore), 4) => { semaphore.available_permits() });
    assert_eq!((available.unwrap(), semaphore.available_permits()), (0, 4));
}

#[tokio::test]
async fn entering_a_closed_semaphore_fails() {
    let semaphore = Arc::new(Semaphore::new(1));
    semaphore.close();
    assert!(async_with!(_one = &*semaphore => {}).is_err());
    assert!(async_with!(_one = Arc::clone(&semaphore) => {}).is_err());
    assert!(async_with!(_one = permits(&semaphore, 1) => {}).is_err());
    assert!(async_with!(_one = permits_owned(Arc::clone(&semaphore), 1) => {}).is_err());
}

#[tokio::test]
async fn a_locked_value_need_not_be_sized() {
    let mutex: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2]));
    assert_eq!(async_with!(bytes = &*mutex => { bytes.len() }), 2);
    assert_eq!(async_with!(bytes = Arc::clone(&mutex) => { bytes.len() }), 2);
}

#[tokio::test]
async fn a_lock_is_released_if_the_block_is_dropped() {
    let mutex = Arc::new(Mutex::new(1));
    let borrowed = async_with(&*mutex, async |_| pending::<Result<(), Infallible>>().await);
    assert!(borrowed.now_or_never().is_none());
    assert!(mutex.try_lock().is_ok());
    let owned = async_with(Arc::clone(&mutex), async |_| pending::<Result<(), Infallible>>().await);
    assert!(owned.now_or_never().is_none());
    assert!(mutex.try_lock().is_ok());
}

/// The fast path of the enter does not overtake waiting tasks.
#[tokio::test]
async fn a_lock_is_granted_in_the_order_of_the_queue() {
    let mutex = Arc::new(Mutex::new(Vec::new()));
    let held = mutex.lock().await;
    let tasks = (0..3).map(|n| {
        let mutex = Arc::clone(&mutex);
        tokio::spawn(async move { async_with!(order = &*mutex => { order.push(n) }) })
    });
    let tasks: Vec<_> = tasks.collect();
    tokio::task::yield_now().await;
    drop(held);
    async_with!(order = &*mutex => { order.push(3) });
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*mutex.lock().await, [0, 1, 2, 3]);
}

/// Entering a lock consumes the task's coop budget, as every await of tokio's does.
#[tokio::test]
async fn a_loop_of_locks_does_not_starve_other_tasks() {
    let other = tokio::spawn(async {});
    let mutex = Mutex::new(0);
    let rounds = tokio::spawn(async move {
        while !other.is_finished() {
            async_with!(n = &mutex => { *n += 1 });
        }
        mutex.into_inner()
    });
    assert!(rounds.await.unwrap() < 1000);
}
