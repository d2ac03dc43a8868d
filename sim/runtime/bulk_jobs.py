""":class:`BulkCommands`, a mixin of ``Simulation``: bulk operations and studies as async jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, TypeVar

from sim.core.progress import Report
from sim.runtime import bulk_operations as batches
from sim.runtime.engine.queries import Queries
from sim.runtime.engine.thread_client import EngineClient
from sim.runtime.jobs import Job, in_thread
from sim.runtime.journal.persistence import Keeping
from sim.runtime.mind_commands import MindCommands
from sim.world.influence import BestSeeds, FoundSeeds
from sim.world.world import World

__all__ = ["BulkCommands"]

T = TypeVar("T")


class BulkCommands(Queries, MindCommands):
    """Long work, as jobs."""

    _world: World

    @property
    def _link(self) -> EngineClient:
        raise NotImplementedError

    async def keep(self, keeping: Keeping) -> None:
        """Begin a journal now, where there is none; the world stands still for it.

        Raises
        ------
        InputError
            When it keeps one already.
        LeaseError, FileError
            When another process has a world there, or the disk refuses.
        """
        live = self._link.live
        await self._link.ask(lambda: live.keep(keeping), is_long=True)

    def create_agents(self, count: int) -> Job[range]:
        """Add agents without ties; await it for their indices."""
        return self._link.call_job(batches.create_agents, count)

    def build_friendships(self, max_friends: int = 10) -> Job[int]:
        """Befriend agents, the alike first, up to ``max_friends`` each; await it for ties added."""
        return self._link.call_job(batches.build_friendships, max_friends)

    def create_communities(
        self, names: Sequence[str], max_members: int = 150
    ) -> Job[dict[str, int]]:
        """Gather agents round the named topics; await it for the size of each community."""
        return self._link.call_job(batches.create_communities, tuple(names), max_members)

    def detect_communities(self, method: str = "louvain") -> Job[batches.DetectedCommunities]:
        """Find communities in the network, in a thread beside the engine, and give them to agents.

        Parameters
        ----------
        method
            A name of :data:`sim.runtime.bulk_operations.METHODS`.

        Cancelled, the job leaves the communities as they were.
        """
        batches.check_method(method)
        seed, live = self._world.seed, self._link.live
        return self._link.study(lambda ties, r: batches.detect(ties, method, seed, r), live.assign)

    def best_seeds(self, seeds: str, *, model: str, **parameters: Any) -> Job[FoundSeeds]:
        """Find the seeds of an expression such as ``best:20``, in a thread beside the engine.

        They are kept until ties or members change: a message that asks for the same has them at
        once.

        Parameters
        ----------
        seeds
            ``best:20``, or ``best:20:linear-threshold``.
        model, parameters
            Of the message; what else ``inject`` takes is looked over.
        """
        link, message = self._link, {"model": model, **parameters}

        async def work(report: Report) -> FoundSeeds:
            live = link.live
            question, ties = await link.ask(
                lambda: (BestSeeds.of_message(live.world, seeds, message), copy(live.world.ties))
            )
            found: FoundSeeds = await in_thread(question.find, ties, report)
            return found

        return link.job(work)

    def study(self, function: Callable[..., T], *args: Any, **keywords: Any) -> Job[T]:
        """Run ``function(ties, ..., report=...)`` in a thread beside the engine.

        For what takes long and only reads the network, such as
        :func:`sim.network.analysis.report.network_report`; the ties are as they are now.
        """
        return self._link.study(lambda ties, r: function(ties, *args, report=r, **keywords))
