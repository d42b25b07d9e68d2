"""The programs as they are written down: JSON, as README.md has it."""

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
    """Whether one of the names stands in it, at any depth."""
    if isinstance(node, list):
        return any(mentions(child, names) for child in node)
    return node in names
