//! `withal::pages`, promise by promise.

mod cancel;
mod checkpoint;
mod concurrent;
mod fairness;
mod forms;
mod http;
mod limits;
mod loops;
mod model;
mod observe;
mod poll;
mod read_ahead;
mod retry;
mod traps;
mod whole_pages;
