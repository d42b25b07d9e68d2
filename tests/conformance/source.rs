//! A program as Python would have it, for whoever looks at one that fails.

use serde_json::Value as Json;

pub(super) fn source(functions: &[Json]) -> String {
    let mut source = String::new();
    for (number, function) in functions.iter().enumerate() {
        let kind = if function["t"] == "g" { "generator" } else { "coroutine" };
        line(&mut source, 0, &format!("async def f{number}():  # {kind}"));
        block(&mut source, 1, &function["b"]);
    }
    source
}

fn block(source: &mut String, depth: usize, statements: &Json) {
    let statements = statements.as_array().map(Vec::as_slice).unwrap_or_default();
    if statements.is_empty() {
        line(source, depth, "pass");
    }
    for s in statements {
        statement(source, depth, s);
    }
}

fn line(source: &mut String, depth: usize, text: &str) {
    source.push_str(&"    ".repeat(depth));
    source.push_str(text);
    source.push('\n');
}

fn statement(source: &mut String, depth: usize, s: &Json) {
    let n = |at: usize| word(&s[at]);
    let name = s[0].as_str().unwrap_or_default();
    let mut with_blocks = |head: &str, body: &Json, orelse: &Json| {
        line(source, depth, head);
        block(source, depth + 1, body);
        if orelse.as_array().is_some_and(|orelse| !orelse.is_empty()) {
            line(source, depth, "else:");
            block(source, depth + 1, orelse);
        }
    };
    let text = match name {
        "seq" => return s[1].as_array().into_iter().flatten().for_each(|s| statement(source, depth, s)),
        "ifx" => return with_blocks("if x is None:", &s[1], &s[2]),
        "loop" => return with_blocks(&format!("for _ in range({}):", n(1)), &s[2], &s[3]),
        "afor" => return with_blocks(&format!("async for v{} in f{}():", n(2), n(1)), &s[3], &s[4]),
        "aclosing" => {
            let head = format!("async with aclosing(f{}()) as c: async for v{} in c:", n(1), n(2));
            return with_blocks(&head, &s[3], &Json::Null);
        }
        "with" => return with_blocks(&format!("async with {}:", manager(&s[1])), &s[2], &Json::Null),
        "stack" => return with_blocks("async with AsyncExitStack() as st:", &s[1], &Json::Null),
        "try" => {
            with_blocks("try:", &s[1], &Json::Null);
            for handler in s[2].as_array().into_iter().flatten() {
                with_blocks(&format!("except {}:", word(&handler[0])), &handler[1], &Json::Null);
            }
            for (head, at) in [("else:", 3), ("finally:", 4)] {
                if s[at].as_array().is_some_and(|block| !block.is_empty()) {
                    with_blocks(head, &s[at], &Json::Null);
                }
            }
            return;
        }
        "log" => format!("log({})", n(1)),
        "aw" => format!("x = await suspend({}, {})", n(1), n(2)),
        "awr" => format!("await suspend({}, {}); raise {}({})", n(1), n(2), n(3), n(4)),
        "call" => format!("x = await f{}()", n(1)),
        "shared" => format!("x = await shared(f{})", n(1)),
        "y" => format!("yield {}", n(1)),
        "xy" => format!("x = yield {}", n(1)),
        "yx" => "x = yield x".to_owned(),
        "yv" => format!("yield v{}", n(1)),
        "raise" => format!("raise {}({})", n(1), n(2)),
        "reraise" => "raise".to_owned(),
        "raisefrom" => format!("raise {}({}) from {}", n(1), n(2), if s[3] == true { "e" } else { "None" }),
        "ret" => "return".to_owned(),
        "retv" => format!("return {}", n(1)),
        "brk" => "break".to_owned(),
        "cont" => "continue".to_owned(),
        "h_new" => format!("h{} = f{}()", n(1), n(2)),
        "h_op" => format!("x = await h{}.{}", n(1), on_handle(s)),
        "st" => on_stack(s),
        _ => word(s),
    };
    line(source, depth, &text);
}

fn on_handle(s: &Json) -> String {
    match s[2].as_str().unwrap_or_default() {
        "an" => "__anext__()".to_owned(),
        "as" => format!("asend({})", word(&s[3])),
        "at" => format!("athrow({}({}))", word(&s[3]), word(&s[4])),
        _ => "aclose()".to_owned(),
    }
}

fn on_stack(s: &Json) -> String {
    let callback = || arguments(&s[2], &[("suspends", &s[3]), ("raises", &s[4])]);
    match s[1].as_str().unwrap_or_default() {
        "enter" => format!("await st.enter_async_context({})", manager(&s[2])),
        "pexit" => format!("st.push_async_exit({})", manager(&s[2])),
        "spush" => format!("st.push({}.exit)", manager(&s[2])),
        "acb" => format!("st.push_async_callback(callback({}))", callback()),
        "scb" => format!("st.callback(callback({}))", callback()),
        "pop_all" => "st = st.pop_all()".to_owned(),
        _ => "await st.aclose()".to_owned(),
    }
}

fn manager(m: &Json) -> String {
    if m[0] == "acm" {
        return format!("asynccontextmanager(f{})()", word(&m[1]));
    }
    let does =
        [("enter_suspends", &m[2]), ("enter_raises", &m[3]), ("exit_suspends", &m[4]), ("exit", &m[5])];
    format!("manager({})", arguments(&m[1], &does))
}

/// Only those that say something.
fn arguments(number: &Json, named: &[(&str, &Json)]) -> String {
    let said = named.iter().filter(|(_, value)| !value.is_null() && *value != &Json::from(0));
    said.fold(word(number), |all, (name, value)| format!("{all}, {name}={}", word(value)))
}

/// As the traces have it, too.
pub(super) fn word(json: &Json) -> String {
    match json {
        Json::Null => "None".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(words) => words.iter().map(word).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
