"""Named interests, and the words by which a text shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sim.errors import InputError, UnknownNameError

__all__ = ["Vocabulary"]


class Vocabulary:
    """Up to 64 named interests; bit i of a mask is name i."""

    def __init__(
        self, names: Sequence[str], keywords: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self.items = tuple(names)
        self.keywords = {name: tuple((keywords or {}).get(name, ())) for name in self.items}
        self._bit = {name: 1 << i for i, name in enumerate(self.items)}

    @classmethod
    def default(cls) -> Vocabulary:
        """Return the built-in vocabulary."""
        return cls([f"topic {i}" for i in range(48)])

    def __len__(self) -> int:
        return len(self.items)

    def mask(self, names: Iterable[str]) -> int:
        """Return the mask of some names."""
        mask = 0
        for name in names:
            if name not in self._bit:
                raise UnknownNameError("interest", name, self.items)
            mask |= self._bit[name]
        return mask

    def names(self, mask: int) -> tuple[str, ...]:
        """Return the names of a mask."""
        if not 0 <= mask < 1 << len(self):
            raise InputError("mask")
        return tuple(name for name in self.items if mask & self._bit[name])

    def match(self, text: str) -> int:
        """Return the mask of the interests that a text shows."""
        return sum(self._bit[name] for name in self.items if name in text)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "names": list(self.items),
            "keywords": {k: list(v) for k, v in self.keywords.items()},
        }

    @classmethod
    def restore(cls, meta: Mapping[str, Any]) -> Vocabulary:
        """Return what was dumped."""
        return cls(meta["names"], meta["keywords"])
