"""Sessions and jobs of a simulation whose engine is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sim.core.progress import Report
from sim.errors import HubbubError, InputError
from sim.runtime.bulk_operations import DetectedCommunities, check_method
from sim.runtime.engine.engine_command import ReplacedError
from sim.runtime.frames.frames import SessionRow
from sim.runtime.frames.sessions import Session
from sim.runtime.jobs import Job
from sim.runtime.process.client import ProcessEngine

if TYPE_CHECKING:
    from sim.runtime.engine.thread_client import EngineClient
    from sim.runtime.journal.persistence import Keeping
    from sim.world.influence import FoundSeeds

__all__ = ["IsolatedSession", "ProcessBulkCommands"]

T = TypeVar("T")


class IsolatedSession(Session):
    """A message whose engine is elsewhere: its ``cascade`` cannot be read here.

    Attributes
    ----------
    id, text, model
        As of :class:`~sim.runtime.Session`.
    """

    def __init__(self, remote: ProcessEngine, number: int, text: str, model: str) -> None:
        self.id, self.text, self.model = number, text, model
        self._remote = remote

    def __getattr__(self, name: str) -> Any:
        if name == "cascade":
            raise HubbubError(
                "The engine is another process, which has the cascade; look at it there, with "
                "simulation.call(function), or at simulation.frame.focus."
            )
        raise AttributeError(name)

    def _row(self) -> SessionRow | None:
        newest = self._remote.frames.newest
        rows = newest.sessions if newest is not None else ()
        return next((row for row in reversed(rows) if row.id == self.id), None)

    @property
    def status(self) -> str:
        """As of the newest frame; ``"quiet"`` once it is too old to be listed."""
        row = self._row()
        return "quiet" if row is None else row.status

    @property
    def size(self) -> int:
        """Agents that ever adopted, as of the newest frame; 0 once it is not listed any more."""
        row = self._row()
        return 0 if row is None else row.size

    @property
    def error(self) -> str | None:
        """Why it failed, one sentence; or None."""
        row = self._row()
        return None if row is None else row.error

    async def done(self) -> SessionRow:
        """Wait until nothing about the message can change, and return its last line."""
        while True:
            try:
                row: SessionRow = await self._remote.ask("done", self.id)
            except ReplacedError:
                await self._remote.ready()  # raises when there is no other process to ask
            else:
                return row


class ProcessBulkCommands:
    """Long work in the engine's process."""

    @property
    def _engine(self) -> ProcessEngine:
        raise NotImplementedError

    @property
    def _link(self) -> EngineClient:
        """There is none to a world of this process."""
        _ = self._engine  # refuses a simulation that is not open
        raise HubbubError(
            "An isolated simulation does not go back, branch, explain, study or think; "
            "a Simulation of its world does (IsolatedSimulation.world)."
        )

    async def query(
        self, function: Callable[..., Any], *args: Any, then: Callable[[Any], Any] | None = None
    ) -> Any:
        """Return ``function(world, *args)``, asked in the engine's process; ``then`` works there.

        Raises
        ------
        InputError
            As the function does; and when it, or what it is asked, cannot be sent there.
        """
        return await self._engine.ask("query", function, *args, then=then)

    async def keep(self, keeping: Keeping) -> None:
        """Refuse.

        Raises
        ------
        InputError
            Always: the engine's process keeps a journal of its own.
        """
        raise InputError(
            "An isolated engine keeps a journal of its own, which ends with it; open the world "
            "without --isolated to keep one beside its file, or save it."
        )

    def create_agents(self, count: int) -> Job[range]:
        """Add agents without ties; await it for their indices."""
        return self._job("create_agents", count)

    def build_friendships(self, max_friends: int = 10) -> Job[int]:
        """Befriend agents, the alike first; await it for ties added."""
        return self._job("build_friendships", max_friends)

    def create_communities(
        self, names: Sequence[str], max_members: int = 150
    ) -> Job[dict[str, int]]:
        """Gather agents round the named topics; await it for the size of each community."""
        return self._job("create_communities", tuple(names), max_members)

    def detect_communities(self, method: str = "louvain") -> Job[DetectedCommunities]:
        """Find communities in the network, and give them to agents."""
        check_method(method)
        return self._job("detect_communities", method)

    def best_seeds(self, seeds: str, *, model: str, **parameters: Any) -> Job[FoundSeeds]:
        """Find the seeds of an expression such as ``best:20``, beside the engine."""
        return self._job("best_seeds", seeds, model=model, **parameters)

    def study(self, function: Callable[..., T], *args: Any, **keywords: Any) -> Job[T]:
        """Run ``function(ties, ..., report=...)`` in the engine's process, beside the engine."""
        return self._job("study", function, *args, **keywords)

    def _job(self, name: str, *args: Any, **keywords: Any) -> Job[Any]:
        engine = self._engine

        async def work(report: Report) -> Any:
            return await engine.asking(name, args, keywords, report, job.stopping)

        job = Job(work)
        return job
