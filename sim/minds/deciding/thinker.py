"""The thinker lets minds decide after each tick: whom to ask, how long to wait, what stands in.

The thread that drives the world waits here, within a deadline and with an ear for whoever wants it
to stop. What was decided goes into the world as one command, ``decide``; recovery and replay do
that command again and never ask.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import numpy as np

from sim.core.registry import make
from sim.errors import HubbubError, InputError
from sim.minds.deciding.commands import minds_of
from sim.minds.deciding.pending import PendingDecision, Row
from sim.minds.deciding.round import DecisionRound, FaultCounts, Patience
from sim.minds.deciding.scene import PromptContext, persona_of, thoughts_of
from sim.minds.deciding.summaries import made_with
from sim.minds.minds import Mind
from sim.minds.models.asks import Answer, Ask
from sim.minds.models.faults import Fault
from sim.minds.models.reply_log import Slot
from sim.minds.prompts.counts import Decided, DecisionCounts
from sim.minds.prompts.prompts import read_prompt
from sim.spread.cascade.faults import checked
from sim.world.world import Watcher, World

__all__ = ["Answerer", "Thinker", "persona_of"]

ENOUGH = 20
"""Decisions before which nobody says that models decide too few."""
OFFLINE = "no model is asked offline; leave out either offline or the least share"
_OTHERS = ("batch", "archetype", "plan", "reflect")
_MARGIN = 0.1
"""Seconds before the end in which an answer still reaches its member."""


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def never() -> bool:
    """Return False: nobody wants to stop."""
    return False


class Answerer(Protocol):
    """Who answers questions: a ``ModelPool``, or what stands for one."""

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        """Ask from any thread; the answer is there after so many seconds, at the latest."""


class Thinker:
    """Lets minded members decide.

    Parameters
    ----------
    pool
        Whom to ask; None: nobody, the rules decide for all that would ask.
    lacks
        Why there is nobody, one sentence.
    seconds
        What the decisions of a tick may take together.
    prompts
        The folder of the user's own templates; None: the packaged ones.
    limit
        Tokens of a prompt, at most.
    minds
        Minds by name that stand for those of the registry, with parameters of their own.
    patience
        How long one mind may take; None: as usual.
    least
        The share of decisions below which :attr:`too_few` is said; 0: never.
    alike
        Whether the pool says how far memories are like what is seen, by embeddings.
    offline
        Whether it was asked for that nobody is asked.

    Attributes
    ----------
    ledger
        How long calls took, of this run alone.
    asked, stood_in
        Decisions of minds other than the rules so far, and those for which rules stood in.
    faults
        What minds did wrong, a sentence for each of them.
    """

    def __init__(
        self,
        pool: Answerer | None = None,
        *,
        lacks: str = "",
        seconds: float = 600.0,
        prompts: Path | None = None,
        limit: int = 1000,
        minds: Mapping[str, Mind] | None = None,
        patience: Patience | None = None,
        least: float = 0.0,
        alike: bool = False,
        offline: bool = False,
    ) -> None:
        self.pool = pool
        self.offline = offline
        self.least = least
        self.asked = self.stood_in = 0
        self.lacks = lacks
        self.ledger = DecisionCounts()
        self._patience = (patience or Patience())._replace(all=seconds)
        self._others = {name: read_prompt(name, prompts) for name in _OTHERS}
        self._scenery = PromptContext(
            read_prompt("decide", prompts), limit, self._ask, self._mind, self._others, alike
        )
        self._folder = prompts
        self._given = dict(minds or {})
        self._made: dict[tuple[str, str], Mind | None] = {}
        self._strikes = FaultCounts()
        self._watchers: tuple[Watcher, ...] = ()
        self._ends = 0.0

    @property
    def faults(self) -> list[str]:
        """What minds did wrong, a sentence for each of them."""
        return self._strikes.faults

    def think(self, world: World, stopped: Callable[[], bool] = never) -> list[Row]:
        """Return what the minded members online decide on what they were shown in this tick.

        Parameters
        ----------
        world
            After a tick; nothing of it is changed.
        stopped
            Looked at ten times a second: once true, the rules decide for who is not done. What it
            raises ends the thinking.
        """
        return self.answer(self.prepare(world), stopped)

    def prepare(self, world: World) -> list[PendingDecision]:
        """Return what there is to decide on: it holds all that is needed of the world."""
        minds, platform = minds_of(world), world.platform
        self._watchers = tuple(world.watchers)
        if platform is None or not (minds.awake and minds.members.size):
            return []
        if platform.exposures.tick != world.tick:
            return []  # just opened: what they were shown is not known
        online = np.intersect1d(np.setdiff1d(minds.members, minds.played), platform.online)
        return thoughts_of(world, platform, online.tolist(), self._scenery)

    def answer(self, thoughts: Sequence[PendingDecision], stopped: Callable[[], bool]) -> list[Row]:
        """Return the decisions on :meth:`prepare`'s; in any thread, the world may go on."""
        if not thoughts:
            return []
        self._ends = monotonic() + self._patience.all
        rows = DecisionRound(thoughts, self._strikes, self._patience).run(stopped)
        for thought, row in zip(thoughts, rows, strict=True):
            if thought.mind is None or thought.mind.source is not Decided.RULE:
                self.asked += 1
                self.stood_in += row["source"] == str(Decided.RULE)
        return rows

    def too_few(self, enough: int = ENOUGH) -> str:
        """Return that minds decide less than the least share, one sentence; empty: they do not.

        Parameters
        ----------
        enough
            Decisions before which nothing is said.
        """
        own = self.asked - self.stood_in
        if not self.least or self.asked < max(enough, 1) or own / self.asked >= self.least:
            return ""  # 7 of 100 are 7%; 0.07 * 100 is more than 7
        why = OFFLINE if self.offline else self.trouble.rstrip(".")
        return (
            f"Models decided {own:,} of {self.asked:,} times ({_percent(own / self.asked)}), and "
            f"at least {_percent(self.least)} were asked for{f': {why}' if why else ''}."
        )

    @property
    def made(self) -> dict[str, Any]:
        """With what minds decide: versions, templates, limit and models, as JSON holds it."""
        models = [line.provider.called for line in getattr(self.pool, "lines", ())]
        made = made_with(self._folder, self._scenery.limit, models)
        return made | ({"alike": True} if self._scenery.alike else {})

    @property
    def trouble(self) -> str:
        """Why rules decide for those that would ask, one sentence; empty: they need not."""
        if self.pool is None:
            return self.lacks
        return str(getattr(self.pool, "trouble", ""))

    def _mind(self, name: str, options: Mapping[str, Any]) -> Mind | None:
        """Return a mind, made once; one that cannot be made is named, and the rules decide."""
        key = (name, json.dumps(options, sort_keys=True))
        if key not in self._made:
            self._made[key] = self._given.get(name) or self._new(name, options)
        return self._made[key]

    def _new(self, name: str, options: Mapping[str, Any]) -> Mind | None:
        try:
            made = make(name, "mind", **options)
            if not isinstance(made, Mind):
                raise InputError(f"{name!r} is no mind.")
            checked(made)
        except HubbubError as error:
            self._strikes.note(name, str(error))
            return None
        return made

    async def _ask(self, thought: PendingDecision, ask: Ask) -> Answer:
        thought.asking += 1
        try:
            answer = await self._answer(ask)
            if ask.alike:
                answer = replace(answer, source="alike")  # no decision comes of it
        finally:
            thought.asking -= 1
            thought.idle_since = monotonic()
        if answer.source == "model":
            self.ledger.took(answer.seconds)
        question = ask.fingerprint(answer.model)
        for watcher in self._watchers:
            watcher.asked(question, [(turn.role, turn.text) for turn in ask.turns])
        thought.log.record(Slot(*thought.slot[:2], len(thought.log)), question, answer)
        thought.answers.append(answer)
        return answer

    async def _answer(self, ask: Ask) -> Answer:
        if self.pool is None:
            return Answer("", Fault.MISSING, "none", detail=self.lacks)
        left = self._ends - monotonic() - _MARGIN
        if left <= 0:
            return Answer("", Fault.TIMEOUT, "none", detail="the tick is over")
        return await asyncio.wrap_future(self.pool.submit(ask, left))
