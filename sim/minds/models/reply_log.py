"""The reply log: a run replays from it without the network, to the same digest.

A reply's place is its slot: the tick, the member, and the number of the question within both. A
replay that asks something else at a slot has diverged, and is told so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from typing import Any, NamedTuple

import msgpack

from sim.errors import HubbubError
from sim.minds.models.asks import Answer, Ask
from sim.minds.models.faults import Fault
from sim.minds.models.prices import Spend
from sim.minds.models.replies import Usage

_FIELDS = 17


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


class ReplayDiverged(HubbubError):  # noqa: N818 - what happened, in one word
    """A replay came to another question than the run that was recorded."""


def row_of(slot: Slot, fingerprint: str, answer: Answer) -> list[Any]:
    """Return a reply, or the fault that came instead, as JSON and msgpack hold it."""
    read, written = (answer.usage.read, answer.usage.written) if answer.usage else (-1, -1)
    fault = answer.fault.name if answer.fault else ""
    return [
        *slot, fingerprint, answer.text, fault, answer.provider, answer.model, answer.seconds, read,
        written, answer.nano, answer.retries, answer.source, *answer.spent,
    ]  # fmt: skip


def answer_of(row: list[Any]) -> Answer:
    """Return the answer of :func:`row_of`, with the source it came from then."""
    text, fault, provider, model, seconds, read, written, nano, retries = row[4:13]
    source, *spent = row[13:] or ["log"]
    usage = None if read < 0 else Usage(read, written)
    known = Fault[fault] if fault else None
    return Answer(
        text, known, source, provider, model, seconds, usage, nano, retries, spent=Spend(*spent)
    )  # fmt: skip


def is_reply(row: object) -> bool:
    """Return whether it is a row of :func:`row_of`: for files, which may hold anything."""
    if not isinstance(row, list) or len(row) != _FIELDS:
        return False
    words, numbers = [row[at] for at in (3, 4, 5, 6, 7, 13)], [*row[:3], *row[8:13], *row[14:]]
    return (
        all(isinstance(word, str) for word in words)
        and all(type(number) in {int, float} for number in numbers)
        and (row[5] == "" or row[5] in Fault.__members__)
    )


class ReplyLog:
    """Questions' fingerprints and replies, by slot, in the order they were asked."""

    def __init__(self, rows: Iterable[list[Any]] = ()) -> None:
        self._rows: dict[Slot, list[Any]] = {Slot(*row[:3]): list(row) for row in rows}

    def __len__(self) -> int:
        return len(self._rows)

    def record(self, slot: Slot, fingerprint: str, answer: Answer) -> None:
        """Keep a reply, or the fault that came instead."""
        self._rows[slot] = row_of(slot, fingerprint, answer)

    def find(self, slot: Slot, fingerprint: str) -> Answer | None:
        """Return the recorded answer of a slot, None where nothing was asked there."""
        row = self._rows.get(slot)
        if row is None:
            return None
        if row[3] != fingerprint:
            raise ReplayDiverged(
                f"At tick {slot.tick:,} member {slot.member:,} was asked something else when this "
                f"run was recorded; replay it with the same world, prompts and settings."
            )
        return replace(answer_of(row), source="log")

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


class RecordedReplies:
    """Stands for models: answers as they did when a run was recorded, and asks nobody.

    Questions are known again by everything that was sent. The same question twice is answered as
    it was the first and the second time; the last answer stays.

    Attributes
    ----------
    missed
        Questions that nobody had asked then.
    """

    def __init__(self, rows: Iterable[list[Any]]) -> None:
        self._rows: dict[str, deque[list[Any]]] = {}
        self._models: list[str] = []
        self._lock = Lock()
        self.missed = 0
        for row in rows:
            self._rows.setdefault(row[3], deque()).append(row)
            if row[7] not in self._models:
                self._models.append(row[7])

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        """Return the recorded answer, at once; the fault MISSING where there is none."""
        del seconds  # it is here already
        future: Future[Answer] = Future()
        with self._lock:
            future.set_result(self._found(ask))
        return future

    def _found(self, ask: Ask) -> Answer:
        for model in self._models:
            rows = self._rows.get(ask.fingerprint(model))
            if rows:
                return answer_of(rows.popleft() if len(rows) > 1 else rows[0])
        self.missed += 1
        return Answer("", Fault.MISSING, "none", detail="nothing was recorded for this question")
