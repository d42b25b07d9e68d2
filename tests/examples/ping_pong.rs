#[test]
fn the_consumer_sets_the_pace() {
    let expected = [
        "consumer: [0]",
        "consumer: [1, 2]",
        "consumer: [3, 4, 5, 6]",
        "crawler: the source has changed, starting over",
        "consumer: [0]",
        "consumer: [1, 2]",
        "consumer: [3, 4, 5, 6]",
        "consumer: [7, 8, 9, 10, 11, 12, 13, 14]",
        "consumer: [15]",
        "consumer: [16, 17]",
        "consumer: [18, 19, 20, 21]",
        "crawler: closing after 22 items",
        "crawler: closed",
    ];
    assert_eq!(crate::lines("ping_pong"), expected);
}
