//! Fleets: engines, claims, and workers that share a crawl.

mod chaos;
mod claim;
mod crawl;
mod faults;
mod faulty;
mod fleet;
mod folder;
mod memory;
mod model;
mod simulation;
mod store;
mod throughput;
