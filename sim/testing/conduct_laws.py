"""Laws of conduct: what a model does besides deciding, and what it must leave alone."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

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
from sim.spread.cascade.model import PropagationModel
from sim.testing.call_watch import CallWatch, source_of, state
from sim.world.world import World

Model = type[PropagationModel]
Run = Callable[..., Cascade]
Make = Callable[..., World]

_SEEDS = [0, 5, 11, 17, 23, 29, 31, 37]
_MANY = list(range(0, 60, 3))
_RUNS = 40
_SHUFFLES = 200
_MOST_SIGMAS = 8.0
"""Built-in models stay below 3, one that looks at numbers comes to 20."""
_FEW, _RAISED = 0.1, 0.3
"""Adopters beside the seeds, as a share of agents, that are few; the chance then tried as well."""
_TICKS = 4
_ROUNDS = 4
_LEAK_BYTES = 4096
_NOTE_BYTES = 256
"""Numba notes what a tuple of arguments is made of, and frees the note beside the tracer: blocks up
to so large that are made beyond a plugin's lines do not count."""
_FRAMES = 6
_SHOWN = 60


class Bench(NamedTuple):
    """What the laws run models with; :mod:`sim.testing` hands it over."""

    run: Run
    world: Make


def runs(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: it runs on a tiny world."""
    bench.run(cls, parameters, bench.world(), _SEEDS)


def speaks_not(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: nothing is written to the standard output or the standard error."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _raw() as raw:
        bench.run(cls, parameters, bench.world(), _SEEDS)
    text = said.getvalue() or raw()
    if text:
        shown = ascii(text[:_SHOWN])
        kind = "escape codes" if "\x1b" in text else "text"
        raise PluginError(
            cls.plugin_name,
            f"writes {kind} to the terminal ({shown}), over the screen; take the print out, and "
            "tell people things by metrics() or panel()",
        )


@contextlib.contextmanager
def _raw() -> Iterator[Callable[[], str]]:
    """Notice what goes straight to the process's own output, where that is a file."""
    files: list[Any] = [each for each in (sys.__stdout__, sys.__stderr__) if _is_file(each)]
    before = [os.fstat(stream.fileno()).st_size for stream in files]

    def grown() -> str:
        for stream, size in zip(files, before, strict=True):
            stream.flush()
            if os.fstat(stream.fileno()).st_size > size:
                return os.pread(stream.fileno(), _SHOWN, size).decode(errors="replace")
        return ""

    yield grown


def _is_file(stream: Any) -> bool:
    import stat

    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):  # none, closed, or captured by a test
        return False


