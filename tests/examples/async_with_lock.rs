#[test]
fn tasks_hold_the_lock_one_at_a_time() {
    let output = crate::program("async_with_lock").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    let expected = [
        "macro: waiting for the lock",
        "macro: has the lock",
        "by hand: waiting for the lock",
        "macro: released the lock",
        "by hand: has the lock",
        "by hand: released the lock",
        "cancelled: has the lock, count is 2",
        "cancelled: released the lock",
        "count: 2",
    ];
    assert_eq!(lines, expected);
}
