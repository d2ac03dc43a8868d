""":class:`Relationships`: stored mutes and blocks, and the follows that a mute suspends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.bounds import prefixed, under
from sim.errors import InputError
from sim.network.graph.changes import TieLog
from sim.network.graph.ties import Ties
from sim.network.relations.blocklist import Blocklist, BlocklistArrays
from sim.network.relations.membership import Membership

Columns = dict[str, npt.NDArray[Any]]


class Relationships:
    """Mutes, blocks, and the follows that a mute suspends.

    A world's ``ties``, which all models and channels read, contain no tie that is muted or blocked.
    The follow of a muted agent is kept in :attr:`aside` until the mute ends; a block removes all
    ties of the two. So mutes and blocks cost nothing where messages travel along ties; code that
    works without ties checks :attr:`closed`.
    """

    def __init__(self, agents: int) -> None:
        self.blocklist = Blocklist(agents)  # who muted and blocked whom
        self.log = TieLog()  # the newest changes
        self.groups = Membership(agents)  # groups that agents join and leave
        self._aside: Ties | None = None

    @property
    def aside(self) -> Ties:
        """Ties whose listener muted the source; created on first use."""
        if self._aside is None:
            none = np.empty(0, np.uint32)
            self._aside = Ties.from_arcs(none, none, self.blocklist.agents)
        return self._aside

    @property
    def has_aside(self) -> bool:
        """Whether a mute suspends any tie."""
        return self._aside is not None and self._aside.count > 0

    @property
    def closed(self) -> BlocklistArrays:
        """Mutes and blocks as arrays (:mod:`sim.network.relations.blocklist_kernels`)."""
        return self.blocklist.closed

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        aside = 0 if self._aside is None else self._aside.nbytes
        return self.blocklist.nbytes + self.log.nbytes + self.groups.nbytes + aside

    def grow(self, count: int) -> None:
        """Add new agents."""
        self.blocklist.grow(count)
        self.groups.grow(count)
        if self._aside is not None:
            self._aside.grow(count)

    def retire(self, agents: npt.NDArray[np.uint32]) -> bool:
        """Remove agents that left the network; return whether mutes or blocks changed."""
        if self._aside is not None:
            self._aside.retire(agents)
        self.groups.forget(agents)
        return self.blocklist.forget(agents)

    def dump(self) -> Columns:
        """Return columns by name, without empty ones."""
        columns = prefixed("groups.", self.groups.dump()[1]) | prefixed(
            "ears.", self.blocklist.dump()
        )
        if self.has_aside:
            aside = self.aside
            columns |= {"aside.source": aside.sources(), "aside.target": aside.targets}
            columns |= {"aside.trust": aside.trust} if aside.trust.size else {}
            columns |= {"aside.kind": aside.kind} if aside.kind.any() else {}
        return columns | prefixed("log.", self.log.dump())

    @classmethod
    def restore(
        cls,
        columns: Mapping[str, npt.NDArray[Any]],
        agents: int,
        groups: Sequence[Mapping[str, Any]] = (),
    ) -> Relationships:
        """Return the relationships of :meth:`dump`; ``groups``: name and limit of each."""
        relationships = cls(agents)
        relationships.blocklist = Blocklist.restore(under("ears.", columns), agents)
        relationships.log = TieLog.restore(under("log.", columns), agents)
        relationships.groups = Membership.restore(groups, under("groups.", columns), agents)
        own = under("aside.", columns)
        if own:
            if not {"source", "target"} <= set(own):
                raise InputError("Ties that mutes suspend: their columns do not name both ends.")
            relationships.aside.change(
                own["source"], own["target"], True, kinds=own.get("kind"), trust=own.get("trust")
            )
        return relationships
