//! `withal::desugar`: the macros, held against what they stand for.

#[path = "../support/every_await.rs"]
mod every_await;

mod async_for;
mod expansion;
mod functions;
