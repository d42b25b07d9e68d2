/// The progress of a whole fleet, on all machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetProgress {
    /// The number of partitions that can be claimed now: new ones, released ones, and those whose lease has expired.
    pub pending: u64,
    /// The number of partitions with an owner and a lease that has not expired.
    pub leased: u64,
    /// The number of partitions that wait for a retry.
    pub waiting: u64,
    /// The number of finished partitions.
    pub done: u64,
    /// The partitions that were set aside, with their last errors, sorted by name.
    pub set_aside: Vec<SetAside>,
    /// The number of items that were committed, over all partitions.
    pub items: u64,
}

impl FleetProgress {
    /// Returns the number of partitions that are neither finished nor set aside.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.pending + self.leased + self.waiting
    }
}

/// A partition that was set aside because its last attempt has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// The name of the partition.
    pub partition: String,
    /// The text of the error of the last attempt.
    pub error: String,
}

impl SetAside {
    /// Creates an entry of [`FleetProgress::set_aside`], for an [`Engine`](super::Engine).
    pub fn new(partition: impl Into<String>, error: impl Into<String>) -> Self {
        Self { partition: partition.into(), error: error.into() }
    }
}
