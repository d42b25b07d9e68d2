use std::error::Error;
use std::future::Future;
use std::time::{SystemTime, UNIX_EPOCH};

/// A key-value store with an atomic compare-and-set, for a [`StoreEngine`](super::StoreEngine).
///
/// A *row* is the state of a partition as text. Its key is the name of the partition. Each row has a list of items beside it.
///
/// [An engine of your own](super::your_engine) implements this trait for Redis.
///
/// # Cancel safety
///
/// If the future of a method is dropped, the call may have had its effect or may have it later. The engine handles that.
pub trait Store: Send + Sync + 'static {
    /// The type of the errors of the store's client.
    type Error: Error + Send + Sync + 'static;

    /// Returns all rows as pairs of a name and a text, in any order. Each claim calls this method.
    fn rows(&self) -> impl Future<Output = Result<Vec<(String, String)>, Self::Error>> + Send;

    /// Returns a row; `None` if it does not exist. It must not be older than the last [`replace`](Self::replace) that has
    /// completed: in a replicated store, read from the leader.
    fn row(&self, name: &str) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;

    /// Replaces a row by `new` and appends items to its list, both or neither, if the row is still `old`. If `old` is
    /// `None`, the row must not exist yet. Returns `true` if the row was replaced, and `false` if not, in which case nothing
    /// has changed.
    ///
    /// This is the only method that writes. It must be atomic and durable: a store that loses acknowledged writes, for
    /// example in a failover, loses the items of those writes together with their checkpoints.
    fn replace(
        &self,
        name: &str,
        old: Option<&str>,
        new: &str,
        items: Vec<String>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Returns the time in milliseconds since a fixed instant, by which leases expire. The default is the clock of this
    /// machine, in milliseconds since 1970. The clocks of all machines should agree up to a fraction of the lease time. If a
    /// clock is wrong, leases expire early or late, which costs time, but no item is lost or stored twice.
    fn now(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        std::future::ready(Ok(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)))
    }
}
