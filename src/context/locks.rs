use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;

use tokio::sync::{
    AcquireError, Mutex, MutexGuard, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    OwnedSemaphorePermit, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
};

use super::{AsyncContextManager, AsyncGuard, DropAfterChildren, DropNow, ExitReason};

/// A lock that is held: what entering a `&Mutex`, an `Arc<Mutex>`, and their like gives.
///
/// | to enter | the block gets | dropped |
/// |---|---|---|
/// | `&mutex`, also of an `Arc` | `&mut T` | [`DropNow`] |
/// | `mutex`, an `Arc` | `&mut T` | [`DropAfterChildren`] |
/// | [`read(&rw_lock)`](read), [`read_owned(rw_lock)`](read_owned) | its guard, which is a `&T` | the same |
/// | [`write(&rw_lock)`](fn@write), [`write_owned(rw_lock)`](write_owned) | `&mut T` | the same |
/// | `&semaphore`, or `semaphore`, an `Arc` | its permit, of one | the same |
/// | [`permits(&semaphore, n)`](permits), [`permits_owned(semaphore, n)`](permits_owned) | its permit, of `n` | the same |
///
/// Locks are tokio's. A borrowed one is given back when the block is dropped, an owned one not before the exits inside of
/// it are over. Only a semaphore can fail, when it is closed.
///
/// # Cancel safety
///
/// Dropped while it waits for the lock, it loses its place in the queue, and nothing else.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::sync::AcquireError> {
/// use tokio::sync::{Mutex, RwLock, Semaphore};
/// use withal::context::{async_with, read, write};
///
/// let mutex = Mutex::new(1);
/// let n = async_with!(n = &mutex => { *n += 1; *n });
/// assert_eq!(n, 2);
///
/// let names = RwLock::new(vec!["Ada"]);
/// async_with!(names = write(&names) => { names.push("Grace") });
/// let count = async_with!(names = read(&names) => { names.len() });
/// assert_eq!(count, 2);
///
/// let slots = Semaphore::new(4);
/// async_with!(_ = &slots => { /* one of four at a time */ })?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LockGuard<G>(G);

macro_rules! exits {
    ($([$($generics:tt)*] $guard:ty, $target:ty, $error:ty, $policy:ty;)*) => {$(
        impl<$($generics)*> AsyncGuard for LockGuard<$guard> {
            type Target = $target;
            type Error = $error;
            type Suppression = ();
            type OnDrop = $policy;

            #[inline]
            fn target(&mut self) -> &mut $target {
                &mut self.0
            }

            #[inline]
            fn aexit(&mut self, _exit: ExitReason<'_>) -> impl Future<Output = Result<(), $error>> + Send {
                ready(Ok(()))
            }
        }
    )*};
}

