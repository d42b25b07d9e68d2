//! Why a line of a file cannot be read.

use std::fmt;

/// What is wrong, and where in the JSON of the line: `p[0].b[2]` is the third statement of the first function.
#[derive(Debug)]
pub(super) struct Damage {
    path: String,
    what: String,
}

impl Damage {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// In the item of this number.
    pub(super) fn within(self, item: usize) -> Self {
        self.under(&format!("[{item}]"))
    }

    pub(super) fn under(self, path: &str) -> Self {
        Self { path: format!("{path}{}", self.path), ..self }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, what } = self;
        if path.is_empty() { f.write_str(what) } else { write!(f, "{path}: {what}") }
    }
}
