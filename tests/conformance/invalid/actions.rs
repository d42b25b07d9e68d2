//! Unknown actions, and actions that cannot be performed.

use super::{HEADER, error_of, program, read};

const GENERATOR: &str = r#"{"t":"g","b":[["y",1]]}"#;
const COROUTINE: &str = r#"{"t":"c","b":[]}"#;

fn of_generator(actions: &str) -> String {
    program(1, "agen", GENERATOR, actions)
}

fn of_coroutine(actions: &str) -> String {
    program(1, "coro", COROUTINE, actions)
}

#[test]
fn unknown_and_malformed_actions() {
    for (actions, what) in [
        (r#"["next",0]"#, r#"d[0]: unknown action "next""#),
        (r#"["anext",0],5"#, "d[1]: expected a list, found 5"),
        (r#"["anext",-1]"#, "d[0]: expected a number in range, found -1"),
        (r#"["anext"]"#, r#"d[0]: "anext" has too few fields"#),
        (r#"["asend",0]"#, r#"d[0]: "asend" has too few fields"#),
        (r#"["anext",0],["throw",0,"A"]"#, r#"d[1]: "throw" has too few fields"#),
        (r#"["anext",0],["throw",0,"C",1]"#, r#"d[1]: unknown exception "C""#),
        (r#"["anext",0,1]"#, r#"d[0]: "anext" has too many fields, by 1"#),
        (r#"["anext",0],["send",0,null,1]"#, r#"d[1]: "send" has too many fields, by 1"#),
        (r#"["end",0]"#, r#"d[0]: "end" has too many fields, by 1"#),
    ] {
        assert_eq!(error_of(&of_generator(actions)), what);
    }
}

#[test]
fn actions_on_a_generator_or_coroutine_that_is_not_driven() {
    for action in
        [r#"["anext",0]"#, r#"["asend",0,1]"#, r#"["athrow",0,"A",1]"#, r#"["aclose",0]"#, r#"["dropgen"]"#]
    {
        assert_eq!(error_of(&of_coroutine(action)), "d[0]: the program drives a coroutine");
    }
    assert_eq!(error_of(&of_generator(r#"["coro",0]"#)), "d[0]: the program drives a generator");
}

#[test]
fn a_value_sent_to_a_generator_awaitable() {
    let send = r#"["anext",0],["send",0,1]"#;
    assert_eq!(error_of(&of_generator(send)), "d[1]: values can only be sent to coroutines");
    let sound = [of_generator(r#"["anext",0],["send",0,null]"#), of_coroutine(r#"["coro",0],["send",0,1]"#)];
    for line in &sound {
        assert!(read(&[HEADER, line]).is_ok(), "{line}");
    }
}

#[test]
fn actions_on_a_dropped_generator() {
    for before in [r#"["end"]"#, r#"["dropgen"]"#, r#"["shutdown"]"#] {
        for action in [r#"["anext",0]"#, r#"["dropgen"]"#] {
            let what = "d[1]: the generator was dropped before";
            assert_eq!(error_of(&of_generator(&format!("{before},{action}"))), what);
        }
        // An empty slot is not an error: the trace has a line for it.
        assert!(read(&[HEADER, &of_generator(&format!(r#"{before},["send",0],["end"]"#))]).is_ok());
    }
}
