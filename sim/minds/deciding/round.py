"""The decision round: all minds of a tick at work at once, in a separate loop and thread.

The waiting thread checks ten times a second: for the deadline, for a request to stop, and for a
mind that blocks the loop. After a fault of a mind the rules decide for its member; after three
faults it is asked no more.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from time import monotonic
from types import coroutine
from typing import Any, NamedTuple, TypeVar

from sim.core.text import one_line
from sim.core.threads import Stalled, interrupt, interruptible, open_block
from sim.minds.deciding.pending import COUNTED, PendingDecision, Row, checked
from sim.minds.member import ASK_ALONE, BatchItem
from sim.minds.minds import Mind
from sim.minds.models.asks import Fault, ModelError
from sim.minds.prompts.decisions import Decided, Decision

_LOOK = 0.1
_LAST_WORDS = 1.0
"""Seconds that minds have to end once they are told to."""
_STRIKES = 3
T = TypeVar("T")
_FAILED = "the mind failed"
_MISSING = f"{Fault.MALFORMED}: no right one for each member"
_LONGEST = 200


class Patience(NamedTuple):
    """Time limits, in seconds."""

    all: float = 600.0  # for all decisions of a tick together
    mind: float = 120.0  # for one mind, without the time it waits for answers
    loop: float = 30.0  # for a mind that blocks the others


class FaultCounts:
    """Faults of minds; after three, a mind is asked no more."""

    def __init__(self) -> None:
        self.faults: list[str] = []  # a sentence for each mind that failed
        self._counts: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def note(self, mind: str, what: str) -> None:
        """Count a fault, and report it once for each mind."""
        self._counts[mind] = self._counts.get(mind, 0) + 1
        said = one_line(what, _LONGEST).rstrip(".")
        if mind not in self._places:
            self._places[mind] = len(self.faults)
            self.faults.append(f"The mind {mind!r} failed: {said}; the rules decide.")
        elif self._counts[mind] == _STRIKES:
            again = f"The mind {mind!r} failed three times, and is asked no more: {said}."
            self.faults[self._places[mind]] = again

    def are_out(self, mind: str) -> bool:
        """Return whether a mind is asked no more."""
        return self._counts.get(mind, 0) >= _STRIKES


class DecisionRound:
    """The decisions of one tick."""

    def __init__(
        self, thoughts: Sequence[PendingDecision], strikes: FaultCounts, patience: Patience
    ) -> None:
        self._thoughts = thoughts
        self._strikes = strikes
        self._patience = patience
        self._tasks: dict[asyncio.Task[None], Sequence[PendingDecision]] = {}
        self._ended, self._told = Event(), Event()
        self._beat = monotonic()

    def run(self, stopped: Callable[[], bool]) -> list[Row]:
        """Return a row for each thought, in order; that of the rules if there is no decision."""
        self._beat = monotonic()
        worker = Thread(target=self._work, name="minds at work", daemon=True)
        worker.start()
        is_stuck = False
        try:
            is_stuck = self._wait(worker, stopped)
        finally:
            self._told.set()
            worker.join(0 if is_stuck else 3 * _LAST_WORDS)
        return [one.result or one.row(None, [Decided.FAILED]) for one in self._thoughts]

    def _wait(self, worker: Thread, stopped: Callable[[], bool]) -> bool:
        """Wait for the end; return whether a mind could not even be interrupted."""
        ends, was_interrupted = monotonic() + self._patience.all, False
        while not self._ended.wait(_LOOK):
            if monotonic() >= ends or stopped():
                return False
            if monotonic() - self._beat < self._patience.loop:
                continue
            if was_interrupted:
                return True  # it is deep in a library: left behind
            block = open_block(worker.ident)  # before the look: it is of the mind that is seen then
            holder, self._beat = self._holder(worker.ident), monotonic()
            was_interrupted = block is None or interrupt(block)
            if holder is not None and was_interrupted:
                said = f"it lets no other mind decide for {self._patience.loop:g} seconds"
                self._strikes.note(holder.called, said)
        return False

    def _holder(self, thread: int | None) -> PendingDecision | None:
        """Return the decision of the mind that blocks the loop."""
        frame = sys._current_frames().get(thread or 0)  # noqa: SLF001 - the only way to ask
        while frame is not None:
            if frame.f_code in _HOLDING:
                mine = frame.f_locals
                holder: PendingDecision = mine["thought"] if "thought" in mine else mine["group"][0]
                return holder
            frame = frame.f_back
        return None

    # In the worker's thread

    def _work(self) -> None:
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(_unheard)
        with suppress(BaseException):  # a mind may be interrupted anywhere
            loop.run_until_complete(self._all())
        self._ended.set()
        with suppress(BaseException):  # what a mind still holds is left behind
            loop.close()

    async def _all(self) -> None:
        """Run all decisions at once, until they are done or a stop is requested."""
        for group in self._groups():
            self._tasks[asyncio.ensure_future(self._decide(group))] = group
        waiting = set(self._tasks)
        while waiting and not self._told.is_set():
            self._beat = monotonic()
            _, waiting = await asyncio.wait(waiting, timeout=_LOOK)
            now = monotonic()
            for task in waiting:
                these = self._tasks[task]
                idle = max((one.idle_since for one in these), default=now)
                if any(one.asking for one in these) or now - idle < self._patience.mind:
                    continue
                for thought in [one for one in these if _is_open(one)]:
                    said = f"it did not decide within {self._patience.mind:g} seconds"
                    self._strikes.note(thought.called, said)
                    self._failed(thought)
            waiting = {one for one in waiting if any(_is_open(t) for t in self._tasks[one])}
        left = [one for one in self._tasks if not one.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_LAST_WORDS)
        self._ended.set()  # whatever minds do now, no thread waits for it

    def _groups(self) -> list[list[PendingDecision]]:
        """Return the groups that decide together: those of one mind that allows it, or one each."""
        groups: list[list[PendingDecision]] = []
        open_ones: dict[int, list[PendingDecision]] = {}
        for thought in self._thoughts:
            most = self._most(thought)
            group = open_ones.get(id(thought.mind))
            if most > 1 and group is not None and len(group) < most:
                group.append(thought)
                continue
            groups.append([thought])
            open_ones[id(thought.mind)] = groups[-1]
        return groups

    def _most(self, thought: PendingDecision) -> int:
        """Return the largest group for a member's mind; an invalid number is the mind's fault."""
        if thought.mind is None:
            return 1
        try:
            return int(thought.mind.most_together)
        except BaseException as error:
            self._noted(thought, error)
            return 1

    async def _decide(self, group: Sequence[PendingDecision]) -> None:
        """Let members decide together; then those without a decision decide alone."""
        first, *others = group
        if others and first.mind is not None and not self._strikes.are_out(first.called):
            group = await self._together(first.mind, group)
        if len(group) == 1:
            await self._alone(group[0])
        else:
            await asyncio.gather(*(self._alone(thought) for thought in group))

    async def _together(
        self, mind: Mind, group: Sequence[PendingDecision]
    ) -> list[PendingDecision]:
        """Let members decide together; return those that must be asked alone."""
        found: Sequence[Sequence[Decision] | None] = [None] * len(group)
        await asyncio.gather(*(one.recall() for one in group))
        cases = [BatchItem(one.member, one.posts, one.recalled) for one in group]
        fault, reason, asks_again = Fault.MALFORMED, _MISSING, False
        try:
            asks_again = bool(mind.asks_again)
            found = _as_many(await _in_steps(lambda: mind.decide_together(cases)), len(group))
        except ModelError as error:
            fault, reason = error.fault, error.reason
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._noted(group[0], error)
            found, fault, reason = [None] * len(group), Fault.CONNECTION, _FAILED
        again = asks_again and fault in ASK_ALONE
        missing = []
        for thought, said in zip(group, found, strict=True):
            thought.lead = group[0]
            if said is not None:
                self._settle(thought, said)
                continue
            thought.why.append(reason)
            if again:
                thought.lead = None
                thought.faults += [COUNTED.get(fault, Decided.FAILED), Decided.RETRIED]
                missing.append(thought)
            else:
                thought.settle(None, COUNTED.get(fault, Decided.FAILED))
        return missing

    def _settle(self, thought: PendingDecision, said: object) -> None:
        """Apply a mind's result; an invalid one is a fault of the mind."""
        try:
            thought.settle(checked(said, thought.highest))
        except (TypeError, ValueError) as error:
            self._noted(thought, error)
            self._failed(thought)

    def _failed(self, thought: PendingDecision) -> None:
        """Leave a member to the rules after a fault of its mind."""
        thought.why.append(_FAILED)
        thought.settle(None, Decided.FAILED)

    def _noted(self, thought: PendingDecision, error: BaseException) -> None:
        """Count a mind's fault; one that was interrupted was counted already."""
        if not isinstance(error, Stalled):
            self._strikes.note(thought.called, f"{type(error).__name__}: {error}")

    async def _alone(self, thought: PendingDecision) -> None:
        """Let one member decide; after a fault, which is counted, the rules decide."""
        if thought.mind is None or self._strikes.are_out(thought.called):
            self._failed(thought)
            return
        try:
            await thought.recall()
            asked = partial(thought.mind.decide, thought.member, thought.posts, thought.recalled)
            said = await _in_steps(asked)
        except ModelError as error:
            thought.why.append(error.reason)
            thought.settle(None, COUNTED.get(error.fault, Decided.FAILED))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a third-party mind, which may even try to end the program
            self._noted(thought, error)
            self._failed(thought)
        else:
            self._settle(thought, said)


@coroutine
def _in_steps(decide: Callable[[], Awaitable[T]]) -> Generator[Any, Any, T]:
    """Await a mind so that each of its steps, and nothing else, can be interrupted."""

    async def decided() -> T:
        return await decide()

    steps, thrown = decided(), None
    while True:
        with interruptible():
            try:
                waits = steps.send(None) if thrown is None else steps.throw(thrown)
            except StopIteration as end:
                found: T = end.value
                return found
        try:
            thrown = None
            yield waits
        except BaseException as error:  # it is cancelled: the mind gets the exception
            thrown = error


def _unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignore tasks that minds did not end."""


def _is_open(thought: PendingDecision) -> bool:
    return thought.result is None


_HOLDING = {DecisionRound._alone.__code__, DecisionRound._together.__code__}  # noqa: SLF001 - our own


def _as_many(
    found: Sequence[Sequence[Decision] | None], many: int
) -> Sequence[Sequence[Decision] | None]:
    if len(found) != many:
        raise ValueError(f"decide_together() returned {len(found)} decisions for {many}")
    return found
