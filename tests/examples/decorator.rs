#[test]
fn each_call_runs_in_its_own_context() {
    let expected = [
        "block: begins",
        "7 // 2 = Ok(3)",
        "block: ends",
        "divide: begins",
        "divide: ends",
        "6 // 2 = Ok(3)",
        "divide: begins",
        "divide: ends with an error",
        "6 // 0 = Err(ZeroDivision)",
        "suppressed: Ok(Some(2)), Ok(None)",
        "divide: begins",
        "divide: ends with an error",
        "attempt 1 failed",
        "divide: begins",
        "divide: ends with an error",
        "6 // 0 = Err(ZeroDivision)",
    ];
    assert_eq!(crate::lines("decorator"), expected);
}
