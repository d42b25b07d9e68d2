/// The outcome of a step of a coroutine: it has yielded or returned a value.
///
/// Python represents the returned value as an exception, `StopIteration(value)`, which a body can raise by accident
/// (PEP 479). Here, it is a variant, which cannot be confused with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step<Y, R> {
    /// The body has yielded a value, and is suspended until it is resumed.
    Yielded(Y),
    /// The body has returned a value.
    Complete(R),
}

impl<Y, R> Step<Y, R> {
    /// Returns the value that the body has yielded, if it did.
    #[must_use]
    pub fn yielded(self) -> Option<Y> {
        match self {
            Self::Yielded(value) => Some(value),
            Self::Complete(_) => None,
        }
    }

    /// Returns the value that the body has returned, if it did.
    #[must_use]
    pub fn complete(self) -> Option<R> {
        match self {
            Self::Yielded(_) => None,
            Self::Complete(value) => Some(value),
        }
    }
}

/// The state of a coroutine: Python's `inspect.getcoroutinestate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The body has not started.
    Created,
    /// A step is in progress: the body awaits something that is not ready.
    Running,
    /// The body is suspended at a yield.
    Suspended,
    /// The body has returned, failed, panicked or been closed, and has been dropped.
    Closed,
}
