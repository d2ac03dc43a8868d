"""Simulate messages of a model in a generated world, as curves, to try out parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import TickWarning
from sim.core.params import ParameterSpec, describe
from sim.core.progress import Report, quiet
from sim.core.registry import spec
from sim.errors import InputError, PluginError, UnknownNameError
from sim.jit.claims import NOBODY
from sim.lab.calibration.observed import GrowthCurves, Tree, grid_of, levels_of
from sim.lab.runs.replicate import BaseFile, opened
from sim.lab.runs.workers import WorkerConfig, WorkerDied, carried_out, settle
from sim.network.generate.networks import NETWORKS
from sim.runtime.engine.warden import naming
from sim.world.generation import drawn
from sim.world.seeding import choose_seeds
from sim.world.world import World

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.network.graph.ties import Ties


Point = Mapping[str, float]

_MOST_MESSAGES = 1000  # the most that a world runs at once
_NETWORK = "network."


@dataclass(frozen=True, slots=True)
class Free:
    """A parameter to fit."""

    name: str
    low: float
    high: float
    is_whole: bool = False

    @property
    def is_scale(self) -> bool:
        """Whether it is searched on a log scale: it is above 0 and spans a factor of 8."""
        return self.low > 0 and self.high >= 8 * self.low

    def at(self, share: Any) -> Any:
        """Return the value at a position in the range, float or float64 array in [0, 1]."""
        if self.is_scale:
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share

    def taken(self, share: float) -> float:
        """Return the value passed to a model, rounded if it must be a whole number."""
        value = float(self.at(share))
        return float(round(value)) if self.is_whole else value


def told_of(text: str) -> tuple[str, dict[str, str]]:
    """Parse ``NAME,parameter=value,...``, the notation for models, networks and channels."""
    name, *words = (word.strip() for word in text.split(","))
    told: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise InputError(f"After a name come parameters as NAME=VALUE, got {word!r} in {text}.")
        told[key.strip().replace("-", "_")] = value.strip()
    return name, told


@dataclass(frozen=True)
class SimulationPlan:
    """How messages are simulated."""

    model: str = "viral"
    told: Mapping[str, Any] = field(default_factory=dict)
    network: str = "retweet-like"
    given: Mapping[str, Any] = field(default_factory=dict)
    agents: int = 200_040
    tick_minutes: float = 5.0
    messages: int = 40
    minutes: float = 1440.0
    seeds: str = ""

    @classmethod
    def of(cls, model: str, network: str, **how: Any) -> SimulationPlan:
        """Return the checked plan of a model and a network as typed."""
        name, told = told_of(model)
        graph, given = told_of(network)
        for own, kind in (("agents", int), ("tick_minutes", float)):
            if own in given:
                how[own] = _plain(own, given.pop(own), kind)
        plan = cls(name, told, graph, given, **how)
        plan.check()
        return plan

    def check(self) -> None:
        """Raise an error of one sentence for anything that is not allowed."""
        if self.network not in NETWORKS:
            raise UnknownNameError("network", self.network, NETWORKS)
        NETWORKS[self.network].cls(**self.given)
        spec(self.model).cls(**self.told)
        if not 1 <= self.messages <= _MOST_MESSAGES:
            raise InputError(f"messages must be in [1, {_MOST_MESSAGES}], got {self.messages}.")
        if not self.tick_minutes <= self.minutes <= 1e6:
            raise InputError(
                f"minutes must be from one tick, {self.tick_minutes:g}, to 1,000,000; "
                f"got {self.minutes:g}."
            )

    @property
    def roots(self) -> int:
        """Number of root accounts in the network; 0 if it has none."""
        return int(getattr(NETWORKS[self.network].cls(**self.given), "roots", 0))

    def parts(self, point: Point) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parameters of the model and of the network at a point."""
        told, given = dict(self.told), dict(self.given)
        for name, value in point.items():
            whose = given if name.startswith(_NETWORK) else told
            whose[name.removeprefix(_NETWORK)] = value
        return told, given


