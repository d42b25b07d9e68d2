use std::error::Error;
use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::error_text::{is_report, with_sources};

/// An error of any type, for tasks that fail in several ways, and for a [`TaskGroup`](crate::tasks::TaskGroup) of such
/// tasks.
///
/// It wraps a `Box<dyn Error + Send + Sync>`. With the box itself, the compiler could not prove that the block of a
/// group is `Send` inside a task. `?` converts any error into a `BoxError`. For that reason, `BoxError` does not
/// implement [`Error`] itself, but dereferences to it; neither does `anyhow::Error`, which can be used instead. A text
/// becomes a `BoxError` by [`msg`](Self::msg).
///
/// `{:#}` formats the error with all its [sources](Error::source), separated by colons.
///
/// # Examples
///
/// ```
/// use withal::tasks::BoxError;
///
/// fn parse(text: &str) -> Result<u32, BoxError> {
///     Ok(text.parse()?)
/// }
/// let error = parse("x").unwrap_err();
/// assert!(error.is::<std::num::ParseIntError>());
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// ```
#[doc(alias = "AnyError")]
pub struct BoxError(Box<dyn Error + Send + Sync>);

impl BoxError {
    /// Creates an error from a text.
    ///
    /// # Examples
    ///
    /// ```
    /// use withal::tasks::BoxError;
    ///
    /// fn port(text: &str) -> Result<u16, BoxError> {
    ///     let (_, port) = text.split_once(':').ok_or_else(|| BoxError::msg("no port"))?;
    ///     Ok(port.parse()?)
    /// }
    /// assert_eq!(port("localhost").unwrap_err().to_string(), "no port");
    /// ```
    #[must_use]
    pub fn msg(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// Creates an error from a box of the standard library.
    #[must_use]
    pub fn from_boxed(error: Box<dyn Error + Send + Sync>) -> Self {
        Self(error)
    }

    /// Returns `true` if the error is a `T`.
    #[must_use]
    pub fn is<T: Error + 'static>(&self) -> bool {
        self.0.is::<T>()
    }

    /// Borrows the error as a `T`, if it is one.
    #[must_use]
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// Moves the error out as a `T`.
    ///
    /// # Errors
    ///
    /// Returns this `BoxError` if the error has another type.
    pub fn downcast<T: Error + 'static>(self) -> Result<T, Self> {
        self.0.downcast().map(|error| *error).map_err(Self)
    }

    /// Returns the error as a box of the standard library.
    #[must_use]
    pub fn into_boxed(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for BoxError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl From<BoxError> for Box<dyn Error + Send + Sync> {
    fn from(error: BoxError) -> Self {
        error.0
    }
}

impl From<BoxError> for Box<dyn Error> {
    fn from(error: BoxError) -> Self {
        error.0
    }
}

impl Deref for BoxError {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl DerefMut for BoxError {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.0
    }
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let mut source = if f.alternate() { self.0.source() } else { None };
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// Reports write the text and the causes instead of the fields.
impl fmt::Debug for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            return f.write_str(&with_sources(&*self.0));
        }
        self.0.fmt(f)
    }
}
