"""Blocking: whom, or which ties, to silence so that a rumour reaches fewest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.checks import whole_number
from sim.core.progress import Report, part, quiet
from sim.errors import InputError, UnknownNameError
from sim.lab.tables import Result, Table
from sim.runtime.jobs import in_thread
from sim.spread.influence.blocking import RUNS, Blocked
from sim.spread.influence.blocking import block as silenced
from sim.spread.influence.forecast import spread_of
from sim.spread.influence.live_edges import Estimate, LiveNetwork
from sim.world.influence import live_edges_of, live_network
from sim.world.injection import checked_people
from sim.world.seeding import seeds_of

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["BlockingResult", "block", "find_blocks"]

_EFFECTS = ("agents", "ties")
_NO_TIES = np.empty(0, np.uint8)


class BlockingResult(Result):
    """What to block, and what a rumour reaches before and after.

    Attributes
    ----------
    what
        ``"agents"`` or ``"ties"``.
    rumour
        uint32: who has it first.
    agents
        uint32: whom to block, in the order of choice; empty for ties.
    ties
        uint32 (k, 2): source and listener of the ties to block; (0, 2) for agents.
    before, after
        Adopters to expect, by runs that chose nothing.
    """

    __slots__ = ("_world", "after", "agents", "before", "rumour", "ties", "what")

    def __init__(
        self,
        world: World,
        what: Blocked,
        rumour: npt.NDArray[np.uint32],
        places: npt.NDArray[np.int64],
        before: Estimate,
        after: Estimate,
    ) -> None:
        self._world, self.what, self.rumour = world, what, rumour
        self.before, self.after = before, after
        self.agents = (places if what == "agents" else places[:0]).astype(np.uint32)
        mine = places if what == "ties" else places[:0]
        sources = np.searchsorted(world.ties.indptr(), mine, side="right") - 1
        pairs = (sources, world.ties.targets[mine])
        self.ties = np.stack([np.asarray(one, np.uint32) for one in pairs], axis=1)

    @property
    def tables(self) -> Mapping[str, Table]:
        """``blocked``: whom or what; ``spread``: before and after."""
        agents = self._world.agents
        if self.what == "agents":
            columns: dict[str, Any] = {
                "agent": self.agents.astype(np.int64),
                "id": [agents.id(int(one)) for one in self.agents],
                "listeners": self._world.ties.out_degree[self.agents].astype(np.int64),
            }
        else:
            columns = {
                "source": self.ties[:, 0].astype(np.int64),
                "listener": self.ties[:, 1].astype(np.int64),
                "source_id": [agents.id(int(one)) for one in self.ties[:, 0]],
                "listener_id": [agents.id(int(one)) for one in self.ties[:, 1]],
            }
        count = len(next(iter(columns.values())))
        rows = [
            {"when": when, "spread": one.mean, "low": one.low, "high": one.high}
            for when, one in (("before", self.before), ("after", self.after))
        ]
        return {
            "blocked": Table(
                {"place": np.arange(1, count + 1)} | columns,
                caption=f"The {self.what} to block, in the order of choice",
            ),
            "spread": Table.of_rows(
                rows,
                units={"spread": "members", "low": "members", "high": "members"},
                caption="Adopters of the rumour to expect, with 95 % intervals",
            ),
        }

    def conclusion(self) -> str:
        """Return what blocking does, in sentences."""
        count = max(self.agents.size, len(self.ties))
        said = f"{count:,} {self.what} blocked" if count else "Nothing is worth blocking"
        return (
            f"{said}: the rumour reaches {self.after} members instead of {self.before}. Chosen "
            "greedily in sampled cascades; no share of the best is guaranteed."
        )


def find_blocks(
    world: World,
    rumour: npt.ArrayLike | str,
    k: int,
    *,
    what: Blocked = "agents",
    model: str = "independent-cascade",
    runs: int = RUNS,
    report: Report = quiet,
    **parameters: Any,
) -> BlockingResult:
    """As :func:`block`, for scripts: returns when it is done.

    Examples
    --------
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 1, 1, 1], [1, 2, 3, 4])
    >>> find_blocks(world, [0], 1, probability=1.0).agents.tolist()
    [1]
    """
    if what not in _EFFECTS:
        raise UnknownNameError("kind of blocking", what, _EFFECTS)
    whole_number(k, "k, how many to block,", low=1)
    if whole_number(runs, "runs") < 2:
        raise InputError(f"At least 2 runs are looked at, got {runs}.")
    network = live_network(world, live_edges_of(world, model, parameters))
    message = {"model": model} | parameters
    seeds = checked_people(world.agents, seeds_of(world, rumour, message), "The rumour's seeds")
    places = silenced(network, seeds, k, what, runs=runs, report=part(report, 0.0, 0.8))
    before = spread_of(network, seeds, report=part(report, 0.8, 0.1))
    after = _after(world, network, seeds, what, places, part(report, 0.9, 0.1))
    return BlockingResult(world, what, seeds, places, before, after)


def _after(
    world: World,
    network: LiveNetwork,
    seeds: npt.NDArray[np.uint32],
    what: Blocked,
    places: npt.NDArray[np.int64],
    report: Report,
) -> Estimate:
    """Return the spread with what is blocked, in the same runs as without."""
    if what == "ties":
        dead = np.zeros(world.ties.count, np.uint8)
        dead[places] = 1
        return spread_of(network, seeds, dead=dead, report=report)
    left = np.zeros(len(world.agents), np.bool_)
    left[network.roots] = True
    left[places] = False
    labels = np.asarray(world.agents.community, np.int32)
    rest = LiveNetwork(world.ties, network.edges, world.seed, active=left, labels=labels)
    return spread_of(rest, seeds, report=report)


async def block(
    world: World, rumour: npt.ArrayLike | str, k: int, **options: Any
) -> BlockingResult:
    """Find what to block against a rumour, in a thread beside the event loop.

    Parameters
    ----------
    world
        Only read; not to change meanwhile.
    rumour
        Who has it first: indices, or an expression of seeds.
    k
        How many to block; fewer come where no more is to be had.
    **options
        ``what``: ``"agents"``, who then neither adopt nor pass on, or ``"ties"``, which then carry
        nothing; their weight goes to nobody else.
        ``model`` and its parameters, as of :func:`sim.lab.seeding.best_seeds`.
        ``runs``: sampled cascades to choose in (advanced greedy, Xie et al., ICDE 2023).
        ``report``: told of progress; may cancel.

    Returns
    -------
    BlockingResult

    Raises
    ------
    InputError, ParameterError, UnknownNameError
        One sentence.

    Examples
    --------
    >>> import asyncio
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 1, 1, 1], [1, 2, 3, 4])
    >>> asyncio.run(block(world, [0], 1, what="ties", probability=1.0)).ties.tolist()
    [[0, 1]]
    """
    return await in_thread(find_blocks, world, rumour, k, **options)
