use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;

use super::error::NatsError;

const PARTITION: &str = "Withal-Partition";
const STATE: &str = "Withal-State";
const CHECKPOINT: &str = "Withal-Checkpoint";
const CLAIM: &str = "Withal-Claim";
const ATTEMPT: &str = "Withal-Attempt";
const ITEMS: &str = "Withal-Items";
const ERROR: &str = "Withal-Error";

/// The claim in the message of a release, which is that of no token.
pub(super) const RELEASED: Option<u64> = Some(0);

/// The state of a partition after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Leased,
    Waiting,
    Done,
    SetAside,
}

impl State {
    /// Returns `true` if the partition is not claimed again.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::SetAside)
    }
}

const STATES: [(State, &str); 5] = [
    (State::Free, "free"),
    (State::Leased, "leased"),
    (State::Waiting, "waiting"),
    (State::Done, "done"),
    (State::SetAside, "set-aside"),
];

/// The headers of a message in the stream of the pages, which are the state of the partition after it. The body of a commit
/// contains its items. The other messages have no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) partition: String,
    pub(super) state: State,
    /// The checkpoint as JSON; `None` at the start.
    pub(super) checkpoint: Option<String>,
    /// The sequence of the message of the claim; `None` in that message, and if the partition was never claimed.
    pub(super) claim: Option<u64>,
    /// The number of the attempt, as in [`Partition`](crate::fleet::Partition).
    pub(super) attempt: u32,
    /// The number of items in this message and all before it.
    pub(super) items: u64,
    pub(super) error: Option<String>,
}

impl Entry {
    /// Creates the entry of a partition that was never claimed.
    pub(super) fn new(partition: String) -> Self {
        Self {
            partition,
            state: State::Free,
            checkpoint: None,
            claim: None,
            attempt: 0,
            items: 0,
            error: None,
        }
    }

    /// Returns the headers of the message that follows the one with the sequence `last` on its subject.
    pub(super) fn to_headers(&self, last: u64) -> HeaderMap {
        let Self { partition, state, checkpoint, claim, attempt, items, error } = self;
        let state = STATES.iter().find(|(other, _)| other == state).map_or("", |(_, name)| name);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        // A JSON string has no line breaks, and no spaces at its ends.
        headers.insert(PARTITION, json(partition));
        headers.insert(STATE, state);
        headers.insert(ATTEMPT, attempt.to_string());
        headers.insert(ITEMS, items.to_string());
        if let Some(checkpoint) = checkpoint {
            headers.insert(CHECKPOINT, checkpoint.as_str());
        }
        if let Some(claim) = claim {
            headers.insert(CLAIM, claim.to_string());
        }
        if let Some(error) = error {
            headers.insert(ERROR, json(error));
        }
        headers
    }

    /// Reads the headers of a message, which has the given sequence.
    pub(super) fn from_headers(headers: &HeaderMap, sequence: u64) -> Result<Self, NatsError> {
        let get = |name: &'static str| headers.get(name).map(async_nats::HeaderValue::as_str);
        let read = || {
            let state = get(STATE)?;
            Some(Self {
                partition: serde_json::from_str(get(PARTITION)?).ok()?,
                state: STATES.iter().find(|(_, name)| *name == state)?.0,
                checkpoint: get(CHECKPOINT).map(str::to_owned),
                claim: get(CLAIM).map(str::parse).transpose().ok()?,
                attempt: get(ATTEMPT)?.parse().ok()?,
                items: get(ITEMS)?.parse().ok()?,
                error: get(ERROR).map(serde_json::from_str).transpose().ok()?,
            })
        };
        read().ok_or(NatsError::Message(sequence))
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Entry, State};

    #[test]
    fn headers_round_trip() {
        let entry = Entry {
            partition: " a\r\nb".into(),
            state: State::Leased,
            checkpoint: Some(r#"{"cursor":"x\ny"}"#.into()),
            claim: Some(7),
            attempt: 3,
            items: 12,
            error: Some("first line\nsecond: line\0 ".into()),
        };
        assert_eq!(Entry::from_headers(&entry.to_headers(6), 7).unwrap(), entry);
        let entry = Entry::new(String::new());
        assert_eq!(Entry::from_headers(&entry.to_headers(0), 1).unwrap(), entry);
    }
}
