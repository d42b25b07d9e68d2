use std::any::Any;
use std::sync::{Arc, Mutex};

use withal::cleanup::{CleanupEvent, ObserverGuard, observe};

/// What the observers were told of the cleanups of one name: the tests of this process share them.
pub(crate) struct Heard {
    words: Arc<Mutex<Vec<String>>>,
    _observer: ObserverGuard,
}

impl Heard {
    pub(crate) fn of(name: &'static str) -> Self {
        let words = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&words);
        let observer = observe(move |event| {
            if event.name() == name {
                heard.lock().unwrap().push(word(event));
            }
        });
        Self { words, _observer: observer }
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.words.lock().unwrap().clone()
    }
}

fn word(event: &CleanupEvent<'_>) -> String {
    match event {
        CleanupEvent::Failed { error, .. } => format!("failed: {}", text(*error)),
        CleanupEvent::Panicked { payload, .. } => format!("panicked: {}", text(*payload)),
        CleanupEvent::Abandoned { reason, .. } => format!("abandoned: {reason}"),
        _ => unreachable!("an event that these tests do not know: {event}"),
    }
}

fn text(value: &(dyn Any + Send)) -> &'static str {
    value.downcast_ref::<&'static str>().unwrap()
}
