use ::sqlx::Error;

/// The number of cancelled statements that may fail before the statement that ends a block is executed.
const MAX: usize = 16;

/// The errors of cancelled statements. sqlx reads the response to such a statement when the next one is executed, and
/// returns that error instead of executing the next one.
#[derive(Debug, Default)]
pub(super) struct LateErrors(usize);

impl LateErrors {
    /// Returns the error if it does not come from the server, or if it exceeds the limit. Otherwise, the statement has to be
    /// executed again.
    pub(super) fn ignore(&mut self, error: Error) -> Result<(), Error> {
        self.0 += 1;
        if matches!(error, Error::Database(_)) && self.0 <= MAX { Ok(()) } else { Err(error) }
    }
}
