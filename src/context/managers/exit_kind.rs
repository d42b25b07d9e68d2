use std::any::TypeId;
use std::fmt;

use crate::context::exit_reason::ExitReason;

/// The way in which the block of an [`asynccontextmanager`](super::asynccontextmanager()) was left: an [`ExitReason`]
/// without the borrowed error.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitKind {
    /// The block completed, or it was left without an error.
    Ok,
    /// The block was left with an error of this type; see [`is`](Self::is).
    Error(TypeId),
    /// The block panicked.
    Panic,
    /// The block was dropped.
    Cancelled,
}

impl ExitKind {
    /// Returns `true` if the block was left without an error: the case in which a transaction commits.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }

    /// Returns `true` if the block was left with an error of type `E`: Python's `except E`.
    ///
    /// The type is that of the error itself, such as `anyhow::Error`. In contrast to [`ExitReason::is`], an error inside a
    /// box is not found: the standard library does not reveal its type without a borrow of the error, which this value
    /// does not have. Where blocks fail with boxes, push a closure with
    /// [`push_async_exit`](crate::context::AsyncExitStack::push_async_exit), or implement
    /// [`AsyncGuard`](crate::context::AsyncGuard): both receive the [`ExitReason`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use withal::context::{asynccontextmanager, async_with};
    ///
    /// async fn parse(text: &str) -> Result<Option<u32>, ParseIntError> {
    ///     let or_none = asynccontextmanager(async |y| {
    ///         let ((), exit) = y.yield_(()).await;
    ///         Ok::<_, ParseIntError>(exit.is::<ParseIntError>())
    ///     });
    ///     async_with!(_ = or_none => { text.parse::<u32>()? })
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert_eq!(parse("7").await, Ok(Some(7)));
    /// assert_eq!(parse("seven").await, Ok(None));
    /// # }
    /// ```
    #[must_use]
    pub fn is<E: 'static>(self) -> bool {
        self == Self::Error(TypeId::of::<E>())
    }

    /// Returns `true` if the block panicked.
    #[must_use]
    pub fn is_panic(self) -> bool {
        self == Self::Panic
    }

    /// Returns `true` if the block was dropped.
    #[must_use]
    pub fn is_cancelled(self) -> bool {
        self == Self::Cancelled
    }

    pub(super) fn of(exit: &ExitReason<'_>) -> Self {
        match exit {
            ExitReason::Ok => Self::Ok,
            ExitReason::Error(error) => Self::Error((**error).type_id()),
            ExitReason::Panic(_) => Self::Panic,
            ExitReason::Cancelled => Self::Cancelled,
        }
    }
}

/// The type of an error is written as `..`, because a `TypeId` cannot be read.
impl fmt::Debug for ExitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "Ok",
            Self::Error(_) => "Error(..)",
            Self::Panic => "Panic",
            Self::Cancelled => "Cancelled",
        })
    }
}
