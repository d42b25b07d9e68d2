#[test]
fn says_where_and_says_when_it_is_nowhere() {
    let expected = ["night: in line 2", "lamb: not in 4 lines", "symmetry: in line 4"];
    assert_eq!(crate::lines("async_for_else"), expected);
}
