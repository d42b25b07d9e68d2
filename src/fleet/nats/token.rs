use std::fmt;
use std::sync::Arc;

use async_nats::jetstream::Message;

use super::entry::Entry;

/// The token of a claim of a [`NatsEngine`](super::NatsEngine).
#[derive(Clone)]
pub struct NatsToken {
    /// The sequence of the message of the claim.
    pub(super) claim: u64,
    /// The sequence of the last message of the partition.
    pub(super) last: u64,
    /// The last message of the partition, without its items.
    pub(super) entry: Entry,
    /// The delivery of the work message, by which it is acknowledged.
    pub(super) work: Arc<Message>,
}

impl fmt::Debug for NatsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsToken")
            .field("partition", &self.entry.partition)
            .field("claim", &self.claim)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
