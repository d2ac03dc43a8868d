"""A cost estimate of a run with minds: the run is simulated with mock answers."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.minds.deciding.commands import decide, wake_minds
from sim.minds.deciding.thinker import Thinker
from sim.minds.minds import Mind
from sim.minds.models.asks import Answer, Ask
from sim.minds.models.faults import Fault
from sim.minds.models.prices import Price
from sim.minds.prompts.mock_answers import likely
from sim.minds.prompts.prompts import tokens_in
from sim.world.world import World

__all__ = ["RunEstimate", "estimate"]

_FRAME = 8
WRITTEN = 45
"""Tokens of an answer: an act, a post, and one sentence every other time."""


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run would ask.

    Attributes
    ----------
    ticks, requests
        Of the run.
    read, written
        Tokens of all prompts, and of all answers.
    dollars
        What that costs.
    """

    ticks: int
    requests: int
    read: int
    written: int
    dollars: float


class _CountingPool:
    """Stands for a pool: counts, and answers what a model might."""

    def __init__(self, written: int) -> None:
        self.requests = self.read = self.written = 0
        self._each = written
        self._known: set[str] = set()

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        said = ask.fingerprint("")
        if said not in self._known:  # an equal question is answered from what is kept
            self._known.add(said)
            self.requests += 1
            self.read += sum(tokens_in(turn.text) + _FRAME for turn in ask.turns)
            self.written += ask.likely or self._each
        future: Future[Answer] = Future()
        text = likely(ask)
        fault = Fault.MISSING if text is None else None
        future.set_result(Answer(text or "", fault, "none" if fault else "model"))
        return future


def estimate(
    world: World,
    ticks: int,
    price: Price,
    *,
    written: int = WRITTEN,
    prompts: Path | None = None,
    limit: int = 1000,
    minds: dict[str, Mind] | None = None,
    report: Report = quiet,
) -> RunEstimate:
    """Return what the minds of a world would ask in a run; likely answers stand in meanwhile.

    Parameters
    ----------
    world
        It is changed: give a copy.
    ticks
        Of the run.
    price
        Of the model.
    written
        Tokens of an answer, on average.
    prompts, limit, minds
        As of :class:`~sim.minds.deciding.thinker.Thinker`.
    report
        Told of progress; may cancel.
    """
    counter = _CountingPool(written)
    thinker = Thinker(counter, prompts=prompts, limit=limit, minds=minds)
    wake_minds(world, True)
    for tick in range(ticks):
        report(f"estimating tick {tick + 1:,}", tick / max(ticks, 1))
        world.step()
        decide(world, thinker.think(world))
    dollars = price.of(counter.read, counter.written) / 1e9
    return RunEstimate(ticks, counter.requests, counter.read, counter.written, dollars)
