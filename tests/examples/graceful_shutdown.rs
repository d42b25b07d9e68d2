use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Ctrl-C while all ten scopes are open. Each transaction is closed before its session.
#[cfg(unix)]
#[test]
fn every_scope_is_exited_in_order_and_the_program_ends() {
    let mut child = crate::program("graceful_shutdown").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let opened: Vec<_> = lines.by_ref().take(10).collect();
    assert!(opened.iter().all(|line| line.starts_with("open ")), "{opened:?}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let rest: Vec<_> = lines.collect();
    assert_eq!(rest[0], "stop");
    assert_eq!(rest[11], "opened 10, closed 10");
    for n in 1..=5 {
        let at = |name: String| {
            rest.iter().position(|line| *line == format!("close  {name} (Cancelled)")).unwrap()
        };
        assert!(at(format!("session {n} / transaction")) < at(format!("session {n}")), "{rest:?}");
    }
    assert!(child.wait().unwrap().success());
}
