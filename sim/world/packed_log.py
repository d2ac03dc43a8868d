"""The packed log of acts: all but the newest are packed, so a long log takes little memory."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from sim.core.scratch import ScratchFiles

__all__ = ["LoggedAct", "PackedActs"]

OPEN_ACTS, OPEN_BYTES = 512, 256 << 10
"""Acts, and bytes of their words, up to which they are kept as they are; then half are packed."""

FILED_BYTES = 1 << 20
"""Packed acts up to this size in sum stay in memory; further ones lie in a scratch file."""


@dataclass(frozen=True, slots=True)
class LoggedAct:
    """One thing that was done.

    Parameters
    ----------
    number
        From 0, which is how the world began.
    tick
        The world's tick when it was done; for ``step`` the one before.
    author
        Who: ``screen``, ``command line``, ``script``, ``plugin``, or a name of one's own.
    kind
        What: ``create``, ``step``, ``inject`` ...
    said
        Its arguments, JSON: ``{"args": [...], "keywords": {...}}``.
    result
        What came of it, for people; one line.
    digest
        64 hex digits over all this and the digest of the act before.
    """

    number: int
    tick: int
    author: str
    kind: str
    said: str
    result: str
    digest: str = ""

    def chained(self, before: str) -> str:
        """Return the digest that this act must have behind one whose digest is ``before``."""
        parts = [before, self.number, self.tick, self.author, self.kind, self.said, self.result]
        text = json.dumps(parts, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=32).hexdigest()


class _PackedPart(NamedTuple):
    """Packed acts: their rows as JSON, joined by commas."""

    acts: int
    packed: npt.NDArray[np.uint8]

    @property
    def text(self) -> str:
        return zlib.decompress(self.packed.data).decode()


class PackedActs(Sequence[LoggedAct]):
    """A list of acts that only changes at its end; any thread may read it.

    Parameters
    ----------
    acts
        Those that it begins with.

    Examples
    --------
    >>> acts = PackedActs(LoggedAct(n, n, "script", "step", "{}", "") for n in range(2000))
    >>> len(acts), acts[-1].number, [act.number for act in acts[3:6]], acts.packed > 0
    (2000, 1999, [3, 4, 5], True)
    """

    def __init__(self, acts: Iterable[LoggedAct] = ()) -> None:
        self._spill = ScratchFiles()
        self._state: tuple[tuple[_PackedPart, ...], list[LoggedAct]] = ((), [])
        self._open_bytes = 0
        self._at_hand: tuple[_PackedPart | None, list[LoggedAct]] = (None, [])
        for act in acts:
            self.append(act)

    # What changes

    def append(self, act: LoggedAct) -> None:
        """Add an act at the end."""
        newest = self._state[1]
        newest.append(act)
        self._open_bytes += len(act.said)
        if len(newest) > OPEN_ACTS or (self._open_bytes > OPEN_BYTES and len(newest) > 2):
            self._pack()

    def pop(self) -> LoggedAct:
        """Take the last act away."""
        act = self._last().pop()
        self._open_bytes -= len(act.said)
        return act

    def renew(self, act: LoggedAct) -> None:
        """Put another act in the place of the last."""
        self.pop()
        self.append(act)

    def clear(self) -> None:
        """Forget all of them."""
        self._state, self._open_bytes, self._at_hand = ((), []), 0, (None, [])

    def copy(self) -> PackedActs:
        """Return acts that do not change with these; what is packed is shared."""
        other = PackedActs()
        parts, newest = self._state
        other._state, other._open_bytes = (parts, list(newest)), self._open_bytes
        other._spill = self._spill
        return other

    def _pack(self) -> None:
        parts, newest = self._state
        half = max(len(newest) // 2, 1)
        packed = zlib.compress(",".join(map(row_of, newest[:half])).encode(), 1)
        column = np.frombuffer(packed, np.uint8)
        if self.packed > FILED_BYTES:
            column = self._spill.moved(column)
        left = newest[half:]
        self._state = ((*parts, _PackedPart(half, column)), left)
        self._open_bytes = sum(len(act.said) for act in left)

    def _last(self) -> list[LoggedAct]:
        """Return the list that holds the last act, which is brought back if it was packed."""
        parts, newest = self._state
        if not newest and parts:
            newest = list(_unpacked(parts[-1]))
            self._state = (parts[:-1], newest)
            self._open_bytes = sum(len(act.said) for act in newest)
        return newest

    # What there is

    @property
    def packed(self) -> int:
        """Bytes of packed acts."""
        return sum(part.packed.nbytes for part in self._state[0])

    def texts(self) -> Iterator[str]:
        """Yield all of them as JSON lists of :func:`row_of`, some hundreds in each."""
        parts, newest = self._state
        newest = list(newest)
        for part in parts:
            yield f"[{part.text}]"
        if newest or not parts:
            yield f"[{','.join(map(row_of, newest))}]"

    def __len__(self) -> int:
        parts, newest = self._state
        return sum(part.acts for part in parts) + len(newest)

    def __iter__(self) -> Iterator[LoggedAct]:
        parts, newest = self._state
        newest = list(newest)
        for part in parts:
            yield from _unpacked(part)
        yield from newest

    @overload
    def __getitem__(self, place: int) -> LoggedAct: ...
    @overload
    def __getitem__(self, place: slice) -> list[LoggedAct]: ...
    def __getitem__(self, place: int | slice) -> LoggedAct | list[LoggedAct]:
        parts, newest = self._state
        newest = list(newest)
        first = sum(part.acts for part in parts)
        if isinstance(place, slice):
            places = range(first + len(newest))[place]
            if places and min(places) >= first:
                return [newest[number - first] for number in places]
            return list(self)[place]
        number = range(first + len(newest))[place]
        return newest[number - first] if number >= first else self._packed(parts, number)

    def _packed(self, parts: tuple[_PackedPart, ...], number: int) -> LoggedAct:
        start = 0
        for part in parts:
            if number < start + part.acts:
                known, acts = self._at_hand
                if known is not part:
                    acts = _unpacked(part)
                    self._at_hand = (part, acts)
                return acts[number - start]
            start += part.acts
        raise IndexError(number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"<{len(self):,} acts>"


def row_of(act: LoggedAct) -> str:
    """Return an act as JSON: ``[number, tick, author, kind, arguments, result, digest]``."""
    fields = (act.number, act.tick, act.author, act.kind, act.said, act.result, act.digest)
    return json.dumps(fields, separators=(",", ":"))


def _unpacked(part: _PackedPart) -> list[LoggedAct]:
    rows: list[list[Any]] = json.loads(f"[{part.text}]")
    return [LoggedAct(*row) for row in rows]
