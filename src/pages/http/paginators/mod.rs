//! The paginators of an [`Endpoint`](super::Endpoint): each finds the next page in its own way.

mod by_convention;
mod by_cursor;
mod by_last_item;
mod by_link;
mod by_number;
mod by_relay_connection;
