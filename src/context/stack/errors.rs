use std::any::Any;
use std::error::Error;
use std::fmt::{self, Debug, Write as _};
use std::mem;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::context::report::report_exit_error;
use crate::error_text::{bounded, is_report, mark_group};
use crate::known_error::describe;

/// An error of any type, with its text.
///
/// A box of it implements it, too: dereference the box before a call.
pub trait ExitError: Any + Debug + Send {
    fn as_any_mut(&mut self) -> &mut (dyn Any + Send);

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;

    /// Returns the text of the error and its causes.
    fn text(&self) -> String;

    /// Notifies the observers of an error that cannot be returned.
    fn report(&self, name: &'static str);
}

impl<E: Any + Debug + Send> ExitError for E {
    fn as_any_mut(&mut self) -> &mut (dyn Any + Send) {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn text(&self) -> String {
        describe(self, Some(self)).unwrap_or_default()
    }

    fn report(&self, name: &'static str) {
        report_exit_error(name, self);
    }
}

pub(super) type BoxExitError = Box<dyn ExitError>;

/// The errors of the exits of an [`AsyncExitStack`](super::AsyncExitStack), of which there is at least one.
///
/// Each error has the type that its exit returned, and can be downcast to it. Errors that a later exit suppressed are
/// not included.
///
/// It is formatted as the number of failed exits and their errors with all causes, the last error first, cut off after
/// 2,000 bytes. The [`source`](Error::source) is an error with the text of the first in this order. The text of a type
/// that [`CleanupEvent::error_text`](crate::cleanup::CleanupEvent::error_text) does not know is its `Debug`.
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
/// assert_eq!(errors.to_string(), "2 exits failed: first pushed, last called; 7");
/// # }
/// ```
pub struct ExitErrors {
    /// Boxed, so that the result of an exit that has not failed is small: it is moved several times.
    inner: Box<Inner>,
}

struct Inner {
    /// The last error is at the end. The mutex makes the type `Sync`, which the errors need not be: it is locked while
    /// their text is written.
    all: Mutex<Vec<BoxExitError>>,
    len: usize,
    /// Written when it is first needed, and again after an error could be changed.
    text: OnceLock<Text>,
}

/// The texts of the errors.
struct Text {
    all: String,
    first: ErrorText,
}

/// The text of an error, as an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ErrorText(String);

impl ExitErrors {
    /// Returns `None` if there are no errors.
    #[inline]
    pub(super) fn new(errors: Vec<BoxExitError>) -> Option<Self> {
        if errors.is_empty() { None } else { Some(Self::boxed(errors)) }
    }

    pub(super) fn one(error: impl Any + Debug + Send) -> Self {
        Self::boxed(vec![Box::new(error)])
    }

    #[cold]
    fn boxed(errors: Vec<BoxExitError>) -> Self {
        let len = errors.len();
        Self { inner: Box::new(Inner { all: Mutex::new(errors), len, text: OnceLock::new() }) }
    }

    /// Iterates over the errors, the last one first: the order of Python's `__context__`.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut (dyn Any + Send)> {
        self.inner.text = OnceLock::new();
        self.errors().iter_mut().rev().map(|error| (**error).as_any_mut())
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
        self.inner.len
    }

    /// Returns all errors, the last one first.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Box<dyn Any + Send>> {
        mem::take(self.errors()).into_iter().rev().map(ExitError::into_any).collect()
    }

    fn errors(&mut self) -> &mut Vec<BoxExitError> {
        self.inner.all.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> &Text {
        self.inner.text.get_or_init(|| {
            let errors = self.inner.all.lock().unwrap_or_else(PoisonError::into_inner);
            let mut texts = errors.iter().rev().map(|error| (**error).text());
            let first = texts.next().unwrap_or_default();
            let all = bounded(|text| {
                match self.inner.len {
                    1 => write!(text, "an exit failed: {first}")?,
                    n => write!(text, "{n} exits failed: {first}")?,
                }
                texts.try_for_each(|error| write!(text, "; {error}"))
            });
            Text { all, first: ErrorText(first) }
        })
    }
}

/// Reports write the text instead of the number.
impl Debug for ExitErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            return write!(f, "{self}");
        }
        f.debug_struct("ExitErrors").field("len", &self.inner.len).finish_non_exhaustive()
    }
}

impl fmt::Display for ExitErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text().all)?;
        mark_group();
        Ok(())
    }
}

/// The source is an error with the text of the last error and its causes.
impl Error for ExitErrors {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.text().first)
    }
}

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
