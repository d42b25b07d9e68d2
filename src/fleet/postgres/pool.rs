use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Semaphore, SemaphorePermit};

use super::session::{Connect, Session};

/// The connections of an engine: one that is shared, and some that commits borrow.
///
/// A connection is opened when it is first needed. One that is lost is replaced at the next use.
pub(super) struct Pool {
    connect: Arc<Connect>,
    /// The connection for the statements other than commits. The claims are bound to its backend process.
    shared: AsyncMutex<Option<Arc<Session>>>,
    idle: Mutex<Vec<Session>>,
    permits: Semaphore,
}

impl Pool {
    pub(super) fn new(connect: Arc<Connect>, size: usize) -> Self {
        Self {
            connect,
            shared: AsyncMutex::new(None),
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(size),
        }
    }

    /// Returns the shared connection.
    pub(super) async fn shared(&self) -> Result<Arc<Session>, tokio_postgres::Error> {
        let mut shared = self.shared.lock().await;
        if let Some(session) = shared.as_ref().filter(|session| session.is_open()) {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new((self.connect)().await?);
        *shared = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Closes the shared connection, unless it was replaced already.
    pub(super) async fn discard(&self, session: &Arc<Session>) {
        let mut shared = self.shared.lock().await;
        shared.take_if(|current| Arc::ptr_eq(current, session));
    }

    /// Borrows a connection, and waits while all are in use.
    pub(super) async fn borrow(&self) -> Result<Borrowed<'_>, tokio_postgres::Error> {
        let permit = self.permits.acquire().await.expect("the semaphore of the pool is never closed");
        let idle = {
            let mut idle = self.idle();
            idle.retain(Session::is_open);
            idle.pop()
        };
        let session = match idle {
            Some(session) => session,
            None => (self.connect)().await?,
        };
        Ok(Borrowed { session, pool: self, _permit: permit })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        // No code panics while it holds the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A borrowed connection. It is closed when it is dropped, unless it is [returned](Self::put_back), because its state is
/// unknown if its commit has failed or was cancelled.
pub(super) struct Borrowed<'a> {
    session: Session,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Borrowed<'_> {
    /// Returns the connection to the pool.
    pub(super) fn put_back(self) {
        self.pool.idle().push(self.session);
    }
}

impl Deref for Borrowed<'_> {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Borrowed<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
