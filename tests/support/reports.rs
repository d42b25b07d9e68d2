//! The reports of a program, for tests of errors and panics that cannot be returned.

use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::cleanup::{CleanupEvent, drain, observe};

/// Awaits a program and its cleanups. Returns the reports that contain `label`: the event, a colon, and the text of its
/// error. The tests of a process share the observers, so each test has its own label.
pub async fn reports_of(label: &'static str, program: impl Future) -> Vec<String> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&reports);
    let observer = observe(move |event: &CleanupEvent<'_>| {
        let text = format!("{event}: {}", event.error_text().unwrap_or_default());
        if text.contains(label) {
            recorded.lock().unwrap().push(text);
        }
    });
    program.await;
    drain(Duration::from_secs(60)).await.expect("the cleanups of a test end");
    drop(observer);
    take(&mut *reports.lock().unwrap())
}
