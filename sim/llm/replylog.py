"""Every reply of a model, kept: a run replays from it without the network, to the same digest.

A reply's place is its slot: the tick, the member, and the number of the question within both. A
replay that asks something else at a slot has diverged, and is told so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgpack

from sim.errors import HubbubError
from sim.llm.asks import Answer
from sim.llm.faults import Fault
from sim.llm.replies import Usage

__all__ = ["Diverged", "ReplyLog", "Slot"]


class Slot(NamedTuple):
    """Where a question is asked.

    Attributes
    ----------
    tick, member
        When, and who.
    number
        The how-many-eth of this member in this tick, from 0.
    """

    tick: int
    member: int
    number: int = 0


class Diverged(HubbubError):  # noqa: N818 - what happened, in one word
    """A replay came to another question than the run that was recorded."""


class ReplyLog:
    """Questions' fingerprints and replies, by slot, in the order they were asked.

    Parameters
    ----------
    rows
        What :meth:`rows` of an earlier log gave.
    """

    def __init__(self, rows: Iterable[list[Any]] = ()) -> None:
        self._rows: dict[Slot, list[Any]] = {Slot(*row[:3]): list(row) for row in rows}

    def __len__(self) -> int:
        return len(self._rows)

    def record(self, slot: Slot, fingerprint: str, answer: Answer) -> None:
        """Keep a reply, or the fault that came instead."""
        read, written = (answer.usage.read, answer.usage.written) if answer.usage else (-1, -1)
        fault = answer.fault.name if answer.fault else ""
        self._rows[slot] = [
            *slot, fingerprint, answer.text, fault, answer.provider, answer.model,
            answer.seconds, read, written, answer.nano, answer.retries,
        ]  # fmt: skip

    def find(self, slot: Slot, fingerprint: str) -> Answer | None:
        """Return the recorded answer of a slot, None where nothing was asked there.

        Raises
        ------
        Diverged
            Something else was asked there.
        """
        row = self._rows.get(slot)
        if row is None:
            return None
        if row[3] != fingerprint:
            raise Diverged(
                f"At tick {slot.tick:,} member {slot.member:,} was asked something else when this "
                f"run was recorded; replay it with the same world, prompts and settings."
            )
        text, fault, provider, model, seconds, read, written, nano, retries = row[4:]
        usage = None if read < 0 else Usage(read, written)
        known = Fault[fault] if fault else None
        return Answer(text, known, "log", provider, model, seconds, usage, nano, retries)

    def rows(self, since: int = 0) -> Iterator[list[Any]]:
        """Return the rows from the ``since``-th on, oldest first."""
        return iter(list(self._rows.values())[since:])

    def forget_after(self, tick: int) -> None:
        """Drop what was asked after a tick: the world went back to it."""
        self._rows = {slot: row for slot, row in self._rows.items() if slot.tick <= tick}

    def pack(self, since: int = 0) -> bytes:
        """Return rows as msgpack."""
        packed: bytes = msgpack.packb(list(self.rows(since)), use_bin_type=True)
        return packed

    @classmethod
    def unpack(cls, packed: bytes) -> ReplyLog:
        """Return the log of :meth:`pack`."""
        return cls(msgpack.unpackb(packed, raw=False, strict_map_key=True))
