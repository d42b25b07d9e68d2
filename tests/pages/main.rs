//! The guarantees of `withal::pages`.

mod batches;
mod cancel;
mod checkpoint;
mod comparison;
mod concurrency;
mod cycles;
mod edge_cases;
mod events;
mod extra;
mod fairness;
mod fetch_errors;
mod http;
mod incremental;
mod into_pages;
mod limits;
mod model;
mod nested;
mod poll;
mod read_ahead;
mod repeats;
mod retry;
mod spans;
mod totals;
mod usual_pages;
