//! Fleets: engines, claims, and workers that share a crawl.

mod attacks;
#[cfg(target_os = "linux")]
mod chaos;
mod claim;
mod crawl;
mod faults;
mod faulty;
mod fleet;
mod folder;
mod hostile;
mod memory;
mod model;
mod simulation;
mod sqlite;
mod store;
#[cfg(target_os = "linux")]
mod throughput;
