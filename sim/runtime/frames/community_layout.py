"""Layout of communities for the map, computed in a thread beside the engine."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import xxhash

from sim.core.progress import Report
from sim.errors import Cancelled
from sim.network.graph.ties import Ties
from sim.runtime.frames.communities import CommunityLabels, CommunityTotals, arrange
from sim.world.world import World

_AT_ONCE_TIES = 2_000_000
"""A network up to this size is arranged on the spot (some 30 ms); a larger one in a thread."""


class CommunityLayout:
    """Follows the communities of a world; belongs to the engine's thread."""

    def __init__(self, hurry: Callable[[Callable[[], object]], None]) -> None:
        self._origin = ""
        self._hurry = hurry
        self._state: object = None
        self._labels: object = None
        self._placed: CommunityTotals | None = None
        self._thread: threading.Thread | None = None
        self._is_stale = threading.Event()

    def arrange(
        self, world: World, show: Callable[[CommunityTotals | None], None], origin: str = ""
    ) -> None:
        """Make a new picture if the communities, the agents or the ties are not as they were.

        ``origin``: where new communities come from, when not from the world's making.
        """
        agents, ties = world.agents, world.ties
        names = tuple(agents.communities)
        labels = (xxhash.xxh3_64_intdigest(agents.community.data), names)
        state = (labels, _about(ties), len(agents))
        if state == self._state and not origin:
            return
        if origin or self._labels != labels:
            self._origin = origin
        self._state, self._labels = state, labels
        self.stop()
        given = CommunityLabels(agents.community.copy(), names, self._origin)
        if ties.count <= _AT_ONCE_TIES:
            show(self._noted(arrange(agents, ties, given, placed=self._placed)))
            return
        stale = self._is_stale = threading.Event()
        now = copy.copy(ties)
        work = partial(arrange, agents, now, given, placed=self._placed)
        self._thread = threading.Thread(
            target=self._work, args=(work, show, stale), name="communities", daemon=True
        )
        self._thread.start()

    def _work(
        self,
        work: Callable[[Report], CommunityTotals | None],
        show: Callable[[CommunityTotals | None], None],
        stale: threading.Event,
    ) -> None:
        def report(stage: str, _share: float) -> None:
            if stale.is_set():
                raise Cancelled(f"Other communities came while {stage}.")

        with suppress(Cancelled):
            groups = work(report)
            self._hurry(lambda: None if stale.is_set() else show(self._noted(groups)))

    def _noted(self, groups: CommunityTotals | None) -> CommunityTotals | None:
        """Note where communities were placed, if they were."""
        if self._placed is None or groups is None or groups.positions is not self._placed.positions:
            self._placed = groups
        return groups

    def stop(self) -> None:
        """Let a picture that is being made go, and wait for its thread."""
        self._is_stale.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _about(ties: Ties) -> int | tuple[int]:
    """Return what the picture of ties depends on.

    In a large network that changes in every tick a new one is made whenever there are some two per
    cent more or fewer ties; else it would never be done.
    """
    if ties.is_still or ties.count <= _AT_ONCE_TIES:
        return ties.version
    return (round(50 * math.log(ties.count)),)
