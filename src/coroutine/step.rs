/// What a coroutine has come to: a yield, or its end.
///
/// Python has the second as an exception, `StopIteration(value)`, which a body could raise by accident (PEP 479). Here
/// it is a value, and no error can be taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step<Y, R> {
    /// The body is at a yield, which waits for an answer.
    Yielded(Y),
    /// The body has returned.
    Complete(R),
}

impl<Y, R> Step<Y, R> {
    /// The value that was yielded, if the body is at a yield.
    #[must_use]
    pub fn yielded(self) -> Option<Y> {
        match self {
            Self::Yielded(value) => Some(value),
            Self::Complete(_) => None,
        }
    }

    /// What the body returned, if it did.
    #[must_use]
    pub fn complete(self) -> Option<R> {
        match self {
            Self::Yielded(_) => None,
            Self::Complete(value) => Some(value),
        }
    }
}
