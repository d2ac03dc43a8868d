"""Thresholds: an agent adopts once enough of those it hears have adopted."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sim.core.params import Field
from sim.core.rng import Stream
from sim.kernels.thresholds import hear_count, hear_trust
from sim.spread.cascade import Cascade
from sim.spread.contacts import Contacts, Draws
from sim.spread.model import SLICE, PropagationModel

__all__ = ["Threshold"]


class Threshold(PropagationModel):
    """An agent adopts when the share of its sources that adopted reaches its threshold (``>=``).

    Synchronous: additions of a tick first, decisions after. An agent without sources never adopts.
    Its recorded source is the one whose word tipped it, hearing the tick's speakers in id order.
    """

    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what a source weighs: 1 / number of sources, or its share of trust"
    )

    def level(self) -> float | None:
        """Return the threshold of every agent, or ``None``: uniform draws in [0, 1), one an agent."""
        return None

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Add what the new adopters say; whoever's threshold is reached adopts."""
        speakers = cascade.frontier
        cascade.contacts_seen += int(contacts.rows[speakers, 1].sum())
        touched = 0
        for low in range(0, speakers.size, SLICE):
            high = min(low + SLICE, speakers.size)
            touched = self._hear(cascade, contacts, draws, low, high, touched)
        scratch = contacts.scratch
        cascade.adopt(scratch.touched[:touched].copy(), scratch.sources[:touched].copy())

    def _hear(
        self, cascade: Cascade, contacts: Contacts, draws: Draws, low: int, high: int, touched: int
    ) -> int:
        scratch = contacts.scratch
        level = self.level()
        decide = (
            draws.key(Stream.THRESHOLDS, once=True),
            draws.thresholds,
            -1.0 if level is None else level,
            cascade.done,
        )
        network = (contacts.rows, contacts.targets)
        part = (cascade.frontier, low, high)
        into = (scratch.touched, scratch.sources, touched)
        if self.weights == "trust" and contacts.trust.size:
            heard = _column(cascade, np.dtype(np.int64))
            weighed = (*network, contacts.trust, contacts.in_trust)
            return int(hear_trust(*weighed, *part, *decide, heard, *into))
        heard = _column(cascade, np.dtype(np.uint32))
        return int(hear_count(*network, contacts.degree, *part, *decide, heard, *into))


def _column(
    cascade: Cascade, dtype: np.dtype[np.generic]
) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    """Return what each agent heard so far: zero pages until somebody speaks to it."""
    if "heard" not in cascade.columns:
        cascade.columns["heard"] = np.zeros(cascade.agents, dtype)
    column: np.ndarray[tuple[int], np.dtype[np.generic]] = cascade.columns["heard"]
    return column
