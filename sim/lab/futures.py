"""Futures: branches of a world under different interventions, compared with common draws."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from math import isfinite, nan, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.checks import whole_number
from sim.core.clock import TickWarning
from sim.core.data_frames import label, new_figure
from sim.core.progress import Report, quiet
from sim.core.text import one_line, plural
from sim.errors import HubbubError, InputError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.paired import mean_of
from sim.lab.runs.experiment import (
    MOST_TICKS,
    ExperimentProgress,
    Messages,
    experiment_now,
    messages_of,
    seeds_from,
)
from sim.lab.runs.measures import MEASURES, at_rest_value, column_name, stays
from sim.lab.runs.replicate import SharedBase
from sim.lab.runs.results import Records
from sim.lab.statistics import (
    Interval,
    MeasuredDifference,
    conclusion,
    family,
    mean_interval,
    means_said,
    paired_difference,
    replicates_needed,
    share_interval,
    takeoff_threshold,
)
from sim.lab.statistics.differences import SHARE, corrected
from sim.lab.tables import Result, Table
from sim.scenario.plan import at_rest
from sim.scenario.sections import toml_word
from sim.world.state.state import digest_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sim.lab.runs.measures import Measure
    from sim.runtime.engine.run_control import Program
    from sim.scenario.plan import RunPlan
    from sim.world.world import World


_KEYS = ("program", "replicate", "seed", "tick", "ticks")
TOOK_OFF = "took_off"
"""The measure for whether a run took off."""
_FEEDS = (
    "end_feed_inequality", "end_feed_variety", "end_feed_outside", "end_feed_engagement",
)  # fmt: skip
_FIRST = ("share", "size", *_FEEDS)
MEASURE_NAMES = {
    "share": "share reached",
    "size": "reach",
    "r": "R of the seeds",
    TOOK_OFF: "share of runs that took off",
    "peak_tick": "time to peak",
    "quiet_after": "time to die out",
    "end_feed_inequality": "concentration of impressions (Gini)",
    "end_feed_variety": "variety of topics in a feed",
    "end_feed_outside": "share of impressions from other communities",
    "end_feed_engagement": "engagement per impression (likes, shares, replies)",
}
"""What measures are called in sentences."""
SHARES = frozenset({"share", TOOK_OFF, "end_feed_outside"})
"""Measures that are proportions: their differences are written as percentage points."""
_MOST_NEEDED = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Futures(Result):
    """The result of a comparison of futures.

    Measures are those of a run (:data:`~sim.lab.runs.MEASURES`); ``took_off``, 1 if its size is
    beyond :func:`~sim.lab.statistics.takeoff_threshold` and else 0, if one message is measured;
    and for each series ``mean_NAME`` over the ticks after the fork, or ``end_NAME`` if it keeps
    its last value once a run has ended.

    Attributes
    ----------
    records
        Every run of every arm; the first arm is what the others are compared with.
    tick
        The tick of the fork.
    digest
        Digest of the world at the fork, where all arms start.
    begun
        Digest of each arm's world once it had begun, before any tick: arms with equal digests
        differ only in what they do later.
    measure
        The measure that the conclusion is about; empty: see :attr:`main`.
    """

    records: Records
    tick: int
    digest: str
    begun: tuple[str, ...] = ()
    measure: str = ""

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, in order."""
        return self.records.programs

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the replicates; a seed gives the same draws under every arm."""
        return self.records.seeds

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures for which some run has a value."""
        runs, curves = self.records.runs, self.records.curves
        own = [name for name in runs.names if name not in _KEYS and _has_numbers(runs[name])]
        if "failed" in own and not runs["failed"].any():
            own.remove("failed")
        if "size" in own and "largest" not in own:
            own.append(TOOK_OFF)
        series = [name for name in curves.names if name not in _KEYS and _has_numbers(curves[name])]
        return (*own, *(column_name("end" if stays(name) else "mean", name) for name in series))

    @property
    def main(self) -> str:
        """The measure of the conclusion.

        Raises
        ------
        UnknownNameError, InputError
            If there is no such measure, or none at all.
        """
        if self.measure:
            if self.measure not in self.measures:
                raise UnknownNameError("measure", self.measure, self.measures)
            return self.measure
        for name in (*_FIRST, *self.measures):
            if name in self.measures:
                return name
        raise InputError("Nothing was measured in any run.")

    def values(self, measure: str, arm: str) -> F64:
        """Return a measure of an arm, float64 (replicates,); NaN for runs without a value.

        Raises
        ------
        UnknownNameError
            For an unknown measure or arm.
        """
        if measure not in self.measures:
            raise UnknownNameError("measure", measure, self.measures)
        if measure == TOOK_OFF and measure not in self.records.runs:
            sizes = self.values("size", arm)
            beyond = sizes > takeoff_threshold(self.records.agents)
            return np.where(np.isnan(sizes), nan, beyond)
        kind, _, series = measure.partition("_")
        if kind in {"end", "mean"} and measure not in self.records.runs:
            rows = self.curve(series, arm)
            return rows[:, -1] if kind == "end" else _means(rows[:, 1:])
        place = self._place(arm)
        found = self.records.found
        every = (found.get((place, number)) for number in range(len(self.seeds)))
        return _finite(
            np.array([nan if one is None else one.measured.get(measure, nan) for one in every])
        )

    def curve(self, series: str, arm: str) -> F64:
        """Return a series of an arm, float64 (replicates, ticks + 1), tick 0 being the fork.

        Once a run has ended, its last value is kept; all arms are equally long. A replicate
        that is not finished is NaN.

        Raises
        ------
        UnknownNameError
            For an unknown series or arm.
        """
        self._place(arm)
        found, programs = self.records.found, self.records.programs
        longest = max((each.ticks for each in found.values()), default=-1) + 1
        rows, own = np.full((len(self.seeds), longest), nan), self.records.curve(series, arm)
        place = programs.index(arm)
        numbers = [number for number in range(len(self.seeds)) if (place, number) in found]
        rows[numbers, : own.shape[1]] = _finite(own)  # others stay NaN, so that pairs stay aligned
        for number in numbers:
            if own.shape[1] < longest and series in found[place, number].series:
                rows[number, own.shape[1] :] = at_rest_value(series, rows[number, own.shape[1] - 1])
        return rows

    def difference(
        self, measure: str | None = None, arm: str | None = None, against: str | None = None
    ) -> MeasuredDifference:
        """Return an arm minus another, replicate by replicate, with its 95 % interval.

        Parameters
        ----------
        measure
            None: :attr:`main`.
        arm, against
            None: the second arm, and the first.

        Raises
        ------
        UnknownNameError
            For an unknown measure or arm.
        """
        name = self.main if measure is None else measure
        first = self.arms[0] if against is None else against
        second = self.values(name, self.arms[1] if arm is None else arm)
        return paired_difference(self.values(name, first), second, networks=self.records.strata)

    def mean(self, measure: str, arm: str) -> float:
        """Return the mean of a measure over replicates; NaN if none has a value."""
        return mean_of(self.values(measure, arm))

    def needed(self, measure: str, arm: str) -> float:
        """Return how many replicates would show a true difference of the observed size.

        With a power of 80 %; NaN if there is no difference, or over a million would be needed.
        """
        return _needed(self.difference(measure, arm).effect.hedges)

    def difference_curve(
        self, series: str, arm: str | None = None, against: str | None = None
    ) -> Table:
        """Return the mean difference of a series, tick by tick, with its 95 % interval (t).

        Each tick's interval is valid on its own; it is not a simultaneous band for the whole curve.

        Parameters
        ----------
        series
            A name of the table ``curves``.
        arm, against
            As in :meth:`difference`.

        Returns
        -------
        Table
            Columns ``tick``, ``mean``, ``low``, ``high``; NaN if there are fewer than two pairs.
        """
        first = self.arms[0] if against is None else against
        second = self.arms[1] if arm is None else arm
        apart = self.curve(series, second) - self.curve(series, first)
        mean, half = _means(apart.T), self._halves(apart)
        columns = {"tick": np.arange(mean.size), "mean": mean, "low": mean - half}
        caption = f"{series}: {second} minus {first}, 95 % intervals by t {self.records.where}"
        return Table(columns | {"high": mean + half}, caption=caption)

    def _halves(self, rows: F64) -> F64:
        """Return half the width of the interval of each column's mean (replicates, ticks)."""
        halves, networks = np.full(rows.shape[1], nan), self.records.strata
        for tick, column in enumerate(rows.T):
            is_known = ~np.isnan(column)
            own = None if networks is None else networks[is_known]
            if is_known.any():
                halves[tick] = mean_interval(column[is_known], "t", networks=own).width / 2
        return halves

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``differences``, ``arms``, ``runs`` and ``curves``."""
        return {
            "differences": self.differences,
            "arms": self.means,
            "runs": self.records.runs,
            "curves": self.records.curves,
        }

    @cached_property
    def differences(self) -> Table:
        """One row per measure and arm except the first: how the arm differs from the first.

        Columns: ``measure``, ``arm``, ``against``, ``difference``, ``low``, ``high``, ``method``,
        ``p``, ``p_holm`` (corrected for all rows), ``pairs``, ``hedges``, ``cohen_dz``, and
        ``needed``: replicates that would show a true difference of this size with a power of 80 %
        (NaN: no difference, or over a million).
        """
        caption = (
            f"{plural(len(self.seeds), 'replicate')} {self.records.where}, from tick "
            f"{self.tick:,}, the same draws in each condition. Each 95 % interval, and p, stands "
            "alone: of twenty without a difference, one excludes 0; p_holm is corrected for all "
            "rows (Holm)."
        )
        pairs = list(self._pairs())
        facts = family([found for *_, found in pairs])
        rows = [
            {"measure": measure, "arm": arm, "against": self.arms[0], **row,
             "cohen_dz": found.effect.cohen, "needed": _needed(found.effect.hedges)}
            for (arm, measure, found), row in zip(pairs, facts, strict=True)
        ]  # fmt: skip
        return Table.of_rows(rows, caption=caption)

    def _pairs(self) -> Iterator[tuple[str, str, MeasuredDifference]]:
        for arm in self.arms[1:]:
            for measure in self.measures:
                yield arm, measure, self.difference(measure, arm)

    @cached_property
    def means(self) -> Table:
        """One row per arm and measure: its mean with an interval, its median, the number of runs.

        Columns: ``arm``, ``measure``, ``mean``, ``low``, ``high``, ``method`` of the interval,
        ``median``, ``runs``, ``digest``.

        ``digest`` is the digest of the arm's world once it had begun, before any tick.
        """
        rows = []
        for place, arm in enumerate(self.arms):
            begun = self.begun[place] if place < len(self.begun) else ""
            for measure in self.measures:
                values, is_share = self.values(measure, arm), measure == TOOK_OFF
                row = mean_row(values, self.records.strata, is_share=is_share)
                rows.append({"arm": arm, "measure": measure, **row, "digest": begun})
        how = means_said(str(row["method"]) for row in rows)
        caption = f"Conditions {self.records.where}: {how}; the world at the fork: {self.digest}"
        return Table.of_rows(rows, caption=caption)

    def conclusion(self, measure: str | None = None, *, margin: float | None = None) -> str:
        """Return the conclusion: one sentence for each arm except the first.

        Parameters
        ----------
        measure
            None: :attr:`main`, and what members were shown, if that was measured.
        margin
            A difference that would not matter, chosen before the runs; None: there is none.

        Raises
        ------
        UnknownNameError, InputError
            For an unknown measure, or a margin that is not above 0.
        """
        names = [self.main if measure is None else measure]
        if not (measure or self.measure):
            names += [each for each in _FEEDS if each in self.measures and each not in names]
        sentences = [
            conclusion(
                self.difference(name, arm), what=MEASURE_NAMES.get(name, name), first=self.arms[0],
                second=arm, unit=self.unit(name), margin=margin,
                means=(self.mean(name, self.arms[0]), self.mean(name, arm)),
            )
            for name in names
            for arm in self.arms[1:]
        ]  # fmt: skip
        return "\n".join(sentences)

    def unit(self, measure: str) -> str:
        """Return the unit of a measure; ``"share"`` for a proportion."""
        return SHARE if measure in SHARES else self.records.runs.units.get(measure, "")

    def corrected(self) -> str:
        """Say how many differences remain after Holm's correction; empty for a single one."""
        return corrected(self.differences["p"], self.differences["p_holm"])

    def plot(self, series: str | None = None, **_how: Any) -> Figure:
        """Draw a series of all arms, with faint lines for replicates, and the differences below.

        Parameters
        ----------
        series
            A name of the table ``curves``; None: ``ever`` if messages were sent, else the first
            available one.

        Raises
        ------
        UnknownNameError, InputError
            For an unknown series, or if matplotlib is missing.
        """
        curves = self.records.curves
        known = [name for name in curves.names if name not in _KEYS and _has_numbers(curves[name])]
        if not known:
            raise InputError("There is nothing to draw: no run has a series.")
        chosen = series or ("ever" if "ever" in known and curves["ever"].any() else known[0])
        if chosen not in known:
            raise UnknownNameError("series", chosen, known)
        return drawn(self, chosen)

    def _in_short(self) -> list[Table]:
        every = self.differences
        short = every.only("measure", "arm", "difference", "low", "high", "method", "p", "p_holm")
        caption = f"{every.caption} Differences are from {self.arms[0]}."
        return [Table({name: short[name] for name in short.names}, caption=caption)]

    def _place(self, arm: str) -> int:
        if arm not in self.arms:
            raise UnknownNameError("arm", arm, self.arms)
        return self.arms.index(arm)


