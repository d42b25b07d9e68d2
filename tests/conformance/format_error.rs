//! Errors in the format of a program.

use std::fmt;

/// An error, and its path in the JSON of the line: `p[0].b[2]` is the third statement of the first function.
#[derive(Debug)]
pub(super) struct FormatError {
    path: String,
    what: String,
}

impl FormatError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// Prepends the index of an item to the path.
    pub(super) fn at_index(self, item: usize) -> Self {
        self.at_path(&format!("[{item}]"))
    }

    pub(super) fn at_path(self, path: &str) -> Self {
        Self { path: format!("{path}{}", self.path), ..self }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, what } = self;
        if path.is_empty() { f.write_str(what) } else { write!(f, "{path}: {what}") }
    }
}
