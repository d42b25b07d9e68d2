#[test]
fn takes_turns_in_the_order_of_the_article() {
    let expected =
        ["Start", "a", "b", "c", "Stop"].map(|step| [format!("C1: {step}"), format!("C2: {step}")]);
    assert_eq!(crate::lines("round_robin"), expected.concat());
}
