"""What can be drawn and said of the result of many runs, finished or not: curves, bars, sentences.

Reading a result takes long enough to be done in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.arrays import F64
from sim.core.text import clip, count, one_line, percent, plural, short
from sim.errors import InputError, UnknownNameError
from sim.lab.calibration import Calibration
from sim.lab.ensembles import Ensemble
from sim.lab.futures import MEASURE_NAMES, SHARES, Futures
from sim.lab.statistics import conclusion
from sim.lab.studies import StudyFindings
from sim.lab.studies.files import ScenarioStory
from sim.lab.sweeps import HeatMap, Sweep

FAN, HEAT, BY_CONDITION = "fan", "heat map", "by condition"
"""Names of the pictures; those of bars are named after their content."""


QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
"""Ends of the bands of 95 % and 50 %, and the median between them."""

SERIES_TITLES = {"ever": "ever adopted", "new": "new this tick", "now": "spreading now"}
OF_MESSAGES = tuple(SERIES_TITLES)
"""Series of messages; they come first if there are any."""


@dataclass(frozen=True, eq=False)
class ArmDifference:
    """The difference between two arms, tick by tick."""

    arm: str  # the arms: first minus second
    against: str
    levels: F64  # float64 (3, ticks + 1): low end of the 95 % interval, mean, high end


@dataclass(frozen=True)
class AxisBar:
    """A number on an axis."""

    label: str  # what it is of
    value: float  # the number
    low: float  # ends of its interval; NaN: none is known
    high: float
    said: str  # the same as text
    start: float = float("nan")  # where a bar to it begins; NaN: only a mark


@dataclass(frozen=True)
class Bars:
    """Numbers with their intervals, on one axis."""

    rows: tuple[AxisBar, ...]  # top row first
    note: str  # a caption
    middle: float = float("nan")  # a number for comparison; NaN: none
    span: tuple[float, ...] = ()  # numbers that the axis must include


@dataclass(frozen=True, eq=False)
class Outcome:
    """What can be drawn and said of the finished runs."""

    series: str  # the series of the curves
    unit: str  # of these
    tick: int  # the first tick of the curves, if that is not 0
    agents: int
    arms: Mapping[str, F64]  # the fan chart of each: float64 (5, ticks + 1), QUANTILES by tick
    facts: tuple[tuple[str, str], ...]  # label and value
    sentences: tuple[str, ...]
    finished: int  # number of runs included
    difference: ArmDifference | None = None  # between the second arm and the first
    pictures: Mapping[str, HeatMap | Bars] = field(default_factory=dict)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of all pictures; the first is the default."""
        return (*((FAN,) if self.arms else ()), *self.pictures)


def finished_of(found: Any) -> int:
    """Return the number of runs behind a result; 0 if unknown."""
    records = getattr(found, "records", ())
    return sum(each.finished for each in (records if isinstance(records, tuple) else (records,)))


def series_of(found: Any, *, sends: bool = True) -> tuple[str, ...]:
    """Return the names of a result's series, those of messages first if runs send any."""
    if isinstance(found, Sweep):
        return _measures(found)
    if not hasattr(found, "records"):
        return ()
    every = dict.fromkeys(n for each in found.records.found.values() for n in each.series)
    own = [name for name in OF_MESSAGES if name in every and sends]
    rest = [name for name in every if name not in {*OF_MESSAGES, "running"}]
    rest.sort(key=lambda name: not name.startswith("feed_"))
    return (*own, *rest) or tuple(every)


def outcome_of(
    found: Any, series: str, axes: tuple[str, ...] = (), *, sends: bool = True
) -> Outcome | None:
    """Return the outcome of a result so far; None: no finished run, or no such series.

    Parameters
    ----------
    found
        A calibration, sweep, study, comparison or ensemble; None: nothing yet.
    series
        The series of the curves, or the measure of a sweep; unknown: the first.
    axes
        The parameters of a sweep's map: across, and upwards; empty: the first two.
    sends
        Whether the runs send messages.
    """
    if isinstance(found, Calibration):
        return _of_calibration(found)
    known = series_of(found, sends=sends)
    if not known or not finished_of(found):
        return None
    series = series if series in known else known[0]
    if isinstance(found, Sweep):
        return _of_sweep(found, series, axes)
    if isinstance(found, Ensemble):
        said = (*found.conclusion().splitlines(), found.summary().caption)
        return _of_curves(
            found, series, {"": _fan(found.records.curve(series))}, _facts(found), said
        )
    return _of_conditions(found, series)


