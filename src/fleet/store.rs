use std::error::Error;
use std::future::Future;
use std::time::{SystemTime, UNIX_EPOCH};

/// A key-value store with compare-and-set, on which [`StoreEngine`](super::StoreEngine) is an
/// [`Engine`](super::Engine): what an engine of your own has to implement.
///
/// A *row* is the text of a partition's state, by the partition's name. Each row has a list of items beside it.
///
/// [An engine of your own](super::your_engine) implements it for Redis.
pub trait Store: Send + Sync + 'static {
    /// The error of the store's client.
    type Error: Error + Send + Sync + 'static;

    /// Returns all rows with their names, in any order. It is called for each claim.
    fn rows(&self) -> impl Future<Output = Result<Vec<(String, String)>, Self::Error>> + Send;

    /// Returns a row; `None` if it does not exist. It must not be older than the last
    /// [`replace`](Self::replace) that has completed: read from the leader.
    fn row(&self, name: &str) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;

    /// Replaces a row and appends items to its list, both or neither, if the row is still `old`; `None` if it must not
    /// exist. Returns `false`, and changes nothing, if it is another.
    ///
    /// This is the only write. It must be atomic, and must not be undone: a store that may lose acknowledged writes, for
    /// example when it fails over, loses the items of those writes together with their checkpoints.
    fn replace(
        &self,
        name: &str,
        old: Option<&str>,
        new: &str,
        items: Vec<String>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Returns the time in milliseconds, by which leases expire. The default is the clock of this machine, so the clocks of
    /// all machines must agree up to a fraction of the lease time. A clock that is wrong costs time, because leases
    /// expire early or late, but no item is lost or stored twice.
    fn now(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        std::future::ready(Ok(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)))
    }
}
