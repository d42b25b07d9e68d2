use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use withal::pages::{Cursor, Event, Progress, http};

/// The progress on stderr: a bar on a terminal, and elsewhere only retries and a summary.
pub(crate) struct Bar {
    bar: ProgressBar,
    /// The items of earlier runs.
    before: u64,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
        Self { bar, before: 0 }
    }

    pub(crate) fn start(&mut self, progress: Progress) {
        self.before = progress.items;
        self.update(progress);
        // The items of earlier runs do not count for the rate.
        self.bar.reset_eta();
    }

    pub(crate) fn update(&self, Progress { items, total, .. }: Progress) {
        let template = match total {
            Some(_) => "{bar:30} {pos} of {len} items, {per_sec}, {eta} left",
            None => "{spinner} {pos} items, {per_sec}",
        };
        self.bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        total.inspect(|total| self.bar.set_length(*total));
        self.bar.set_position(items);
    }

    pub(crate) fn finish(&self, Progress { items, pages, retries, .. }: Progress) {
        self.bar.finish_and_clear();
        let new = items - self.before;
        note(&self.bar, &format!("{new} items written, {items} in total, {pages} pages, {retries} retries"));
    }

    /// Returns an observer that prints what a user would want to know. It may run on the task that reads ahead.
    pub(crate) fn observer<C: Cursor>(&self) -> impl FnMut(&Event<'_, C, http::Error>) + Send + use<C> {
        let bar = self.bar.clone();
        move |event| match event {
            Event::Retry { page, delay, error, .. } => {
                note(&bar, &format!("page {page}: {error}; retrying in {delay:?}"));
            }
            Event::EndedShort { items, total, .. } => {
                note(&bar, &format!("warning: the API reported {total} items, but sent {items}"));
            }
            _ => {}
        }
    }
}

/// Prints a line while the bar is hidden. A closed stderr does not stop the program.
fn note(bar: &ProgressBar, line: &str) {
    bar.suspend(|| drop(writeln!(io::stderr(), "{line}")));
}
