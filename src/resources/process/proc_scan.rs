//! Searches of `/proc` for the processes of a group, and for those that have left it.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::str;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Returns `true` if a process of the group other than `except` is running. Zombies do not count.
///
/// A process that joins the group meanwhile may be missed.
pub(super) fn has_members(group: Pid, except: &[Pid]) -> bool {
    let mut stat = [0; 512];
    processes().any(|pid| {
        !except.contains(&pid)
            && read(&format!("/proc/{pid}/stat"), &mut stat).is_some_and(|stat| is_member(stat, group))
    })
}

/// Decides by a line of `/proc/PID/stat`: `PID (NAME) STATE PARENT GROUP ..`. The name may contain parentheses.
fn is_member(stat: &[u8], group: Pid) -> bool {
    let Some(end) = stat.iter().rposition(|&byte| byte == b')') else { return false };
    let Ok(fields) = str::from_utf8(&stat[end + 1..]) else { return false };
    let mut fields = fields.split_ascii_whitespace();
    let is_running = fields.next().is_some_and(|state| !matches!(state, "Z" | "X"));
    is_running && fields.nth(1).and_then(|group| group.parse().ok()) == Some(group.as_raw_pid())
}

/// Sends a signal, if there is one, to all processes that have inherited the variable. Returns `true` if there were any.
///
/// A descriptor of the process is held while its environment is read, so the signal cannot reach another process with the
/// same id.
pub(super) fn signal_by_variable(variable: &str, signal: Option<Signal>) -> bool {
    let own = rustix::process::getpid();
    let mut found = false;
    for pid in processes().filter(|&pid| pid != own) {
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        let has_variable = environment.split(|&byte| byte == 0).any(|entry| {
            entry.strip_prefix(variable.as_bytes()).is_some_and(|value| value.starts_with(b"="))
        });
        if has_variable {
            found |= signal.is_none_or(|signal| pidfd_send_signal(descriptor, signal).is_ok());
        }
    }
    found
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Pid::from_raw(str::from_utf8(entry.file_name().as_bytes()).ok()?.parse().ok()?))
}

fn read<'a>(path: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let len = File::open(path).ok()?.read(buffer).ok()?;
    Some(&buffer[..len])
}
