"""Checks that a changed program is one that the grammar could have generated, beyond what Python's compiler checks.

A name without a value raises a NameError, which the program may catch, or which a `finally` may replace: it does not
always show in the trace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from syntax import Block, Statement


@dataclass(frozen=True)
class Bound:
    """The names that are bound before and around a statement."""

    items: frozenset[int] = frozenset()
    handles: frozenset[int] = frozenset()
    in_stack: bool = False
    in_handler: bool = False
    # False in a `finally`, which neither jumps nor returns may leave.
    is_left_by_jumps: bool = True
    is_left_by_returns: bool = True


def is_sound(block: Block, bound: Bound = Bound()) -> bool:
    for statement in block:
        if not is_bound(statement, bound):
            return False
        if not all(is_sound(inner, within) for inner, within in inner_blocks(statement, bound)):
            return False
        if statement[0] == "h_new":
            bound = replace(bound, handles=bound.handles | {statement[1]})
    return True


def is_bound(statement: Statement, bound: Bound) -> bool:
    match statement:
        case ["yv", item, _]:
            return item in bound.items
        case ["h_op", handle, *_]:
            return handle in bound.handles
        case ["st", *_]:
            return bound.in_stack
        case ["reraise"]:
            return bound.in_handler
        case ["brk" | "cont"]:
            return bound.is_left_by_jumps
        case ["ret" | "retv", *_]:
            return bound.is_left_by_returns
    return True


def inner_blocks(statement: Statement, bound: Bound) -> list[tuple[Block, Bound]]:
    match statement:
        case ["seq", block] | ["with", _, block]:
            return [(block, bound)]
        case ["ifx", block, orelse]:
            return [(block, bound), (orelse, bound)]
        case ["loop", _, block, orelse]:
            return [(block, replace(bound, is_left_by_jumps=True)), (orelse, bound)]
        case ["stack", block]:
            return [(block, replace(bound, in_stack=True))]
        case ["afor", _, item, block, orelse]:
            within = replace(bound, items=bound.items | {item}, is_left_by_jumps=True)
            return [(block, within), (orelse, bound)]
        case ["aclosing", _, item, block]:
            # Python wraps the block in a loop.
            return [(block, replace(bound, items=bound.items | {item}, is_left_by_jumps=True))]
        case ["try", block, handlers, orelse, final]:
            handling = replace(bound, in_handler=True)
            finishing = replace(bound, is_left_by_jumps=False, is_left_by_returns=False)
            inner = [(block, bound), *((handler, handling) for _, handler in handlers), (orelse, bound)]
            return [*inner, (final, finishing)]
    return []
