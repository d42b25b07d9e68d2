use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// An error of any type.
pub(super) type BoxAny = Box<dyn Any + Send>;

/// The errors of the exits of an [`AsyncExitStack`](super::AsyncExitStack), of which there is at least one.
///
/// Each error has the type that its exit returned, and can be downcast to it. Errors that a later exit suppressed are
/// not included.
///
/// # Examples
///
/// ```
/// use withal::context::AsyncExitStack;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let stack = AsyncExitStack::new();
/// stack.callback(|| Err::<(), _>("first pushed, last called"));
/// stack.callback(|| Err::<(), _>(7));
/// let mut errors = stack.aclose().await.unwrap_err();
/// assert_eq!(errors.len(), 2);
/// assert_eq!(errors.downcast_mut::<i32>(), Some(&mut 7));
/// assert_eq!(errors.to_string(), "2 exits failed");
/// # }
/// ```
pub struct ExitErrors {
    /// The last error is at the end. The mutex is never locked: it only makes the type `Sync`, which the errors need
    /// not be.
    errors: Mutex<Vec<BoxAny>>,
    len: usize,
}

impl ExitErrors {
    /// Returns `None` if there are no errors.
    pub(super) fn new(errors: Vec<BoxAny>) -> Option<Self> {
        let len = errors.len();
        (len > 0).then(|| Self { errors: Mutex::new(errors), len })
    }

    pub(super) fn one(error: impl Any + Send) -> Self {
        Self { errors: Mutex::new(vec![Box::new(error)]), len: 1 }
    }

    /// Iterates over the errors, the last one first: the order of Python's `__context__`.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut (dyn Any + Send)> {
        self.errors().iter_mut().rev().map(|error| &mut **error)
    }

    /// Returns the first error of type `E`, in the order of [`iter_mut`](Self::iter_mut).
    #[must_use]
    pub fn downcast_mut<E: 'static>(&mut self) -> Option<&mut E> {
        self.iter_mut().find_map(|error| error.downcast_mut())
    }

    /// Returns the number of errors, which is at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns all errors, the last one first.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Box<dyn Any + Send>> {
        let mut errors = std::mem::take(self.errors());
        errors.reverse();
        errors
    }

    fn errors(&mut self) -> &mut Vec<BoxAny> {
        self.errors.get_mut().unwrap_or_else(PoisonError::into_inner)
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

/// The error of an exit that a stack cannot run, because the block is still using the guard.
///
/// It occurs if [`pop_all`](super::AsyncExitStack::pop_all) has moved the exits out of the block, and they run while a
/// [`StackGuard`](super::StackGuard) is still alive. When the `StackGuard` is dropped, the drop policy of the guard
/// applies. If the `StackGuard` was forgotten, the guard is leaked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guard is still in use: drop its `StackGuard` before the stack is exited")]
#[non_exhaustive]
pub struct GuardInUse;

/// The error of a stack whose block was interrupted by a manager that is no longer on the stack.
///
/// It occurs if [`pop_all`](super::AsyncExitStack::pop_all) or [`mem::take`](std::mem::take) has moved the manager to
/// another stack, while the block in which the manager was entered still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the block was interrupted by a manager that has moved to another stack: enter that stack to limit it instead"
)]
#[non_exhaustive]
pub struct InterruptedByMoved;
