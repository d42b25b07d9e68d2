use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

type Payload = Box<dyn Any + Send>;

/// What the work of a [`TaskHandle`](super::TaskHandle) panicked with.
///
/// Clones are of the same panic, and are equal.
#[derive(Clone)]
pub struct Panic(Arc<Shared>);

struct Shared {
    message: String,
    payload: Mutex<Option<Payload>>,
}

impl Panic {
    pub(super) fn new(payload: Payload) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            *text
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text
        } else {
            "a value that is no text"
        };
        let message = message.to_owned();
        Self(Arc::new(Shared { message, payload: Mutex::new(Some(payload)) }))
    }

    /// Its text: that of `panic!("..")`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The payload, the first time; `None` when it was taken before.
    #[must_use]
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        // Nothing panics while it is locked.
        self.0.payload.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Panics with it once more, here.
    ///
    /// # Panics
    ///
    /// That is what it does: with the payload, or with its text where that was taken before. The panic hook is not called
    /// again.
    pub fn resume_unwind(self) -> ! {
        let payload = self.take_payload().unwrap_or_else(|| Box::new(self.message().to_owned()));
        resume_unwind(payload)
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