def mean_row(
    values: F64, networks: npt.NDArray[np.int64] | None, *, is_share: bool = False
) -> dict[str, Any]:
    """Return a table's cells for the runs of an arm: mean, interval, median, and count."""
    is_known = ~np.isnan(values)
    known = values[is_known]
    said: Interval | None = None
    if is_share and known.size and networks is None:
        said = share_interval(int(known.sum()), known.size)
    elif known.size:
        said = mean_interval(known, networks=None if networks is None else networks[is_known])
    return {
        "mean": float(known.mean()) if known.size else nan,
        "low": nan if said is None else said.low,
        "high": nan if said is None else said.high,
        "method": "too few" if said is None else said.method,
        "median": float(np.median(known)) if known.size else nan,
        "runs": known.size,
    }


def _needed(effect: float) -> float:
    if not isfinite(effect) or abs(effect) < sqrt(1 / _MOST_NEEDED):
        return nan
    count = replicates_needed(effect)
    return float(count) if count <= _MOST_NEEDED else nan


def _finite(values: F64) -> F64:
    return np.where(np.isfinite(values), values, nan)


def _has_numbers(column: npt.NDArray[Any]) -> bool:
    return column.dtype.kind in "iuf" and bool((~np.isnan(column.astype(np.float64))).any())


