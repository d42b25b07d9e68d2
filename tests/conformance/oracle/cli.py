"""Random programs of async generators, coroutines and managers, and their traces on CPython.

A seed determines a program and the actions on it. The program is compiled to `async def` functions, which are driven by
hand, without an event loop, and which write a trace. The same seeds make the same programs on every version of Python;
the crate is compared with the traces of CPython 3.13. README.md describes the format of the files.

    python3.13 tests/conformance/oracle show --seed 3
    python3.13 tests/conformance/oracle gen --seeds 0:5000 -o programs.jsonl.gz
    python3.13 tests/conformance/oracle check programs.jsonl.gz
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from compare import compare
from corpus import merge
from driver import Driver, replay
from files import STANDARD_STREAM, FormatError, dumps, header, reading, write, writing
from outcome import CIRCLE, classes, event, tags
from planner import generate
from raised import UNKNOWN
from soundness import is_sound
from source import source
from syntax import Case

T = TypeVar("T")

REFERENCE = (3, 13)
# The number of programs between two garbage collections.
COLLECT_EVERY = 500
KINDS_SHOWN = 60


def main() -> int:
    options = parser().parse_args()
    if options.runs_programs:
        prepare()
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Prevents an error of the interpreter, which flushes again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except FormatError as error:
        print(f"oracle: {error}", file=sys.stderr)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"oracle: {where}{error.strerror or error}", file=sys.stderr)
    return 2


def prepare() -> None:
    if sys.version_info[:2] != REFERENCE:
        here = platform.python_version()
        print(f"oracle: this is CPython {here}, whose traces differ in places from those of the reference, 3.13", file=sys.stderr)
    warnings.simplefilter("ignore")
    # Automatic collections would finalize generators at arbitrary points.
    gc.disable()
    # Excludes the objects that exist already from collections.
    gc.freeze()


def parser() -> argparse.ArgumentParser:
    kind = argparse.ArgumentParser(add_help=False)
    kind.add_argument("--size", default="small", choices=["small", "large"])
    kind.add_argument("--family", default="all", choices=["all", "agen", "coro"])
    seeds = argparse.ArgumentParser(add_help=False, parents=[kind])
    seeds.add_argument("--seeds", default="0:1000", type=seed_range, metavar="FIRST:END", help="END is exclusive")
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("file", metavar="FILE", help=f"{STANDARD_STREAM} for standard input")
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("-o", dest="output", default=STANDARD_STREAM, metavar="FILE", help="default: standard output")

    parser = argparse.ArgumentParser(
        prog="oracle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name, command, *parents, runs_programs=True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=parents, help=command.__doc__, description=command.__doc__)
        added.set_defaults(command=command, runs_programs=runs_programs)
        return added

    gen = add("gen", write_generated, seeds, output)
    gen.add_argument("--verify", action="store_true", help="run each program twice, and report those whose traces differ")
    shown = add("show", show, kind).add_mutually_exclusive_group(required=True)
    shown.add_argument("--seed", type=int)
    shown.add_argument("--file", metavar="FILE", help="the programs of a file")
    add("run", write_replayed, file, output).add_argument(
        "--sift",
        action="store_true",
        help="for changed programs: recompute the tags, and drop invalid programs",
    )
    add("check", check, file)
    add("stat", show_outcomes, seeds)
    diff = add("diff", show_differences, runs_programs=False)
    diff.add_argument("left", metavar="FILE")
    diff.add_argument("right", metavar="FILE")
    diff.add_argument("--no-chain", action="store_true", help="ignore causes and contexts")
    merged = add("merge", write_corpus, runs_programs=False)
    merged.add_argument("reference", metavar="FILE", help="with the traces of 3.13")
    merged.add_argument("others", metavar="OTHER", nargs="+", help="with the traces of another version")
    merged.add_argument("-o", dest="output", required=True, metavar="CORPUS")
    merged.add_argument("--limit", type=int, default=0, metavar="COUNT", help="the maximum number of programs")
    return parser


def seed_range(text: str) -> range:
    try:
        first, end = map(int, text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST:END, as in 0:1000") from None
    if first >= end:
        raise argparse.ArgumentTypeError(f"{text!r} contains no seed")
    return range(first, end)


def collecting(items: Iterable[T]) -> Iterator[T]:
    """Yields the items, and collects the garbage of their programs from time to time."""
    for count, item in enumerate(items, start=1):
        yield item
        if count % COLLECT_EVERY == 0:
            gc.collect()


def replayed(case: Case) -> Driver:
    try:
        return replay(case)
    except Exception as error:
        raise FormatError(f"program {case['id']} cannot be run: {type(error).__name__}: {error}") from None


def write_generated(options: argparse.Namespace) -> int:
    """Generate programs, and run them."""
    seeds = options.seeds
    with writing(options.output) as file:
        write(file, header(seeds=f"{seeds.start}:{seeds.stop}", size=options.size, family=options.family))
        for seed in collecting(seeds):
            case = generate(seed, options.size, options.family)
            if options.verify and replay(case).trace != case["t"]:
                print("NONDETERMINISTIC", seed, file=sys.stderr)
            write(file, case)
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a program as JSON and as Python, and its trace."""
    if options.file is None:
        show_case(generate(options.seed, options.size, options.family))
        return 0
    with reading(options.file) as cases:
        for case in cases:
            show_case(case)
    return 0


