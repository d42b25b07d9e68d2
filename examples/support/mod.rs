//! What `get_docs` needs around the reading: options, output, and the file that a later run resumes from.

mod args;
mod output;
mod saved;

pub(crate) use self::args::{Args, HELP};
pub(crate) use self::output::Output;
pub(crate) use self::saved::Saved;
