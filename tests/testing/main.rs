//! Utilities for the tests of an application.

mod cancel_at_every_await;
mod ledger;
mod scripted_server;
