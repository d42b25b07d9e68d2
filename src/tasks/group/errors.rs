use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::OnceLock;
use std::vec;
use std::{iter, slice};

use crate::as_error::ErrorView;
use crate::box_error::BoxError;
use crate::error_text::{bounded, display, is_report, mark_group, mark_no_failure, with_sources};

/// The errors of the tasks of a [`TaskGroup`](super::TaskGroup), in the order in which the tasks failed: Python's
/// `ExceptionGroup`. It contains at least one error.
///
/// It is formatted as the number of failed tasks and their errors, with the causes of boxed errors, cut off after 2,000
/// bytes. The [`source`](Error::source) is the first error. For the causes of an error type of your own, create the
/// group with [`TaskGroup::with_sources`](super::TaskGroup::with_sources).
///
/// | Python | here |
/// |---|---|
/// | `eg.exceptions` | [`errors`](Self::errors) |
/// | `eg.split(predicate)` | [`split`](Self::split) |
/// | `except* ValueError as eg:` | [`split`](Self::split) with `matches!`; for [`BoxError`]s, [`split_type`](Self::split_type) |
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use withal::context::async_with;
/// use withal::tasks::{BoxError, TaskGroup};
///
/// let result = async_with!(group = TaskGroup::<BoxError>::new() => {
///     group.create_task(async { Ok("x".parse::<u32>()?) });
///     group.create_task(async { Ok("y".parse::<f64>()?) });
/// });
/// let errors = result.unwrap_err();
/// assert_eq!(
///     errors.to_string(),
///     "2 of 2 tasks failed: invalid digit found in string; invalid float literal",
/// );
/// let (of_integers, rest) = errors.split_type::<std::num::ParseIntError>();
/// assert_eq!(of_integers.len(), 1);
/// assert_eq!(rest.unwrap().errors()[0].to_string(), "invalid float literal");
/// # }
/// ```
#[doc(alias = "ExceptionGroup")]
pub struct ErrorGroup<E>(Box<Inner<E>>);

/// Boxed, so that the results which the exit of each group passes on are small.
struct Inner<E> {
    errors: Vec<E>,
    /// The number of all tasks of the group.
    tasks: u32,
    /// Finds the causes of the errors.
    view: ErrorView<E>,
    /// The source, if the first error is of an unknown type. Written when it is first needed.
    text: OnceLock<ErrorText>,
}

/// The text of an error, as an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ErrorText(String);

impl<E> ErrorGroup<E> {
    /// Returns `None` if there are no errors.
    pub(super) fn new(errors: Vec<E>, tasks: u32, view: ErrorView<E>) -> Option<Self> {
        let inner = Inner { errors, tasks, view, text: OnceLock::new() };
        (!inner.errors.is_empty()).then(|| Self(Box::new(inner)))
    }

    /// Returns the text of all errors: their number, and what `text` returns for each.
    fn text(&self, text: impl Fn(&E) -> String) -> String {
        bounded(|all| {
            write!(all, "{} of {} tasks failed", self.0.errors.len(), self.0.tasks)?;
            let texts = self.0.errors.iter().map(|error| match self.0.view.as_error(error) {
                Some(error) => with_sources(error),
                None => text(error),
            });
            iter::once(": ")
                .chain(iter::repeat("; "))
                .zip(texts)
                .try_for_each(|(separator, text)| write!(all, "{separator}{text}"))
        })
    }

    /// Borrows the errors.
    #[must_use]
    pub fn errors(&self) -> &[E] {
        &self.0.errors
    }

    /// Iterates over the errors.
    pub fn iter(&self) -> slice::Iter<'_, E> {
        self.0.errors.iter()
    }

    /// Moves the errors out.
    #[must_use]
    pub fn into_errors(self) -> Vec<E> {
        self.0.errors
    }

    /// Splits the group into the errors for which `matches` returns `true`, and the others. Each part is `None` if it
    /// has no errors.
    #[must_use]
    pub fn split(self, matches: impl FnMut(&E) -> bool) -> (Option<Self>, Option<Self>) {
        let Inner { errors, tasks, view, .. } = *self.0;
        let (matching, others) = errors.into_iter().partition(matches);
        (Self::new(matching, tasks, view), Self::new(others, tasks, view))
    }
}

