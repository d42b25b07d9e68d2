//! Actions that are none, or cannot be done.

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
fn what_is_no_action() {
    for (actions, what) in [
        (r#"["next",0]"#, r#"d[0]: "next" is no action"#),
        (r#"["anext",0],5"#, "d[1]: 5 is no list"),
        (r#"["anext",-1]"#, "d[0]: -1 is no number that fits"),
        (r#"["anext"]"#, r#"d[0]: "anext" ends too soon"#),
        (r#"["asend",0]"#, r#"d[0]: "asend" ends too soon"#),
        (r#"["anext",0],["throw",0,"A"]"#, r#"d[1]: "throw" ends too soon"#),
        (r#"["anext",0],["throw",0,"C",1]"#, r#"d[1]: "C" is no exception"#),
        (r#"["anext",0,1]"#, r#"d[0]: "anext" has 1 too many"#),
        (r#"["anext",0],["send",0,null,1]"#, r#"d[1]: "send" has 1 too many"#),
        (r#"["end",0]"#, r#"d[0]: "end" has 1 too many"#),
    ] {
        assert_eq!(error_of(&of_generator(actions)), what);
    }
}

#[test]
fn actions_of_the_other_kind() {
    for action in
        [r#"["anext",0]"#, r#"["asend",0,1]"#, r#"["athrow",0,"A",1]"#, r#"["aclose",0]"#, r#"["dropgen"]"#]
    {
        assert_eq!(error_of(&of_coroutine(action)), "d[0]: the program is one of a coroutine");
    }
    assert_eq!(error_of(&of_generator(r#"["coro",0]"#)), "d[0]: the program is one of a generator");
}

#[test]
fn a_value_that_nothing_could_receive() {
    let send = r#"["anext",0],["send",0,1]"#;
    assert_eq!(error_of(&of_generator(send)), "d[1]: a value is sent to coroutines alone");
    let sound = [of_generator(r#"["anext",0],["send",0,null]"#), of_coroutine(r#"["coro",0],["send",0,1]"#)];
    for line in &sound {
        assert!(read(&[HEADER, line]).is_ok(), "{line}");
    }
}

#[test]
fn what_is_done_with_a_generator_that_is_gone() {
    for before in [r#"["end"]"#, r#"["dropgen"]"#, r#"["shutdown"]"#] {
        for action in [r#"["anext",0]"#, r#"["dropgen"]"#] {
            let what = "d[1]: the generator has been dropped before";
            assert_eq!(error_of(&of_generator(&format!("{before},{action}"))), what);
        }
        // Where an awaitable was, there is none, and it is told so.
        assert!(read(&[HEADER, &of_generator(&format!(r#"{before},["send",0],["end"]"#))]).is_ok());
    }
}
