"""How many communities there are, and how many of them have a row or a bubble of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.run import Communities

__all__ = ["real_rows"]


def real_rows(found: Communities) -> int:
    """Return how many rows are communities; the last one may stand for all the rest."""
    rest = len(found.labels) and int(found.labels[-1]) < 0
    return len(found.names) - (1 if rest else 0)
