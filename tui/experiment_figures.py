"""What an experiment comes to so far: its curves, figures and sentences, made in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tui.figures import count, percent, short
from tui.safe_text import line

if TYPE_CHECKING:
    from sim import World
    from sim.lab import Futures, Interval
    from tui.experiments import Experiment

__all__ = ["QUANTILES", "ArmCurves", "Difference", "Outcome", "course", "outcome_of", "series_of"]

Floats = NDArray[np.float64]

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
"""Ends of the bands of 95 % and 50 %, and the median between them."""

OF_MESSAGES = ("ever", "new", "now")
"""Series that say how messages go; they come first where there is one."""


@dataclass(frozen=True, eq=False)
class ArmCurves:
    """One fan.

    Attributes
    ----------
    name
        Of the arm.
    levels
        float64 (5, ticks + 1): the quantiles :data:`QUANTILES` over replicates, by tick.
    """

    name: str
    levels: Floats

    @property
    def median(self) -> Floats:
        """Its middle."""
        middle: Floats = self.levels[2]
        return middle


@dataclass(frozen=True, eq=False)
class Difference:
    """One arm less another, tick by tick.

    Attributes
    ----------
    arm, against
        Which, less which.
    levels
        float64 (3, ticks + 1): low end of the 95 % interval, mean, high end.
    """

    arm: str
    against: str
    levels: Floats


@dataclass(frozen=True, eq=False)
class Outcome:
    """What there is to draw and to say of what is finished.

    Attributes
    ----------
    series
        Whose curves they are.
    unit
        Of these.
    tick, agents
        Where the curves begin, and how many agents there are.
    arms
        A fan each.
    facts
        Label and value.
    sentences
        What follows.
    finished
        How many runs are in it.
    difference
        Between the second arm and the first; None: there is one arm.
    """

    series: str
    unit: str
    tick: int
    agents: int
    arms: tuple[ArmCurves, ...]
    facts: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    finished: int
    difference: Difference | None = None


def series_of(experiment: Experiment) -> tuple[str, ...]:
    """Return the names of the series that an experiment has, those of messages first."""
    found = experiment.found
    if found is None:
        return ()
    every = dict.fromkeys(n for each in found.records.found.values() for n in each.series)
    has_messages = bool(experiment.plan.messages or experiment.under_way)
    own = [name for name in OF_MESSAGES if name in every and has_messages]
    rest = [name for name in every if name not in {*OF_MESSAGES, "running"}]
    return (*own, *rest) or tuple(every)


def outcome_of(experiment: Experiment, series: str) -> Outcome | None:
    """Return what an experiment comes to so far; None: nothing is finished, or it has no series.

    Parameters
    ----------
    experiment
        It may be running.
    series
        Whose curves; another one where it has none of that name.
    """
    found, known = experiment.found, series_of(experiment)
    if found is None or not found.records.finished or not known:
        return None
    series = series if series in known else known[0]
    curves = found.records.curves
    is_compared = len(found.records.programs) > 1
    futures: Any = found if is_compared else None
    return Outcome(
        series, curves.units.get(series, ""), experiment.tick, experiment.agents,
        tuple(_arms(futures, series) if is_compared else _alone(found, series)),
        tuple(_of_arms(futures) if is_compared else _facts(found)),
        tuple(found.conclusion().splitlines()), found.records.finished,
        _difference(futures, series) if is_compared else None,
    )  # fmt: skip


def _alone(found: Any, series: str) -> Sequence[ArmCurves]:
    fan = found.fan(series, QUANTILES)
    return [ArmCurves("", np.stack([fan[name] for name in fan.names[2:]]))]


def _arms(found: Futures, series: str) -> Sequence[ArmCurves]:
    arms = []
    for name in found.arms:
        rows = found.curve(series, name)
        levels = np.full((len(QUANTILES), rows.shape[1]), np.nan)
        there = ~np.isnan(rows).all(axis=0)
        levels[:, there] = np.nanquantile(rows[:, there], QUANTILES, axis=0)
        arms.append(ArmCurves(name, levels))
    return arms


def _difference(found: Futures, series: str) -> Difference:
    table = found.difference_curve(series)
    return Difference(
        found.arms[1], found.arms[0],
        np.stack([table["low"], table["mean"], table["high"]]).astype(np.float64),
    )  # fmt: skip


def _of_arms(found: Futures) -> list[tuple[str, str]]:
    from sim.lab import mean_interval

    main, facts = found.main, [("pairs", count(found.records.finished // len(found.arms)))]
    write = percent if main == "share" else short
    for arm in found.arms:
        values = _known(found.values(main, arm))
        if values.size:
            ends = mean_interval(values)
            facts.append((line(arm, 24), f"{write(float(values.mean()))}"))
            said = f"{write(ends.low)}-{write(ends.high)}" if ends.is_known else "too few runs"
            facts.append(("95 % interval", said))
    return [*facts[:1], ("mean of", main), *facts[1:]]


def _facts(found: Any) -> list[tuple[str, str]]:
    from sim.lab import mean_interval, median_interval

    sizes = _known(found.records.values("size"))
    if not sizes.size:
        return [("replicates", count(found.records.finished))]
    agents = max(1, found.records.agents)
    took = found.takeoff()
    facts = [
        ("replicates", count(sizes.size)),
        ("mean reached", _of_agents(float(sizes.mean()), agents)),
        ("95 % interval", _between(mean_interval(sizes))),
        ("median", _of_agents(float(np.median(sizes)), agents)),
        ("95 % interval", _between(median_interval(sizes))),
        ("least, most", f"{count(sizes.min())}, {count(sizes.max())}"),
        ("take-off", f"{percent(took.share)} ({took.runs} of {took.of})"),
        ("95 % interval", f"{100 * took.interval.low:.1f}-{100 * took.interval.high:.1f}%"),
        ("that is, more than", count(np.floor(took.threshold))),
    ]
    for name, label in (("peak_tick", "peak, ticks on"), ("quiet_after", "at rest, ticks on")):
        values = _known(found.records.values(name))
        if values.size:
            low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
            facts.append((label, f"{middle:.0f} ({low:.0f}-{high:.0f})"))
    return facts


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _of_agents(number: float, agents: int) -> str:
    return f"{short(number)} ({percent(number / agents)})"


def _between(interval: Interval) -> str:
    return f"{short(interval.low)}-{short(interval.high)}" if interval.is_known else "too few runs"


def course(
    world: World, series: str, tick: int, numbers: tuple[int, ...], said: tuple[str, ...]
) -> Floats:
    """Return how the world itself went since a tick, float64 (ticks + 1,); asked of the engine.

    Parameters
    ----------
    world
        The running one.
    series
        ``ever``, ``new``, or ``in STATE``; of others a world keeps no history: empty.
    tick
        Row 0.
    numbers
        Of the messages that are summed.
    said
        Their texts, where they were to be sent at that tick; if others were, it is empty.
    """
    many = len(world.cascades)
    there = [world.cascades[number] for number in numbers if number < many]
    total = np.zeros(max(0, world.tick - tick + 1))
    is_other = bool(said) and (tick, *said) != (
        max((each.started_at for each in there), default=-1), *(each.text for each in there)
    )  # fmt: skip
    if not there or len(there) < len(numbers) or is_other:
        return np.zeros(0)
    for cascade in there:
        own = _own(cascade, series)
        if cascade.started_at < 0 or not own.size:
            return np.zeros(0)
        rows = np.arange(total.size) + tick - cascade.started_at
        whole = np.cumsum(own) if series == "ever" else own
        values = whole[np.clip(rows, 0, own.size - 1)].astype(np.float64)
        values[(rows < 0) | ((rows >= own.size) & (series == "new"))] = 0.0
        total += values
    return total


def _own(cascade: Any, series: str) -> NDArray[Any]:
    """Return a series of one message, from the tick on at which it began."""
    if series in {"ever", "new"}:
        return np.asarray(cascade.new_adopters)
    state = series.removeprefix("in ")
    if state == series or state not in cascade.states or not len(cascade.history):
        return np.zeros(0)
    return np.asarray(cascade.history[:, cascade.states.index(state)])
