//! Async streams and context managers, on tokio.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod pages;
