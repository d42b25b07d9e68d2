//! Functions that do not form a program.

use super::{error_of, program};

const GENERATOR: &str = r#"{"t":"g","b":[["y",1]]}"#;
const COROUTINE: &str = r#"{"t":"c","b":[]}"#;

#[test]
fn a_program_without_functions_is_reported() {
    assert_eq!(error_of(&program(1, "agen", "", "")), "p: there is no function");
}

#[test]
fn a_first_function_of_the_wrong_kind_is_reported() {
    for (family, function, what) in [
        ("agen", COROUTINE, "p[0]: a coroutine cannot be driven as a generator"),
        ("coro", GENERATOR, "p[0]: a generator cannot be driven as a coroutine"),
    ] {
        assert_eq!(error_of(&program(1, family, function, "")), what);
    }
}

#[test]
fn a_yield_in_a_coroutine_is_reported() {
    for statement in [r#"["y",1]"#, r#"["xy",1]"#, r#"["yx"]"#, r#"["yv",0,true]"#] {
        let functions = format!(r#"{GENERATOR},{{"t":"c","b":[["log",1],{statement}]}}"#);
        assert_eq!(error_of(&program(1, "agen", &functions, "")), "p[1].b[1]: a coroutine cannot yield");
    }
}

#[test]
fn a_function_that_uses_itself_or_an_earlier_one_is_reported() {
    let using = |kind: &str, used| format!(r#"{{"t":"{kind}","b":[["afor",{used},0,[],[]]]}}"#);
    for (functions, what) in [
        (using("g", 0), "p[0].b[0]: function 0 uses 0, which is not a later one"),
        (format!("{GENERATOR},{}", using("c", 0)), "p[1].b[0]: function 1 uses 0, which is not a later one"),
    ] {
        assert_eq!(error_of(&program(1, "agen", &functions, "")), what);
    }
}
