//! Unknown and misplaced statements.

use super::{HEADER, error_of, read, with_statements};

/// Asserts the error of each statement, when it is the first one of a program.
fn assert_errors(table: &[(&str, &str)]) {
    for (statement, what) in table {
        assert_eq!(error_of(&with_statements(statement)), format!("p[0].b[0]{what}"), "{statement}");
    }
}

fn assert_valid(statements: &[&str]) {
    for statement in statements {
        let read = read(&[HEADER, &with_statements(statement)]);
        assert!(read.is_ok(), "{statement}: {:?}", read.err());
    }
}

#[test]
fn unknown_statements() {
    assert_errors(&[
        (r#"["goto",1]"#, r#": unknown statement "goto""#),
        (r#"["loop",1,[["log",1],["goto",1]],[]]"#, r#"[2][1]: unknown statement "goto""#),
        (r#"["try",[],[["A",[["goto",1]]]],[],[]]"#, r#"[2][0][1][0]: unknown statement "goto""#),
        (r#"["h_op",0,"ax"]"#, r#": unknown operation "ax""#),
        (r#"["stack",[["st","exit"]]]"#, r#"[1][0]: unknown stack operation "exit""#),
        (r#"["with",["man",1,0,null,0,null],[]]"#, r#": unknown manager "man""#),
        (r#"["with",["mgr",1,0,null,0,["skip"]],[]]"#, r#": unknown exit action "skip""#),
        (r#"["raise","C",1]"#, r#": unknown exception "C""#),
        (r#"["try",[],[["C",[]]],[],[]]"#, r#"[2][0]: unknown exception "C""#),
        (r#"["st","scb",1,1,null]"#, ": a callback cannot suspend 1 times"),
    ]);
}

#[test]
fn fields_of_the_wrong_type() {
    assert_errors(&[
        (r#""log""#, r#": expected a list, found "log""#),
        ("[1]", ": expected a string, found 1"),
        (r#"["log","1"]"#, r#": expected a number in range, found "1""#),
        (r#"["aw",-1,1]"#, ": expected a number in range, found -1"),
        (r#"["y","1"]"#, r#": expected null or an integer, found "1""#),
        (r#"["yv",0,1]"#, ": expected a boolean, found 1"),
        (r#"["seq",{}]"#, "[1]: expected a list, found {}"),
    ]);
}

#[test]
fn missing_fields() {
    assert_errors(&[
        ("[]", ": an empty list has too few fields"),
        (r#"["aw",1]"#, r#": "aw" has too few fields"#),
        (r#"["raise","A"]"#, r#": "raise" has too few fields"#),
        (r#"["loop",1,[]]"#, r#": "loop" has too few fields"#),
        (r#"["try",[],[["A"]],[],[]]"#, r#"[2][0]: "A" has too few fields"#),
        (r#"["with",["mgr",1,0,null,0],[]]"#, r#": "mgr" has too few fields"#),
        (r#"["with",["mgr",1,0,["A"],0,null],[]]"#, r#": "A" has too few fields"#),
        (r#"["with",["mgr",1,0,null,0,["supk"]],[]]"#, r#": "supk" has too few fields"#),
        (r#"["st","scb",1,0]"#, r#": "st" has too few fields"#),
    ]);
}

#[test]
fn extra_fields() {
    assert_errors(&[
        (r#"["y",1,2]"#, r#": "y" has too many fields, by 1"#),
        (r#"["ret",1]"#, r#": "ret" has too many fields, by 1"#),
        (r#"["loop",1,[],[],[],[]]"#, r#": "loop" has too many fields, by 2"#),
        (r#"["try",[],[["A",[],[]]],[],[]]"#, r#"[2][0]: "A" has too many fields, by 1"#),
        (r#"["with",["acm",1,1],[]]"#, r#": "acm" has too many fields, by 1"#),
        (r#"["with",["mgr",1,0,null,0,null,1],[]]"#, r#": "mgr" has too many fields, by 1"#),
        (r#"["with",["mgr",1,0,["A",1,1],0,null],[]]"#, r#": "A" has too many fields, by 1"#),
        (r#"["with",["mgr",1,0,null,0,["sup",1]],[]]"#, r#": "sup" has too many fields, by 1"#),
        (r#"["st","pop_all",1]"#, r#": "st" has too many fields, by 1"#),
        (r#"["h_op",0,"an",1]"#, r#": "h_op" has too many fields, by 1"#),
    ]);
}

#[test]
fn unknown_functions_and_functions_of_the_wrong_kind() {
    assert_errors(&[
        (r#"["call",3]"#, ": unknown function 3 of 3"),
        (r#"["call",1]"#, ": function 1 is a generator"),
        (r#"["shared",1]"#, ": function 1 is a generator"),
        (r#"["afor",2,0,[],[]]"#, ": function 2 is a coroutine"),
        (r#"["aclosing",2,0,[]]"#, ": function 2 is a coroutine"),
        (r#"["with",["acm",2],[]]"#, ": function 2 is a coroutine"),
        (r#"["h_new",0,2]"#, ": function 2 is a coroutine"),
        // Nested statements are checked, too.
        (r#"["ifx",[],[["log",1],["call",1]]]"#, "[2][1]: function 1 is a generator"),
        (r#"["try",[],[["A",[]],["B",[["call",1]]]],[],[]]"#, "[2][1][1][0]: function 1 is a generator"),
    ]);
}

#[test]
fn break_and_continue_outside_of_a_loop() {
    let what = "`break` or `continue` outside of a loop";
    for statement in [r#"["brk"]"#, r#"["cont"]"#] {
        for (around, place) in [
            ("{}", ""),
            (r#"["loop",1,[],[{}]]"#, "[3][0]"),
            (r#"["afor",1,0,[],[{}]]"#, "[4][0]"),
            (r#"["stack",[{}]]"#, "[1][0]"),
            // In Python this leaves the loop, and discards the exception.
            (r#"["loop",1,[["try",[],[],[],[{}]]],[]]"#, "[2][0][4][0]"),
        ] {
            assert_errors(&[(&around.replace("{}", statement), &format!("{place}: {what}"))]);
        }
        for around in [
            r#"["loop",1,[{}],[]]"#,
            r#"["afor",1,0,[["ifx",[{}],[]]],[]]"#,
            r#"["aclosing",1,0,[{}]]"#,
            r#"["loop",1,[["loop",1,[],[{}]]],[]]"#,
            r#"["try",[],[],[],[["loop",1,[{}],[]]]]"#,
        ] {
            assert_valid(&[&around.replace("{}", statement)]);
        }
    }
}

#[test]
fn misplaced_returns() {
    assert_errors(&[
        (r#"["retv",1]"#, ": a generator cannot return a value"),
        (r#"["try",[],[],[],[["ret"]]]"#, "[4][0]: `return` inside a `finally`"),
        (r#"["try",[],[],[],[["loop",1,[["ret"]],[]]]]"#, "[4][0][2][0]: `return` inside a `finally`"),
    ]);
    assert_valid(&[r#"["ret"]"#, r#"["try",[["ret"]],[["A",[["ret"]]]],[["ret"]],[["log",1]]]"#]);
}

#[test]
fn items_of_no_surrounding_loop() {
    assert_errors(&[
        (r#"["yv",0,true]"#, ": no surrounding loop has v0"),
        (r#"["afor",1,0,[["yv",1,true]],[]]"#, "[3][0]: no surrounding loop has v1"),
        (r#"["afor",1,0,[],[["yv",0,true]]]"#, "[4][0]: no surrounding loop has v0"),
    ]);
    assert_valid(&[
        r#"["afor",1,0,[["afor",1,1,[["yv",0,true]],[]]],[]]"#,
        r#"["aclosing",1,0,[["stack",[["yv",0,false]]]]]"#,
    ]);
}

#[test]
fn stack_operations_outside_of_a_stack() {
    assert_errors(&[
        (r#"["st","pop_all"]"#, ": there is no surrounding stack"),
        (r#"["st","aclose"]"#, ": there is no surrounding stack"),
        (r#"["seq",[["stack",[]],["st","pop_all"]]]"#, "[1][1]: there is no surrounding stack"),
    ]);
    assert_valid(&[r#"["stack",[["loop",1,[["st","pop_all"]],[]]]]"#]);
}

#[test]
fn managers_that_cannot_be_pushed() {
    assert_errors(&[
        (
            r#"["stack",[["st","pexit",["mgr",1,1,null,0,null]]]]"#,
            "[1][0]: a pushed manager cannot have an enter",
        ),
        (
            r#"["stack",[["st","spush",["mgr",1,0,["A",1],0,null]]]]"#,
            "[1][0]: a pushed manager cannot have an enter",
        ),
        (
            r#"["stack",[["st","spush",["mgr",1,0,null,1,null]]]]"#,
            "[1][0]: a manager pushed by `spush` cannot suspend",
        ),
    ]);
    assert_valid(&[
        r#"["stack",[["st","pexit",["mgr",1,0,null,1,["same"]]]]]"#,
        r#"["stack",[["st","spush",["mgr",1,0,null,0,["sup"]]]]]"#,
    ]);
}

#[test]
fn handles_that_are_not_set() {
    assert_errors(&[
        (r#"["h_op",0,"an"]"#, ": h0 was not set before"),
        (r#"["seq",[["h_new",1,1],["h_op",0,"an"]]]"#, "[1][1]: h0 was not set before"),
        (r#"["seq",[["h_op",0,"an"],["h_new",0,1]]]"#, "[1][0]: h0 was not set before"),
        (r#"["ifx",[["h_new",0,1]],[["h_op",0,"an"]]]"#, "[2][0]: h0 was not set before"),
        (r#"["seq",[["loop",1,[["h_new",0,1]],[]],["h_op",0,"an"]]]"#, "[1][1]: h0 was not set before"),
    ]);
    assert_valid(&[
        r#"["seq",[["h_new",0,1],["try",[["h_op",0,"ac"]],[["A",[]]],[],[]]]]"#,
        r#"["seq",[["seq",[["h_new",0,1]]],["h_op",0,"an"]]]"#,
    ]);
}

#[test]
fn incomplete_try_statements() {
    assert_errors(&[
        (r#"["try",[],[],[],[]]"#, ": `try` with neither a handler nor a `finally`"),
        (r#"["try",[],[],[["log",1]],[["log",2]]]"#, ": `try` with an `else` and no handler"),
    ]);
}

#[test]
fn reraise_outside_of_a_handler() {
    let what = "`reraise` outside of a handler";
    assert_errors(&[
        (r#"["reraise"]"#, &format!(": {what}")),
        (r#"["try",[["reraise"]],[["A",[]]],[],[]]"#, &format!("[1][0]: {what}")),
        (r#"["try",[],[["A",[]]],[],[["reraise"]]]"#, &format!("[4][0]: {what}")),
    ]);
    assert_valid(&[r#"["try",[],[["A",[["ifx",[["reraise"]],[]]]]],[],[]]"#]);
}

#[test]
fn a_loop_with_too_many_iterations() {
    assert_errors(&[(r#"["loop",1001,[],[]]"#, ": a loop of 1001 iterations exceeds the limit of 1000")]);
    assert_valid(&[r#"["loop",1000,[],[]]"#]);
}
