"""The laws of propagation models, checked on tiny worlds: decisions and conduct."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.arrays import F64
from sim.core import rng
from sim.core.authors import line_of, place_in, words_of
from sim.core.params import describe
from sim.core.registry import again, register
from sim.core.rng import Stream
from sim.core.text import one_line
from sim.errors import HubbubError, InputError, PluginError
from sim.network.graph.ties import Ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts
from sim.spread.cascade.model import PropagationModel
from sim.spread.opinions.model import OpinionModel
from sim.testing.call_watch import (
    CallWatch,
    hold,
    refuse_clocks,
    refuse_output,
    refuse_randomness,
    source_of,
)
from sim.world.world import World

Model = type[PropagationModel]

_TICKS = 12
_SEEDS = [0, 5, 11, 17, 23, 29, 31, 37]
_MANY = list(range(0, 60, 3))
_RUNS = 40
_SHUFFLES = 200
_MOST_SIGMAS = 8.0
"""Built-in models stay below 3; a model that depends on agents' ids reaches 20."""
_FEW, _RAISED = 0.1, 0.3
"""Share of adopters besides the seeds that counts as few; the probability then also tried."""
_COMPARED_TICKS = 4
_ROUNDS = 4
_LEAK_BYTES = 4096
_NOTE_BYTES = 256
"""Numba records the types of argument tuples, and frees the records unseen by the tracer: blocks up
to this size that are allocated outside a plugin's lines do not count."""
_FRAMES = 6
_OPINION_TICKS = 8
_ROUNDING = 1e-9


class Given:
    """A channel of explicit contacts, such as those of a feed.

    Parameters
    ----------
    viewers, sources
        Integers (contacts,): ``viewers[i]`` hears ``sources[i]``, in every tick.
    """

    name = "given"

    def __init__(self, viewers: npt.ArrayLike, sources: npt.ArrayLike) -> None:
        self.viewers = np.asarray(viewers, np.uint32)
        self.sources = np.asarray(sources, np.uint32)

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return the given pairs as this tick's contacts."""
        return network.listed(self.viewers, self.sources)


