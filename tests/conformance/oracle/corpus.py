"""Making of a corpus: programs on which versions of Python agree, selected by their outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import ExitStack

from files import Reader, reading, side_by_side, write, writing
from outcome import EXCLUDE, classes, event
from syntax import Case

# The number of programs to select for each kind of outcome.
QUOTA = 25
# Programs with these tags may differ on an older version: 3.13 is the reference.
EXPLAINED = {"close-sus", "ge", "throw-new-running", "throw-new", "running", "reuse", "throw-done"}


def merge(reference: str, others: list[str], output: str, limit: int) -> Counter[str]:
    """Writes the corpus; returns the numbers of programs that were kept and dropped, by reason."""
    with ExitStack() as stack:
        readers = [stack.enter_context(reading(path)) for path in [reference, *others]]
        counts: Counter[str] = Counter()
        pool = comparable(readers, counts)
        file = stack.enter_context(writing(output))
        write(file, readers[0].header | {"checked_against": [reader.header["python"] for reader in readers[1:]]})
        chosen = choose(pool, limit or len(pool))
        for case in chosen:
            write(file, case)
        counts["kept"] = len(chosen)
        return counts


def comparable(readers: list[Reader], counts: Counter[str]) -> list[Case]:
    """Returns the programs without a tag of `EXCLUDE` that differ between versions only for a known reason."""
    versions = [reader.header["python"] for reader in readers[1:]]
    pool = []
    for case, *others in side_by_side(readers):
        counts["total"] += 1
        tags = set(case["tags"])
        excluded = tags & EXCLUDE.keys()
        if excluded:
            counts.update(f"excluded {tag}" for tag in excluded)
            counts["excluded"] += 1
            continue
        events = list(map(event, case["t"]))
        traces = [(version, other["t"]) for version, other in zip(versions, others, strict=True)]
        differs = [version for version, trace in traces if list(map(event, trace)) != events]
        chain_differs = [version for version, trace in traces if trace != case["t"]]
        if differs and not tags & EXPLAINED:
            counts["dropped: unexplained version difference"] += 1
            continue
        if differs:
            case["differs"] = differs
            counts["kept, 3.13 differs from an older version"] += 1
        elif chain_differs:
            case["chain_differs"] = chain_differs
            counts["kept, only the chain differs"] += 1
        else:
            counts["kept, identical in all versions"] += 1
        pool.append(case)
    return pool


def choose(pool: list[Case], limit: int) -> list[Case]:
    """Selects up to `QUOTA` programs of each kind of outcome, the rarest kind first, then others in order."""
    kinds = [classes(case["t"]) for case in pool]
    by_kind = defaultdict(list)
    for index, found in enumerate(kinds):
        for kind in found:
            by_kind[kind].append(index)
    chosen: set[int] = set()
    shown: Counter[str] = Counter()
    for kind in sorted(by_kind, key=lambda kind: (len(by_kind[kind]), kind)):
        for index in by_kind[kind]:
            if shown[kind] >= QUOTA or len(chosen) >= limit:
                break
            if index not in chosen:
                chosen.add(index)
                shown.update(kinds[index])
    for index in range(len(pool)):
        if len(chosen) >= limit:
            break
        chosen.add(index)
    return [pool[index] for index in sorted(chosen)]
