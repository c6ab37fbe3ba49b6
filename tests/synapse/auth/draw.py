"""Chance, always the same for the same seed."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A source of chance with the few questions the generator asks."""

    def __init__(self, seed: str):
        self._random = random.Random(seed)

    def chance(self, percent: float) -> bool:
        return self._random.random() * 100 < percent

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def weighted(self, options: dict[T, int]) -> T:
        """One of the keys; the values are their weights."""
        left = self._random.random() * sum(options.values())
        for option, weight in options.items():
            left -= weight
            if left < 0:
                return option
        return option

    def number(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options, in the order of the draw."""
        left = list(options)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(min(count, len(left)))]

    def bytes(self, count: int) -> bytes:
        return bytes(self.number(0, 255) for _ in range(count))