def _of_curves(
    found: Any, series: str, arms: Mapping[str, F64], facts: Iterable[tuple[str, str]],
    said: Iterable[str], **more: Any,
) -> Outcome:  # fmt: skip
    records = found.records
    return Outcome(
        series, records.curves.units.get(series, ""), 0, records.agents, arms, tuple(facts),
        tuple(filter(None, said)), records.finished, **more,
    )  # fmt: skip


def _of_conditions(found: Futures | StudyFindings, series: str) -> Outcome | None:
    """Return the outcome of a comparison or a study: the answers first, then every condition."""
    if isinstance(found, StudyFindings):
        futures, first, measures = found.futures, found.study.against, found.study.measures
        said = [each.sentence.replace(m := each.claim.measure, name_of(m))
                for each in found.verdicts]  # fmt: skip
        last = [found.means.caption, "" if found.is_finished else found.how_far()]
    else:
        futures, first, said, last = found, found.arms[0], [], []
        feeds = (each for each in found.measures if each.startswith("end_feed_"))
        measures = tuple(dict.fromkeys((found.main, *feeds)))
    if not futures.records.finished:
        return None
    bars = {f"{name_of(each)} {BY_CONDITION}": _arm_bars(found, each) for each in measures}
    facts = [("paired runs", count(len(futures.seeds)))]
    for name, shown in bars.items():
        facts += [("mean of", name.removesuffix(f" {BY_CONDITION}"))]
        facts += [(clip(one_line(bar.label), 24), bar.said) for bar in shown.rows]
    arms = [arm for arm in futures.arms if arm != first]
    answers = [answer(futures, each, arm, first) for each in measures for arm in arms]
    table = futures.difference_curve(series)
    levels = np.stack([table["low"], table["mean"], table["high"]]).astype(np.float64)
    fans = {arm: _fan(futures.curve(series, arm)) for arm in futures.arms}
    return _of_curves(
        found, series, fans, facts, (*said, *answers, found.corrected(), *last),
        difference=ArmDifference(futures.arms[1], futures.arms[0], levels), pictures=bars,
    )  # fmt: skip


def name_of(measure: str) -> str:
    """Return what a measure or a series is called."""
    bare = measure.removesuffix("#0")
    known = {**MEASURE_NAMES, **SERIES_TITLES}
    return (
        known.get(bare)
        or known.get(f"end_{bare}")
        or clip(one_line(bare.removeprefix("metric_")), 40)
    )


def answer(found: Futures, measure: str, arm: str, first: str) -> str:
    """Say how two conditions differ in a measure, with the interval of the difference."""
    return conclusion(
        found.difference(measure, arm, first), what=name_of(measure), first=first, second=arm,
        unit="share" if is_share(measure) else found.unit(measure),
        means=(found.mean(measure, first), found.mean(measure, arm)),
    )  # fmt: skip


def is_share(measure: str) -> bool:
    """Return whether values of a measure are written as percentages."""
    return measure.partition("#")[0] in SHARES


def written_as(measure: str) -> Callable[[float], str]:
    """Return how values of a measure are written."""
    return percent if is_share(measure) else _three


def _arm_bars(found: Futures | StudyFindings, measure: str) -> Bars:
    table = found.means.where(measure=measure)
    by = ", ".join(dict.fromkeys(table["method"]))
    rows = [
        AxisBar(row["arm"], row["mean"], row["low"], row["high"],
            _with_interval(row["mean"], row["low"], row["high"], written_as(measure)))
        for row in table.rows()
    ]  # fmt: skip
    return Bars(tuple(rows), f"{name_of(measure)}: mean of each condition, 95 % interval ({by})")


