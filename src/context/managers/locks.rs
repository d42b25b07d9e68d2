use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;

use tokio::sync::{
    AcquireError, Mutex, MutexGuard, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    OwnedSemaphorePermit, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
};

use self::mode::{Exclusive, Permits, Shared};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::drop_after_children::DropAfterChildren;
use crate::context::policy::drop_now::DropNow;

/// The guard of a lock or a semaphore of tokio that was entered as a manager.
///
/// | manager | target | drop policy |
/// |---|---|---|
/// | `&mutex`, a `&Mutex` or `&Arc<Mutex>` | `&mut T` | [`DropNow`] |
/// | `mutex`, an `Arc<Mutex>` | `&mut T` | [`DropAfterChildren`] |
/// | [`read(&rw_lock)`](read) | a guard that derefs to `T` | [`DropNow`] |
/// | [`read_owned(rw_lock)`](read_owned) | a guard that derefs to `T` | [`DropAfterChildren`] |
/// | [`write(&rw_lock)`](fn@write) | `&mut T` | [`DropNow`] |
/// | [`write_owned(rw_lock)`](write_owned) | `&mut T` | [`DropAfterChildren`] |
/// | `&semaphore`, a `&Semaphore` or `&Arc<Semaphore>` | one permit | [`DropNow`] |
/// | `semaphore`, an `Arc<Semaphore>` | one permit | [`DropAfterChildren`] |
/// | [`permits(&semaphore, n)`](permits) | `n` permits | [`DropNow`] |
/// | [`permits_owned(semaphore, n)`](permits_owned) | `n` permits | [`DropAfterChildren`] |
///
/// If the block is dropped, a borrowed lock is released at once, and an owned lock is released after everything that is
/// nested in the block has ended. Entering a semaphore fails if the semaphore is closed. Entering the other locks
/// cannot fail.
///
/// # Cancel safety
///
/// If the enter is dropped while it waits for the lock, it loses its place in the queue. Nothing else is lost.
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
#[doc(alias("Lock", "Mutex", "RwLock", "Semaphore", "MutexGuard"))]
#[derive(Debug)]
pub struct LockGuard<G>(G);

macro_rules! guards {
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

guards! {
    ['a, T: ?Sized + Send] MutexGuard<'a, T>, T, Infallible, DropNow;
    [T: ?Sized + Send + 'static] OwnedMutexGuard<T>, T, Infallible, DropAfterChildren;
    // A read guard cannot be dereferenced to `&mut T`, so the target is the guard itself.
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
        // `try_lock` is cheaper than the future of `lock`, but consumes no budget: without this line, a task that locks
        // in a loop could starve the others. It does not overtake: tokio passes a released lock to the first waiter.
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

/// Enters the lock by reference.
impl<'a, T: ?Sized + Send> AsyncContextManager for &'a Arc<Mutex<T>> {
    type Guard = LockGuard<MutexGuard<'a, T>>;

    #[inline]
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, Infallible>> + Send {
        AsyncContextManager::aenter(&**self)
    }
}

/// Enters the semaphore by reference.
impl<'a> AsyncContextManager for &'a Arc<Semaphore> {
    type Guard = LockGuard<SemaphorePermit<'a>>;

    #[inline]
    fn aenter(self) -> impl Future<Output = Result<Self::Guard, AcquireError>> + Send {
        AsyncContextManager::aenter(&**self)
    }
}

/// A manager for a lock that can be entered in more than one way. Created by [`read`], [`write`](fn@write),
/// [`permits`] and their owned variants.
#[derive(Debug)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct LockManager<L, M>(L, M);

/// The ways to enter a lock. The types are not exported, because no user has to name them.
mod mode {
    #[derive(Debug, Clone, Copy)]
    pub struct Shared;

    #[derive(Debug, Clone, Copy)]
    pub struct Exclusive;

    #[derive(Debug, Clone, Copy)]
    pub struct Permits(pub(super) u32);
}

// Borrowed and owned locks have separate functions, as they have separate methods in tokio. With one function that is
// generic over `&RwLock` and `Arc<RwLock>`, deref coercion from `&Arc<RwLock>`, `&Box<RwLock>` and `&LazyLock<RwLock>`
// would not work.

/// Creates a manager that locks for shared read access; see [`LockGuard`].
#[doc(alias = "RwLock")]
pub fn read<T: ?Sized>(lock: &RwLock<T>) -> LockManager<&RwLock<T>, Shared> {
    LockManager(lock, Shared)
}

/// Creates a manager that locks for shared read access, with an owned guard; see [`LockGuard`].
pub fn read_owned<T: ?Sized>(lock: Arc<RwLock<T>>) -> LockManager<Arc<RwLock<T>>, Shared> {
    LockManager(lock, Shared)
}

/// Creates a manager that locks for exclusive write access; see [`LockGuard`].
#[doc(alias = "RwLock")]
pub fn write<T: ?Sized>(lock: &RwLock<T>) -> LockManager<&RwLock<T>, Exclusive> {
    LockManager(lock, Exclusive)
}

/// Creates a manager that locks for exclusive write access, with an owned guard; see [`LockGuard`].
pub fn write_owned<T: ?Sized>(lock: Arc<RwLock<T>>) -> LockManager<Arc<RwLock<T>>, Exclusive> {
    LockManager(lock, Exclusive)
}

/// Creates a manager that acquires `n` permits of a semaphore at once; see [`LockGuard`].
#[doc(alias("acquire_many", "Semaphore"))]
pub fn permits(semaphore: &Semaphore, n: u32) -> LockManager<&Semaphore, Permits> {
    LockManager(semaphore, Permits(n))
}

/// Creates a manager that acquires `n` permits of a semaphore at once, with an owned guard; see [`LockGuard`].
pub fn permits_owned(semaphore: Arc<Semaphore>, n: u32) -> LockManager<Arc<Semaphore>, Permits> {
    LockManager(semaphore, Permits(n))
}

impl<'a, T: ?Sized + Send + Sync> AsyncContextManager for LockManager<&'a RwLock<T>, Shared> {
    type Guard = LockGuard<RwLockReadGuard<'a, T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.read().await))
    }
}

impl<T: ?Sized + Send + Sync + 'static> AsyncContextManager for LockManager<Arc<RwLock<T>>, Shared> {
    type Guard = LockGuard<OwnedRwLockReadGuard<T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.read_owned().await))
    }
}

impl<'a, T: ?Sized + Send + Sync> AsyncContextManager for LockManager<&'a RwLock<T>, Exclusive> {
    type Guard = LockGuard<RwLockWriteGuard<'a, T>>;

    async fn aenter(self) -> Result<Self::Guard, Infallible> {
        Ok(LockGuard(self.0.write().await))
    }
}

impl<T: ?Sized + Send + Sync + 'static> AsyncContextManager for LockManager<Arc<RwLock<T>>, Exclusive> {
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