def _means(rows: F64) -> F64:
    """Return the mean of the known values of each row (rows, ticks); NaN if none is known."""
    known = ~np.isnan(rows)
    count = known.sum(axis=1)
    total = np.where(known, rows, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), nan)


_GHOSTS = 200
"""Replicates of an arm that are drawn at most; more would hide one another."""


def drawn(found: Futures, series: str) -> Figure:
    """Return a figure of two panels: the series of each arm, and its difference from the first."""
    figure = new_figure(7.0, 6.0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    for place, arm in enumerate(found.arms):
        colour = f"C{place}"
        rows = found.curve(series, arm)
        above.plot(rows[:_GHOSTS].T, color=colour, alpha=0.15, linewidth=0.7)
        above.plot(_means(rows.T), color=colour, label=label(arm))
    for place, arm in enumerate(found.arms[1:], 1):
        _difference(below, found, series, arm, f"C{place}")
    below.axhline(0.0, color="0.5", linewidth=0.8)
    unit = found.records.curves.units.get(series, "")
    above.set_ylabel(label(f"{series} ({unit})" if unit else series))
    below.set(xlabel="ticks after the fork", ylabel=label(f"minus {found.arms[0]}"))
    above.legend()
    return figure


def _difference(ax: Axes, found: Futures, series: str, arm: str, colour: str) -> None:
    table = found.difference_curve(series, arm)
    ax.plot(table["tick"], table["mean"], color=colour)
    ax.fill_between(table["tick"], table["low"], table["high"], color=colour, alpha=0.2)


PARTS = ("interventions", "messages", "recommender", "policy", "parameters")
"""The changes that a future may make."""
_OF_MINDS = {"mind", "minds", "goal"}

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Future:
    """What one arm does: a program for :func:`~sim.lab.runs.experiment_now`; can be pickled.

    Parameters
    ----------
    name
        Of the arm.
    interventions
        Each with ``do`` and its fields as in :meth:`World.at`, and ``at`` (ticks after the
        fork, default 0) or ``when`` (a condition).
    messages
        Messages to send at the fork, as for :meth:`World.inject`, after those common to all arms.
    recommender, policy
        What ranks the feeds, and what decides the acts of members, from the fork on; empty: as
        before. A world without a platform gets one.
    parameters
        New parameter values for the messages that are spreading, if their models have them.
    common
        Messages that every arm sends first, so that they use the same draws in each.
    until_quiet
        Whether a run ends as soon as nothing can change any more.
    watches_feeds
        Whether to measure what members are shown, as when arms rank feeds differently.
    plan
        The plan of a scenario, run first in every arm; it decides when a run is over. None: no
        scenario.
    """

    name: str
    interventions: tuple[Said, ...] = ()
    messages: tuple[Said, ...] = ()
    recommender: str = ""
    policy: str = ""
    parameters: Said = field(default_factory=dict)
    common: tuple[Said, ...] = ()
    until_quiet: bool = False
    watches_feeds: bool = False
    plan: RunPlan | None = None

    def does(self) -> dict[str, Any]:
        """Return what it does, without its name."""
        return {name: getattr(self, name) for name in PARTS}

    def facts(self) -> Mapping[str, Any]:
        """Return what distinguishes it from another program; can be stored as JSON."""
        return {
            "kind": "future", **self.does(), "common": self.common,
            "until_quiet": self.until_quiet,
            **({} if self.plan is None else {"plan": self.plan.facts()}),
        }  # fmt: skip

    def begin(self, world: World) -> None:
        """Do what is due at the fork, and schedule what is due later.

        Raises
        ------
        HubbubError
            One sentence, for what this world cannot do.
        """
        if self.plan is not None:
            self.plan.begin(world)
        Messages(self.common).begin(world)
        self._host(world)
        self._revise(world)
        for number, said in enumerate(self.interventions):
            self._plan(world, number, said)
        Messages(self.messages).begin(world)

    def watches(self, world: World) -> list[int]:
        """Return the messages to measure: those common to all arms, else its own.

        Additional messages of an arm, such as the correction of a fact-check, are not included.
        """
        own = world.made - len(self.messages)
        before = own - len(self.common) - (0 if self.plan is None else len(self.plan.messages))
        every = [c.id for c in world.cascades.loose if c.alive and c.id < before]
        return [*every, *range(before, own)] or list(range(own, world.made))

    def before(self, world: World, done: int) -> None:
        """Carry out what is due in the scenario; everything else is scheduled in the world."""
        if self.plan is not None:
            self.plan.before(world, done)

    def is_over(self, world: World, done: int) -> bool:
        """Whether nothing can change any more, if the run ends then."""
        if self.plan is not None:
            return self.plan.is_over(world, done)
        return self.until_quiet and at_rest(world)

    def _host(self, world: World) -> None:
        if not (self.recommender or self.policy):
            return
        platform = world.platform if world.platform is not None else world.open_platform()
        if self.recommender:
            platform.recommend(self.recommender)
        if self.policy:
            platform.behave(self.policy)

    def _revise(self, world: World) -> None:
        if not self.parameters:
            return
        having = [
            (cascade, {n: v for n, v in self.parameters.items() if n in cascade.model.values()})
            for cascade in world.cascades.loose
            if cascade.alive
        ]
        for name in self.parameters:
            if not any(name in own for _, own in having):
                known = {each for cascade, _ in having for each in cascade.model.values()}
                raise UnknownNameError("parameter of a message under way", name, known)
        for cascade, own in having:
            if own:
                cascade.revise(**own)

    def _plan(self, world: World, number: int, said: Said) -> None:
        own = dict(said)
        does, when = own.pop("do", None), own.pop("when", None)
        if not isinstance(does, str):
            raise InputError(
                f"Intervention {number + 1} of {one_line(self.name)!r} needs do=..., such as "
                'do="fact-check".'
            )
        if when is not None and "at" in own:
            raise InputError(f"{does!r} is done at a tick or when a condition holds, not both.")
        at = whole_number(own.pop("at", 0), "Ticks after the fork", low=0)
        world.at(world.tick + at if when is None else str(when), does, **own)


@dataclass(frozen=True)
class NamedProgram:
    """A user's own program, named after its arm."""

    name: str
    program: Program
    since: int = 0

    def begin(self, world: World) -> None:
        """Begin the program."""
        self.program.begin(world)

    def watches(self, world: World) -> list[int]:
        """Return the messages to measure."""
        under_way = [c.id for c in world.cascades.loose if c.alive and c.id < self.since]
        return list(range(self.since, world.made)) or under_way

    def before(self, world: World, done: int) -> None:
        """Do what is due in the program."""
        self.program.before(world, done)

    def is_over(self, world: World, done: int) -> bool:
        """Whether the program is over."""
        return self.program.is_over(world, done)

    def facts(self) -> Mapping[str, Any]:
        """Return what distinguishes it from another program."""
        own = getattr(self.program, "facts", None)
        return {"kind": "program", "program": self.program if own is None else own()}


def future_of(
    name: str,
    said: Said | Sequence[Said] | None,
    *,
    common: Sequence[Said] = (),
    until_quiet: bool = False,
) -> Future:
    """Return a future from its description."""
    if not name.strip():
        raise InputError("Every condition has a name, such as 'baseline'.")
    parts = _parts(name, said)
    changed = parts.get("parameters", {})
    if not isinstance(changed, Mapping):
        raise InputError(f"Parameters are named, such as beta=0.2; got {changed!r:.60}.")
    if _OF_MINDS.intersection({*parts, *changed}):
        raise InputError(
            "Replies of language models cannot be paired between conditions; compare them with "
            "hubbub compare --minds, or compare_minds_now."
        )
    for part in parts:
        if part not in PARTS:
            raise UnknownNameError("part of a future", str(part), [*PARTS, "do"])
    return Future(
        one_line(name),
        tuple(_mappings(name, parts.get("interventions", ()))),
        tuple(messages_of(parts.get("messages", ()))),
        str(parts.get("recommender", "")),
        str(parts.get("policy", "")),
        dict(changed),
        tuple(common),
        until_quiet,
    )


def _parts(name: str, said: Said | Sequence[Said] | None) -> Said:
    if said is None:
        return {}
    if isinstance(said, Mapping):
        return {"interventions": [said]} if "do" in said else said
    if isinstance(said, Sequence) and not isinstance(said, str):
        return {"interventions": said}
    raise InputError(
        f"The condition {one_line(name)!r} is a mapping, such as {{'do': 'ban', 'agents': "
        f"'top:5:degree'}}; got {said!r:.60}."
    )


def _mappings(name: str, said: object) -> list[dict[str, Any]]:
    every = [said] if isinstance(said, Mapping) else said
    if not isinstance(every, Sequence) or not all(isinstance(each, Mapping) for each in every):
        raise InputError(f"Interventions of {one_line(name)!r} are mappings, each with do=...")
    return [dict(each) for each in every]


_ALONE = ("recommender", "policy")
_TEXTS = ("text", "seeds", "model", "author", "do", "when", "channel", "alt")


def future_in_words(words: str) -> tuple[str, dict[str, Any]]:
    """Return a future's name and what it does.

    Changes are separated by semicolons. One with ``do=`` is an intervention, one with
    ``text=`` a message, one with ``recommender=`` or ``policy=`` sets that; any other changes
    parameters of the messages that are spreading. Quote values that contain spaces.

    Examples
    --------
    >>> future_in_words("checked: do=fact-check when='share > 0.1' reach=0.2; beta=0.1")[1]
    {'interventions': [{'do': 'fact-check', 'when': 'share > 0.1', 'reach': 0.2}], \
'parameters': {'beta': 0.1}}
    """
    name, _, changes = words.partition(":")
    if not name.strip():
        raise InputError(f"A condition is NAME: key=value ..., and {words!r:.60} has no name.")
    found: dict[str, Any] = {}
    for change in _changes(changes):
        _put(found, _pairs(change), change)
    return name.strip(), found


def conditions_in_words(words: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return conditions by name: ``"NAME: key=value ..."``; or ``key=value``, named so."""
    found: dict[str, dict[str, Any]] = {}
    for each in words:
        is_named = "=" not in each.partition(":")[0]
        name, does = future_in_words(each if is_named else f"change: {each}")
        name = name if is_named else each
        if name in found:
            raise InputError(f"Two conditions are named {name!r}; give each its own name.")
        found[name] = does
    return found


def message_in_words(words: str) -> dict[str, Any]:
    """Parse a message: its text alone, or ``text='...' seeds=random:10 model=sir beta=0.2``.

    Examples
    --------
    >>> message_in_words("The bridge is closed.")
    {'text': 'The bridge is closed.'}
    >>> message_in_words("text='Open again.' model=sir beta=0.2")
    {'text': 'Open again.', 'model': 'sir', 'beta': 0.2}
    """
    if not words.lstrip().startswith("text="):
        return {"text": words}
    return _pairs(_words(words))


def _put(found: dict[str, Any], pairs: dict[str, Any], change: list[str]) -> None:
    if "do" in pairs:
        found.setdefault("interventions", []).append(pairs)
    elif "text" in pairs:
        found.setdefault("messages", []).append(pairs)
    elif alone := [key for key in _ALONE if key in pairs]:
        if len(pairs) > len(alone):
            raise InputError(
                f"{' '.join(change)!r:.80} sets {alone[0]} and more; separate them by a semicolon."
            )
        found |= {key: str(value) for key, value in pairs.items()}
    else:
        found.setdefault("parameters", {}).update(pairs)


def _changes(text: str) -> list[list[str]]:
    """Return the words of each change; semicolons within quotes do not separate changes."""
    changes: list[list[str]] = [[]]
    for word in _words(text):
        if word == ";":
            changes.append([])
        else:
            changes[-1].append(word)
    return [change for change in changes if change]


def _words(text: str) -> list[str]:
    reader = shlex.shlex(text, posix=True, punctuation_chars=";")
    reader.whitespace_split, reader.commenters = True, ""
    try:
        return list(reader)
    except ValueError:
        raise InputError(f"A quotation mark in {text!r:.60} has no partner.") from None


def _pairs(words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise InputError(f"Changes are key=value, with quotes around spaces; got {word!r:.60}.")
        if not value:
            raise InputError(f"{word!r:.60} has no value; give one or leave it out.")
        if key in found:
            raise InputError(
                f"{key!r} is given twice in one change; separate changes by a semicolon."
            )
        found[key] = value if key in _TEXTS else toml_word(value)
    return found


Arms = Mapping[str, Any]
_FEWEST = 2


def compare_now(
    world: World,
    arms: Arms,
    *,
    messages: str | Mapping[str, Any] | Sequence[Any] = (),
    replicates: int = 20,
    ticks: int | None = None,
    seed: int | None = None,
    measure: str = "",
    measures: Mapping[str, Measure] | None = None,
    series: Mapping[str, Measure] | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    follow: Callable[[ExperimentProgress], object] | None = None,
) -> Futures:
    """Run several futures of a world with the same seeds, and compare them.

    A replicate uses the same draws under every arm, so replicates are compared pairwise; the first
    uses the world's own draws. Messages already spreading use the new draws from the fork on.

    Parameters
    ----------
    world
        Not changed; its current tick is the fork.
    arms
        Name to changes (:func:`future_of`), or to a program of your
        own; two or more. The others are compared with the first.
    messages
        Messages to send at the fork under every arm: a text, a mapping, or several.
    replicates
        Number of replicates, at least 1; a single one gives no interval.
    ticks
        How long each runs; None: until nothing can change any more, at most 1,000.
    seed
        Of replicate 0; None: the world's.
    measure
        The measure that the conclusion is about, chosen before the runs; empty: the share that
        messages reach, else the first available one.
    measures, series, workers, backend, into, resume, report, follow
        As of :func:`~sim.lab.runs.experiment_now`.

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from hubbub import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "sir", "beta": 0.3, "gamma": 0.2}
    >>> arms = {"baseline": {}, "banned": {"do": "ban", "agents": "top:20:degree"}}
    >>> found = lab.compare_now(world, arms, messages=rumour, replicates=4, workers=1)
    >>> found.difference("size").mean < 0
    True
    """
    seeds = seeds_from(world.seed if seed is None else seed, replicates)
    measure = measure if measure in (measures or {}) else column_name(measure)
    _require_measure(measure, measures or {})
    programs = _programs(arms, messages_of(messages), world.made, until_quiet=ticks is None)
    report("forking the world", 0.0)
    digest, begun = _forked(world, programs)
    if ticks is None and not any(is_busy for _, is_busy in begun):
        raise InputError("Nothing would happen in any condition: give messages=... or ticks=...")
    records = experiment_now(
        world, programs, seeds, ticks=MOST_TICKS if ticks is None else ticks, measures=measures,
        series=series, workers=workers, backend=backend, into=into, resume=resume, report=report,
        follow=follow,
    )  # fmt: skip
    return Futures(records, world.tick, digest, tuple(each for each, _ in begun), measure)


compare = awaited(compare_now)


def _require_measure(named: str, own: Mapping[str, Measure]) -> None:
    known = [*MEASURES, TOOK_OFF, *own]
    if named and named.partition(":")[0] not in known and not named.startswith(("mean_", "end_")):
        raise UnknownNameError("measure", named, known)


def _programs(
    arms: Arms, common: Sequence[Mapping[str, Any]], since: int, *, until_quiet: bool
) -> list[Program]:
    if not isinstance(arms, Mapping) or len(arms) < _FEWEST:
        raise InputError('Name two conditions or more, such as {"baseline": {}, "banned": {...}}.')
    made: list[Program] = [
        said
        if isinstance(said, Future)
        else NamedProgram(one_line(str(name)), said, since)
        if hasattr(said, "begin")
        else future_of(str(name), said, common=common, until_quiet=until_quiet)
        for name, said in arms.items()
    ]
    for one, other in combinations(made, 2):
        if isinstance(one, Future) and isinstance(other, Future) and one.does() == other.does():
            raise InputError(
                f"{one.name!r} and {other.name!r} are identical, so there is nothing to compare; "
                "change one of them."
            )
    if any(isinstance(each, Future) and (each.recommender or each.policy) for each in made):
        made = [replace(e, watches_feeds=True) if isinstance(e, Future) else e for e in made]
    if common and not all(isinstance(program, Future) for program in made):
        raise InputError("Programs send their own messages; leave messages=... out.")
    return made


def _forked(world: World, programs: Sequence[Program]) -> tuple[str, list[tuple[str, bool]]]:
    """Return the digest at the fork, and for each arm its digest once begun and if it is busy."""
    meta, columns = world.packed()
    base, begun = SharedBase(meta, columns), []
    for program in programs:
        twin = base.twin()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TickWarning)
            try:
                program.begin(twin)
            except HubbubError as error:
                error.args = (f"Condition {program.name!r}: {error}",)
                raise
        begun.append((twin.digest(), not program.is_over(twin, 0)))
    return digest_of(meta, columns), begun
