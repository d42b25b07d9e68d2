use std::fmt::Debug;
use std::time::Duration;

use withal::pages::http::Error;
use withal::pages::{AsyncGetDocs, Cursor};

use super::Outcome;
use crate::http::chain;

/// The result of a walk through all pages.
#[derive(Debug)]
pub(super) struct Got<T> {
    pub(super) items: Vec<T>,
    pub(super) error: Option<String>,
    /// It did not end within 500 items and ten seconds.
    endless: bool,
}

pub(super) async fn walk<T: Send + 'static, C: Cursor>(mut docs: AsyncGetDocs<T, C, Error>) -> Got<T> {
    let mut got = Got { items: Vec::new(), error: None, endless: false };
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while got.items.len() < 500 {
        match tokio::time::timeout_at(end, docs.try_next()).await {
            Err(_) => break,
            Ok(Ok(Some(item))) => got.items.push(item),
            Ok(Ok(None)) => return got,
            Ok(Err(error)) => {
                got.error = Some(chain(&error));
                return got;
            }
        }
    }
    got.endless = true;
    got
}

impl<T: PartialEq + Debug> Got<T> {
    /// Requires these items, and the end.
    pub(super) fn is(self, want: &[T]) -> Outcome {
        if self.items == want && self.error.is_none() && !self.endless {
            Ok(())
        } else {
            Err(self.shown(want))
        }
    }

    /// Requires these items and the end, or an error after no other items than these.
    #[expect(clippy::wrong_self_convention, reason = "reads as a requirement, and consumes the result")]
    pub(super) fn is_or_loud(self, want: &[T]) -> Outcome {
        let right = self.items == want && self.error.is_none() && !self.endless;
        let loud = self.error.is_some() && want.starts_with(&self.items);
        if right || loud { Ok(()) } else { Err(self.shown(want)) }
    }

    /// Requires these items, and then an error with this text.
    pub(super) fn fails(self, want: &[T], text: &str) -> Outcome {
        let matches = self.error.as_ref().is_some_and(|error| error.contains(text));
        if self.items == want && matches {
            Ok(())
        } else {
            Err(format!("{}; wanted an error with {text:?}", self.shown(want)))
        }
    }

    pub(super) fn shown(&self, want: &[T]) -> String {
        let first = &self.items[..self.items.len().min(12)];
        let end = match (&self.error, self.endless) {
            (Some(error), _) => format!("then the error: {error}"),
            (None, true) => format!("without an end ({} items so far)", self.items.len()),
            (None, false) => "and the end, without an error".to_owned(),
        };
        format!("wanted {want:?}, got {first:?} {end}")
    }
}
