"""The path through a journal with undos and branches that leads to one of its states.

A journal is never rewritten. When a world goes back, or forward again, the journal notes to which
tick of which line; what lies behind that tick stays in it as a branch that nobody is on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from sim.store.journal.rows import Checkpoint, JournalEntry, canonical

JUMP = "go_to"
"""Kind of the entry by which a world goes to another tick."""

_LAST = 1 << 62


class Jump(NamedTuple):
    """An entry by which the world went elsewhere."""

    number: int
    tick: int
    line: int


class RouteSegment(NamedTuple):
    """Entries one behind the other, as far as they run up to a tick."""

    first: int
    last: int
    until: int


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """Entries that are to be done again, in their order.

    Attributes
    ----------
    number, tick
        The entry to which the line leads, and the tick at which it ends.
    parts
        The stretches of it, first to last; all else in the journal is off the line.
    """

    number: int
    tick: int
    parts: tuple[RouteSegment, ...]

    @classmethod
    def to(cls, jumps: Iterable[Jump], number: int, tick: int | None = None) -> ReplayLine:
        """Return the line to an entry, or to a tick before it.

        Examples
        --------
        >>> ReplayLine.to([Jump(11, 3, 10)], 15).parts
        (RouteSegment(first=0, last=10, until=3),
         RouteSegment(first=11, last=15, until=4611686018427387904))
        """
        known = list(jumps)
        numbers = [jump.number for jump in known]
        until = _LAST if tick is None else tick
        ends, parts, last = until, [], number
        while place := bisect_right(numbers, last):
            jump = known[place - 1]
            if not 0 <= jump.line < jump.number or jump.tick < 0:
                raise ValueError(f"entry {jump.number:,} leads nowhere")
            parts.append(RouteSegment(jump.number, last, until))
            last, until = jump.line, min(until, jump.tick)
        parts.append(RouteSegment(0, last, until))
        return cls(number, ends, tuple(reversed(parts)))

    def of(self, entry: JournalEntry) -> JournalEntry | None:
        """Return an entry as far as it is on the line; None: it is not.

        One that is cut short has no digest.
        """
        part, begun = self._part(entry.number), entry.tick - entry.ticks
        if part is None or begun > part.until or (entry.ticks and begun == part.until):
            return None
        if entry.tick <= part.until:
            return entry
        ticks = part.until - begun
        said = canonical({"args": [ticks]})
        return replace(entry, tick=part.until, ticks=ticks, command=said, digest=b"")

    def leads_by(self, checkpoint: Checkpoint) -> bool:
        """Whether the line comes by where a checkpoint was taken."""
        part = self._part(checkpoint.number)
        return part is not None and checkpoint.tick <= part.until

    def _part(self, number: int) -> RouteSegment | None:
        for part in self.parts:
            if part.first <= number <= part.last:
                return part
        return None
