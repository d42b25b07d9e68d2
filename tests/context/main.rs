//! Context managers: which exits run, when, and with what, whichever way a block is left.

#[path = "../support/ledger.rs"]
mod ledger;

mod flow;
mod table;
