""":class:`Swaying`: couples a message and opinions: hearing moves them, and they affect spread."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Ids
from sim.core.params import Field
from sim.core.rng import Stream
from sim.core.text import clean
from sim.errors import ParameterError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import AgentReader, Around, Contacts, Draws, Topics
from sim.spread.cascade.model import PropagationModel
from sim.spread.opinions.averaging_kernels import sway
from sim.spread.opinions.model import check_start, measured, rescaled, started

_SPAN = (-1.0, 1.0)
_MOST = 64
"""Largest number of hearings in a tick that is distinguished."""


class _OpinionColumns:
    """Columns of agents, plus ``opinion`` in [-1, 1]."""

    def __init__(self, people: AgentReader, opinions: F64) -> None:
        self._people = people
        self._opinions = opinions

    def column(self, name: str) -> npt.NDArray[Any]:
        return self._opinions if name == "opinion" else self._people.column(name)


class Swaying(PropagationModel):
    """What couples a message to opinions; inherit it before a form of propagation model.

    As the message spreads, every hearing of it moves the hearer's opinion on the topic towards the
    message's stance by the share ``pull`` of the way, whoever hears it, adopter or not. What
    agents think as a tick begins is a column: ``exposure.viewer.opinion`` in
    :class:`~sim.spread.exposure.exposures.PerExposure`, ``contacts.people.column("opinion")``
    anywhere, in
    [-1, 1]; a topic of another range is rescaled. Where nobody has an opinion yet, ``initial``
    gives one to each.
    """

    topic: str = Field(
        "", description="what the message is about, shared with others; empty: its own"
    )
    stance: float = Field(1.0, ge=-1, le=1, description="where the message stands, -1 to 1")
    pull: float = Field(
        0.1, ge=0, le=1, description="share of the way to its stance that one hearing moves"
    )
    initial: str = Field(
        "uniform",
        description="opinions of those without one: uniform, uniform:LOW:HIGH, normal:MEAN:SPREAD, "
        "even, first or column:NAME",
    )

    def check(self) -> None:
        """Raise for an invalid law or topic."""
        super().check()
        check_start(self.plugin_name, self.initial, _SPAN)
        if self.topic != clean(self.topic, 64).strip():
            raise ParameterError(
                f"{self.plugin_name}: topic must be plain text of at most 64 characters, "
                f"got {self.topic!r}."
            )

    def suits(self, around: Around) -> None:
        """Raise for a world without the column that initial opinions come from."""
        super().suits(around)
        law = check_start(self.plugin_name, self.initial, _SPAN)
        if law[0] == "column":
            started(law, _SPAN, np.zeros(1, np.int64), 1, np.uint64(0), around.people())

    def start(self, cascade: Cascade) -> None:
        """Set the opinions of agents that have none."""
        _hold(cascade, self._filled(cascade))
        super().start(cascade)

    def welcome(self, cascade: Cascade, count: int) -> None:
        """Set the opinions of new agents."""
        super().welcome(cascade, count)
        if cascade.status != "queued":
            if "opinion" in cascade.held:
                cascade.held["opinion"][-count:] = np.nan
            _hold(cascade, self._filled(cascade))

    def held(self, cascade: Cascade) -> F64:
        """Return all current opinions, float64 (agents,) in [-1, 1]; a copy."""
        topics = _topics(cascade)
        name = _topic(cascade)
        if topics is not None and name in topics:
            return rescaled(topics[name].copy(), topics.span(name), _SPAN)
        if "opinion" in cascade.held:
            return np.array(cascade.held["opinion"], np.float64)
        return np.full(cascade.agents, np.nan)

    def _filled(self, cascade: Cascade) -> F64:
        own = self.held(cascade)
        lacking = np.flatnonzero(np.isnan(own))
        if lacking.size:
            people = cascade.around.people() if cascade.around is not None else None
            key = cascade.draws(0).key(Stream.OPENINGS)
            law = check_start(self.plugin_name, self.initial, _SPAN)
            own[lacking] = started(law, _SPAN, lacking, cascade.agents, key, people)
        return own

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let the propagation model step; then move the opinions of agents that heard it."""
        own = self.held(cascade)
        told = copy.copy(contacts)
        told.people = _OpinionColumns(contacts.people, own)
        speakers = np.sort(self.speakers(cascade))
        super().step(cascade, told, draws)
        if self.pull > 0.0 and speakers.size:
            left = (1.0 - self.pull) ** np.arange(_MOST + 1.0)
            hearings = np.zeros(cascade.agents, np.uint16)
            rows = contacts.rows, contacts.targets, speakers
            moved = sway(*rows, cascade.absent, self.stance, left, *_SPAN, own, hearings)
            if moved:
                _hold(cascade, own)

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return mean, variance, clusters and polarisation of the opinions now, in [-1, 1]."""
        return {**super().metrics(cascade), **measured(self.held(cascade), _SPAN)}

    def speakers(self, cascade: Cascade) -> Ids:
        """Return the speakers of this tick, uint32."""
        spoken: Any = getattr(self, "ticks_spoken", None)
        ticks = 1 if spoken is None else spoken(cascade.tick_minutes)
        return cascade.recent(ticks)


def _topics(cascade: Cascade) -> Topics | None:
    return None if cascade.around is None else cascade.around.opinions


def _topic(cascade: Cascade) -> str:
    return str(getattr(cascade.model, "topic", ""))


def _hold(cascade: Cascade, own: F64) -> None:
    """Store opinions in [-1, 1]; on a shared topic write only those that changed."""
    topics, name = _topics(cascade), _topic(cascade)
    if not name or topics is None:
        cascade.columns["opinion"] = own
        return
    if name not in topics:
        topics.hold(name, own, span=_SPAN)
        return
    kept, span = topics[name].copy(), topics.span(name)
    changed = ~(own == rescaled(kept, span, _SPAN))
    if changed.any():
        kept[changed] = rescaled(own[changed], _SPAN, span).clip(*span)
        topics.write(name, kept)
