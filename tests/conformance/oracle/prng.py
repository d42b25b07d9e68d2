"""SplitMix64: unlike `random`, it generates the same numbers on every version of Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

MASK = (1 << 64) - 1
GOLDEN_GAMMA = 0x9E3779B97F4A7C15


class SplitMix64:
    """A stream of random choices that a seed determines."""

    def __init__(self, seed: int):
        self.state = (seed * GOLDEN_GAMMA + 0xD1B54A32D192ED03) & MASK

    def next(self) -> int:
        """Returns 64 random bits."""
        self.state = (self.state + GOLDEN_GAMMA) & MASK
        bits = self.state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
        return bits ^ (bits >> 31)

    def below(self, bound: int) -> int:
        return (self.next() >> 11) % bound

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def choice(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """Returns one of the options, which are given with their weights."""
        left = self.below(sum(weight for _, weight in options))
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        raise AssertionError("the weights are positive")