def draws_by_address(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: no randomness but the draws that a model receives."""
    before = state()
    with CallWatch(source_of(cls)).on() as watch:
        bench.run(cls, parameters, bench.world(), _SEEDS)
    found = next(iter(watch.randomness), "")
    if not found and state() != before:
        found = "the global generator"
    if found:
        raise PluginError(
            cls.plugin_name,
            f"draws from {found}, so a run cannot be repeated; use draws.uniforms(ids), or in a "
            "chance() return the number and let the engine draw",
        )


def reads_no_clock(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: no look at a clock."""
    with CallWatch(source_of(cls)).on() as watch:
        bench.run(cls, parameters, bench.world(), _SEEDS)
    if watch.clocks:
        found = next(iter(watch.clocks))
        raise PluginError(
            cls.plugin_name,
            f"reads a clock, {found}, so a run cannot be repeated; use draws.tick, "
            "exposure.age_ticks and contacts.tick_minutes",
        )


def starts_afresh(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: a saved world goes on alike in a new process, where the module is a new one."""
    if not cls.__module__.startswith("hubbub_file_"):
        return
    for seed, ticks in ((7, 1), (8, 2), (9, 3)):
        whole, parted = bench.world(60, seed), bench.world(60, seed)
        bench.run(cls, parameters, whole, _MANY)
        bench.run(cls, parameters, parted, _MANY, ticks)
        if _resumed(cls, parted, 12 - ticks) != whole.digest():
            raise PluginError(
                cls.plugin_name,
                f"keeps {_kept(cls)} between ticks, which a saved world does not have; keep it in "
                "cascade.columns, or make it again where it is missing",
            )


def _resumed(cls: Model, world: World, ticks: int) -> str:
    """Return the digest of a world that goes on under a class with no past."""
    state = world.dump()
    try:
        again(source_of(cls))
        resumed = World.restore(*state)
        resumed.step(ticks)
    finally:
        register(cls.plugin_name)(cls)
    return resumed.digest()


def _kept(cls: Model) -> str:
    """Name the variables of a module or class that can change, for the sentence."""
    module = vars(sys.modules[cls.__module__])
    own = {name: value for name, value in module.items() if not name.startswith("__")}
    held = [name for name, value in own.items() if isinstance(value, _CHANGING)]
    on_class = {n: v for owner in cls.__mro__ if owner.__module__ == cls.__module__
                for n, v in vars(owner).items()}  # fmt: skip
    held += [f"{cls.__name__}.{name}" for name, value in on_class.items()
             if isinstance(value, _CHANGING) and not name.startswith(("_", "model_"))]  # fmt: skip
    return f"something outside the cascade (perhaps {', '.join(held)})" if held else "something"


_CHANGING = (list, dict, set, bytearray, int, float, np.ndarray)


def forgets(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: once a world is gone, so is what was kept for it."""
    file = source_of(cls)
    held, worlds = [], []
    gc.freeze()  # what was there before need not be looked through again and again
    tracemalloc.start(_FRAMES)
    try:
        for _ in range(_ROUNDS):
            world = bench.world()
            worlds.append(weakref.ref(world))
            bench.run(cls, parameters, world, _SEEDS)
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
    """Return the bytes that lines of a file hold, and the line that holds most."""
    snapshot = tracemalloc.take_snapshot()
    mine = snapshot.filter_traces([tracemalloc.Filter(True, file, all_frames=True)])
    by_line: dict[int, int] = {}
    for trace in mine.traces:
        if trace.size <= _NOTE_BYTES and trace.traceback[-1].filename != file:
            continue
        lines = [frame.lineno for frame in trace.traceback if frame.filename == file]
        by_line[lines[-1]] = by_line.get(lines[-1], 0) + trace.size
    return sum(by_line.values()), max(by_line, key=by_line.__getitem__, default=0)


def treats_all_alike(bench: Bench, cls: Model, parameters: dict[str, Any]) -> None:
    """Demand: agents under other numbers behave alike, in law.

    Who adopted in 40 runs is compared, agent by agent, with 40 runs under other numbers; the sum of
    squared differences is held against the same sum after the 80 runs are shuffled 200 times. Where
    chances are so small that few adopt, a difference could not show: then they are raised as well.
    """
    reached = _alike(bench, cls, parameters)
    raised = _raised(cls, parameters)
    if reached < _FEW * len(bench.world().agents) and raised != parameters:
        _alike(bench, cls, raised)


def _alike(bench: Bench, cls: Model, parameters: dict[str, Any]) -> float:
    """Compare runs under two sets of numbers; returns how many adopt beside the seeds."""
    label = _permutation(len(bench.world().agents))
    one = _adoptions(bench, cls, parameters, np.arange(label.size), _RUNS)
    two = _adoptions(bench, cls, parameters, label, 2 * _RUNS)
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
    """Return the parameters with every small chance at a level where many adopt."""
    given = cls(**parameters).values()
    shares = (s for s in describe(cls) if (s.type, s.low, s.high) == ("float", 0.0, 1.0))
    small = {s.name: _RAISED for s in shares if 0.0 < given[s.name] < _RAISED}
    raised = {**parameters, **small}
    try:
        cls(**raised).check()
    except InputError:  # such as chances that sum to more than 1
        return parameters
    return raised


def _apart(one: F64, two: F64) -> F64:
    """Return the squared difference of each agent's adoptions over its variance."""
    a, b = one.sum(axis=0), two.sum(axis=0)
    share = (a + b) / (2 * _RUNS)
    variance = np.maximum(2 * _RUNS * share * (1 - share), 0.5)
    squared: F64 = (a - b) ** 2 / variance
    return squared


def _shuffled(runs: F64, order: F64) -> float:
    mixed = runs[np.argsort(order)]
    return float(_apart(mixed[:_RUNS], mixed[_RUNS:]).sum())


def _permutation(agents: int) -> npt.NDArray[np.int64]:
    """Return new numbers of agents, far from the old ones and not merely reversed."""
    return (agents - 1 - np.arange(agents) * 7) % agents if agents % 7 else np.arange(agents)[::-1]


def _adoptions(
    bench: Bench, cls: Model, parameters: dict[str, Any], label: npt.NDArray[np.int64], base: int
) -> F64:
    """Return whether each agent (column), under its old number, adopted in each run (row)."""
    origin, seeds = bench.world(), label[_SEEDS].tolist()
    rows = []
    for number in range(_RUNS):
        world = relabelled(origin, label, base + number)
        story = bench.run(cls, parameters, world, seeds, _TICKS)
        rows.append((story.adopted_at >= 0)[label])
    return np.array(rows, np.float64)


def relabelled(world: World, label: npt.NDArray[np.int64], seed: int) -> World:
    """Return the same people and ties under other numbers: agent i becomes ``label[i]``."""
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


CONDUCT: dict[str, Callable[[Bench, Model, dict[str, Any]], None]] = {
    "runs": runs,
    "silent": speaks_not,
    "own draws": draws_by_address,
    "no clock": reads_no_clock,
    "alike": treats_all_alike,
    "afresh": starts_afresh,
    "forgets": forgets,
}
FIRST = ("runs", "silent", "own draws", "no clock")
"""The laws whose breach explains breaches of others."""


def sentence(error: BaseException, name: str, cls: type) -> str:
    """Return what a model that raised did, and how to mend it, in one sentence."""
    text = one_line(error.reason if isinstance(error, PluginError) else str(error)).rstrip(".")
    text = text.removeprefix("failed on a tiny world: ").removeprefix(f"{name}: ")
    place = "" if ", line " in text else line_of(error) or place_in(cls, text)
    kinds = [kind for kind in ("SystemExit", "KeyboardInterrupt") if kind in _named(error, text)]
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


def _named(error: BaseException, text: str) -> str:
    return f"{type(error).__name__} {text}"