def _plain(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        said = "a whole number" if kind is int else "a number"
        raise InputError(f"{name} must be {said}, got {text!r}.") from None


def free_of(
    plan: SimulationPlan, ranges: Mapping[str, tuple[float, float] | None]
) -> tuple[Free, ...]:
    """Return the parameters to fit; a name refers to the model, or else to the network."""
    if not ranges:
        raise InputError("Nothing to fit; name a parameter with its range, such as base=0.01:0.5.")
    return tuple(_free(plan, name, pair) for name, pair in ranges.items())


def _free(plan: SimulationPlan, name: str, pair: tuple[float, float] | None) -> Free:
    own = {each.name: each for each in describe(spec(plan.model).cls)}
    theirs = {each.name: each for each in NETWORKS[plan.network].parameters}
    bare = name.removeprefix(_NETWORK)
    is_own = bare == name and name in own
    if not is_own and bare not in theirs:
        known = [*own, *(f"{_NETWORK}{each}" for each in theirs)]
        raise UnknownNameError(f"parameter of {plan.model} or {plan.network}", name, known)
    found = own[name] if is_own else theirs[bare]
    low, high = _range(found, name, pair)
    cls = spec(plan.model).cls if is_own else NETWORKS[plan.network].cls
    whole = found.type == "int"
    for end in (low, high):
        cls(**{found.name: int(end) if whole and end == int(end) else end})
    return Free(name if is_own else f"{_NETWORK}{bare}", low, high, whole)


def _range(
    found: ParameterSpec, name: str, pair: tuple[float, float] | None
) -> tuple[float, float]:
    if found.type not in {"int", "float"}:
        raise InputError(f"{name} is no number and cannot be fitted; state its value.")
    if pair is None:
        if found.low is None or found.high is None:
            raise InputError(f"{name} has no range of its own; give one, as {name}=LOW:HIGH.")
        edge = 1e-6 * (found.high - found.low)
        return found.low + edge * found.low_open, found.high - edge * found.high_open
    low, high = (float(end) for end in pair)
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"The range of {name} is LOW:HIGH with LOW below HIGH, got {low}:{high}.")
    return low, high


def simulated(plan: SimulationPlan, point: Point, seed: int) -> GrowthCurves:
    """Return the curves of messages at a point.

    A seed determines the world, and messages use the same draws at every point, so
    points differ by their parameters alone (common random numbers).
    """
    return GrowthCurves.of_trees(simulated_trees(plan, point, seed), grid_of(plan.minutes))


def simulated_trees(plan: SimulationPlan, point: Point, seed: int) -> tuple[Tree, ...]:
    """Return the messages of :func:`simulated` as trees, in order of their ids."""
    return _followed(world_of(plan, point, seed), plan, point)


def world_of(plan: SimulationPlan, point: Point, seed: int) -> World:
    """Return the world of a point, before any message."""
    given = plan.parts(point)[1]
    agents, ties = _population(plan.network, tuple(sorted(given.items())), plan.agents, seed)
    return World(agents, ties, seed=seed, tick_minutes=plan.tick_minutes)


def _followed(world: World, plan: SimulationPlan, point: Point) -> tuple[Tree, ...]:
    told = plan.parts(point)[0]
    begins = _begins(world, plan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TickWarning)  # the plan sets the length of ticks
        stories = [
            world.inject(
                "calibration", seeds=[int(begins[place % begins.size])], model=plan.model, **told
            )
            for place in range(plan.messages)
        ]
    world.step(int(np.ceil(plan.minutes / plan.tick_minutes)))
    for story in stories:
        if story.error:
            why = story.error.removeprefix(f"{plan.model}: ")
            raise PluginError(plan.model, f"{why}; nothing was fitted")
    return tuple(_tree(story, plan.tick_minutes) for story in stories)


