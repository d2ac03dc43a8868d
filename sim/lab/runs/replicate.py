"""One replicate: a copy-on-write twin of the base world, reseeded, run under one program."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np

from sim.core.clock import TickWarning
from sim.lab.runs.measures import Measure, RunObserver, series_name
from sim.runtime.engine.output_capture import OutputCapture
from sim.scenario.driver import drive
from sim.world.commands import reseed

if TYPE_CHECKING:
    from sim.lab.runs.shared_base import SharedBase
    from sim.scenario.driver import Program
    from sim.world.world import World


_MOST_REMARKS = 20
_WRONG = (
    zlib.error, KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError,
    msgpack.UnpackException,
)  # fmt: skip
"""What bytes raise that hold none."""


@dataclass(frozen=True)
class Run:
    """What each replicate of an experiment has in common, but for its program."""

    ticks: int
    measures: Mapping[str, Measure] = field(default_factory=dict)
    series: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True)
class Replicate:
    """What came of one.

    Attributes
    ----------
    ticks
        How many it ran.
    measured
        Numbers of the whole of it, by name.
    series
        Each float64 (ticks + 1,).
    remarks
        What a person should know: plugins that failed, printed, or are missing.
    """

    ticks: int
    measured: dict[str, float]
    series: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    remarks: tuple[str, ...] = ()

    def packed(self) -> bytes:
        """Return it as bytes, the same for the same outcome."""
        said = {
            "ticks": self.ticks,
            "measured": self.measured,
            "series": {name: row.astype("<f8").tobytes() for name, row in self.series.items()},
            "remarks": list(self.remarks),
        }
        return zlib.compress(msgpack.packb(said), 1)

    @classmethod
    def unpacked(cls, data: bytes) -> Replicate:
        """Return the one that was packed."""
        try:
            said = msgpack.unpackb(zlib.decompress(data))
            series = {
                series_name(str(n)): np.frombuffer(row, "<f8") for n, row in said["series"].items()
            }
            measured = {str(name): float(value) for name, value in said["measured"].items()}
            ticks, remarks = said["ticks"], tuple(map(str, said["remarks"]))
        except _WRONG as error:
            raise ValueError(f"no replicate: {error}") from None
        if type(ticks) is not int or any(row.size != ticks + 1 for row in series.values()):
            raise ValueError("no replicate: its series are not as long as it ran")
        return cls(ticks, measured, series, remarks)


def run_one(base: SharedBase, program: Program, seed: int, run: Run) -> Replicate:
    """Run a program on a twin of the base world that draws from a seed.

    What lies ahead draws from ``seed``, also of messages that are under way
    (:meth:`~sim.spread.cascade.cascade.Cascade.redraw`). Programs of one seed meet the same draws.
    """
    world = base.twin()
    reseed(world, seed)
    from sim.runtime.engine.warden import on_watch

    mine = on_watch()
    if mine is not None:
        mine.suit(world)
    for cascade in world.cascades.loose:
        if cascade.alive:
            cascade.redraw(seed)
    remarks: dict[str, None] = {}
    with OutputCapture(lambda line: remarks.setdefault(line)):
        observer = RunObserver(world, run.measures, run.series)
        _begin(world, program)
        if getattr(program, "watches_feeds", False):
            observer.watch_feeds()
        watches = getattr(program, "watches", None)
        if watches is not None:
            observer.watch(watches(world))
        _tick(world, program, run.ticks, observer)
        found = observer.measured()
    base.learn(world)
    remarks |= dict.fromkeys(_faults(world))
    series = observer.series()
    vars(world.cascades).clear()  # messages and world hold each other, and messages one another:
    vars(world).clear()  # taken apart, all of it goes at once and waits for no collector
    return Replicate(observer.ticks, found, series, tuple(remarks)[:_MOST_REMARKS])


def _begin(world: World, program: Program) -> None:
    """Begin; what a model says of the length of ticks is a remark, and warned of by nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TickWarning)
        program.begin(world)


def _tick(world: World, program: Program, ticks: int, observer: RunObserver) -> None:
    for _ in drive(program, world, ticks):
        observer.look()
        world.step()
        world.woken.clear()
    observer.look()


def _faults(world: World) -> list[str]:
    found = list(world.remarks)
    found += [f"{c.model_name}: {c.error}" for c in world.cascades.loose if c.error]
    found += [] if world.platform is None else list(world.platform.faults)
    found += _by_rules(world)
    found += [] if world.metrics is None else list(world.metrics.faults)
    return found + [str(each) for each in world.interventions if each.failed]


def _by_rules(world: World) -> list[str]:
    """Say that members whom a model decided for go by the rules: nobody is asked here."""
    minds = None if world.platform is None else world.platform.minds
    if minds is None or not (minds.awake and minds.members.size):
        return []
    return [
        f"{minds.members.size:,} members with a mind go by the rules here, where no model is "
        "asked; hubbub compare WORLD --minds awake asks theirs."
    ]
