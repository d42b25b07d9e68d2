//! Fleets: engines, claims, and workers that share a crawl.

#[cfg(target_os = "linux")]
mod chaos;
mod fleet;
mod folder;
mod memory;
mod model;
mod simulation;
mod store;
#[cfg(target_os = "linux")]
mod throughput;
