"""The differences between two versions of Python on the same programs."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from driver import MAKES
from files import reading, side_by_side
from outcome import event

END = "(end)"


@dataclass
class Comparison:
    compared: int = 0
    # The ids of programs by the kind of their first difference.
    differ: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def compare(left: str, right: str, with_chain: bool) -> Comparison:
    comparison = Comparison()
    with reading(left) as lefts, reading(right) as rights:
        for one, other in side_by_side([lefts, rights]):
            comparison.compared += 1
            traces = [case["t"] if with_chain else list(map(event, case["t"])) for case in (one, other)]
            if traces[0] != traces[1]:
                comparison.differ[first_difference(*traces)].append(one["id"])
    return comparison


def first_difference(left: list[str], right: list[str]) -> str:
    """Returns `STEP/AWAITABLE: LINE  =>  LINE` without numbers, which is equal for differences of a kind."""
    length = max(len(left), len(right))
    padded = [trace + [END] * (length - len(trace)) for trace in (left, right)]
    at, (one, other) = next((at, lines) for at, lines in enumerate(zip(*padded, strict=True)) if lines[0] != lines[1])
    # Only causes or contexts differ.
    suffix = " |chain" if event(one) == event(other) else ""
    lines = [re.sub(r"-?\d+(\.\d+)?", "N", event(line)) + suffix for line in (one, other)]
    return f"{step_before(left[:at])}: {lines[0]}  =>  {lines[1]}"


def step_before(trace: list[str]) -> str:
    """Returns the last step, and the action that made its awaitable."""
    steps = [line.split()[1:] for line in reversed(trace) if line.startswith("> ")]
    if not steps:
        return "/"
    name, *operands = steps[0]
    makers = (step[0] for step in steps if step[0] in (*MAKES, "coro") and step[1] == operands[0])
    return f"{name}/{next(makers, '') if operands else ''}"
