//! The identity of the process that owns a partition, by which its partitions are free as soon as it has ended.
//!
//! A process is identified by the boot of the machine, the namespace of its process number, the number, and the time of its
//! start, because numbers are reused. The end of a process is detected only in the same boot and namespace, and only if
//! `/proc` shows the processes of other users. In all other cases, the lease must expire.

use std::fs;
use std::io::ErrorKind;
use std::process;

/// Returns the identity of this process; an empty text if it is unknown.
pub(super) fn this_process() -> String {
    let Some(place) = place() else { return String::new() };
    let pid = process::id();
    match start_time(pid) {
        Process::Running(start) => format!("{place} {pid} {start}"),
        Process::Ended | Process::Unknown => String::new(),
    }
}

/// Returns `true` if the process of an identity has ended, and `false` if it runs or if that is unknown.
pub(super) fn has_ended(owner: &str) -> bool {
    let mut parts = owner.rsplitn(3, ' ');
    let (start, pid, place_of_owner) =
        (parts.next(), parts.next().and_then(|pid| pid.parse().ok()), parts.next());
    let (Some(start), Some(pid), Some(place_of_owner)) = (start, pid, place_of_owner) else { return false };
    if place().is_none_or(|place| place != place_of_owner) {
        return false;
    }
    match start_time(pid) {
        Process::Running(now) => now != start,
        // Only if processes of other users are visible: process 1 is such a process.
        Process::Ended => matches!(start_time(1), Process::Running(_)),
        Process::Unknown => false,
    }
}

/// Returns the boot of the machine and the namespace of process numbers.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

enum Process {
    /// The time of its start, in ticks since the boot.
    Running(String),
    Ended,
    Unknown,
}

fn start_time(pid: u32) -> Process {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == ErrorKind::NotFound => return Process::Ended,
        Err(_) => return Process::Unknown,
    };
    // The name of the program is in parentheses, and may contain spaces and parentheses. The state follows, and the start is
    // the 20th field from there (proc_pid_stat(5)).
    let Some((_, fields)) = stat.rsplit_once(')') else { return Process::Unknown };
    let mut fields = fields.split_ascii_whitespace();
    match (fields.next(), fields.nth(18)) {
        // Killed, but its parent has not collected its status yet.
        (Some("Z" | "X" | "x"), _) => Process::Ended,
        (Some(_), Some(ticks)) => Process::Running(ticks.to_owned()),
        _ => Process::Unknown,
    }
}
