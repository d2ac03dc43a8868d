"""Limited attention: the message competes with all other memes for a short screen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sim.arrays import Ids
from sim.core import rng
from sim.core.bounds import Bound
from sim.core.params import Field
from sim.core.rng import Stream
from sim.spread.cascade.bounds import ATTENTION
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import PropagationModel
from sim.spread.exposure import attention_kernels as kernels
from sim.spread.exposure.attention_kernels import NOTHING, OURS

_POSTED, _SEEN = "posted", "_seen"


class Attention(PropagationModel):
    """Agents post new memes or repost what is on their screen; a screen holds few.

    The watched message is one meme among the many that agents keep posting. An agent adopts when
    it posts the message for the first time.
    """

    bounds: ClassVar[dict[str, Bound]] = ATTENTION
    sequential: ClassVar[bool] = True

    originality: float = Field(
        0.45, ge=0, le=1, description="chance of posting something new instead of scanning",
        json_schema_extra={"unit": "per turn"},
    )  # fmt: skip
    repost: float = Field(
        0.016, ge=0, le=1, description="chance of reposting a meme on the screen",
        json_schema_extra={"unit": "per turn"},
    )  # fmt: skip
    reuse: float = Field(
        0.4, ge=0, le=1, description="chance that it is taken from memory instead",
        json_schema_extra={"unit": "per repost"},
    )  # fmt: skip
    screen: int = Field(10, ge=1, le=100, description="memes that a screen holds")
    memory: int = Field(10, ge=1, le=100, description="posts that an agent remembers")
    turns: float = Field(
        1.0, gt=0, le=1, description="chance that an agent acts",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")

    def start(self, cascade: Cascade) -> None:
        """Let the seeds adopt; they post in the first tick, when the network is known."""
        cascade.adopt(cascade.seeds)
        count, columns = cascade.agents, cascade.columns
        columns["memes"] = np.full((count, self.screen), NOTHING, np.uint32)
        columns["authors"] = np.zeros((count, self.screen), np.uint32)
        columns["memory"] = np.full((count, self.memory), NOTHING, np.uint32)
        columns["heads"] = np.zeros(count, np.uint8)
        columns["slots"] = np.zeros(count, np.uint8)
        columns[_POSTED] = np.zeros(count, np.uint8)
        columns[_POSTED][cascade.seeds] = 1
        columns[_SEEN] = np.array([OURS, 0], np.int64)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let the present agents take their turns, in an order drawn for this tick."""
        columns, scratch = cascade.columns, contacts.scratch
        screens = kernels.Screens(*(columns[name] for name in kernels.Screens._fields))
        if columns[_SEEN][1] == 0:
            for author in cascade.seeds:
                kernels.post(contacts.rows, contacts.targets, author, OURS, screens)
            columns[_SEEN][1] = cascade.seeds.size
        order = self._order(cascade, draws)
        chances = self.originality, self.repost, self.reuse
        found = kernels.take_turns(
            contacts.rows, contacts.targets, order, draws.key(Stream.CONTACTS), *chances, screens,
            columns[_POSTED], scratch.touched, scratch.sources, columns[_SEEN],
        )  # fmt: skip
        cascade.contacts_seen += order.size * self.screen
        cascade.adopt(scratch.touched[:found].copy(), scratch.sources[:found].copy())

    def _order(self, cascade: Cascade, draws: Draws) -> Ids:
        """Return the agents that act this tick, in random order."""
        ids = cascade.present(np.arange(cascade.agents, dtype=np.uint32))
        lots = rng.uniforms(draws.key(Stream.TURNS), ids)
        acting = lots < self.turns
        order: Ids = ids[acting][np.argsort(lots[acting], kind="stable")]
        return order

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether the message is on no screen and in no memory, or is never reposted."""
        own = cascade.columns
        if self.repost == 0.0:
            return bool(own[_SEEN][1] > 0)
        return own[_SEEN][1] > 0 and not ((own["memes"] == OURS).any() or self._kept(cascade))

    def _kept(self, cascade: Cascade) -> bool:
        return self.reuse > 0.0 and bool((cascade.columns["memory"] == OURS).any())

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return how often the message was posted, and how many memes it competed with."""
        newest, ours = cascade.columns[_SEEN]
        return {"posts of the message": float(ours), "memes so far": float(newest)}
