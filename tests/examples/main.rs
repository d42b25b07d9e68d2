//! The examples that promise something, run as programs.

mod get_docs;