def _three(value: float) -> str:
    return short(value) if abs(value) >= 1000 else f"{value:.3g}"


def _with_interval(
    value: float, low: float, high: float, write: Callable[[float], str] = _three
) -> str:
    if np.isnan(value):
        return "-"
    if np.isnan(low):
        return write(value)
    return f"{write(value)} ({write(low).removesuffix('%')} to {write(high).removesuffix('%')})"


def _measures(found: Sweep) -> tuple[str, ...]:
    """Return the measures of a sweep that can be shown, its own first."""
    every = dict.fromkeys([found.measure, *found.measures])
    return tuple(each for each in every if not np.isnan(_means(found, each)).all())


def _means(found: Sweep, measure: str) -> F64:
    try:
        return found.means(measure)
    except UnknownNameError:  # no finished run has it
        return np.full(len(found.design), np.nan)


def _of_sweep(found: Sweep, measure: str, axes: tuple[str, ...]) -> Outcome:
    finished = finished_of(found)
    total = sum(len(each.programs) * len(each.seeds) for each in found.records)
    facts = [
        ("design", found.design.kind), ("points", count(len(found.design))),
        ("runs", f"{count(finished)} of {count(total)}"),
        *((name, _span(found, place)) for place, name in enumerate(found.design.names)),
    ]  # fmt: skip
    pictures: dict[str, HeatMap | Bars] = {}
    said = found.conclusion(measure).splitlines()
    try:
        pictures["indices"] = _indices(found, measure)
    except InputError as error:
        said.append(str(error))
    pictures["ends"] = _ends(found, measure)
    if len(names := found.design.names) > 1:
        chosen = axes if len(axes) == 2 and {*axes} <= {*names} and len({*axes}) == 2 else names[:2]
        pictures = {HEAT: found.heat_map(chosen[0], chosen[1], measure), **pictures}
    return Outcome(
        measure, "", 0, 0, {}, tuple(facts), tuple(said), finished, pictures=pictures,
    )  # fmt: skip


def _span(found: Sweep, place: int) -> str:
    values = list(dict.fromkeys(point[place] for point in found.design.points))
    if any(isinstance(value, str | bool) for value in values):
        return f"{len(values)} values"
    return f"{parameter(min(values))} to {parameter(max(values))}"


