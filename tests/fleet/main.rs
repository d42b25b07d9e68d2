//! Fleets: engines, claims, and workers that share a crawl.

mod fleet;
mod memory;
mod model;
mod simulation;
mod store;
