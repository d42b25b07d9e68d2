//! The reports of failures that tests provoke. Printed on stderr, they would hide a report that no test expects.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Metadata, Subscriber, dispatcher};

static EXPECTED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// From now on, reports that contain `text` are not printed. All other reports still are, if no observer receives them.
///
/// It lasts until the end of the process, because a runtime reports what it abandons after the end of its test.
pub fn expect_reports(text: &'static str) {
    let mut expected = EXPECTED.lock().unwrap_or_else(PoisonError::into_inner);
    if expected.is_empty() {
        // A subscriber and not an observer, because it receives only reports that no observer receives.
        dispatcher::set_global_default(Dispatch::new(PrintUnexpected))
            .expect("no test sets a global subscriber");
    }
    if !expected.contains(&text) {
        expected.push(text);
    }
}

/// Prints the events that are not expected. Spans are disabled.
struct PrintUnexpected;

impl Subscriber for PrintUnexpected {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let text = format!("{}{}", text.message, text.error);
        let expected = EXPECTED.lock().unwrap_or_else(PoisonError::into_inner);
        if !expected.iter().any(|expected| text.contains(expected)) {
            drop(io::stderr().write_all(format!("withal: unexpected report: {text}\n").as_bytes()));
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Text {
    message: String,
    error: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.error = format!(": {value:?}"),
        }
    }

    fn record_str(&mut self, _field: &Field, value: &str) {
        self.error = format!(": {value}");
    }
}
