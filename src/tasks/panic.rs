use std::any::Any;
use std::fmt;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use crate::panic::{KeptPayload, Payload};

/// The panic of a task or of a job.
///
/// Clones share the payload, and are equal.
#[derive(Clone)]
pub struct Panic(Arc<Inner>);

struct Inner {
    message: String,
    payload: Mutex<Option<KeptPayload>>,
}

impl Panic {
    pub(super) fn new(payload: Payload) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            *text
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text
        } else {
            "a payload that is not a string"
        };
        let message = message.to_owned();
        Self(Arc::new(Inner { message, payload: Mutex::new(Some(KeptPayload::new(payload))) }))
    }

    /// Returns the message, as in `panic!("message")`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Takes the payload. Returns `None` if it was taken before, by this value or by a clone.
    #[must_use]
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.take().map(KeptPayload::into_inner)
    }

    fn take(&self) -> Option<KeptPayload> {
        // No code panics while the payload is locked.
        self.0.payload.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Calls `f` with the payload, or with the message if the payload was taken before.
    pub(super) fn with_payload(&self, f: impl FnOnce(&(dyn Any + Send))) {
        let payload = self.take();
        let lock = |payload| *self.0.payload.lock().unwrap_or_else(PoisonError::into_inner) = payload;
        match payload {
            // The payload is not locked while `f` runs, which is user code.
            Some(payload) => {
                f(&*payload);
                lock(Some(payload));
            }
            None => f(&self.message().to_owned()),
        }
    }

    /// Resumes the panic on the current thread, without calling the panic hook again.
    ///
    /// # Panics
    ///
    /// Always panics, with the payload, or with the message if the payload was taken before.
    pub fn resume_unwind(self) -> ! {
        let payload = self.take_payload().unwrap_or_else(|| Box::new(self.message().to_owned()));
        panic::resume_unwind(payload)
    }
}

impl PartialEq for Panic {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Panic {}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}
