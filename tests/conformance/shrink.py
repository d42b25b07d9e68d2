"""Generates the shrinking candidates of a program for the fuzzer. README.md describes the format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

# The operands of a statement that are blocks. The blocks of the handlers of a `try` are nested deeper.
BLOCKS = {
    "seq": [1],
    "ifx": [1, 2],
    "loop": [2, 3],
    "try": [1, 3, 4],
    "with": [2],
    "stack": [1],
    "afor": [3, 4],
    "aclosing": [3],
}
TRY_HANDLERS = 2
# The operand of a statement or a manager that is the number of a function.
REFERENCES = {"call": 1, "shared": 1, "afor": 1, "aclosing": 1, "h_new": 2, "acm": 1}
# The simplest values of operands, by the name of the statement or manager.
SIMPLEST = {
    "aw": {1: 0},
    "awr": {1: 0},
    "loop": {1: 1},
    "mgr": {2: 0, 3: None, 4: 0, 5: None},
    "acb": {2: 0, 3: None},
    "scb": {3: None},
}


def size(case: dict) -> tuple[int, int]:
    """Returns the numbers of statements and of actions."""
    return sum(statements(function["b"]) for function in case["p"]), len(case["d"])


def statements(block: list) -> int:
    return sum(1 + sum(statements(inner) for inner, _ in inner_blocks(statement)) for statement in block)


def order(case: dict) -> tuple[int, int, str]:
    """A key by which programs are ordered. Only finitely many programs are below any other, so shrinking ends."""
    text = json.dumps([case["p"], case["d"]])
    return sum(size(case)), len(text), text


def candidates_of(case: dict) -> list[dict]:
    """Returns the smaller programs, the smallest first, numbered by `id`."""
    candidates = {order(candidate): candidate for candidate in changed(case)}
    below = sorted(key for key in candidates if key < order(case))
    return [candidates[key] | {"id": number} for number, key in enumerate(below)]


def changed(case: dict) -> Iterator[dict]:
    program, actions = case["p"], case["d"]
    for fewer in without_chunks(actions):
        yield case | {"d": fewer}
    for at, action in enumerate(actions):
        for simpler in simpler_actions(action):
            yield case | {"d": replaced(actions, at, simpler)}
    for at in range(1, len(program)):
        if not any(refers(function["b"], at) for function in program):
            yield case | {"p": [renumbered(function, at) for function in program[:at] + program[at + 1 :]]}
    for at, function in enumerate(program):
        for block in smaller_blocks(function["b"]):
            yield case | {"p": replaced(program, at, function | {"b": block})}


def replaced(items: list, at: int, item: Any) -> list:
    return [*items[:at], item, *items[at + 1 :]]


def without_chunks(items: list) -> Iterator[list]:
    """Yields the list without chunks of its items: all of them, halves, quarters, down to single items."""
    length = len(items)
    while length > 0:
        for at in range(0, len(items), length):
            yield items[:at] + items[at + length :]
        length //= 2


def simpler_actions(action: list) -> Iterator[list]:
    match action:
        case ["send", slot, _]:
            yield ["send", slot]
        case ["asend", slot, _]:
            yield ["anext", slot]
        case ["run", slot]:
            yield ["send", slot]


def smaller_blocks(block: list) -> Iterator[list]:
    yield from without_chunks(block)
    for at, statement in enumerate(block):
        for replacement in smaller_statements(statement):
            yield [*block[:at], *replacement, *block[at + 1 :]]


def smaller_statements(statement: list) -> Iterator[list]:
    """Yields the blocks that can replace a statement."""
    for block, with_block in inner_blocks(statement):
        yield block
        for fewer in smaller_blocks(block):
            yield [with_block(fewer)]
    for simpler in simpler_statements(statement):
        yield [simpler]


def simpler_statements(statement: list) -> Iterator[list]:
    match statement:
        case ["xy", value]:
            yield ["y", value]
        case ["yv", *_]:
            yield ["y", 0]
        case ["raisefrom", kind, number, _]:
            yield ["raise", kind, number]
        case ["try", block, handlers, orelse, final]:
            for fewer in without_chunks(handlers):
                yield ["try", block, fewer, orelse, final]
        case ["with", manager, block]:
            for simpler in simplest_operands(manager):
                yield ["with", simpler, block]
        case ["st", "enter" | "pexit" | "spush" as name, manager]:
            for simpler in simplest_operands(manager):
                yield ["st", name, simpler]
        case ["st", *callback]:
            for simpler in simplest_operands(callback):
                yield ["st", *simpler]
        case _:
            yield from simplest_operands(statement)


def simplest_operands(fields: list) -> Iterator[list]:
    for at, value in SIMPLEST.get(fields[0], {}).items():
        if fields[at] != value:
            yield replaced(fields, at, value)


def inner_blocks(statement: list) -> Iterator[tuple[list, Callable[[list], list]]]:
    """Yields the blocks of a statement, each with a function that replaces it in the statement."""
    name = statement[0]
    for at in BLOCKS.get(name, []):
        yield statement[at], partial(replaced, statement, at)
    if name == "try":
        for at, (_, block) in enumerate(statement[TRY_HANDLERS]):
            yield block, partial(with_handler, statement, at)


def with_handler(statement: list, at: int, block: list) -> list:
    handlers = statement[TRY_HANDLERS]
    return replaced(statement, TRY_HANDLERS, replaced(handlers, at, [handlers[at][0], block]))


def refers(node: Any, function: int) -> bool:
    if not isinstance(node, list) or not node:
        return False
    at = REFERENCES.get(node[0]) if isinstance(node[0], str) else None
    return (at is not None and node[at] == function) or any(refers(child, function) for child in node)


def renumbered(function: dict, removed: int) -> dict:
    """Returns the function with its references adjusted to the removal of function `removed`."""

    def walk(node: Any) -> Any:
        if not isinstance(node, list) or not node:
            return node
        node = list(map(walk, node))
        at = REFERENCES.get(node[0]) if isinstance(node[0], str) else None
        if at is not None and node[at] > removed:
            node[at] -= 1
        return node

    return function | {"b": walk(function["b"])}