exits! {
    ['a, T: ?Sized + Send] MutexGuard<'a, T>, T, Infallible, DropNow;
    [T: ?Sized + Send + 'static] OwnedMutexGuard<T>, T, Infallible, DropAfterChildren;
    ['a, T: ?Sized + Send + Sync] RwLockReadGuard<'a, T>, RwLockReadGuard<'a, T>, Infallible, DropNow;
    [T: ?Sized + Send + Sync + 'static] OwnedRwLockReadGuard<T>, OwnedRwLockReadGuard<T>, Infallible, DropAfterChildren;
    ['a, T: ?Sized + Send + Sync] RwLockWriteGuard<'a, T>, T, Infallible, DropNow;
    [T: ?Sized + Send + Sync + 'static] OwnedRwLockWriteGuard<T>, T, Infallible, DropAfterChildren;
    ['a] SemaphorePermit<'a>, SemaphorePermit<'a>, AcquireError, DropNow;
    [] OwnedSemaphorePermit, OwnedSemaphorePermit, AcquireError, DropAfterChildren;
}

impl<'a, T: ?Sized + Send> AsyncContextManager for &'a Mutex<T> {
    type Guard = LockGuard<MutexGuard<'a, T>>;

    #[inline]
    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        tokio::task::coop::consume_budget().await;
        if let Ok(guard) = self.try_lock() {
            return Ok(LockGuard(guard));
        }
        Ok(LockGuard(self.lock().await))
    }
}

impl<T: ?Sized + Send + 'static> AsyncContextManager for Arc<Mutex<T>> {
    type Guard = LockGuard<OwnedMutexGuard<T>>;

    #[inline]
    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.lock_owned().await))
    }
}

impl<'a> AsyncContextManager for &'a Semaphore {
    type Guard = LockGuard<SemaphorePermit<'a>>;

    #[inline]
    async fn aenter(self) -> Result<Self::Guard, AcquireError> {
        self.acquire().await.map(LockGuard)
    }
}

impl AsyncContextManager for Arc<Semaphore> {
    type Guard = LockGuard<OwnedSemaphorePermit>;

    #[inline]
    async fn aenter(self) -> Result<Self::Guard, AcquireError> {
        self.acquire_owned().await.map(LockGuard)
    }
}

/// As by a reference to the lock itself.
impl<'a, T: ?Sized + Send> AsyncContextManager for &'a Arc<Mutex<T>> {
    type Guard = LockGuard<MutexGuard<'a, T>>;

    #[inline]
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, Infallible>> + Send {
        AsyncContextManager::aenter(&**self)
    }
}

/// As by a reference to the semaphore itself.
impl<'a> AsyncContextManager for &'a Arc<Semaphore> {
    type Guard = LockGuard<SemaphorePermit<'a>>;

    #[inline]
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, AcquireError>> + Send {
        AsyncContextManager::aenter(&**self)
    }
}

/// How a lock is to be entered where there is more than one way: made by [`read`], [`write`](fn@write), [`permits`] and their like.
#[derive(Debug)]
#[must_use = "it does nothing unless it is entered"]
pub struct LockManager<L, H>(L, H);

/// For shared access.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Read;

/// For exclusive access.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Write;

/// For so many permits at once.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Permits(u32);

/// Enters a lock for reading; see [`LockGuard`].
pub fn read<T: ?Sized>(lock: &RwLock<T>) -> LockManager<&RwLock<T>, Read> {
    LockManager(lock, Read)
}

/// Enters a lock for reading, by an owned guard; see [`LockGuard`].
pub fn read_owned<T: ?Sized>(lock: Arc<RwLock<T>>) -> LockManager<Arc<RwLock<T>>, Read> {
    LockManager(lock, Read)
}

/// Enters a lock for writing; see [`LockGuard`].
pub fn write<T: ?Sized>(lock: &RwLock<T>) -> LockManager<&RwLock<T>, Write> {
    LockManager(lock, Write)
}

/// Enters a lock for writing, by an owned guard; see [`LockGuard`].
pub fn write_owned<T: ?Sized>(lock: Arc<RwLock<T>>) -> LockManager<Arc<RwLock<T>>, Write> {
    LockManager(lock, Write)
}

/// Enters a semaphore for several permits at once; see [`LockGuard`].
pub fn permits(semaphore: &Semaphore, n: u32) -> LockManager<&Semaphore, Permits> {
    LockManager(semaphore, Permits(n))
}

/// Enters a semaphore for several permits at once, by an owned permit; see [`LockGuard`].
pub fn permits_owned(semaphore: Arc<Semaphore>, n: u32) -> LockManager<Arc<Semaphore>, Permits> {
    LockManager(semaphore, Permits(n))
}

impl<'a, T: ?Sized + Send + Sync> AsyncContextManager for LockManager<&'a RwLock<T>, Read> {
    type Guard = LockGuard<RwLockReadGuard<'a, T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.read().await))
    }
}

impl<T: ?Sized + Send + Sync + 'static> AsyncContextManager for LockManager<Arc<RwLock<T>>, Read> {
    type Guard = LockGuard<OwnedRwLockReadGuard<T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.read_owned().await))
    }
}

impl<'a, T: ?Sized + Send + Sync> AsyncContextManager for LockManager<&'a RwLock<T>, Write> {
    type Guard = LockGuard<RwLockWriteGuard<'a, T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.write().await))
    }
}

impl<T: ?Sized + Send + Sync + 'static> AsyncContextManager for LockManager<Arc<RwLock<T>>, Write> {
    type Guard = LockGuard<OwnedRwLockWriteGuard<T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.write_owned().await))
    }
}

impl<'a> AsyncContextManager for LockManager<&'a Semaphore, Permits> {
    type Guard = LockGuard<SemaphorePermit<'a>>;

    async fn aenter(self) -> Result<Self::Guard, AcquireError> {
        self.0.acquire_many(self.1.0).await.map(LockGuard)
    }
}

impl AsyncContextManager for LockManager<Arc<Semaphore>, Permits> {
    type Guard = LockGuard<OwnedSemaphorePermit>;

    async fn aenter(self) -> Result<Self::Guard, AcquireError> {
        self.0.acquire_many_owned(self.1.0).await.map(LockGuard)
    }
}
