#[test]
fn callbacks_and_coroutines_run_in_order() {
    let expected = [
        "0 s",
        "A: 1",
        "B: 1",
        "A: 2",
        "1 s",
        "B: 2",
        "A: 3",
        "2 s",
        "callback: Ok(\"A is done\")",
        "B: 3",
        "3 s",
        "A is done",
        "B stops the loop",
    ];
    assert_eq!(crate::lines("event_loop"), expected);
}

#[test]
fn an_unknown_option_is_an_error() {
    let output = crate::program("event_loop").arg("--rael").output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--rael"), "{output:?}");
}

/// Its stdout is a pipe whose reader has closed.
#[test]
fn the_program_ends_if_stdout_is_closed() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = crate::program("event_loop").stdout(writer).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
}
