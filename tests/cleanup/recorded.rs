use std::any::Any;
use std::sync::{Arc, Mutex};

use withal::cleanup::{CleanupEvent, ObserverGuard, observe};

/// The events of all cleanups with one name. The tests of this process share the observers, so each uses its own name.
pub(crate) struct RecordedEvents {
    entries: Arc<Mutex<Vec<String>>>,
    _observer: ObserverGuard,
}

impl RecordedEvents {
    pub(crate) fn of(name: &'static str) -> Self {
        let entries = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&entries);
        let observer = observe(move |event| {
            if event.name() == name {
                recorded.lock().unwrap().push(entry(event));
            }
        });
        Self { entries, _observer: observer }
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        self.entries.lock().unwrap().clone()
    }
}

fn entry(event: &CleanupEvent<'_>) -> String {
    match event {
        CleanupEvent::Failed { error, .. } => format!("failed: {}", text(*error)),
        CleanupEvent::Panicked { payload, .. } => format!("panicked: {}", text(*payload)),
        CleanupEvent::Abandoned { reason, .. } => format!("abandoned: {reason}"),
        _ => unreachable!("unexpected event: {event}"),
    }
}

fn text(value: &(dyn Any + Send)) -> &'static str {
    value.downcast_ref::<&'static str>().unwrap()
}
