//! Context managers: which exits run, when, and with what, whichever way a block is left.

#[path = "../support/every_await.rs"]
mod every_await;
#[path = "../support/ledger.rs"]
mod ledger;

mod cancel;
mod flow;
mod table;
