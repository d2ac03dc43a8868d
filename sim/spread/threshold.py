"""Thresholds: an agent adopts once enough of those it hears have adopted."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sim.core.params import Field
from sim.core.rng import Stream
from sim.kernels.claims import count_ties
from sim.kernels.thresholds import hear
from sim.spread.cascade import Cascade
from sim.spread.contacts import Contacts, Draws, Ids
from sim.spread.model import SLICE, PropagationModel
from sim.spread.sparse import Sparse

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
        ties = count_ties(contacts.rows, speakers, 0, speakers.size)
        cascade.contacts_seen += ties
        by_trust = self.weights == "trust" and contacts.trust.size > 0
        left = _missing(cascade, np.int64 if by_trust else np.int32)
        left.reserve(min(ties, cascade.agents))
        touched = 0
        for low in range(0, speakers.size, SLICE):
            part = speakers, low, min(low + SLICE, speakers.size)
            touched = self._hear(cascade, contacts, draws, part, left, touched)
        cascade.adopt_claims(contacts.scratch, touched)

    def _hear(
        self,
        cascade: Cascade,
        contacts: Contacts,
        draws: Draws,
        part: tuple[Ids, int, int],
        left: Sparse,
        touched: int,
    ) -> int:
        level = self.level()
        scratch = contacts.scratch
        by_trust = left.values.dtype == np.int64
        crossed: int = hear(
            contacts.rows, contacts.targets, contacts.trust if by_trust else contacts.trust[:0],
            contacts.in_trust if by_trust else contacts.degree, *part,
            draws.key(Stream.THRESHOLDS, once=True), draws.thresholds,
            -1.0 if level is None else level, cascade.closed, left.keys, left.values,
            scratch.claim, scratch.touched, touched,
        )  # fmt: skip
        return crossed


def _missing(cascade: Cascade, dtype: npt.DTypeLike) -> Sparse:
    """Return what each agent still misses, plus one; 0 until somebody speaks to it."""
    if "left" not in cascade.held:
        cascade.held["left"] = Sparse(cascade.agents, dtype)
    column: Sparse = cascade.held["left"]
    return column