@lru_cache(maxsize=1)
def _population(
    network: str, given: tuple[tuple[str, Any], ...], agents: int, seed: int
) -> tuple[Agents, Ties]:
    """Return members and ties; models read them and write into neither."""
    told = dict(given)
    mean_degree = told.pop("mean_degree", None)
    degree = None if mean_degree is None else float(mean_degree)
    return drawn(agents, network, degree, told, None, "full", seed, quiet)


def _begins(world: World, plan: SimulationPlan) -> npt.NDArray[Any]:
    count = len(world.agents)
    if not plan.seeds and plan.roots:
        return np.arange(count - plan.roots, count)
    return choose_seeds(world, plan.seeds or f"random:{min(plan.messages, count)}")


def _tree(story: Any, tick_minutes: float) -> Tree:
    log = story.log
    order = np.argsort(log.agents, kind="stable")
    places = np.searchsorted(log.agents[order], np.minimum(log.sources, log.agents.max()))
    parents = order[np.minimum(places, order.size - 1)]
    is_known = (log.sources != NOBODY) & (log.agents[parents] == log.sources)
    minutes = (log.ticks - story.started_at) * tick_minutes
    levels, late = levels_of(np.where(is_known, parents, -1), minutes.astype(np.float64))
    return Tree(f"{story.id:06}", late, levels)


def several(
    plan: SimulationPlan,
    points: Sequence[Point],
    seed: int,
    *,
    workers: int,
    report: Report,
    stage: str,
) -> list[GrowthCurves]:
    """Simulate many points, some in parallel in separate processes."""
    found: dict[int, GrowthCurves] = {}

    def look() -> None:
        report(stage, len(found) / len(points))

    for number, curves in _carried_out(plan, points, seed, min(workers, len(points)), look):
        found[number] = curves
        look()
    return [found[number] for number in range(len(points))]


def _carried_out(
    plan: SimulationPlan, points: Sequence[Point], seed: int, workers: int, look: Callable[[], None]
) -> Iterator[tuple[int, GrowthCurves]]:
    if workers <= 1:
        yield from ((n, simulated(plan, point, seed)) for n, point in enumerate(points))
        return
    is_one = len({repr(plan.parts(point)[1]) for point in points}) == 1
    # one world for all points is in a file that all workers map read-only
    around = WorkerConfig.here("loky")
    base = BaseFile.write(world_of(plan, points[0], seed)) if is_one else None
    # joblib restarts a worker that has grown, and warns of it; nothing is lost
    warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
    try:
        told = [(n, plan, dict(point), seed, base, around) for n, point in enumerate(points)]
        yield from carried_out(iter(told), workers, "loky", look, _in_a_worker)
    except WorkerDied:
        raise InputError(
            "A worker ended before its point was simulated; where memory is short, ask for fewer."
        ) from None
    finally:
        if base is not None:
            base.remove()


def _in_a_worker(
    told: tuple[int, SimulationPlan, Point, int, BaseFile | None, WorkerConfig],
) -> tuple[int, GrowthCurves]:
    number, plan, point, seed, base, around = told
    settle(around)
    with naming():
        if base is None:
            return number, simulated(plan, point, seed)
        trees = _followed(opened(base).twin(), plan, point)
        return number, GrowthCurves.of_trees(trees, grid_of(plan.minutes))


def ranges_of(words: Sequence[str]) -> dict[str, tuple[float, float] | None]:
    """Read ``NAME=LOW:HIGH`` words; a name alone has the bounds that it declares."""
    ranges: dict[str, tuple[float, float] | None] = {}
    for word in words:
        name, sign, ends = word.partition("=")
        name = name.strip().replace("-", "_")
        if name in ranges:
            raise InputError(f"{name} is given twice; give it once.")
        low, colon, high = ends.partition(":")
        try:
            ranges[name] = (float(low), float(high if colon else "")) if sign else None
        except ValueError:
            raise InputError(
                f"A range is NAME=LOW:HIGH, such as base=0.01:0.5; got {word!r}."
            ) from None
    return ranges
