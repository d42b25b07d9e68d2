use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;

use tokio::sync::{
    AcquireError, Mutex, MutexGuard, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    OwnedSemaphorePermit, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
};

use super::{AsyncContextManager, AsyncExit, DropNow, Exit, Hold};

/// A lock that is held: what entering a `&Mutex`, an `Arc<Mutex>`, and their like gives.
///
/// | to enter | the block gets | dropped |
/// |---|---|---|
/// | `&mutex`, also of an `Arc` | `&mut T` | [`DropNow`] |
/// | `mutex`, an `Arc` | `&mut T` | [`Hold`] |
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
pub struct Locked<G>(G);

macro_rules! exits {
    ($([$($generics:tt)*] $guard:ty, $target:ty, $error:ty, $policy:ty;)*) => {$(
        impl<$($generics)*> AsyncExit for Locked<$guard> {
            type Target = $target;
            type Error = $error;
            type Verdict = ();
            type OnDrop = $policy;

            #[inline]
            fn target(&mut self) -> &mut $target {
                &mut self.0
            }

            #[inline]
            fn aexit(&mut self, _exit: Exit<'_>) -> impl Future<Output = Result<(), $error>> + Send {
                ready(Ok(()))
            }
        }
    )*};
}

exits! {
    ['a, T: ?Sized + Send] MutexGuard<'a, T>, T, Infallible, DropNow;
    [T: ?Sized + Send + 'static] OwnedMutexGuard<T>, T, Infallible, Hold;
    ['a, T: ?Sized + Send + Sync] RwLockReadGuard<'a, T>, RwLockReadGuard<'a, T>, Infallible, DropNow;
    [T: ?Sized + Send + Sync + 'static] OwnedRwLockReadGuard<T>, OwnedRwLockReadGuard<T>, Infallible, Hold;
    ['a, T: ?Sized + Send + Sync] RwLockWriteGuard<'a, T>, T, Infallible, DropNow;
    [T: ?Sized + Send + Sync + 'static] OwnedRwLockWriteGuard<T>, T, Infallible, Hold;
    ['a] SemaphorePermit<'a>, SemaphorePermit<'a>, AcquireError, DropNow;
    [] OwnedSemaphorePermit, OwnedSemaphorePermit, AcquireError, Hold;
}

impl<'a, T: ?Sized + Send> AsyncContextManager for &'a Mutex<T> {
    type Entered = Locked<MutexGuard<'a, T>>;

    #[inline]
    async fn aenter(self) -> Result<Self::Entered, Infallible> {
        tokio::task::coop::consume_budget().await;
        if let Ok(guard) = self.try_lock() {
            return Ok(Locked(guard));
        }
        Ok(Locked(self.lock().await))
    }
}

impl<T: ?Sized + Send + 'static> AsyncContextManager for Arc<Mutex<T>> {
    type Entered = Locked<OwnedMutexGuard<T>>;

    #[inline]
    async fn aenter(self) -> Result<Self::Entered, Infallible> {
        Ok(Locked(self.lock_owned().await))
    }
}

impl<'a> AsyncContextManager for &'a Semaphore {
    type Entered = Locked<SemaphorePermit<'a>>;

    #[inline]
    async fn aenter(self) -> Result<Self::Entered, AcquireError> {
        self.acquire().await.map(Locked)
    }
}

impl AsyncContextManager for Arc<Semaphore> {
    type Entered = Locked<OwnedSemaphorePermit>;

    #[inline]
    async fn aenter(self) -> Result<Self::Entered, AcquireError> {
        self.acquire_owned().await.map(Locked)
    }
}

/// As by a reference to the lock itself.
impl<'a, T: ?Sized + Send> AsyncContextManager for &'a Arc<Mutex<T>> {
    type Entered = Locked<MutexGuard<'a, T>>;

    #[inline]
    fn aenter(self) -> impl Future<Output = Result<Self::Entered, Infallible>> + Send {
        AsyncContextManager::aenter(&**self)
    }
}

/// As by a reference to the semaphore itself.
impl<'a> AsyncContextManager for &'a Arc<Semaphore> {
    type Entered = Locked<SemaphorePermit<'a>>;

    #[inline]
    fn aenter(self) -> impl Future<Output = Result<Self::Entered, AcquireError>> + Send {
        AsyncContextManager::aenter(&**self)
    }
}

/// How a lock is to be entered where there is more than one way: made by [`read`], [`write`](fn@write), [`permits`] and their like.
#[derive(Debug)]
#[must_use = "it does nothing unless it is entered"]
pub struct Lock<L, H>(L, H);

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

/// Enters a lock for reading; see [`Locked`].
pub fn read<T: ?Sized>(lock: &RwLock<T>) -> Lock<&RwLock<T>, Read> {
    Lock(lock, Read)
}

/// Enters a lock for reading, by an owned guard; see [`Locked`].
pub fn read_owned<T: ?Sized>(lock: Arc<RwLock<T>>) -> Lock<Arc<RwLock<T>>, Read> {
    Lock(lock, Read)
}

/// Enters a lock for writing; see [`Locked`].
pub fn write<T: ?Sized>(lock: &RwLock<T>) -> Lock<&RwLock<T>, Write> {
    Lock(lock, Write)
}

/// Enters a lock for writing, by an owned guard; see [`Locked`].
pub fn write_owned<T: ?Sized>(lock: Arc<RwLock<T>>) -> Lock<Arc<RwLock<T>>, Write> {
    Lock(lock, Write)
}

/// Enters a semaphore for several permits at once; see [`Locked`].
pub fn permits(semaphore: &Semaphore, n: u32) -> Lock<&Semaphore, Permits> {
    Lock(semaphore, Permits(n))
}

/// Enters a semaphore for several permits at once, by an owned permit; see [`Locked`].
pub fn permits_owned(semaphore: Arc<Semaphore>, n: u32) -> Lock<Arc<Semaphore>, Permits> {
    Lock(semaphore, Permits(n))
}

impl<'a, T: ?Sized + Send + Sync> AsyncContextManager for Lock<&'a RwLock<T>, Read> {
    type Entered = Locked<RwLockReadGuard<'a, T>>;

    async fn aenter(self) -> Result<Self::Entered, Infallible> {
        Ok(Locked(self.0.read().await))
    }
}

impl<T: ?Sized + Send + Sync + 'static> AsyncContextManager for Lock<Arc<RwLock<T>>, Read> {
    type Entered = Locked<OwnedRwLockReadGuard<T>>;

    async fn aenter(self) -> Result<Self::Entered, Infallible> {
        Ok(Locked(self.0.read_owned().await))
    }
}

impl<'a, T: ?Sized + Send + Sync> AsyncContextManager for Lock<&'a RwLock<T>, Write> {
    type Entered = Locked<RwLockWriteGuard<'a, T>>;

    async fn aenter(self) -> Result<Self::Entered, Infallible> {
        Ok(Locked(self.0.write().await))
    }
}

impl<T: ?Sized + Send + Sync + 'static> AsyncContextManager for Lock<Arc<RwLock<T>>, Write> {
    type Entered = Locked<OwnedRwLockWriteGuard<T>>;

    async fn aenter(self) -> Result<Self::Entered, Infallible> {
        Ok(Locked(self.0.write_owned().await))
    }
}

impl<'a> AsyncContextManager for Lock<&'a Semaphore, Permits> {
    type Entered = Locked<SemaphorePermit<'a>>;

    async fn aenter(self) -> Result<Self::Entered, AcquireError> {
        self.0.acquire_many(self.1.0).await.map(Locked)
    }
}

impl AsyncContextManager for Lock<Arc<Semaphore>, Permits> {
    type Entered = Locked<OwnedSemaphorePermit>;

    async fn aenter(self) -> Result<Self::Entered, AcquireError> {
        self.0.acquire_many_owned(self.1.0).await.map(Locked)
    }
}
