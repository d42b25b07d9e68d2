//! Fleets: engines, claims, and workers that share a crawl.

mod memory;
mod simulation;
