//! Child processes.

mod child_process;
mod error;
mod guard;
mod output_pipe;
mod process;

// The systems that can report the end of a child without reaping it, by `waitid`.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
mod system_child;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
#[path = "system_child_without_group.rs"]
mod system_child;
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
mod watchdog;

#[cfg(target_os = "linux")]
mod proc_scan;

pub use self::child_process::ChildProcess;
pub use self::error::ProcessError;
pub use self::guard::ProcessGuard;
pub use self::process::{Process, process};
