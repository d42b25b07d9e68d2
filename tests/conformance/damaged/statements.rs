//! Statements that are none, or stand where they cannot.

use super::{HEADER, error_of, read, with_statements};

/// Each with what is told of it, where it is the first statement.
fn are_told(table: &[(&str, &str)]) {
    for (statement, what) in table {
        assert_eq!(error_of(&with_statements(statement)), format!("p[0].b[0]{what}"), "{statement}");
    }
}

fn are_read(statements: &[&str]) {
    for statement in statements {
        let read = read(&[HEADER, &with_statements(statement)]);
        assert!(read.is_ok(), "{statement}: {:?}", read.err());
    }
}

#[test]
fn what_is_no_statement() {
    are_told(&[
        (r#"["goto",1]"#, r#": "goto" is no statement"#),
        (r#"["loop",1,[["log",1],["goto",1]],[]]"#, r#"[2][1]: "goto" is no statement"#),
        (r#"["try",[],[["A",[["goto",1]]]],[],[]]"#, r#"[2][0][1][0]: "goto" is no statement"#),
        (r#"["h_op",0,"ax"]"#, r#": "ax" is no operation"#),
        (r#"["stack",[["st","exit"]]]"#, r#"[1][0]: "exit" is nothing that a stack does"#),
        (r#"["with",["man",1,0,null,0,null],[]]"#, r#": "man" is no manager"#),
        (r#"["with",["mgr",1,0,null,0,["skip"]],[]]"#, r#": "skip" is no verdict"#),
        (r#"["raise","C",1]"#, r#": "C" is no exception"#),
        (r#"["try",[],[["C",[]]],[],[]]"#, r#"[2][0]: "C" is no exception"#),
        (r#"["st","scb",1,1,null]"#, ": a callback does not suspend, and not 1 times"),
    ]);
}

#[test]
fn fields_of_another_type() {
    are_told(&[
        (r#""log""#, r#": "log" is no list"#),
        ("[1]", ": 1 is no text"),
        (r#"["log","1"]"#, r#": "1" is no number that fits"#),
        (r#"["aw",-1,1]"#, ": -1 is no number that fits"),
        (r#"["y","1"]"#, r#": "1" is no value"#),
        (r#"["yv",0,1]"#, ": 1 is neither true nor false"),
        (r#"["seq",{}]"#, "[1]: {} is no list"),
    ]);
}

#[test]
fn statements_that_are_too_short() {
    are_told(&[
        ("[]", ": an empty list ends too soon"),
        (r#"["aw",1]"#, r#": "aw" ends too soon"#),
        (r#"["raise","A"]"#, r#": "raise" ends too soon"#),
        (r#"["loop",1,[]]"#, r#": "loop" ends too soon"#),
        (r#"["try",[],[["A"]],[],[]]"#, r#"[2][0]: "A" ends too soon"#),
        (r#"["with",["mgr",1,0,null,0],[]]"#, r#": "mgr" ends too soon"#),
        (r#"["with",["mgr",1,0,["A"],0,null],[]]"#, r#": "A" ends too soon"#),
        (r#"["with",["mgr",1,0,null,0,["supk"]],[]]"#, r#": "supk" ends too soon"#),
        (r#"["st","scb",1,0]"#, r#": "st" ends too soon"#),
    ]);
}

#[test]
fn statements_that_are_too_long() {
    are_told(&[
        (r#"["y",1,2]"#, r#": "y" has 1 too many"#),
        (r#"["ret",1]"#, r#": "ret" has 1 too many"#),
        (r#"["loop",1,[],[],[],[]]"#, r#": "loop" has 2 too many"#),
        (r#"["try",[],[["A",[],[]]],[],[]]"#, r#"[2][0]: "A" has 1 too many"#),
        (r#"["with",["acm",1,1],[]]"#, r#": "acm" has 1 too many"#),
        (r#"["with",["mgr",1,0,null,0,null,1],[]]"#, r#": "mgr" has 1 too many"#),
        (r#"["with",["mgr",1,0,["A",1,1],0,null],[]]"#, r#": "A" has 1 too many"#),
        (r#"["with",["mgr",1,0,null,0,["sup",1]],[]]"#, r#": "sup" has 1 too many"#),
        (r#"["st","pop_all",1]"#, r#": "st" has 1 too many"#),
        (r#"["h_op",0,"an",1]"#, r#": "h_op" has 1 too many"#),
    ]);
}

#[test]
fn functions_that_are_not_there_or_of_another_kind() {
    are_told(&[
        (r#"["call",3]"#, ": there is no function 3: there are 3"),
        (r#"["call",1]"#, ": function 1 is a generator"),
        (r#"["shared",1]"#, ": function 1 is a generator"),
        (r#"["afor",2,0,[],[]]"#, ": function 2 is a coroutine"),
        (r#"["aclosing",2,0,[]]"#, ": function 2 is a coroutine"),
        (r#"["with",["acm",2],[]]"#, ": function 2 is a coroutine"),
        (r#"["h_new",0,2]"#, ": function 2 is a coroutine"),
        // At whatever depth.
        (r#"["ifx",[],[["log",1],["call",1]]]"#, "[2][1]: function 1 is a generator"),
        (r#"["try",[],[["A",[]],["B",[["call",1]]]],[],[]]"#, "[2][1][1][0]: function 1 is a generator"),
    ]);
}

#[test]
fn what_leaves_a_loop_where_there_is_none() {
    let what = "there is no loop around it that it could leave";
    for statement in [r#"["brk"]"#, r#"["cont"]"#] {
        for (around, place) in [
            ("{}", ""),
            (r#"["loop",1,[],[{}]]"#, "[3][0]"),
            (r#"["afor",1,0,[],[{}]]"#, "[4][0]"),
            (r#"["stack",[{}]]"#, "[1][0]"),
            // Python would have it leave the loop, and forget what is raised.
            (r#"["loop",1,[["try",[],[],[],[{}]]],[]]"#, "[2][0][4][0]"),
        ] {
            are_told(&[(&around.replace("{}", statement), &format!("{place}: {what}"))]);
        }
        for around in [
            r#"["loop",1,[{}],[]]"#,
            r#"["afor",1,0,[["ifx",[{}],[]]],[]]"#,
            r#"["aclosing",1,0,[{}]]"#,
            r#"["loop",1,[["loop",1,[],[{}]]],[]]"#,
            r#"["try",[],[],[],[["loop",1,[{}],[]]]]"#,
        ] {
            are_read(&[&around.replace("{}", statement)]);
        }
    }
}

#[test]
fn what_returns_where_it_cannot() {
    are_told(&[
        (r#"["retv",1]"#, ": a generator returns no value"),
        (r#"["try",[],[],[],[["ret"]]]"#, "[4][0]: it leaves a `finally`"),
        (r#"["try",[],[],[],[["loop",1,[["ret"]],[]]]]"#, "[4][0][2][0]: it leaves a `finally`"),
    ]);
    are_read(&[r#"["ret"]"#, r#"["try",[["ret"]],[["A",[["ret"]]]],[["ret"]],[["log",1]]]"#]);
}

#[test]
fn items_that_no_loop_around_has() {
    are_told(&[
        (r#"["yv",0,true]"#, ": no loop around it has v0"),
        (r#"["afor",1,0,[["yv",1,true]],[]]"#, "[3][0]: no loop around it has v1"),
        (r#"["afor",1,0,[],[["yv",0,true]]]"#, "[4][0]: no loop around it has v0"),
    ]);
    are_read(&[
        r#"["afor",1,0,[["afor",1,1,[["yv",0,true]],[]]],[]]"#,
        r#"["aclosing",1,0,[["stack",[["yv",0,false]]]]]"#,
    ]);
}

#[test]
fn what_is_done_with_a_stack_outside_of_one() {
    are_told(&[
        (r#"["st","pop_all"]"#, ": there is no stack around it"),
        (r#"["st","aclose"]"#, ": there is no stack around it"),
        (r#"["seq",[["stack",[]],["st","pop_all"]]]"#, "[1][1]: there is no stack around it"),
    ]);
    are_read(&[r#"["stack",[["loop",1,[["st","pop_all"]],[]]]]"#]);
}

#[test]
fn what_is_pushed_and_cannot_be_so() {
    are_told(&[
        (r#"["stack",[["st","pexit",["mgr",1,1,null,0,null]]]]"#, "[1][0]: what is pushed is not entered"),
        (r#"["stack",[["st","spush",["mgr",1,0,["A",1],0,null]]]]"#, "[1][0]: what is pushed is not entered"),
        (
            r#"["stack",[["st","spush",["mgr",1,0,null,1,null]]]]"#,
            "[1][0]: what `spush` pushes does not suspend",
        ),
    ]);
    are_read(&[
        r#"["stack",[["st","pexit",["mgr",1,0,null,1,["same"]]]]]"#,
        r#"["stack",[["st","spush",["mgr",1,0,null,0,["sup"]]]]]"#,
    ]);
}

#[test]
fn handles_that_are_not_set() {
    are_told(&[
        (r#"["h_op",0,"an"]"#, ": h0 is not set before it"),
        (r#"["seq",[["h_new",1,1],["h_op",0,"an"]]]"#, "[1][1]: h0 is not set before it"),
        (r#"["seq",[["h_op",0,"an"],["h_new",0,1]]]"#, "[1][0]: h0 is not set before it"),
        (r#"["ifx",[["h_new",0,1]],[["h_op",0,"an"]]]"#, "[2][0]: h0 is not set before it"),
        (r#"["seq",[["loop",1,[["h_new",0,1]],[]],["h_op",0,"an"]]]"#, "[1][1]: h0 is not set before it"),
    ]);
    are_read(&[
        r#"["seq",[["h_new",0,1],["try",[["h_op",0,"ac"]],[["A",[]]],[],[]]]]"#,
        r#"["seq",[["seq",[["h_new",0,1]]],["h_op",0,"an"]]]"#,
    ]);
}

#[test]
fn what_is_tried_for_nothing() {
    are_told(&[
        (r#"["try",[],[],[],[]]"#, ": it has neither a handler nor a `finally`"),
        (r#"["try",[],[],[["log",1]],[["log",2]]]"#, ": it has an `else` and no handler"),
    ]);
}

#[test]
fn what_is_raised_again_where_nothing_is_handled() {
    let what = "there is no handler around it";
    are_told(&[
        (r#"["reraise"]"#, &format!(": {what}")),
        (r#"["try",[["reraise"]],[["A",[]]],[],[]]"#, &format!("[1][0]: {what}")),
        (r#"["try",[],[["A",[]]],[],[["reraise"]]]"#, &format!("[4][0]: {what}")),
    ]);
    are_read(&[r#"["try",[],[["A",[["ifx",[["reraise"]],[]]]]],[],[]]"#]);
}

#[test]
fn a_loop_that_goes_round_too_often() {
    are_told(&[(r#"["loop",1001,[],[]]"#, ": it is 1001 times, and at most 1000 are run")]);
    are_read(&[r#"["loop",1000,[],[]]"#]);
}
