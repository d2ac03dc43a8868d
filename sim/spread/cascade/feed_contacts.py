"""Feed contacts: a message is shown to some viewers only, by those who shared it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.arrays import U32, Ids
from sim.spread.cascade.contacts import Contacts

Heard = Callable[[Ids], tuple[Ids, Ids]]


class FeedContacts(Contacts):
    """The contacts of one message in one tick; rows are lent while they are read.

    A thousand messages travel at once and few are shown to many: rows over all agents are made for
    one message at a time, and given back by :meth:`release`. Pairs that are no tie count with
    trust 1.0, as in :meth:`~sim.spread.cascade.contacts.Contacts.listed`.
    """

    __slots__ = (
        "_agents", "_all_heard", "_crowd", "_lent", "_pairs", "_spans", "_spare", "_speakers",
    )  # fmt: skip

    def __init__(
        self,
        network: Contacts,
        viewers: Ids,
        sources: Ids,
        spare: list[U32],
        all_heard: Heard | None = None,
    ) -> None:
        order = np.lexsort((viewers, sources))
        heard, hearing = sources[order], viewers[order]
        speakers, starts, lengths = np.unique(heard, return_index=True, return_counts=True)
        self._speakers: Ids = speakers
        self._spans: U32 = np.stack([starts, lengths], axis=1).astype(np.uint32)
        self._agents = network.agents
        self._spare = spare
        self._lent: U32 | None = None
        self._pairs, self._all_heard = (viewers, sources), all_heard
        self._crowd: FeedContacts | None = None
        trust, kind = network.between(heard, hearing)
        super().__init__(
            np.empty((0, 2), np.uint32),
            hearing,
            degree=lambda: network.degree,
            scratch=network.scratch,
            people=network.people,
            trust=trust,
            kind=kind,
            tick_minutes=network.tick_minutes,
            whole=network.whole,
        )

    @property
    def speakers(self) -> Ids:
        """Who shared what is shown, uint32, rising."""
        return self._speakers

    @property
    def agents(self) -> int:
        """How many agents there are."""
        return self._agents

    @property
    def rows(self) -> U32:
        """uint32 (agents, 2): start and length of each agent's row."""
        if self._lent is None:
            fits = self._spare and len(self._spare[-1]) == self._agents
            self._lent = self._spare.pop() if fits else np.zeros((self._agents, 2), np.uint32)
            self._lent[self._speakers] = self._spans
        return self._lent

    @rows.setter
    def rows(self, rows: U32) -> None:
        """Take no rows: they are lent."""

    @property
    def crowd(self) -> Contacts:
        """All that the viewers hear: the ties of each of them, and what it is shown from beyond.

        For models that weigh what an agent hears in sum: in a feed it is asked when the message is
        shown to it, and then by all it follows, as it would be anywhere.
        """
        if self._all_heard is None:
            return self
        if self._crowd is None:
            viewers, sources = self._pairs
            more = self._all_heard(np.unique(viewers))
            pairs = np.stack([np.append(viewers, more[0]), np.append(sources, more[1])])
            known: U32 = np.unique(pairs, axis=1)
            self._crowd = FeedContacts(self.whole, known[0], known[1], self._spare)
        return self._crowd

    def release(self) -> None:
        """Give the rows back; they are made again when they are read again."""
        if self._crowd is not None:
            self._crowd.release()
        if self._lent is not None:
            self._lent[self._speakers] = 0
            self._spare.append(self._lent)
            self._lent = None
