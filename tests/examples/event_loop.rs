#[test]
fn callbacks_and_coroutines_of_one_loop_in_order() {
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
