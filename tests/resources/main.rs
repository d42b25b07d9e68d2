//! Managers of resources.

mod fs;
#[cfg(target_os = "linux")]
mod process;
