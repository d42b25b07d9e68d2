#[test]
fn the_coroutines_take_turns() {
    let expected = [
        "C1: Start",
        "C2: Start", //
        "C1: a",
        "C2: a", //
        "C1: b",
        "C2: b", //
        "C1: end",
        "C2: end",
    ];
    assert_eq!(crate::lines("round_robin"), expected);
}
