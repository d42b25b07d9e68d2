//! Differential tests: random programs that `CPython` ran are run on the crate's public interface, and their traces are
//! compared line by line.
//!
//! A driven coroutine is a `Coroutine`. `async with` is `async_with_send`, with managers of the test,
//! `asynccontextmanager`, `AsyncExitStack` and `aclosing`; `async for` is `async_for!`. Only `try` is implemented by the
//! test. `WITHAL_CORPUS=FILE` runs the programs of another file; tests/conformance/README.md shows how to make one.
//!
//! Each program runs in every mode that applies:
//!
//! | mode | its generators | `async for` over them | at a shutdown |
//! |---|---|---|---|
//! | `Hooks` | `ManagedGenerator`s with hooks that write the trace | `anext` | `aclose` of the handles that the first hook received |
//! | `Pinned` | `AsyncGenerator`s, until one would have to be shared, or a block that owns one is dropped | the `Stream` itself, or `anext` where something is thrown in from outside | `aclose` |
//! | `Asyncgens` | as in `Hooks`, without the first hook; only if a shutdown finds at most one, and until an exit is detached | `anext` | `shutdown_asyncgens` |
//!
//! There is no runtime except for a shutdown. Without one, the exits of a dropped block or stack are abandoned, as in
//! Python; with one, they continue as a cleanup.
//!
//! # How Python's constructs are expressed
//!
//! | Python | here |
//! |---|---|
//! | an awaitable is thrown into or closed | its future is dropped, and `athrow` continues what it has started |
//! | the exception reaches an inner await | `Yielder::interruptible` raises it there, and the test throws it on, into a generator or a shared coroutine |
//! | the exception reaches a call of a function | the function has the caller's yielder: the exception is raised inside at once |
//! | the exception reaches an enter or an exit | no throw reaches their inside: the test raises it where they are suspended |
//! | several functions await a coroutine, one at a time | the test passes it around, and sends on what is sent |
//! | `StopAsyncIteration`, `StopIteration` | `None`, or a value; the test raises them, and applies PEP 479 |
//! | an operation on an ended generator completes, and an exception thrown into its awaitable is raised | `None` in both cases: the test distinguishes them |
//! | `anext` of a generator, by hand | `start`, or `asend` of `None`; loops use `anext` |
//! | an awaitable that is used after its end | a completed future: the test reports it |
//! | `aclose` suppresses any `GeneratorExit`, and `StopAsyncIteration` | except for the exit itself, these are errors: the test suppresses them |
//! | a loop's generator raises a `GeneratorExit` that was not thrown in | a stream ends with it: in `Pinned`, the test makes it an error |
//! | the first hook is called when an awaitable is made | it is called when that is polled: the test writes the line early, and checks that the hook is called |
//! | an iterated generator that has not started is finalized | there is nothing to close: the test writes the lines |
//! | a pinned generator is finalized | it has no hooks: the test writes their lines, and closes it when it is dropped |
//! | a shutdown closes generators one after the other | `shutdown_asyncgens` closes them concurrently, which makes no difference for one; it excludes a first hook: the test writes its line |
//! | the function of an `asynccontextmanager` is a generator | it has no hooks: the test writes the line of the first one |
//! | such a function does not yield, which is an error | entering panics: the test catches that, and raises the error |
//! | the error of the block is thrown into it | the yield returns how the block ended: the test raises the error |
//! | `contextlib` checks whether that error, or what PEP 479 makes of it, is raised again | the function returns whether to suppress it: the test checks as `contextlib` does |
//! | `__cause__`, `__context__` | kept by the test: here an error has a source, and a list of the errors that exits replaced |
//!
//! # Exclusions
//!
//! Of the 5,000 programs, by the first rule that applies. Up to that point the traces must be equal, too:
//!
//! | rule | programs | reason |
//! |---|---|---|
//! | `YieldsTwice` | 168 | the function of an `asynccontextmanager` yields again: here that does not compile |
//! | `ExitsInside` | 179 | `GeneratorExit` reaches an await inside another: following PEP 380, Python *closes* the inner one, which observes a different exception, must not await any more, and cannot stop the exit; here it observes that exit, and may do both |
//! | `ClosedBefore` | 65 | a generator whose `aclose` has started and whose body has not ended is thrown into, closed or dropped: Python treats it as closed, though `anext` continues it; here it is like any other |
//! | `ClosesAClose` | 0 | another exit reaches a body that an exit is ending already, for example by a close of a suspended `aclose`: Python raises it there, too; here it interrupts nothing |
//! | `Wedged` | 19 | the suspended awaitable of a generator was dropped: for Python the generator is running from then on; here the next operation continues it |
//! | `AthrowAgain` | 1 | an `athrow` that was suspended and resumed and has ended is used again: Python does not notice that it has ended |
//! | `KeptInFrame` | 9 | a generator yields while it is being finalized, and is dropped: Python keeps the generators that its frame holds; here they are finalized |
//! | `LeftSuspended` | 7 | a suspended coroutine is dropped: Python closes it; here its destructors run |
//! | `ManagerDropped` | 3 | a block of an `asynccontextmanager` is dropped, or reaches a shutdown: Python closes its function as a generator; here the function continues as a cleanup |
//! | `StopAsResult` | 5 | `StopIteration` is thrown in by hand: Python treats it as the result of the awaitable that raises it |
//! | `InACircle` | 1 | a reference cycle keeps Python from finalizing a generator; only for programs that are known to have one |

