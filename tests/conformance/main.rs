//! Programs that `CPython` ran, run on the crate's public interface: the same trace, line by line.
//!
//! A generator of a program is a `ManagedGenerator`, a coroutine that is driven a `Coroutine`; `async with` goes through
//! `async_with_send`, with managers of the test's own, `asynccontextmanager`, `AsyncExitStack` and `aclosing`, `async for` through
//! `async_for!`. What is tested here and not taken from the crate is `try`. `WITHAL_CORPUS=FILE` has another file run; how
//! to make one stands in tests/conformance/README.md.
//!
//! # What is said in another way
//!
//! | Python | here |
//! |---|---|
//! | an awaitable is thrown into or closed | its future is dropped, and what it has begun goes on with `athrow` |
//! | it comes to where an inner one is awaited | `Yielder::wait` raises it there, and the test throws it on |
//! | in the middle of an enter or an exit | there no throw comes through: where it waits, the test raises it |
//! | `StopAsyncIteration`, `StopIteration` | `None`, or a value; the test raises them, and PEP 479 is the test's |
//! | an awaitable that is spent | a future that is done: the test says so |
//! | the first hook comes when an awaitable is made | when it is polled: the test tells it when it is made |
//! | a generator is finalized that was iterated and has not begun | there is nothing to close: the test tells it |
//! | the block's error is thrown into an `asynccontextmanager` | the yield says how the block was left: the test raises it |
//!
//! # What is left out
//!
//! Of the 5,000 programs, by the first rule that a program comes under:
//!
//! | rule | how many | why |
//! |---|---|---|
//! | `YieldsNever` | 62 | the function of an `asynccontextmanager` does not yield: here entering panics |
//! | `YieldsTwice` | 167 | it yields once more: here that does not compile |
//! | `ExitsInside` | 232 | `GeneratorExit` comes to an await inside of another: as PEP 380 has it, Python *closes* the inner one, which sees another exception and must not await any more; here it sees the exit, and may |
//! | `ClosedBefore` | 105 | a generator whose `aclose` has begun and whose body has not ended is thrown into, closed or dropped: Python takes it for closed, though `anext` goes on with it; here it is as any other |
//! | `Wedged` | 16 | the awaitable of a generator is dropped or closed in the middle, and the body awaits on: for Python the generator is running then, for good; here the next operation goes on with it |
//! | `AthrowAgain` | 4 | an `athrow` that was suspended and is done is used once more: Python does not see that it is done |
//! | `LeftSuspended` | 6 | a coroutine is suspended when it is dropped: Python closes it then; here its destructors run |
//! | `ManagerDropped` | 1 | a block of an `asynccontextmanager` is dropped: Python closes its function by the hook; here it runs on as a cleanup |
//! | `StopAsResult` | 4 | `StopIteration` is thrown in by hand: Python takes it for the result of what it comes out of |
//! | `InACircle` | 1 | a circle of references keeps Python from finalizing a generator |

mod around;
mod awaitable;
mod coroutines;
mod corpus;
mod damaged;
mod driver;
mod frame;
mod functions;
mod generators;
mod identity;
mod leaf;
mod loops;
mod managers;
mod panics;
mod program;
mod raised;
mod reading;
mod rules;
mod shutdown;
mod slot;
mod source;
mod stacks;
mod statements;
mod tables;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};

use self::rules::{EXCLUDED, Rule};
use self::verdict::{Verdict, verdict};

/// How many of those that differ are printed in full.
const PRINTED: usize = 10;

#[test]
#[cfg_attr(miri, ignore = "thousands of programs")]
fn the_same_trace_as_on_cpython() {
    let path = corpus::path();
    let file = corpus::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // So that the fuzzer knows which program the test hangs at, or dies of.
    let tells_progress = env::var_os("WITHAL_PROGRESS").is_some();
    let (mut run, mut chains, mut pinned, mut shut_down) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut excluded: BTreeMap<Rule, u32> = EXCLUDED.map(|(rule, _)| (rule, 0)).into();
    let mut differ = Vec::new();
    for case in corpus::cases(file) {
        let case = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if tells_progress {
            eprintln!("program {}", case.id);
        }
        match verdict(&case) {
            Verdict::Excluded(rule) => *excluded.entry(rule).or_default() += 1,
            Verdict::Same(same) => {
                run += 1;
                chains += u32::from(same.is_with_chain);
                pinned += u32::from(same.is_pinned_to_the_end);
                shut_down += u32::from(same.is_shut_down);
            }
            Verdict::Differs(difference) => {
                run += 1;
                if differ.len() < PRINTED {
                    println!("{difference}");
                }
                differ.push(case.id);
            }
        }
    }
    let (same, left_out) = (run - u32::try_from(differ.len()).unwrap(), excluded.values().sum::<u32>());
    // Told also where nothing is wrong, when the harness keeps what is printed to itself.
    let mut told = io::stdout().lock();
    writeln!(told, "conformance: {same} of {run}, {left_out} excluded\nchain: {chains} of {run}").unwrap();
    writeln!(told, "pinned as well: {pinned} of {run}\nby shutdown_asyncgens: {shut_down}").unwrap();
    for (rule, count) in &excluded {
        writeln!(told, "excluded: {rule} {count}").unwrap();
    }
    drop(told);
    assert!(differ.is_empty(), "these differ: {differ:?}");
    if env::var_os("WITHAL_CORPUS").is_none() {
        assert_eq!(run + left_out, 5000);
        assert_eq!(excluded, BTreeMap::from(EXCLUDED));
        assert!(100 * chains >= 95 * run, "of the chains, at least 95 in 100");
    }
}
