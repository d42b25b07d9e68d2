//! The identity of the process that owns a partition, by which its partitions are free as soon as it has ended.
//!
//! A process is identified by the boot of the machine, the namespace of its process number, the number, and the time of its
//! start, because numbers are reused. The end of a process is detected only in the same boot and namespace, and only if
//! `/proc` shows the processes of other users. In all other cases, the lease must expire.

use std::fs;
use std::io::ErrorKind;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time between two checks of the other owners while partitions are free.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// The identity of this process, and the time of its last check of the others.
#[derive(Debug)]
pub(super) struct Owner {
    /// The boot and the namespace; `None` if they are unknown, so that no end is detected.
    place: Option<String>,
    id: String,
    checked: Mutex<Option<Instant>>,
}

impl Owner {
    pub(super) fn this_process() -> Self {
        let (place, pid) = (place(), process::id());
        let id = match (&place, start_time(pid)) {
            (Some(place), Process::Running(start)) => format!("{place} {pid} {start}"),
            _ => String::new(),
        };
        Self { place, id, checked: Mutex::new(None) }
    }

    /// Returns the identity of this process; an empty text if it is unknown.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns `true` if the process of an identity has ended, and `false` if it is running or unknown.
    pub(super) fn sees_end_of(&self, owner: &str) -> bool {
        let mut parts = owner.rsplitn(3, ' ');
        let (start, pid, place) = (parts.next(), parts.next().and_then(|pid| pid.parse().ok()), parts.next());
        let (Some(start), Some(pid), Some(place)) = (start, pid, place) else { return false };
        if owner == self.id || self.place.as_deref() != Some(place) {
            return false;
        }
        match start_time(pid) {
            Process::Running(now) => now != start,
            // Known only if processes of other users, such as process 1, are visible.
            Process::Ended => matches!(start_time(1), Process::Running(_)),
            Process::Unknown => false,
        }
    }

    /// Returns `true` if the last check of the other owners was some time ago.
    pub(super) fn is_check_due(&self) -> bool {
        self.lock().is_none_or(|checked| checked.elapsed() >= CHECK_EVERY)
    }

    /// Records a check of the other owners.
    pub(super) fn checked(&self) {
        *self.lock() = Some(Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
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
