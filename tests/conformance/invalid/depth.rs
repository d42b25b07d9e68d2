//! Programs at the limit of depth, which are run, and deeper ones, which are rejected.

use super::super::comparison::run;
use super::super::depth::{MAX_DEPTH, on_deep_stack};
use super::super::world::Mode;
use super::{HEADER, error_of, program, read};

/// The ways in which a function uses the next one: its kind, the depth of its statements around the use, and the
/// statements.
const STEPS: [(&str, usize, &str); 15] = [
    ("c", 1, r#"["call",NEXT]"#),
    ("c", 1, r#"["shared",NEXT]"#),
    ("g", 1, r#"["afor",NEXT,0,[["yv",0,true]],[]]"#),
    ("g", 1, r#"["aclosing",NEXT,0,[["yv",0,false]]]"#),
    ("g", 1, r#"["with",["acm",NEXT],[["y",1]]]"#),
    ("g", 1, r#"["h_new",0,NEXT],["h_op",0,"an"],["y",1]"#),
    ("g", 2, r#"["h_new",0,NEXT],["loop",1,[["h_op",0,"an"]],[]],["y",1]"#),
    ("c", 2, r#"["with",["mgr",1,0,null,1,null],[["call",NEXT]]]"#),
    ("c", 2, r#"["stack",[["st","enter",["mgr",1,0,null,1,null]],["st","acb",2,0,null],["call",NEXT]]]"#),
    ("c", 2, r#"["try",[["call",NEXT]],[["A",[["reraise"]]]],[],[["log",1]]]"#),
    ("c", 2, r#"["try",[["raise","B",1]],[["B",[["call",NEXT]]]],[],[]]"#),
    ("c", 2, r#"["try",[],[],[],[["call",NEXT]]]"#),
    ("c", 2, r#"["loop",1,[["call",NEXT]],[]]"#),
    ("c", 2, r#"["ifx",[["call",NEXT]],[]]"#),
    ("c", 2, r#"["seq",[["call",NEXT]]]"#),
];

const RUN: &str = r#"["MAKE",0],["run",0],["MAKE",1],["run",1],["end"]"#;
const THROW: &str =
    r#"["MAKE",0],["send",0],["send",0],["throw",0,"A",1],["run",0],["MAKE",1],["run",1],["end"]"#;
const DROP: &str = r#"["MAKE",0],["send",0],["drop",0],["end"]"#;

/// A program whose last function is suspended at this depth. All its functions are generators, or all are coroutines.
fn deep(depth: usize, (kind, levels, step): (&str, usize, &str), actions: &str) -> String {
    let mut last = match kind {
        "g" => r#"["aw",3,7],["y",1]"#.to_owned(),
        _ => r#"["aw",3,7]"#.to_owned(),
    };
    for _ in 0..(depth - 1) % levels {
        last = format!(r#"["seq",[{last}]]"#);
    }
    let steps = (1..=(depth - 1) / levels).map(|next| step.replace("NEXT", &next.to_string()));
    let functions = steps.chain([last]).map(|body| format!(r#"{{"t":"{kind}","b":[{body}]}}"#));
    let (family, make) = if kind == "g" { ("agen", "anext") } else { ("coro", "coro") };
    program(1, family, &functions.collect::<Vec<_>>().join(","), &actions.replace("MAKE", make))
}

#[test]
#[cfg_attr(miri, ignore = "a stack of 64 MB")]
fn programs_at_the_depth_limit_run() {
    on_deep_stack(|| {
        for step in STEPS {
            for actions in [RUN, THROW] {
                let case = read(&[HEADER, &deep(MAX_DEPTH, step, actions)]).unwrap().remove(0);
                for mode in [Mode::Hooks, Mode::Pinned] {
                    let trace = run(&case, mode).trace;
                    assert!(trace.iter().any(|line| line == "< sus 7"), "{step:?}: {trace:?}");
                }
            }
            let case = read(&[HEADER, &deep(MAX_DEPTH, step, DROP)]).unwrap().remove(0);
            for mode in [Mode::Hooks, Mode::Pinned] {
                let trace = run(&case, mode).trace;
                assert!(!trace.iter().any(|line| line.starts_with("panicked")), "{step:?}: {trace:?}");
            }
        }
    });
}

#[test]
fn deeper_programs_are_rejected() {
    for step in STEPS {
        let what = "p[0]: a depth of 101 exceeds the limit of 100";
        assert_eq!(error_of(&deep(MAX_DEPTH + 1, step, RUN)), what, "{step:?}");
    }
}
