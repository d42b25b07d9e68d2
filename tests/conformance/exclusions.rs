//! Tests that a rule excludes what follows it, and nothing else.

use super::comparison::{Comparison, compare};
use super::corpus::cases;
use super::rules::Rule;

/// Compares a program of these functions and actions with this trace.
fn of(functions: &str, actions: &str, trace: &[&str]) -> Comparison {
    let trace = serde_json::to_string(trace).unwrap();
    let line = format!(r#"{{"id":1,"f":"agen","p":{functions},"d":{actions},"t":{trace}}}"#);
    let text = format!("{{\"schema\":1}}\n{line}");
    let case = cases(text.as_bytes()).next().unwrap().unwrap_or_else(|error| panic!("{error}"));
    compare(&case)
}

const YIELDS_TWICE: &str =
    r#"[{"t":"g","b":[["with",["acm",1],[["log",1]]]]},{"t":"g","b":[["y",1],["y",2]]}]"#;

const RUN: &str = r#"[["anext",0],["run",0]]"#;

#[test]
fn the_trace_after_a_rule_is_not_compared() {
    let trace = ["> anext 0", "hook first g0.0", "> run 0", "hook first g1.1", "as 1", "log 1", "and so on"];
    assert!(matches!(of(YIELDS_TWICE, RUN, &trace), Comparison::Excluded(Rule::YieldsTwice)));
}

#[test]
fn the_trace_before_a_rule_is_compared() {
    let trace = ["> anext 0", "hook first g0.0", "> run 0", "hook first g1.1", "as 1", "log 2", "and so on"];
    let Comparison::Differs(difference) = of(YIELDS_TWICE, RUN, &trace) else {
        panic!("expected a difference")
    };
    assert!(difference.contains("-- line 6\nCPython: log 2\nhere:    log 1\n"), "{difference}");
}

const AWAITS_IN_FINALLY: &str = r#"[{"t":"g","b":[["try",[["y",1]],[],[],[["aw",2,7],["log",3]]]]}]"#;

const SUSPENDED_CLOSE: [&str; 7] =
    ["> anext 0", "hook first g0.0", "> run 0", "< done 1", "> aclose 0", "> send 0", "< sus 7"];

#[test]
fn closing_a_suspended_close_has_a_rule() {
    let actions = r#"[["anext",0],["run",0],["aclose",0],["send",0],["close",0]]"#;
    let trace = [&SUSPENDED_CLOSE[..], &["> close 0", "< closed"]].concat();
    assert!(matches!(of(AWAITS_IN_FINALLY, actions, &trace), Comparison::Excluded(Rule::ClosesAClose)));
}

#[test]
fn throwing_an_error_into_a_suspended_close_has_none() {
    let actions = r#"[["anext",0],["run",0],["aclose",0],["send",0],["throw",0,"A",9],["end"]]"#;
    let trace = [&SUSPENDED_CLOSE[..], &["> throw 0 A 9", "< raise A:9", "> end"]].concat();
    assert!(matches!(of(AWAITS_IN_FINALLY, actions, &trace), Comparison::Same(_)));
}

#[test]
fn a_function_that_does_not_yield_is_compared() {
    let functions = r#"[{"t":"g","b":[["with",["acm",1],[["log",1]]]]},{"t":"g","b":[["log",2]]}]"#;
    let trace =
        ["> anext 0", "hook first g0.0", "> run 0", "hook first g1.1", "log 2", "< raise RT:acm-noyield"];
    assert!(matches!(of(functions, RUN, &trace), Comparison::Same(_)));
}

/// The only such program is known by its number in the crate's corpus alone; others need a tag.
#[test]
fn a_number_alone_does_not_mark_a_cycle() {
    let line = r#"{"id":3921,"f":"coro","p":[{"t":"c","b":[["log",1]]}],"d":[["coro",0],["run",0],["end"]],"t":["> coro 0"]}"#;
    let text = format!("{{\"schema\":1}}\n{line}");
    let case = cases(text.as_bytes()).next().unwrap().unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(compare(&case), Comparison::Differs(_)));
}
