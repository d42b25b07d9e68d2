//! Fleets: engines, claims, and workers that share a crawl.

mod fleet;
mod folder;
mod memory;
mod model;
mod simulation;
mod store;
