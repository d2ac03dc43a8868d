"""Thresholds: an agent adopts once enough of those it hears have adopted."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

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

    progressive: ClassVar[bool] = True

    weights: Literal["uniform", "trust"] = Field(
        "uniform", description="what a source weighs: 1 / number of sources, or its share of trust"
    )

    def level(self) -> float | None:
        """Return the threshold of all, or ``None``: uniform draws in [0, 1), one an agent."""
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
        end: tuple[Any, ...] = (
            cascade.frontier, low, high, draws.key(Stream.THRESHOLDS, once=True), draws.thresholds,
            -1.0 if level is None else level, cascade.done,
        )  # fmt: skip
        if self.weights == "trust" and contacts.trust.size:
            end = (*end, _column(cascade, np.int64), scratch.touched, scratch.sources, touched)
            total = contacts.in_trust
            return hear_trust(contacts.rows, contacts.targets, contacts.trust, total, *end)
        end = (*end, _column(cascade, np.int32), scratch.touched, scratch.sources, touched)
        return hear_count(contacts.rows, contacts.targets, contacts.degree, *end)


def _column(cascade: Cascade, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return what each agent still misses: zero pages until somebody speaks to it."""
    if "left" not in cascade.columns:
        cascade.columns["left"] = np.zeros(cascade.agents, dtype)
    column: npt.NDArray[Any] = cascade.columns["left"]
    return column
