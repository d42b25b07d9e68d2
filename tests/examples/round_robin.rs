#[test]
fn takes_turns_in_the_order_of_the_article() {
    let output = crate::program("round_robin").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    let expected =
        ["Start", "a", "b", "c", "Stop"].map(|step| [format!("C1: {step}"), format!("C2: {step}")]);
    assert_eq!(lines, expected.concat());
}
