"""Classification of traces, by which programs are excluded, counted and selected."""

from __future__ import annotations

import re
from collections.abc import Iterable

from driver import MAKES
from syntax import Case

# The tags of programs that are excluded from the corpus, with the reasons.
EXCLUDE = {
    "unraisable": "a destructor has run a synchronous close()",
    "stop-unstarted": "since 3.12, PEP 479 does not apply before the first instruction",
    "close-new": "in 3.13, closing an awaitable that has not started ends the generator",
    "drop-sus": "dropping a suspended awaitable leaves the generator running for ever",
    "leave-sus": "the same",
}

# The tag of a program that behaves differently if reference cycles are collected immediately. Only `run --sift` adds it;
# the programs of the corpus have no such tag.
CIRCLE = "circle"


def event(line: str) -> str:
    """Returns the line without causes and contexts."""
    return line.split(" | ")[0]


def tags(case: Case, trace: list[str], features: Iterable[str]) -> list[str]:
    found = set(features)
    text = "\n".join(trace)
    if any(line.startswith("unraisable") for line in trace):
        found.add("unraisable")
    if " | " in text:
        found.add("chain")
    if "GE" in text:
        found.add("ge")
    if re.search(r"> (throw|athrow) \d (SI|SAI) ", text):
        found.add("throw-stop")
    if "hook fin" in text:
        found.add("finalizer")
    if case["f"] == "agen" and any(name in MAKES and operands[0] > 0 for name, *operands in case["d"]):
        found.add("interleave")
    return sorted(found)


def classes(trace: list[str]) -> set[str]:
    """Returns the kinds of outcome: `R` for a step of the driver, `B` for the body."""
    found = set()
    # The action that last filled each slot.
    made: dict[str, str] = {}
    step = ""
    for line in trace:
        words = line.split()
        if line.startswith("> "):
            step = words[1]
            if step in MAKES or step == "coro":
                made[words[2]] = step
            slot = words[2] if len(words) > 2 else None
            continue
        if line.startswith("< "):
            found.add(f"R {context(step, made.get(slot) if slot else step)} -> {result(event(line[2:]))}")
        elif line.startswith("caught "):
            found.add("B caught " + kind(event(line[7:])))
        elif line.startswith("exit "):
            found.add("B exit " + kind(event(line.split(" ", 2)[2])))
        else:
            found.add("B " + " ".join(words[:2] if words[0].startswith("hook") else words[:1]))
        for relation in ("cause", "ctx"):
            if f" | {relation}" in line:
                found.add(f"B chain-{relation}")
    return found


def context(step: str, made: str | None) -> str:
    if step in ("end", "shutdown", "dropgen"):
        return step
    return f"{step if step in ('close', 'throw') else 'run'}/{made}"


def result(text: str) -> str:
    for word in ("done", "sus"):
        if text.startswith(word):
            return word
    return "raise " + kind(text[6:]) if text.startswith("raise ") else text


def kind(label: str) -> str:
    """Returns the label of an exception without its number."""
    return label.split(":")[0] if label.split(":")[-1].isdigit() else label
