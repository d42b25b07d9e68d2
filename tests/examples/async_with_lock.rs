#[test]
fn tasks_hold_the_lock_one_after_the_other() {
    let output = crate::program("async_with_lock").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    let expected = [
        "macro: waits for the lock",
        "macro: has the lock",
        "by hand: waits for the lock",
        "macro: gave it back",
        "by hand: has the lock",
        "by hand: gave it back",
        "cancelled: has the lock, and 2 to add",
        "cancelled: gave it back all the same",
        "count: 2",
    ];
    assert_eq!(lines, expected);
}
