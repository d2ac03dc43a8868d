"""Seeding: the best seeds for most reach, or what to block for least, compared with baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.agents.select import NUMBERS, number_of
from sim.arrays import F64, Ids
from sim.core import rng
from sim.core.checks import whole_number
from sim.core.progress import Report, part, quiet
from sim.core.rng import Stream
from sim.core.text import plural
from sim.errors import InputError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.tables import Result, Table
from sim.spread.influence.blocking import Blocked
from sim.spread.influence.blocking import block as silenced
from sim.spread.influence.celf import RUNS, celf, degree_discount
from sim.spread.influence.live_edges import Estimate, LiveNetwork, spread_of
from sim.spread.influence.opim import LIKELY, Guarantee
from sim.spread.influence.opim import best_seeds as optimum
from sim.world.injection import checked_people
from sim.world.seeding import MEASURES, best_of, live_edges_of, live_network, seeds_of

if TYPE_CHECKING:
    from sim.world.world import World


METHODS = ("opim", "celf")
"""How seeds are found: reverse reachable sets with a guarantee, or, for small worlds, runs."""

BASELINES = ("degree", "pagerank", "discount", "core", "random")
"""Simple choices for comparison."""

MOST_CELF = 20_000
"""Members of the largest world for which CELF is allowed."""


class SeedResult(Result):
    """Seeds, their expected reach, and how near the optimum they are.

    Attributes
    ----------
    seeds
        uint32, in the order of choice.
    method, rule
        How they were found; which ties are live, as text.
    spread
        Expected adopters, seeds included, from runs that were not used to choose them.
    guarantee
        How near the optimum that is; None for ``"celf"`` and baselines, which have no guarantee.
    cost
        Total cost of the seeds; without costs, their number.
    """

    __slots__ = (
        "_budget", "_costs", "_network", "_rows", "_world", "cost", "guarantee", "method", "rule",
        "seeds", "spread",
    )  # fmt: skip

    def __init__(
        self,
        world: World,
        network: LiveNetwork,
        seeds: Ids,
        method: str,
        spread: Estimate,
        guarantee: Guarantee | None,
        costs: F64 | None,
        budget: float,
    ) -> None:
        self._world, self._network = world, network
        self._costs, self._budget = costs, budget
        self.seeds, self.method, self.rule = seeds, method, str(network.edges)
        self.spread, self.guarantee = spread, guarantee
        self.cost = float(seeds.size if costs is None else costs[seeds].sum())
        self._rows: list[dict[str, Any]] = [_row(method, seeds.size, self.cost, spread, spread)]

    @property
    def tables(self) -> Mapping[str, Table]:
        """``seeds``: the seeds; ``comparison``: what they and others reach."""
        agents = self._world.agents
        costs = np.ones(self.seeds.size) if self._costs is None else self._costs[self.seeds]
        seeds = Table(
            {
                "place": np.arange(1, self.seeds.size + 1),
                "agent": self.seeds.astype(np.int64),
                "id": [agents.id(int(seed)) for seed in self.seeds],
                "listeners": self._world.ties.out_degree[self.seeds].astype(np.int64),
                "cost": costs,
            },
            units={"listeners": "members"},
            caption=f"Seeds by {self.method}; {self.rule}",
        )
        comparison = Table.of_rows(
            self._rows,
            units={"spread": "members", "low": "members", "high": "members"},
            caption="Expected adopters, with 95 % intervals; share of the first",
        )
        return {"seeds": seeds, "comparison": comparison}

    def conclusion(self) -> str:
        """Return the expected reach and the guarantee, in sentences."""
        said = f"Expected reach of {plural(self.seeds.size, 'seed')}: {self.spread} members."
        if self.guarantee is None:
            return f"{said} There is no guarantee."
        return f"{said} This is {self.guarantee}."

    def compare(self, against: Iterable[str] = BASELINES, *, report: Report = quiet) -> Table:
        """Return the expected spread of baselines next to these seeds'; kept for :attr:`tables`.

        Parameters
        ----------
        against
            Of :data:`BASELINES` and :data:`METHODS`; each gets the same number of seeds, or as
            many of its ranking as the budget pays for.
        report
            Called with the progress; may raise to cancel.

        Raises
        ------
        UnknownNameError
            For an unknown choice.
        """
        names = list(dict.fromkeys(against))
        for name in names:
            if name not in BASELINES and name not in METHODS:
                raise UnknownNameError("way of choosing seeds", name, (*BASELINES, *METHODS))
        known = {row["choice"] for row in self._rows}
        for turn, name in enumerate(new := [name for name in names if name not in known]):
            told = part(report, turn / len(new), 1 / len(new))
            seeds = self._chosen(name, part(told, 0.0, 0.5))
            spread = spread_of(self._network, seeds, report=part(told, 0.5, 0.5))
            cost = float(seeds.size if self._costs is None else self._costs[seeds].sum())
            self._rows.append(_row(name, seeds.size, cost, spread, self.spread))
        return self.tables["comparison"]

    def _chosen(self, name: str, report: Report) -> Ids:
        network, k = self._network, int(self.seeds.size)
        if name == "opim":
            found = optimum(network, k, costs=self._costs, budget=self._budget, report=report)
            return found.seeds
        if name == "celf":
            return _by_runs(network, k, RUNS, self._costs, self._budget, report)
        if self._costs is None:
            return _ranked(self._world, network, name, k)
        order = _ranked(self._world, network, name, int(network.roots.size))
        bought, left = [], self._budget
        cheapest = np.minimum.accumulate(self._costs[order][::-1])[::-1]
        for agent, least in zip(order.tolist(), cheapest.tolist(), strict=True):
            if least > left:
                break
            if self._costs[agent] <= left:
                bought.append(agent)
                left -= float(self._costs[agent])
        return np.array(bought, np.uint32)


def _row(name: str, seeds: int, cost: float, spread: Estimate, first: Estimate) -> dict[str, Any]:
    return {
        "choice": name, "seeds": seeds, "cost": cost, "spread": spread.mean, "low": spread.low,
        "high": spread.high, "share": spread.mean / first.mean,
    }  # fmt: skip


def _ranked(world: World, network: LiveNetwork, name: str, k: int) -> Ids:
    if name in MEASURES:
        return best_of(world, network.roots, k, name)
    if name == "discount":
        return degree_discount(network, k)
    lots = rng.words(rng.key(network.seed, Stream.AT_RANDOM), network.roots)
    return network.roots[np.argsort(lots, kind="stable")[:k]]


def _by_runs(
    network: LiveNetwork, k: int, runs: int, costs: F64 | None, budget: float, report: Report
) -> Ids:
    if network.agents > MOST_CELF:
        raise InputError(
            f"celf is for worlds of at most {MOST_CELF:,} members, this one has "
            f"{network.agents:,}; choose opim."
        )
    return celf(network, k, runs=runs, costs=costs, budget=budget, report=report)


def prices_of(world: World, costs: npt.ArrayLike | str | None) -> F64 | None:
    """Return the cost of each member as a seed: float64 (n,); None: no costs given."""
    if costs is None:
        return None
    agents = len(world.agents)
    if isinstance(costs, str):
        if costs == "degree":
            return 1.0 + world.ties.out_degree.astype(np.float64)
        if costs not in NUMBERS:
            raise UnknownNameError("column of costs", costs, ("degree", *NUMBERS))
        found: npt.NDArray[Any] = number_of(world.agents, costs)
    else:
        found = np.asarray(costs)
    if found.dtype.kind not in "iuf" or found.shape != (agents,):
        raise InputError(f"Costs are one number for each of {agents:,} members.")
    prices: F64 = found.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(prices) & (prices > 0)))
    if wrong.size:
        raise InputError(f"Costs are above 0; that of agent {wrong[0]} is {prices[wrong[0]]:g}.")
    return prices


def _paid_for(
    network: LiveNetwork, k: int | None, costs: F64 | None, budget: float | None
) -> tuple[int, float]:
    """Return the maximum number of seeds and their maximum total cost, or refuse."""
    people = int(network.roots.size)
    if (costs is None) != (budget is None):
        raise InputError("Costs and a budget go together: say both, or a number of seeds.")
    if costs is None or budget is None:
        if k is None:
            raise InputError("How many seeds? Say k, or costs and a budget.")
        if not 1 <= whole_number(k, "k, the number of seeds,") <= people:
            raise InputError(f"k is 1 to {people:,}, the members who are active; got {k:,}.")
        return k, 0.0
    if k is not None:
        raise InputError("Say how many seeds, or costs and a budget, not both.")
    prices = np.sort(costs[network.roots])
    if not prices[0] <= budget < np.inf:
        raise InputError(
            f"The budget of {budget:g} is below the lowest cost of a seed, {prices[0]:g}."
        )
    return max(int(np.searchsorted(np.cumsum(prices), budget, side="right")), 1), float(budget)


def best_seeds_now(
    world: World,
    k: int | None = None,
    *,
    model: str = "independent-cascade",
    budget: float | None = None,
    costs: npt.ArrayLike | str | None = None,
    method: str = "opim",
    epsilon: float = 0.1,
    delta: float = LIKELY,
    runs: int = RUNS,
    report: Report = quiet,
    **parameters: Any,
) -> SeedResult:
    """Find the seeds with the largest expected spread.

    Mutes, blocks and feeds are ignored.

    Parameters
    ----------
    world
        Only read; must not change meanwhile.
    k
        Number of seeds; None: as many as the budget pays for.
    model, **parameters
        A model whose reach is that of live ties (:meth:`sim.PropagationModel.live_edges`), and its
        parameters.
    budget, costs
        Maximum total cost, and the cost of each member (:func:`prices_of`).
    method
        ``"opim"`` (Tang, Tang, Xiao & Yuan, SIGMOD 2018), or ``"celf"`` (Leskovec et al., KDD
        2007), for small worlds.
    epsilon, delta
        The target ratio is 1 - 1/e - epsilon (half of 1 - 1/e under a budget); delta is the
        probability that its guarantee fails; both between 0 and 1.
    runs
        For ``"celf"``: number of cascades used to choose.
    report
        Called with the progress; may raise to cancel.

    Raises
    ------
    InputError, ParameterError, UnknownNameError
        One sentence.

    Examples
    --------
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 0, 0, 4], [1, 2, 3, 5])
    >>> best_seeds_now(world, 2, model="linear-threshold").seeds.tolist()
    [0, 4]
    """
    if method not in METHODS:
        raise UnknownNameError("method of finding seeds", method, METHODS)
    for name, value in (("epsilon", epsilon), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name} is between 0 and 1, got {value:g}.")
    network = live_network(world, live_edges_of(world, model, parameters))
    prices = prices_of(world, costs)
    most, money = _paid_for(network, k, prices, budget)
    finding, guarantee = part(report, 0.0, 0.85), None
    if method == "celf":
        seeds = _by_runs(network, most, runs, prices, money, finding)
    else:
        found = optimum(
            network, most, costs=prices, budget=money, epsilon=epsilon, delta=delta, report=finding
        )
        seeds, guarantee = found.seeds, found.guarantee
    spread = spread_of(network, seeds, report=part(report, 0.85, 0.15))
    return SeedResult(world, network, seeds, method, spread, guarantee, prices, money)


best_seeds = awaited(best_seeds_now)


_EFFECTS = ("agents", "ties")


class BlockingResult(Result):
    """What to block, and the reach of a rumour before and after.

    Attributes
    ----------
    what
        ``"agents"`` or ``"ties"``.
    rumour
        uint32: the seeds of the rumour.
    agents
        uint32: agents to block, in the order of choice; empty for ties.
    ties
        uint32 (k, 2): source and listener of the ties to block; (0, 2) for agents.
    before, after
        Expected adopters, from runs that were not used to choose.
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
        """``blocked``: the agents or ties; ``spread``: before and after."""
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
        """Return the effect of blocking, in sentences."""
        count = max(self.agents.size, len(self.ties))
        noun = "tie" if self.what == "ties" else "member"
        said = f"{plural(count, noun)} blocked" if count else "Blocking has no effect"
        return (
            f"{said}: the rumour reaches {self.after} members instead of {self.before}. Chosen "
            "greedily in sampled cascades, without a guarantee."
        )


def block_now(
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
    """Find what to block against a rumour.

    Parameters
    ----------
    world
        Only read; must not change meanwhile.
    rumour
        The seeds of the rumour: indices, or an expression.
    k
        Number to block; fewer are returned if no more would help.
    what
        ``"agents"``, which then neither adopt nor pass on, or ``"ties"``, which then carry nothing;
        their weight is not redistributed.
    model, **parameters
        As in :func:`best_seeds_now`.
    runs
        Sampled cascades used to choose (advanced greedy, Xie et al., ICDE 2023); 2 or more.
    report
        Called with the progress; may raise to cancel.

    Raises
    ------
    InputError, ParameterError, UnknownNameError
        One sentence.

    Examples
    --------
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 1, 1, 1], [1, 2, 3, 4])
    >>> block_now(world, [0], 1, probability=1.0).agents.tolist()
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


block = awaited(block_now)


def _after(
    world: World,
    network: LiveNetwork,
    seeds: npt.NDArray[np.uint32],
    what: Blocked,
    places: npt.NDArray[np.int64],
    report: Report,
) -> Estimate:
    """Return the spread with the blocks, in the same runs as without."""
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
