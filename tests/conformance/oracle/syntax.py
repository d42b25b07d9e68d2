"""The JSON types of programs; README.md describes the format."""

from __future__ import annotations

from typing import Any

# `[name, *operands]`, and a list of them.
Statement = list
Block = list
# `{"t": "g" or "c", "b": block}`.
Function = dict[str, Any]
# `[name, *operands]`: a step of the driver.
Action = list
# `{"id", "f", "z", "p", "d", "tags", "t"}`.
Case = dict[str, Any]


def mentions(node: Any, names: tuple[str, ...]) -> bool:
    """Returns True if one of the names occurs in the block, at any depth."""
    if isinstance(node, list):
        return any(mentions(child, names) for child in node)
    return node in names