def show_case(case: Case) -> None:
    trace = case.pop("t")
    print(dumps(case))
    print(source(case["p"]))
    print("\n".join(trace))
    print("replay identical:", replayed(case).trace == trace)


def write_replayed(options: argparse.Namespace) -> int:
    """Run the programs of a file, and write them with the traces of this Python."""
    with reading(options.file) as cases, writing(options.output) as file:
        write(file, cases.header | header())
        for case in collecting(cases):
            result = sifted(case) if options.sift else case | {"t": replayed(case).trace}
            if result is not None:
                write(file, result)
    return 0


def sifted(case: Case) -> Case | None:
    """Returns the program with its trace and its tags, if it is valid and raises only exceptions of programs."""
    if not all(is_sound(function["b"]) for function in case["p"]):
        return None
    try:
        driver = replayed(case)
    except FormatError:
        return None
    if any(UNKNOWN in line for line in driver.trace):
        return None
    if list(map(event, driver.trace)) != list(map(event, replay(case, collects=True).trace)):
        driver.features.add(CIRCLE)
    return case | {"t": driver.trace, "tags": tags(case, driver.trace, driver.features)}


def check(options: argparse.Namespace) -> int:
    """Run the programs of a file; the status is 1 if a trace differs from the file."""
    checked = mismatching = 0
    with reading(options.file) as cases:
        for case in collecting(cases):
            checked += 1
            mismatching += replayed(case).trace != case["t"]
    print("checked", checked, "mismatching", mismatching, "python", platform.python_version())
    return int(mismatching > 0)


def show_outcomes(options: argparse.Namespace) -> int:
    """Print the frequency of each kind of outcome."""
    outcomes: Counter[str] = Counter()
    families: Counter[str] = Counter()
    tagged: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    distinct: set[int] = set()
    lines = 0
    start = time.perf_counter()
    for seed in collecting(options.seeds):
        case = generate(seed, options.size, options.family)
        outcomes.update(sorted(classes(case["t"])))
        families[case["f"]] += 1
        tagged.update(case["tags"])
        steps.update(name for name, *_ in case["d"])
        lines += len(case["t"])
        distinct.add(hash(tuple(case["t"])))
    seconds, count = time.perf_counter() - start, len(options.seeds)
    print(
        f"cases {count}  {seconds:.1f}s  {count / seconds:.0f} cases/s  trace lines/case {lines / count:.1f}"
        f"  distinct traces {len(distinct)}  python {platform.python_version()}"
    )
    for title, counts in ("family", families), ("tags", tagged), ("driver", steps):
        print(title, dict(counts))
    for outcome, times in outcomes.most_common():
        print(f"{times:8}  {100 * times / count:6.3f}%  {outcome}")
    return 0


def show_differences(options: argparse.Namespace) -> int:
    """Print the differences of two files of the same programs, run on two versions of Python."""
    comparison = compare(options.left, options.right, not options.no_chain)
    compared, differ = comparison.compared, sum(map(len, comparison.differ.values()))
    print("compared", compared, "differ", differ, f"({100 * differ / max(compared, 1):.2f}%)")
    kinds = sorted(comparison.differ.items(), key=lambda kind: -len(kind[1]))
    for kind, programs in kinds[:KINDS_SHOWN]:
        print(f"{len(programs):6}  {kind}   e.g. {programs[:4]}")
    return 0


def write_corpus(options: argparse.Namespace) -> int:
    """Make a corpus from files of the same programs, run on several versions of Python."""
    counts = merge(options.reference, options.others, options.output, options.limit)
    for kind, count in counts.most_common():
        print(f"{count:8} {kind}")
    return 0
