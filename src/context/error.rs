use std::convert::Infallible;

/// Why [`async_with`](super::async_with()) has no value.
///
/// `E` is what the block fails with, `X` the manager's error.
///
/// # Examples
///
/// Where the block's error can be made from the manager's, one line makes one error of the two:
///
/// ```
/// use withal::context::{Error, async_with, nullcontext};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::num::ParseIntError> {
/// let manager = nullcontext("7");
/// let n = async_with(manager, async |text| text.parse::<u32>()).await.map_err(Error::into_inner)?;
/// assert_eq!(n, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E, X> {
    /// Entering failed: the block did not run, and there was nothing to exit.
    #[error("cannot enter")]
    Enter(#[source] X),
    /// The block failed, and was exited.
    #[error("the block failed")]
    Block(#[source] E),
    /// The exit failed.
    #[error("cannot exit")]
    #[non_exhaustive]
    Exit {
        /// Why.
        #[source]
        error: X,
        /// What the block had failed with: Python's `__context__`.
        context: Option<E>,
    },
}

impl<E, X> Error<E, X> {
    /// One error: the block's own where it has failed, otherwise the manager's.
    ///
    /// Of a block that failed and could not be exited either, the exit's error is dropped.
    pub fn into_first(self) -> E
    where
        E: From<X>,
    {
        match self {
            Self::Block(error) | Self::Exit { context: Some(error), .. } => error,
            Self::Enter(error) | Self::Exit { error, context: None } => error.into(),
        }
    }
}

impl<E> Error<E, Infallible> {
    /// The block's error, where the manager cannot fail.
    pub fn into_inner(self) -> E {
        match self {
            Self::Block(error) => error,
            Self::Enter(never) | Self::Exit { error: never, .. } => match never {},
        }
    }
}