impl ErrorGroup<BoxError> {
    /// Splits the group into the errors of type `T`, and a group of the others.
    ///
    /// Nested groups are searched, too, if their errors are `BoxError`s or of type `T`. The other errors stay in their
    /// groups.
    #[must_use]
    pub fn split_type<T: Error + 'static>(self) -> (Vec<T>, Option<Self>) {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        let Inner { errors, tasks, view, .. } = *self.0;
        for error in errors {
            match error.downcast::<T>() {
                Ok(error) => found.push(error),
                Err(error) => {
                    let (inside, rest) = split_inside(error);
                    found.extend(inside);
                    others.extend(rest);
                }
            }
        }
        (found, Self::new(others, tasks, view))
    }
}

/// Splits one error, which may be a nested group.
fn split_inside<T: Error + 'static>(error: BoxError) -> (Vec<T>, Option<BoxError>) {
    let error = match error.downcast::<ErrorGroup<T>>() {
        Ok(group) => return (group.into_errors(), None),
        Err(error) => error,
    };
    match error.downcast::<ErrorGroup<BoxError>>() {
        Ok(group) => {
            let (inside, rest) = group.split_type();
            (inside, rest.map(BoxError::from))
        }
        Err(error) => (Vec::new(), Some(error)),
    }
}

impl<E: fmt::Display> fmt::Display for ErrorGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(|error| display(error)))?;
        mark_group();
        Ok(())
    }
}

/// Reports write the texts of the errors instead of the fields.
impl<E: fmt::Debug> fmt::Debug for ErrorGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            let unknown = |error: &E| bounded(|text| write!(text, "{error:-?}"));
            return f
                .write_str(&self.text(|error| self.0.view.message(error).unwrap_or_else(|| unknown(error))));
        }
        f.debug_struct("ErrorGroup")
            .field("errors", &self.0.errors)
            .field("tasks", &self.0.tasks)
            .finish_non_exhaustive()
    }
}

/// The source is the first error, or an error with its text: see
/// [`TaskGroup::with_sources`](super::TaskGroup::with_sources).
impl<E: fmt::Debug + fmt::Display + 'static> Error for ErrorGroup<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let first = self.0.errors.first()?;
        let text = || Some(self.0.text.get_or_init(|| ErrorText(format!("{first:#}"))) as _);
        self.0.view.as_error(first).or_else(text)
    }
}

impl<E> IntoIterator for ErrorGroup<E> {
    type Item = E;
    type IntoIter = vec::IntoIter<E>;

    fn into_iter(self) -> vec::IntoIter<E> {
        self.0.errors.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a ErrorGroup<E> {
    type Item = &'a E;
    type IntoIter = slice::Iter<'a, E>;

    fn into_iter(self) -> slice::Iter<'a, E> {
        self.0.errors.iter()
    }
}

/// The error of a [`Spawner`](super::Spawner) that cannot start a task: Python's `RuntimeError`s, with the same
/// messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskGroupError {
    /// The group has ended.
    #[error("task group is finished")]
    Finished,
    /// The group is cancelling its tasks: a task has failed, the block has failed or was dropped, or the group was
    /// [cancelled](super::TaskGroup::cancel).
    #[error("task group is shutting down")]
    ShuttingDown,
}

/// The error in the handle of a task that failed in a group. The error of the task itself is in the [`ErrorGroup`].
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task failed; its error is in the group's `ErrorGroup`")]
pub struct FailedInGroup;

/// The group reports the failure itself.
impl fmt::Debug for FailedInGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            mark_no_failure();
        }
        f.write_str("FailedInGroup")
    }
}
