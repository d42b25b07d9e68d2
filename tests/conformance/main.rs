//! Programs that `CPython` ran, run on the crate's public interface: the same trace, line by line.
//!
//! A coroutine that is driven is a `Coroutine`; `async with` goes through `async_with_send`, with managers of the test's
//! own, `asynccontextmanager`, `AsyncExitStack` and `aclosing`, `async for` through `async_for!`. What is tested here and
//! not taken from the crate is `try`. `WITHAL_CORPUS=FILE` has another file run; how to make one stands in
//! tests/conformance/README.md.
//!
//! Each program is run in every way that there is for it:
//!
//! | way | its generators | `async for` over them | at a shutdown |
//! |---|---|---|---|
//! | `Hooks` | `ManagedGenerator`s with hooks of the test's, which write the trace | `anext` | `aclose` of the handles that the first hook gave |
//! | `Pinned` | `AsyncGenerator`s, up to where one would have to be shared, or a block that has one is dropped | the `Stream` itself where nothing is thrown in from outside, or else `anext` | `aclose` |
//! | `Asyncgens` | as `Hooks`, but for the first hook: where a shutdown finds at most one, up to where an exit is detached | `anext` | `shutdown_asyncgens` |
//!
//! No runtime is there, but for a shutdown: what is left alone in its block or on its stack is lost, as in Python. Where one
//! is, its exit goes on as a cleanup.
//!
//! # What is said in another way
//!
//! | Python | here |
//! |---|---|
//! | an awaitable is thrown into or closed | its future is dropped, and what it has begun goes on with `athrow` |
//! | it comes to where an inner one is awaited | `Yielder::interruptible` raises it there, and the test throws it on, into a generator or into a coroutine that several await |
//! | it comes to a call of a function | the yielder is that of who calls: it is raised inside at once |
//! | in the middle of an enter or an exit | there no throw comes through: where it waits, the test raises it |
//! | several await a coroutine, one at a time | the test lends it, and sends on what it is sent |
//! | `StopAsyncIteration`, `StopIteration` | `None`, or a value; the test raises them, and PEP 479 is the test's |
//! | an operation on what has ended is done, and what is thrown into its awaitable comes back | `None` in any case: the test makes the difference |
//! | `anext` of a generator, by hand | `start`, or `asend` of nothing; `anext` is what loops do |
//! | an awaitable that is spent | a future that is done: the test says so |
//! | `aclose` swallows any `GeneratorExit`, and `StopAsyncIteration` | but for the exit itself, these are errors: the test swallows them |
//! | a `GeneratorExit` that nobody asked for comes out of a loop | a stream ends with it: in `Pinned`, the test makes it an error |
//! | the first hook comes when an awaitable is made | when it is polled: for the driver the test writes the line before, and sees that the hook comes then |
//! | a generator is finalized that was iterated and has not begun | there is nothing to close: the test tells it |
//! | a generator is finalized that is pinned | it has no hooks: the test writes their lines, and closes it when it is dropped |
//! | generators are closed one after the other at a shutdown | `shutdown_asyncgens` closes them side by side, which with one is the same; it has no first hook besides it: the test writes the line |
//! | the function of an `asynccontextmanager` is a generator | it has no hooks: the test writes the line of the first one |
//! | it does not yield, which is an error | entering panics, with Python's words: the test catches that |
//! | the block's error is thrown into it | the yield says how the block was left: the test raises it |
//! | `contextlib` sees whether that comes out again, or what PEP 479 makes of it | a function says whether it swallows: the test looks, as `contextlib` does |
//! | `__cause__`, `__context__` | are the test's: an error here has a source, and of those that exits replace there is a list |
//!
//! # What is left out
//!
//! Of the 5,000 programs, by the rule that a program comes under first. Up to there its trace has to be the same, too:
//!
//! | rule | how many | why |
//! |---|---|---|
//! | `YieldsTwice` | 168 | the function of an `asynccontextmanager` yields once more: here that does not compile |
//! | `ExitsInside` | 179 | `GeneratorExit` comes to an await inside of another: as PEP 380 has it, Python *closes* the inner one, which sees another exception, must not await any more, and cannot keep the exit from going on; here it sees that exit, and may |
//! | `ClosedBefore` | 65 | a generator whose `aclose` has begun and whose body has not ended is thrown into, closed or dropped: Python takes it for closed, though `anext` goes on with it; here it is as any other |
//! | `ClosesAClose` | 0 | the exit comes once more to a body that is on its way out by it, by a close of a suspended `aclose`, say: Python raises it there, too; here it interrupts nothing |
//! | `Wedged` | 19 | the awaitable of a generator was dropped in the middle: for Python the generator is running then, for good; here the next operation goes on with it |
//! | `AthrowAgain` | 1 | an `athrow` that was suspended and resumed and is done is used once more: Python does not see that it is done |
//! | `KeptInFrame` | 9 | a generator that is being finalized yields once more, and is dropped: Python keeps the generators that its frame holds; here they are finalized |
//! | `LeftSuspended` | 7 | a coroutine is suspended when it is dropped: Python closes it then; here its destructors run |
//! | `ManagerDropped` | 3 | a block of an `asynccontextmanager` is dropped, or comes to a shutdown: Python closes its function as a generator; here it runs on as a cleanup |
//! | `StopAsResult` | 5 | `StopIteration` is thrown in by hand: Python takes it for the result of what it comes out of |
//! | `InACircle` | 1 | a circle of references keeps Python from finalizing a generator; only of programs of which that is known |

