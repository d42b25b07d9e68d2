//! `withal::generator`, promise by promise. None of it does I/O where it is about soundness, so that Miri can run it.

mod concurrent;
mod delegation;
mod ends;
mod managed;
mod model;
mod operations;
mod shapes;
mod stream;

#[path = "../support/scripted.rs"]
mod scripted;