def tiny_arcs(agents: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (sources, targets) of a random directed network with about four ties per agent."""
    key = rng.key(seed, Stream.TRYING)
    draws = rng.words(key, np.arange(8 * agents)) % np.uint64(agents)
    return draws[::2].astype(np.int64), draws[1::2].astype(np.int64)


def tiny_world(agents: int = 60, seed: int = 7, *, isolated: int = 0) -> World:
    """Return a small world with trust between 0.2 and 1 and two communities.

    Parameters
    ----------
    agents, seed
        Number of agents with ties, and the world's seed.
    isolated
        Number of additional agents without ties.
    """
    sources, targets = tiny_arcs(agents, 11)
    trust = 0.2 + 0.8 * rng.uniforms(rng.key(11, Stream.TRUST), np.arange(sources.size))
    everybody = agents + isolated
    return World.from_edges(
        sources, targets, everybody, trust=trust, seed=seed, community=np.arange(everybody) % 2
    )


def check_plugin(cls: Model, **parameters: Any) -> tuple[str, ...]:
    """Check a propagation model against the laws; return the names of those it satisfies.

    Parameters
    ----------
    cls
        The class; registered or not.
    **parameters
        Parameters, if the defaults do not show what it does.

    Raises
    ------
    PluginError
        Names the broken law, what was observed, and the likely mistake.
    """
    return tuple(sorted(hold(cls, LAWS, parameters)))


def _run(
    cls: Model, parameters: dict[str, Any], world: World, seeds: list[int], ticks: int = _TICKS
) -> Cascade:
    named = cls.plugin_name
    options = {"draws": "coins", **parameters}
    story = world.inject("The library opens at nine.", seeds=seeds, model=named, **options)
    with _frozen(world):
        world.step(ticks)
    if story.status == "failed":
        raise PluginError(named, f"failed on a tiny world: {story.error}")
    return story


@contextmanager
def _frozen(world: World) -> Iterator[None]:
    """Fail if a model writes to the columns of agents or ties."""
    before = world.agents.dump()[1], world.ties.dump()[1]
    kept = [{name: column.copy() for name, column in part.items()} for part in before]
    yield
    after = world.agents.dump()[1], world.ties.dump()[1]
    for was, now in zip(kept, after, strict=True):
        for name, column in was.items():
            if not np.array_equal(column, now[name], equal_nan=column.dtype.kind == "f"):
                raise PluginError("the model", f"wrote into the column {name!r}; columns are read")


def _same(one: Cascade, two: Cascade) -> bool:
    return bool(
        np.array_equal(one.adopted_at, two.adopted_at)
        and np.array_equal(one.source, two.source)
        and np.array_equal(one.history, two.history)
    )


def deterministic(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: the same seed, the same cascade."""
    one, two = (_run(cls, parameters, tiny_world(), _SEEDS) for _ in range(2))
    if not _same(one, two):
        raise PluginError(
            cls.plugin_name,
            "gave two results for one seed; draw only from the draws that step() receives",
        )


def isolated(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand of models that use ties: agents without ties change nothing for the others."""
    if getattr(cls, "well_mixed", False):
        return
    one = _run(cls, parameters, tiny_world(), _SEEDS)
    two = _run(cls, parameters, tiny_world(isolated=9), _SEEDS)
    if not np.array_equal(one.adopted_at, two.adopted_at[: one.agents]):
        raise PluginError(
            cls.plugin_name,
            "gave another result once isolated agents were there; address draws by agent, and do "
            "not divide by the number of agents",
        )


def order(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: the order in which seeds are named does not matter."""
    one = _run(cls, parameters, tiny_world(), [*_SEEDS[1:], _SEEDS[0]])
    two = _run(cls, parameters, tiny_world(), _SEEDS[::-1])
    if not _same(one, two):
        raise PluginError(cls.plugin_name, "depends on the order in which its seeds are named")


def resumes(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: a world saved in the middle continues as if it had never stopped."""
    world = tiny_world()
    whole = _run(cls, parameters, world, _SEEDS)
    parted = tiny_world()
    _run(cls, parameters, parted, _SEEDS, 3)
    again = World.restore(*parted.dump())
    again.step(_TICKS - 3)
    if again.digest() != world.digest() or not _same(again.cascades[0], whole):
        raise PluginError(
            cls.plugin_name,
            "did not resume as it was; keep everything between ticks in cascade.columns",
        )


def superset(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand if adoption is permanent: more seeds never lead to fewer adopters."""
    if not getattr(cls, "progressive", False):
        return
    fewer = _run(cls, parameters, tiny_world(), _SEEDS[:3], 60)
    more = _run(cls, parameters, tiny_world(), _SEEDS, 60)
    if not set(fewer.adopters.tolist()) <= set(more.adopters.tolist()):
        raise PluginError(
            cls.plugin_name, "lost adopters when seeds were added, with the same coins"
        )


def untouched(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: each agent that ever adopted is recorded once, after its source."""
    story = _run(cls, parameters, tiny_world(), _SEEDS)
    ids = story.adopters
    if np.unique(ids).size != ids.size:
        raise PluginError(cls.plugin_name, "let an agent adopt twice; see cascade.done")
    at, source = story.adopted_at, story.source
    soonest = 0 if getattr(cls, "sequential", False) else 1
    late = [v for v in ids.tolist() if source[v] >= 0 and at[source[v]] + soonest > at[v]]
    if late:
        raise PluginError(
            cls.plugin_name,
            f"let agent {late[0]} adopt no later than its source; decide from the state before",
        )


def runs(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: it runs on a tiny world."""
    _run(cls, parameters, tiny_world(), _SEEDS)


def speaks_not(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: nothing is written to standard output or standard error."""
    refuse_output(
        cls,
        lambda: _run(cls, parameters, tiny_world(), _SEEDS),
        ", and tell people things by metrics() or panel()",
    )


def draws_by_address(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: no randomness but the draws that a model receives."""
    refuse_randomness(
        cls,
        lambda: _run(cls, parameters, tiny_world(), _SEEDS),
        "use draws.uniforms(ids), or in a chance() return the number and let the engine draw",
    )


def reads_no_clock(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: no clock is read."""
    with CallWatch(source_of(cls)).on() as watch:
        _run(cls, parameters, tiny_world(), _SEEDS)
    refuse_clocks(cls, watch, "draws.tick, exposure.age_ticks and contacts.tick_minutes")


def starts_afresh(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: a saved world continues the same in a new process, with a new module."""
    if not cls.__module__.startswith("hubbub_file_"):
        return
    for seed, ticks in ((7, 1), (8, 2), (9, 3)):
        whole, parted = tiny_world(60, seed), tiny_world(60, seed)
        _run(cls, parameters, whole, _MANY)
        _run(cls, parameters, parted, _MANY, ticks)
        if _resumed(cls, parted, 12 - ticks) != whole.digest():
            raise PluginError(
                cls.plugin_name,
                f"keeps {_kept(cls)} between ticks, which a saved world does not have; keep it in "
                "cascade.columns, or make it again where it is missing",
            )


def _resumed(cls: Model, world: World, ticks: int) -> str:
    """Return the digest of a world that continues with a freshly imported class."""
    state = world.dump()
    try:
        again(source_of(cls))
        resumed = World.restore(*state)
        resumed.step(ticks)
    finally:
        register(cls.plugin_name)(cls)
    return resumed.digest()


def _kept(cls: Model) -> str:
    """Return the names of mutable variables of a module or class, for the sentence."""
    module = vars(sys.modules[cls.__module__])
    own = {name: value for name, value in module.items() if not name.startswith("__")}
    held = [name for name, value in own.items() if isinstance(value, _CHANGING)]
    on_class = {n: v for owner in cls.__mro__ if owner.__module__ == cls.__module__
                for n, v in vars(owner).items()}  # fmt: skip
    held += [f"{cls.__name__}.{name}" for name, value in on_class.items()
             if isinstance(value, _CHANGING) and not name.startswith(("_", "model_"))]  # fmt: skip
    return f"something outside the cascade (perhaps {', '.join(held)})" if held else "something"


_CHANGING = (list, dict, set, bytearray, int, float, np.ndarray)


def forgets(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: memory kept for a world is freed with the world."""
    file = source_of(cls)
    held, worlds = [], []
    gc.freeze()  # earlier objects need not be scanned repeatedly
    tracemalloc.start(_FRAMES)
    try:
        for _ in range(_ROUNDS):
            world = tiny_world()
            worlds.append(weakref.ref(world))
            _run(cls, parameters, world, _SEEDS)
            del world
            gc.collect()
            held.append(_held(file))
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    alive = sum(world() is not None for world in worlds)
    if alive > 1:
        raise PluginError(
            cls.plugin_name,
            f"leaks memory: it keeps something of {alive} of {_ROUNDS} worlds that are gone, such "
            "as their exposures; keep nothing outside cascade.columns",
        )
    growth = np.diff([size for size, _ in held])[1:]
    if growth.min() > 0 and growth.sum() > _LEAK_BYTES:
        raise PluginError(
            cls.plugin_name,
            f"leaks memory: {int(growth.mean()):,} bytes stay behind after every run (line "
            f"{held[-1][1]}); keep nothing outside cascade.columns",
        )


def _held(file: str) -> tuple[int, int]:
    """Return the bytes allocated by lines of a file, and the line that allocated most."""
    snapshot = tracemalloc.take_snapshot()
    mine = snapshot.filter_traces([tracemalloc.Filter(True, file, all_frames=True)])
    by_line: dict[int, int] = {}
    for trace in mine.traces:
        if trace.size <= _NOTE_BYTES and trace.traceback[-1].filename != file:
            continue
        lines = [frame.lineno for frame in trace.traceback if frame.filename == file]
        by_line[lines[-1]] = by_line.get(lines[-1], 0) + trace.size
    return sum(by_line.values()), max(by_line, key=by_line.__getitem__, default=0)


def treats_all_alike(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: behaviour does not depend on agents' ids, in distribution.

    Adoptions in 40 runs are compared, agent by agent, with 40 runs under permuted ids; the sum of
    squared differences is compared with its values after the 80 runs are shuffled 200 times. If
    probabilities are so small that few adopt, no difference would show: they are then raised too.
    """
    reached = _alike(cls, parameters)
    raised = _raised(cls, parameters)
    if reached < _FEW * len(tiny_world().agents) and raised != parameters:
        _alike(cls, raised)


def _alike(cls: Model, parameters: dict[str, Any]) -> float:
    """Compare runs under two sets of ids; return the mean number of adopters besides the seeds."""
    label = _permutation(len(tiny_world().agents))
    one = _adoptions(cls, parameters, np.arange(label.size), _RUNS)
    two = _adoptions(cls, parameters, label, 2 * _RUNS)
    apart = _apart(one, two)
    runs = np.concatenate([one, two])
    orders = rng.uniforms(rng.key(1, Stream.TRYING), np.arange(_SHUFFLES * len(runs)))
    shuffled = np.array([_shuffled(runs, each) for each in orders.reshape(_SHUFFLES, -1)])
    if apart.sum() > shuffled.mean() + _MOST_SIGMAS * max(float(shuffled.std()), 1.0):
        worst = int(apart.argmax())
        raise PluginError(
            cls.plugin_name,
            f"depends on the order of agents: one adopted in {int(one[:, worst].sum())} of {_RUNS} "
            f"runs as number {worst}, and in {int(two[:, worst].sum())} as number {label[worst]}; "
            "decide by what an agent is and hears, never by its number",
        )
    return float(runs.sum(axis=1).mean()) - len(_SEEDS)


def _raised(cls: Model, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with all small probabilities raised so that many adopt."""
    given = cls(**parameters).values()
    shares = (s for s in describe(cls) if (s.type, s.low, s.high) == ("float", 0.0, 1.0))
    small = {s.name: _RAISED for s in shares if 0.0 < given[s.name] < _RAISED}
    raised = {**parameters, **small}
    try:
        cls(**raised).check()
    except InputError:  # such as probabilities that sum to more than 1
        return parameters
    return raised


def _apart(one: F64, two: F64) -> F64:
    """Return the squared difference of each agent's adoptions, divided by its variance."""
    a, b = one.sum(axis=0), two.sum(axis=0)
    share = (a + b) / (2 * _RUNS)
    variance = np.maximum(2 * _RUNS * share * (1 - share), 0.5)
    squared: F64 = (a - b) ** 2 / variance
    return squared


def _shuffled(runs: F64, order: F64) -> float:
    mixed = runs[np.argsort(order)]
    return float(_apart(mixed[:_RUNS], mixed[_RUNS:]).sum())


def _permutation(agents: int) -> npt.NDArray[np.int64]:
    """Return new ids of agents, far from the old ones and not merely reversed."""
    return (agents - 1 - np.arange(agents) * 7) % agents if agents % 7 else np.arange(agents)[::-1]


def _adoptions(
    cls: Model, parameters: dict[str, Any], label: npt.NDArray[np.int64], base: int
) -> F64:
    """Return whether each agent (column), under its old id, adopted in each run (row)."""
    origin, seeds = tiny_world(), label[_SEEDS].tolist()
    rows = []
    for number in range(_RUNS):
        world = relabelled(origin, label, base + number)
        story = _run(cls, parameters, world, seeds, _COMPARED_TICKS)
        rows.append((story.adopted_at >= 0)[label])
    return np.array(rows, np.float64)


def relabelled(world: World, label: npt.NDArray[np.int64], seed: int) -> World:
    """Return the same agents and ties under other ids: agent i becomes ``label[i]``."""
    meta, columns = world.agents.dump()
    moved = {name: _moved(column, label) for name, column in columns.items()}
    sources = np.repeat(np.arange(label.size), world.ties.rows[:, 1])
    trust = world.ties.trust / 65535.0 if world.ties.trust.size else None
    ties = Ties.from_arcs(label[sources], label[world.ties.targets], label.size, trust=trust)
    people = Agents.restore(meta, moved)
    return World(people, ties, seed=seed, tick_minutes=world.tick_minutes)


def _moved(column: npt.NDArray[Any], label: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    if len(column) != label.size:
        return column
    out = np.empty_like(column)
    out[label] = column
    return out


def conserves(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand if declared: along mutual ties the mean opinion never changes."""
    if not (issubclass(cls, OpinionModel) and cls.conserves):
        return
    seen = tiny_world()
    sources = np.repeat(np.arange(len(seen.agents)), seen.ties.rows[:, 1])
    world = World.from_edges(sources, seen.ties.targets, len(seen.agents), False, seed=seen.seed)
    means = []
    for ticks in (0, _OPINION_TICKS):
        story = _run(cls, parameters, world, _SEEDS, ticks)
        means.append(float(story.columns["opinion"].mean()))
        world = World.from_edges(
            sources, seen.ties.targets, len(seen.agents), False, seed=seen.seed
        )
    if abs(means[1] - means[0]) > _ROUNDING * (cls.span[1] - cls.span[0]):
        raise PluginError(
            cls.plugin_name,
            f"declares conserves = True, and the mean opinion went from {means[0]:.6g} to "
            f"{means[1]:.6g} along mutual ties; move both by as much, or leave the declaration out",
        )


def topical(cls: Model, parameters: dict[str, Any]) -> None:
    """Demand of opinion models: results are the same on a private and on a shared topic."""
    if not issubclass(cls, OpinionModel) or parameters.get("topic"):
        return
    alone = _run(cls, parameters, tiny_world(), _SEEDS, _OPINION_TICKS)
    world = tiny_world()
    _run(cls, {**parameters, "topic": "the library"}, world, _SEEDS, _OPINION_TICKS)
    if not np.array_equal(alone.columns["opinion"], world.opinions["the library"]):
        raise PluginError(
            cls.plugin_name,
            "came to other opinions once its topic had a name; read them by self.held(cascade), "
            "not from cascade.columns",
        )


LAWS: dict[str, Callable[[Model, dict[str, Any]], None]] = {
    "runs": runs,
    "silent": speaks_not,
    "own draws": draws_by_address,
    "no clock": reads_no_clock,
    "deterministic": deterministic,
    "isolated": isolated,
    "order": order,
    "resumes": resumes,
    "superset": superset,
    "untouched": untouched,
    "alike": treats_all_alike,
    "afresh": starts_afresh,
    "forgets": forgets,
    "conserves": conserves,
    "topical": topical,
}
"""Laws by name; first those whose failures explain the failures of others."""


def sentence(error: BaseException, name: str, cls: type) -> str:
    """Return one sentence on what a failed model did, and how to fix it."""
    text = one_line(error.reason if isinstance(error, PluginError) else str(error)).rstrip(".")
    text = text.removeprefix("failed on a tiny world: ").removeprefix(f"{name}: ")
    place = "" if ", line " in text else line_of(error) or place_in(cls, text)
    named = f"{type(error).__name__} {text}"
    kinds = [kind for kind in ("SystemExit", "KeyboardInterrupt") if kind in named]
    if kinds:
        reason = (
            f"raises {kinds[0]}, which would end the program ({text}); raise ValueError, or return"
        )
    elif "read-only" in text:
        reason = (
            f"writes into a column of agents or ties ({text}); columns are read-only, so change a "
            "copy, and keep your own arrays in cascade.columns"
        )
    elif "MemoryError" in text or isinstance(error, MemoryError):
        reason = f"asks for more memory than there is ({text}); work on a chunk at a time"
    elif isinstance(error, HubbubError):
        reason = f"{text}{place}"
    else:
        reason = f"raises {words_of(error)}{place}"
    return str(PluginError(name, reason))
