//! Context managers.
mod flow;
