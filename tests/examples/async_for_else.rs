#[test]
fn reports_the_line_or_that_there_is_none() {
    let expected = ["night: in line 2", "lamb: in none of 4 lines", "symmetry: in line 4"];
    assert_eq!(crate::lines("async_for_else"), expected);
}
