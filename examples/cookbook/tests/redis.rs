//! `redis_lock` on a Redis server.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client};
use tokio::time::{sleep, timeout};
use withal::cleanup;
use withal::context::async_with;
use withal_cookbook::redis_lock::{LockError, nightly_report, redis_lock};
use withal_test_support::server::{Kind, Server};

use crate::cancel_at_every_await;

const KEY: &str = "lock:nightly-report";
const LONG: Duration = Duration::from_secs(600);

async fn connect(server: &Server) -> MultiplexedConnection {
    let client = Client::open(server.url(server.port)).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn holder(redis: &mut MultiplexedConnection) -> Option<String> {
    redis.get(KEY).await.unwrap()
}

#[tokio::test]
async fn cancelled_at_every_await_it_is_released() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    let redis = connect(&server).await;
    // Free, and taken by another holder, whose lock must not be deleted.
    for taken in [false, true] {
        let mut other = connect(&server).await;
        let other_token: Option<String> = taken.then(|| "other".into());
        if taken {
            let () = other.set(KEY, "other").await.unwrap();
        }
        let program = || async {
            // A waiter would poll for ever.
            timeout(Duration::from_millis(50), nightly_report(&redis)).await.is_ok_and(|done| done.is_ok())
        };
        let dropped =
            cancel_at_every_await(program, async || assert_eq!(holder(&mut other).await, other_token)).await;
        assert!(dropped >= 3, "SET, the work, EVAL: {dropped}");
    }
}

#[tokio::test]
async fn a_block_that_outlives_the_lock_is_interrupted_and_the_next_holder_keeps_its_lock() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    let redis = connect(&server).await;
    let mut other = connect(&server).await;
    let slow = async {
        async_with!(_ = redis_lock(redis.clone(), KEY, Duration::from_millis(100)) => {
            sleep(LONG).await;
        })
    };
    assert!(matches!(slow.await, Err(LockError::Expired)));
    assert_eq!(holder(&mut other).await, None);

    // The clock of this process is late: the next holder has the lock, and this one notices it at its release.
    let stolen = async {
        async_with!(token = redis_lock(redis.clone(), KEY, LONG) => {
            assert_eq!(holder(&mut other).await.as_ref(), Some(&*token));
            let () = other.set(KEY, "other").await.unwrap();
        })
    };
    assert!(matches!(stolen.await, Err(LockError::Expired)));
    assert_eq!(holder(&mut other).await.as_deref(), Some("other"));
}

#[tokio::test]
async fn one_holder_at_a_time() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    let redis = connect(&server).await;
    let work = async |n: u64| {
        let mut redis = redis.clone();
        async_with!(_ = redis_lock(redis.clone(), KEY, LONG) => {
            let before: u64 = redis.get("count").await.unwrap_or(0);
            sleep(Duration::from_millis(n % 2)).await;
            let () = redis.set("count", before + 1).await?;
        })
    };
    let done = futures::future::join_all((0..20).map(work)).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(redis.clone().get::<_, u64>("count").await.unwrap(), 20);
}

/// A guard whose destructor cannot await: the plain client leaves the key.
#[tokio::test]
async fn without_the_recipe_the_key_remains() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    let mut redis = connect(&server).await;
    let plain = async {
        let mut redis = redis.clone();
        let () = redis.set(KEY, "token").await.unwrap();
        sleep(LONG).await;
        redis.del::<_, ()>(KEY).await.unwrap();
    };
    assert!(timeout(Duration::from_millis(100), plain).await.is_err());
    cleanup::drain(Duration::from_secs(20)).await.unwrap();
    assert_eq!(holder(&mut redis).await.as_deref(), Some("token"));
}