def parameter(value: Any) -> str:
    """Return the value of a parameter as it is written."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


_INDICES = {"morris": ("mu_star",), "sobol": ("total", "first")}
_SAID_OF = {"mu_star": "mu*", "total": "total", "first": "alone", "coefficient": ""}


def _indices(found: Sweep, measure: str) -> Bars:
    table = found.sensitivity(measure)
    names = _INDICES.get(found.design.kind, ("coefficient",))
    every = sorted(table.rows(), key=lambda row: -abs(row[names[0]]))
    rows = []
    for row in every:
        for name in names:
            value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
            label = f"{row['parameter']} {_SAID_OF[name]}".rstrip()
            said = _with_interval(value, low, high)
            said += f", sigma {_three(row['sigma'])}" if "sigma" in row else ""
            rows.append(AxisBar(label, value, low, high, said, 0.0))
    return Bars(tuple(rows), table.caption)


def _ends(found: Sweep, measure: str) -> Bars:
    drawn, rows = found.tornado(measure), []
    for row in drawn.table().rows():
        if not np.isnan(row["difference"]):
            low, high = (
                f"{short(row[e])} at {parameter(row[f'{e}_value'])}" for e in ("low", "high")
            )
            rows.append(AxisBar(row["parameter"], row["high"], np.nan, np.nan, f"{low}, {high}",
                            row["low"]))  # fmt: skip
    note = f"{measure} at the low and high end of each parameter; |: average"
    return Bars(tuple(rows), note, drawn.middle)


def _of_calibration(found: Calibration) -> Outcome:
    facts = [
        ("model", found.plan.model), ("network", found.plan.network),
        ("points", count(found.simulations)), ("messages per point", count(found.plan.messages)),
    ]  # fmt: skip
    rows = []
    for one in found.parameters:
        wide = (one.most - one.least) or 1.0
        share, low, high = ((each - one.least) / wide for each in (one.value, one.low, one.high))
        said = f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})"
        rows.append(AxisBar(one.name, share, low, high, said))
        facts.append((one.name, said))
    for error in found.errors:
        said = f"{error.model:.3f} (baseline {error.copying:.3f})"
        facts.append((f"{error.measure}, {error.messages}", said))
    note = f"Best fit within each range (0 to 1), with its {found.level:.0%} joint region"
    return Outcome(
        "", "", 0, 0, {}, tuple(facts), tuple(found.conclusion().splitlines()), found.simulations,
        pictures={"parameters": Bars(tuple(rows), note, span=(0.0, 1.0))},
    )  # fmt: skip


def _fan(rows: F64) -> F64:
    levels = np.full((len(QUANTILES), rows.shape[1]), np.nan)
    there = ~np.isnan(rows).all(axis=0)
    levels[:, there] = np.nanquantile(rows[:, there], QUANTILES, axis=0)
    return levels


def _facts(found: Ensemble) -> list[tuple[str, str]]:
    """Return the figures of replicates, those of reach first."""
    rows = {row["measure"]: row for row in found.summary().rows()}
    facts = [("replicates", count(found.records.finished))]
    if size := rows.get("size"):
        for name in ("mean", "median"):
            ends = [short(size[f"{name}_{end}"]) for end in ("low", "high")]
            share = percent(size[name] / max(1, found.records.agents))
            facts.append((f"{name} reached", f"{short(size[name])} ({share})"))
            facts.append(("95 % interval", f"{ends[0]}-{ends[1]}"))
        facts.append(("min, max", f"{count(size['least'])}, {count(size['most'])}"))
        facts.append(("take-off threshold", count(np.floor(found.takeoff().threshold))))
    for name, label in (("peak_tick", "ticks to peak"), ("quiet_after", "ticks to die out")):
        if row := rows.get(name):
            facts.append((label, f"{row['median']:.0f} ({row['least']:.0f}-{row['most']:.0f})"))
    return facts


def story_card(story: ScenarioStory, variant: str, seen: float) -> str:
    """Return the card at the end of a scenario: expected, seen, whether it holds."""
    low, mean, high = story.still["ended"][variant]
    write, is_known = written_as(story.measure), seen == seen
    holds = "yes, within the range of those runs" if low <= seen <= high else (
        "no, outside the range of those runs" if is_known else "unknown, it was not measured"
    )  # fmt: skip
    return "\n".join([
        story.claim, "",
        f"Variant    {variant}: {name_of(story.measure)}",
        f"Expected   {write(mean)} ({write(low)} to {write(high)} in runs of "
        f"{count(story.still['agents'])} members)",
        f"Seen       {write(seen) if is_known else '-'}",
        f"Holds      {holds}", "",
        "One run cannot compare variants: 0, then c, runs all of them in pairs.",
    ])  # fmt: skip


def study_card(found: StudyFindings) -> str:
    """Return each expectation of a study with what was seen, and whether it holds."""
    words = {"agrees": "yes", "disagrees": "no", "undecided": "undecided: more runs would tell"}
    lines = [found.study.said.sees, "" if found.is_finished else found.how_far()]
    for verdict in found.verdicts:
        claim, write = verdict.claim, written_as(verdict.claim.measure)
        one, other = (
            write(found.futures.mean(claim.measure, arm)) for arm in (claim.arm, claim.against)
        )
        lines += [
            "", f"Expected   {name_of(claim.measure)}: {claim.in_short}",
            f"Seen       {one} in {claim.arm}, {other} in {claim.against} "
            f"({plural(verdict.found.pairs, 'pair')})", f"Holds      {words[verdict.word]}",
        ]  # fmt: skip
    return "\n".join(lines).strip()
