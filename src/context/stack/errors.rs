use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::entry::AnyError;

/// The errors of the exits of a stack: the last one, and those that it was raised under.
///
/// They are of whatever types the exits have: to look at them is to downcast them. Those that a later exit suppressed are
/// not among them.
///
/// # Examples
///
/// See [`AsyncExitStack`](super::AsyncExitStack).
pub struct ExitErrors {
    /// Never locked: only for this to be `Sync`, which the errors need not be.
    raised: Mutex<Vec<AnyError>>,
    len: usize,
}

impl ExitErrors {
    /// None if there are none.
    pub(super) fn new(raised: Vec<AnyError>) -> Option<Self> {
        let len = raised.len();
        (len > 0).then(|| Self { raised: Mutex::new(raised), len })
    }

    /// The last one first, then its context, as Python's `__context__` has them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut (dyn Any + Send)> {
        self.raised().iter_mut().rev().map(|error| &mut **error)
    }

    /// The first in that order of this type.
    #[must_use]
    pub fn downcast_mut<E: 'static>(&mut self) -> Option<&mut E> {
        self.iter_mut().find_map(|error| error.downcast_mut())
    }

    /// How many there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is not empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// All of them, the last one first.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Box<dyn Any + Send>> {
        let mut errors = std::mem::take(self.raised());
        errors.reverse();
        errors
    }

    fn raised(&mut self) -> &mut Vec<AnyError> {
        self.raised.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ExitErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitErrors").field("len", &self.len).finish_non_exhaustive()
    }
}

impl fmt::Display for ExitErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len {
            1 => f.write_str("an exit failed"),
            n => write!(f, "{n} exits failed"),
        }
    }
}

impl std::error::Error for ExitErrors {}

/// A resource of a stack was not given back before its exit.
///
/// Its [`StackGuard`](super::StackGuard) still lives, since [`pop_all`](super::AsyncExitStack::pop_all) took the exits out of the block:
/// then it is exited when that is dropped. Or that was forgotten, and it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resource is still lent")]
#[non_exhaustive]
pub struct GuardInUse;
