//! Paginated APIs as streams: `AsyncGetDocs`.

mod checkpoint;
mod cursor;
mod docs;
mod engine;
mod error;
mod event;
#[cfg(feature = "http")]
pub mod http;
mod page;
mod page_stream;
mod place;
mod policy;
mod progress;
mod setup;
mod sources;
mod walk;

pub use self::checkpoint::Checkpoint;
pub use self::cursor::{Cursor, Numbered, Offset, PageNumber};
pub use self::docs::AsyncGetDocs;
pub use self::error::Error;
pub use self::event::Event;
pub use self::page::Page;
pub use self::page_stream::Pages;
pub use self::policy::{OnEmpty, OnError, OnRepeat};
pub use self::progress::Progress;
pub use self::sources::{by_cursor, by_link, by_offset, by_page_number};
