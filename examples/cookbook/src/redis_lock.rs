//! A lock in Redis, released by the holder that has its token.
//!
//! # Problem
//!
//! A future that is dropped between `SET NX` and `DEL` leaves the key until it expires, and all others wait. A `DEL`
//! without a token deletes the lock of the next holder if the first lock has expired
//! ([reinhardt-web#2714](https://github.com/kent8192/reinhardt-web/issues/2714)). A release that is itself cancelled leaves
//! the lock behind ([redis-py#3847](https://github.com/redis/redis-py/issues/3847)). The guards of Rust crates
//! release the lock in a spawned task, or not at all ([rslock#30](https://github.com/hexcowboy/rslock/issues/30)).
//!
//! # Recipe
//!
//! The release is registered before the lock is requested. It deletes the key only if the key has the
//! token of this scope, so it is harmless if the request was never sent. A connection sends its requests in order, so the
//! release follows the request even if the future of that request is dropped. The block is interrupted when the time to live
//! ends.
//!
//! # Limits
//!
//! After `kill -9`, the key remains for the time to live. The same holds if the connection is lost between the request and the
//! release. The exclusion relies on correct clocks: a write that must not happen twice also needs a check where it is stored.
//! The lock may be lost when Redis fails over to a replica.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;
use withal::context::{
    AsyncContextManager, AsyncGuard, NotEntering, async_with, asynccontextmanager, interrupt_when, on_exit,
};

const DELETE_IF_EQUAL: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

/// The error of a [`redis_lock`].
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("redis failed")]
    Redis(#[from] redis::RedisError),
    #[error("the lock expired before its block ended: raise its time to live, or do less in the block")]
    Expired,
    #[error(transparent)]
    NotEntering(#[from] NotEntering),
}

/// Creates a manager that waits for the lock `key`, and holds it for at most `time_to_live`. The target is the token.
pub fn redis_lock(
    redis: MultiplexedConnection,
    key: impl Into<String>,
    time_to_live: Duration,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = String, Error = LockError, Suppression = ()> + Send> + Send
{
    let (mut redis, key) = (redis, key.into());
    asynccontextmanager(async move |y| {
        let (locked, deadline) = oneshot::channel();
        interrupt_when(async {
            if let Ok(deadline) = deadline.await {
                sleep_until(deadline).await;
            }
        })?;
        let token = Uuid::new_v4().to_string();
        let release =
            on_exit((redis.clone(), key.clone(), token.clone()), async |(mut redis, key, token), exit| {
                let mut delete = redis::cmd("EVAL");
                delete.arg(DELETE_IF_EQUAL).arg(1).arg(key).arg(token);
                let deleted: u32 = delete.query_async(&mut redis).await?;
                // After an error or a cancellation, the lock may not have been granted.
                if exit.is_ok() && deleted == 0 { Err(LockError::Expired) } else { Ok(()) }
            });
        async_with!(_ = release.name("redis lock") => {
            let mut set = redis::cmd("SET");
            set.arg(&key).arg(&token).arg("NX").arg("PX").arg(time_to_live.as_millis());
            let mut pause = Duration::from_millis(5);
            let sent_at = loop {
                let sent_at = Instant::now();
                if set.query_async::<Option<String>>(&mut redis).await?.is_some() {
                    break sent_at;
                }
                sleep(pause).await;
                pause = (2 * pause).min(Duration::from_millis(500));
            };
            locked.send(sent_at + time_to_live).ok();
            let (_token, exit) = y.yield_(token).await;
            // The block was interrupted. If it was dropped, the error is that of a cleanup.
            if exit.is_cancelled() && sent_at.elapsed() >= time_to_live {
                return Err(LockError::Expired);
            }
        })
    })
}

/// Runs a report, at most once at a time across all machines.
///
/// # Errors
///
/// [`LockError::Expired`] if the report took longer than 30 seconds.
pub async fn nightly_report(redis: &MultiplexedConnection) -> Result<(), LockError> {
    async_with!(_ = redis_lock(redis.clone(), "lock:nightly-report", Duration::from_secs(30)) => {
        sleep(Duration::from_millis(1)).await; // your work goes here
    })
}