mod adapters;
mod awaitable;
mod comparison;
mod coroutines;
mod corpus;
mod depth;
mod doc_tables;
mod driver;
mod exclusions;
mod format_error;
mod frame;
mod function_managers;
mod generators;
mod identity;
mod invalid;
mod json;
mod loops;
mod managers;
mod panics;
mod parse;
mod printing;
mod program;
mod raised;
mod rules;
mod shutdown;
mod slot;
mod source;
mod stacks;
mod statements;
mod suspend;
mod validate;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};

use self::comparison::{Comparison, compare};
use self::rules::{EXCLUDED, Rule};

/// The programs in the crate's corpus that form a reference cycle; the corpus has no tag for it.
const IN_A_CYCLE: [u64; 1] = [3921];

/// The number of differences that are printed in full.
const MAX_PRINTED: usize = 10;

#[test]
#[cfg_attr(miri, ignore = "thousands of programs")]
fn traces_match_cpython() {
    depth::on_deep_stack(compare_corpus);
}

/// Programs that have differed in the past.
#[test]
fn traces_match_where_they_once_differed() {
    depth::on_deep_stack(|| {
        let found: &[u8] = include_bytes!("../data/found.jsonl");
        let mut excluded = Vec::new();
        let cases: Vec<_> = corpus::cases(found).map(Result::unwrap).collect();
        for case in &cases {
            match compare(case) {
                Comparison::Same(_) => {}
                Comparison::Excluded(rule) => excluded.push((case.id, rule)),
                Comparison::Differs(difference) => panic!("{difference}"),
            }
        }
        assert_eq!(cases.len(), 6);
        // Excluded at its last line only.
        assert_eq!(excluded, [(12_004_006, Rule::ClosedBefore)]);
    });
}

fn compare_corpus() {
    let path = corpus::path().unwrap_or_else(|error| panic!("{error}"));
    let file = corpus::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Lets the fuzzer find the program at which the test hangs or dies.
    let reports_progress = env::var_os("WITHAL_PROGRESS").is_some();
    let is_default = env::var_os("WITHAL_CORPUS").is_none();
    let (mut run, mut chains, mut pinned, mut shut_down) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut excluded: BTreeMap<Rule, u32> = EXCLUDED.map(|(rule, _)| (rule, 0)).into();
    let mut differ = Vec::new();
    for case in corpus::cases(file) {
        let mut case = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        case.is_in_a_circle |= is_default && IN_A_CYCLE.contains(&case.id);
        if reports_progress {
            eprintln!("program {}", case.id);
        }
        match compare(&case) {
            Comparison::Excluded(rule) => *excluded.entry(rule).or_default() += 1,
            Comparison::Same(same) => {
                run += 1;
                chains += u32::from(same.is_with_chain);
                pinned += u32::from(same.is_pinned_to_the_end);
                shut_down += u32::from(same.is_shut_down);
            }
            Comparison::Differs(difference) => {
                run += 1;
                if differ.len() < MAX_PRINTED {
                    println!("{difference}");
                }
                differ.push(case.id);
            }
        }
    }
    let (same, left_out) = (run - u32::try_from(differ.len()).unwrap(), excluded.values().sum::<u32>());
    // Written to the real stdout, so that it is printed even when the test passes.
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "conformance: {same} of {run}, {left_out} excluded\nchain: {chains} of {run}").unwrap();
    writeln!(stdout, "pinned as well: {pinned} of {run}\nby shutdown_asyncgens: {shut_down}").unwrap();
    for (rule, count) in &excluded {
        writeln!(stdout, "excluded: {rule} {count}").unwrap();
    }
    drop(stdout);
    assert!(differ.is_empty(), "these differ: {differ:?}");
    assert!(
        2 * left_out <= run + left_out || run + left_out < 100,
        "the rules exclude more than half of the programs"
    );
    if is_default {
        assert_eq!(run + left_out, 5000);
        assert_eq!(excluded, BTreeMap::from(EXCLUDED));
        assert!(100 * chains >= 95 * run, "at least 95 % of the chains are equal");
    }
}
