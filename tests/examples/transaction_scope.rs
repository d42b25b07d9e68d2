#[test]
fn only_committed_changes_are_in_the_table() {
    let output = crate::program("transaction_scope").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let rows: Vec<_> =
        text.lines().map(|line| line.split_at(28)).map(|(way, rows)| (way.trim(), rows.trim())).collect();
    let expected = [
        ("before", "Ada 10, Grace 0"),
        ("committed", "Ada 7, Grace 3"),
        ("returned", "Ada 5, Grace 5"),
        ("rolled back: an error", "Ada 5, Grace 5"),
        ("rolled back: a panic", "Ada 5, Grace 5"),
        ("rolled back: dropped", "Ada 5, Grace 5"),
    ];
    assert_eq!(rows[..6], expected);
    assert!(text.ends_with("the error was: CHECK constraint failed: balance >= 0\n"), "{text}");
}
