"""Arms that run on the same worlds, seed by seed: recommenders, and minds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from sim.arrays import F64
from sim.core.progress import Report
from sim.core.text import plural
from sim.lab.runs.experiment import experiment_now
from sim.lab.statistics.intervals import mean_interval
from sim.lab.tables import Result, Table
from sim.scenario.plan import RunPlan, Stop

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.lab.runs.replicate import Replicate, Watch
    from sim.platform.platform import Platform
    from sim.runtime.engine.run_control import Program
    from sim.world.world import World


class PairedArm:
    """One arm: a program that runs, in every world, beside a program already begun there."""

    def __init__(self, name: str, ticks: int, program: Program | None) -> None:
        self.name, self.ticks = name, ticks
        self._program = program or RunPlan(stop=Stop(ticks))
        self.tell: Callable[[float], None] = lambda share: None

    def facts(self) -> Mapping[str, Any]:
        """Return nothing: its results are not stored in a file."""
        return {}

    def begin(self, world: World) -> None:
        """Begin; a subclass sets what distinguishes it from the other arms."""

    def watch(self, world: World) -> Watch:
        """Return the object that measures a run."""
        raise NotImplementedError

    def before(self, world: World, done: int) -> None:
        """Do what is due in the program; the progress report may cancel."""
        self.tell(done / self.ticks)
        self._program.before(world, done)

    def is_over(self, world: World, done: int) -> bool:
        """Whether the program is over."""
        return self._program.is_over(world, done)


def paired_runs(
    make: Callable[[int], World],
    arms: Sequence[PairedArm],
    *,
    ticks: int,
    seeds: Sequence[int],
    report: Report,
) -> list[list[Replicate]]:
    """Run each arm in this process on copies of the world of each seed; return the runs by arm."""

    def tell(said: str, done: int, share: float) -> None:
        report(said, (done + share) / (len(arms) * len(seeds)))

    found: list[list[Replicate]] = [[] for _ in arms]
    for number, seed in enumerate(seeds):
        for place, arm in enumerate(arms):
            done, said = number * len(arms) + place, f"seed {seed}, {arm.name}"
            arm.tell = partial(tell, said, done)
        world = make(seed)
        records = experiment_now(world, arms, [world.seed], ticks=ticks, workers=1)
        for place, runs in enumerate(found):
            runs.append(records.found[place, 0])
    return found


def values_of(runs: Sequence[Sequence[Replicate]], measures: Iterable[str]) -> F64:
    """Return measures of runs, float64 (arms, seeds, measures)."""
    names = list(measures)
    return np.array([[[run.measured[name] for name in names] for run in arm] for arm in runs])


def platform_of(world: World) -> Platform:
    """Return the platform of a world; open one if there is none."""
    return world.platform if world.platform is not None else world.open_platform()


class Difference(NamedTuple):
    """The difference of a measure between two arms."""

    mean: float  # mean of second minus first, over seeds
    half: float  # half the width of the 95 % interval of that mean (t); NaN for one seed
    pairs: int  # seeds with a value under both

    @classmethod
    def of(cls, apart: F64) -> Difference:
        """Return the mean and its interval from differences, some of which may be NaN."""
        known = apart[~np.isnan(apart)]
        half = mean_interval(known, "t").width / 2 if known.size > 1 else float("nan")
        return cls(mean_of(known), half, int(known.size))

    @property
    def sign(self) -> int:
        """1 or -1 if the interval excludes 0, else 0; for one seed, the sign of the mean."""
        if np.isnan(self.mean) or abs(self.mean) <= (0.0 if np.isnan(self.half) else self.half):
            return 0
        return 1 if self.mean > 0 else -1

    @property
    def ends(self) -> dict[str, float]:
        """The ends of the interval, and the number of pairs, as a row of a table."""
        return {"low": self.mean - self.half, "high": self.mean + self.half, "pairs": self.pairs}


def mean_of(values: F64) -> float:
    """Return the mean of the known values; NaN if there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


class PairedRuns(Result):
    """The values of each arm, seed by seed."""

    what: ClassVar[str]
    """What an arm is."""
    shown: ClassVar[str]
    """The measure that is drawn by default."""
    measured: ClassVar[tuple[str, ...]]
    seeds: tuple[int, ...]
    ticks: int
    values: F64

    def plot(self, measure: str = "", **_how: Any) -> Figure:
        """Draw a measure of each run, grouped by arm.

        Raises
        ------
        UnknownNameError, InputError
            For an unknown measure, or if matplotlib is missing.
        """
        return self.table("runs").plot(self.what, measure or self.shown)

    def _of(self, arm: int, measure: str) -> F64:
        row: F64 = self.values[arm, :, self.measured.index(measure)]
        return row

    def _runs(self, arms: Iterable[tuple[str, F64]]) -> Table:
        """Return one row per arm and seed."""
        rows = [
            {self.what: arm, "seed": seed, **dict(zip(self.measured, run.tolist(), strict=True))}
            for arm, runs in arms
            for seed, run in zip(self.seeds, runs, strict=True)
        ]
        return Table.of_rows(rows, caption=f"{plural(self.ticks, 'tick')} each")