mod around;
mod awaitable;
mod coroutines;
mod corpus;
mod damage;
mod damaged;
mod depth;
mod driver;
mod exclusions;
mod frame;
mod functions;
mod generators;
mod identity;
mod json;
mod leaf;
mod loops;
mod managers;
mod panics;
mod printed;
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
mod validate;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};

use self::rules::{EXCLUDED, Rule};
use self::verdict::{Verdict, verdict};

/// Those of the crate's own file that leave a circle of references: it has no tag for that.
const IN_A_CIRCLE: [u64; 1] = [3921];

/// How many of those that differ are printed in full.
const PRINTED: usize = 10;

#[test]
#[cfg_attr(miri, ignore = "thousands of programs")]
fn the_same_trace_as_on_cpython() {
    depth::on_deep_stack(compare);
}

/// Programs that differed at some time.
#[test]
fn the_same_trace_where_it_was_another() {
    depth::on_deep_stack(|| {
        let found: &[u8] = include_bytes!("../data/found.jsonl");
        let mut excluded = Vec::new();
        let cases: Vec<_> = corpus::cases(found).map(Result::unwrap).collect();
        for case in &cases {
            match verdict(case) {
                Verdict::Same(_) => {}
                Verdict::Excluded(rule) => excluded.push((case.id, rule)),
                Verdict::Differs(difference) => panic!("{difference}"),
            }
        }
        assert_eq!(cases.len(), 6);
        // At its last line.
        assert_eq!(excluded, [(12_004_006, Rule::ClosedBefore)]);
    });
}

fn compare() {
    let path = corpus::path().unwrap_or_else(|error| panic!("{error}"));
    let file = corpus::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // So that the fuzzer knows which program the test hangs at, or dies of.
    let tells_progress = env::var_os("WITHAL_PROGRESS").is_some();
    let is_own = env::var_os("WITHAL_CORPUS").is_none();
    let (mut run, mut chains, mut pinned, mut shut_down) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut excluded: BTreeMap<Rule, u32> = EXCLUDED.map(|(rule, _)| (rule, 0)).into();
    let mut differ = Vec::new();
    for case in corpus::cases(file) {
        let mut case = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        case.is_in_a_circle |= is_own && IN_A_CIRCLE.contains(&case.id);
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
    assert!(2 * left_out <= run + left_out || run + left_out < 100, "the rules leave more out than not");
    if is_own {
        assert_eq!(run + left_out, 5000);
        assert_eq!(excluded, BTreeMap::from(EXCLUDED));
        assert!(100 * chains >= 95 * run, "of the chains, at least 95 in 100");
    }
}
