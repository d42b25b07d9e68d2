//! Tests that programs are printed as valid Python.

use super::corpus::cases;
use super::source::source;

fn printed(functions: &str) -> String {
    let functions = functions.replace('\n', "");
    let line = format!(r#"{{"id":1,"f":"agen","p":[{functions}],"d":[],"t":[]}}"#);
    let text = format!("{{\"schema\":1}}\n{line}\n");
    let case = cases(text.as_bytes()).next().expect("one program").unwrap();
    source(case.program())
}

#[test]
fn every_statement_is_printed() {
    let generator = r#"{"t":"g","b":[
        ["log",1],["aw",2,3],["awr",1,4,"CE",5],["call",2],["shared",2],["y",null],["xy",6],["yx"],
        ["loop",2,[["cont"]],[]],
        ["ifx",[["raise","RT",7]],[["seq",[["log",8],["ret"]]]]],
        ["afor",1,0,[["yv",0,true],["afor",1,1,[["brk"]],[["yv",0,false]]]],[]],
        ["aclosing",1,2,[]],
        ["h_new",0,1],["h_op",0,"an"],["h_op",0,"as",9],["h_op",0,"at","GE",10],["h_op",0,"ac"]
    ]}"#;
    let others = r#"{"t":"g","b":[]},{"t":"c","b":[["retv",11]]}"#;
    let expected = r#"async def f0():
    x = None
    log("log", 1)
    x = await suspend(2, 3)
    if x is not None:
        log("got", x)
    await suspend(1, 4, then_raise=CancelledError(5))
    x = await f2()
    log("ret", x)
    x = await shared(f2)
    log("ret", x)
    yield None
    x = yield 6
    log("recv", x)
    x = yield x
    log("recv", x)
    for _ in range(2):
        continue
    if x is None:
        raise RuntimeError(7)
    else:
        log("log", 8)
        return
    async for v0 in f1():
        log("item", v0)
        x = yield v0
        log("recv", x)
        async for v1 in f1():
            log("item", v1)
            break
        else:
            log("else")
            yield v0
    async with aclosing(f1()) as items:
        async for v2 in items:
            log("item", v2)
    h0 = f1()
    x = await h0.__anext__()
    log("h", x)
    x = await h0.asend(9)
    log("h", x)
    x = await h0.athrow(GeneratorExit(10))
    log("h", x)
    x = await h0.aclose()
    log("h", x)

async def f1():
    x = None
    if False:
        yield

async def f2():
    x = None
    return 11
"#;
    assert_eq!(printed(&format!("{generator},{others}")), expected);
}

#[test]
fn managers_stacks_and_handlers_are_printed() {
    let functions = r#"{"t":"g","b":[
        ["with",["acm",1],[]],
        ["with",["mgr",1,2,["A",3],4,["raise","B",5]],[]],
        ["with",["mgr",2,0,null,0,["sup"]],[["with",["mgr",3,0,null,0,["supk","Exc"]],[["y",1]]]]],
        ["stack",[
            ["st","enter",["mgr",4,0,null,1,null]],["st","pexit",["mgr",5,0,null,0,["same"]]],
            ["st","spush",["mgr",6,0,null,0,null]],["st","acb",7,1,["Base",8]],["st","scb",9,0,null],
            ["st","pop_all"],["st","aclose"]
        ]],
        ["try",
            [["loop",1,[],[["log",10]]]],
            [["AB",[
                ["try",[],[["SI",[["raisefrom","A",11,true]]]],[],[["raisefrom","B",12,true]]],
                ["raisefrom","SAI",13,true]
            ]],["BaseExc",[["raisefrom","A",14,false],["reraise"]]]],
            [["log",15]],
            []
        ]
    ]},{"t":"g","b":[["seq",[]],["y",1]]}"#;
    let expected = r#"async def f0():
    x = None
    async with asynccontextmanager(f1)() as value:
        log("as", value)
    async with manager(1, enter_suspends=2, enter_raises=A(3), exit_suspends=4, exit_raises=B(5)):
        pass
    async with manager(2, exit_suppresses=BaseException):
        async with manager(3, exit_suppresses=Exception):
            yield 1
    async with AsyncExitStack() as st:
        await st.enter_async_context(manager(4, exit_suspends=1))
        st.push_async_exit(manager(5, exit_reraises=True))
        st.push(manager(6).exit)
        st.push_async_callback(callback, 7, suspends=1, raises=Base(8))
        st.callback(callback, 9)
        st = st.pop_all()
        await st.aclose()
    try:
        for _ in range(1):
            pass
        else:
            log("log", 10)
    except (A, B) as e1:
        log("caught", e1)
        try:
            pass
        except StopIteration as e2:
            log("caught", e2)
            raise A(11) from e2
        finally:
            raise B(12) from None
        raise StopAsyncIteration(13) from e1
    except BaseException as e1:
        log("caught", e1)
        raise A(14) from None
        raise
    else:
        log("log", 15)

async def f1():
    x = None
    yield 1
"#;
    assert_eq!(printed(functions), expected);
}
