use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use withal::pages::{Event, Progress, http};

/// Prints items to stdout and progress to stderr, as a bar on a terminal and as lines elsewhere.
pub(crate) struct Output {
    bar: Option<ProgressBar>,
    /// Items that are not written yet.
    lines: Vec<u8>,
}

impl Output {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} items, {msg}");
        let bar =
            io::stderr().is_terminal().then(|| ProgressBar::no_length().with_style(style.expect("valid")));
        Self { bar, lines: Vec::new() }
    }

    pub(crate) fn print(&mut self, doc: &Value) {
        self.lines.extend_from_slice(doc.to_string().as_bytes());
        self.lines.push(b'\n');
    }

    /// Writes the buffered items to stdout.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        without_bar(self.bar.as_ref(), || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&self.lines)?;
            stdout.flush()
        })?;
        self.lines.clear();
        Ok(())
    }

    pub(crate) fn progress(&self, progress: Progress) {
        let Progress { items, pages, total, .. } = progress;
        if let Some(bar) = &self.bar {
            total.inspect(|total| bar.set_length(*total));
            bar.set_message(format!("page {pages}"));
            bar.set_position(items);
        } else {
            let total = total.map(|total| format!(" of {total}")).unwrap_or_default();
            self.note(&format!("page {pages}: {items}{total} items"));
        }
    }

    /// Returns an observer that prints retries. It runs on the task that reads ahead.
    pub(crate) fn observer(&self) -> impl FnMut(&Event<'_, String, http::Error>) + Send + use<> {
        let bar = self.bar.clone();
        move |event| {
            if let Event::Retry { page, delay, error, .. } = event {
                note(bar.as_ref(), &format!("page {page}: {error}; retrying in {delay:?}"));
            }
        }
    }

    pub(crate) fn note(&self, line: &str) {
        note(self.bar.as_ref(), line);
    }

    pub(crate) fn finish(&self) {
        self.bar.as_ref().inspect(|bar| bar.finish_and_clear());
    }
}

/// Prints a line to stderr. A closed stderr does not stop the program.
fn note(bar: Option<&ProgressBar>, line: &str) {
    without_bar(bar, || drop(writeln!(io::stderr(), "{line}")));
}

/// Writes while the bar is hidden: a bar and other lines would overwrite each other.
fn without_bar<R>(bar: Option<&ProgressBar>, write: impl FnOnce() -> R) -> R {
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
