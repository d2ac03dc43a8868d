"""The findings of a study: runs, differences of arms, verdicts on expectations, and a report.

Pages consist of blocks; :mod:`~sim.lab.studies.pages` writes them as HTML or Markdown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from sim.core.cards import card_of
from sim.core.files import toml_key, toml_value
from sim.core.progress import Report, Tell, quiet, unheard
from sim.core.text import one_line, plural
from sim.errors import FileError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.futures import MEASURE_NAMES, Futures, mean_row
from sim.lab.runs import ExperimentProgress, experiment_now, seeds_from
from sim.lab.runs.experiment import versions
from sim.lab.runs.results import Records, read_replicates, records_of, refusing
from sim.lab.statistics import MeasuredDifference, conclusion, family, means_said, paired_difference
from sim.lab.statistics.differences import SHARE, corrected
from sim.lab.studies.pages import Block, Drawn, Marked, curves_drawn, means_drawn, write_page
from sim.lab.studies.study import Arm, Claim, Study, measures_taken, study_of
from sim.lab.tables import Result, Table
from sim.scenario.odd import described, plugins_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.world.world import World


_FEWEST = 3
"""Fewest pairs for a verdict: the interval of two has only one degree of freedom."""


class Verdict(NamedTuple):
    """The verdict on an expectation.

    Attributes
    ----------
    claim
        The expectation.
    found
        The arm minus the other, by replicate.
    word
        ``agrees`` or ``disagrees`` if the interval excludes 0, or if both arms were the
        same in every pair; else, and for fewer than 3 pairs, ``undecided``.
    """

    claim: Claim
    found: MeasuredDifference
    word: Literal["agrees", "disagrees", "undecided"]

    @property
    def sentence(self) -> str:
        """The expectation and its verdict, as a sentence."""
        words = {
            "agrees": "Confirmed", "disagrees": "Not confirmed, the runs disagree",
            "undecided": "Undecided, the interval includes 0 or is unknown",
        }  # fmt: skip
        if self.found.pairs < _FEWEST:
            return f"Undecided, needs at least {_FEWEST} pairs: {self.claim}"
        return f"{words[self.word]}: {self.claim}"


@dataclass(frozen=True, eq=False, repr=False)
class StudyFindings(Result):
    """The findings of a study; usable before all replicates are finished.

    Attributes
    ----------
    study
        The study.
    records
        All finished runs.
    begun
        What the study was run with: digests of the base worlds, versions.
    """

    study: Study
    records: Records
    begun: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of runs of the whole study."""
        return len(self.records.programs) * len(self.records.seeds)

    @property
    def is_finished(self) -> bool:
        """Whether every replicate of every arm is finished."""
        return self.records.finished == self.total

    @property
    def complete(self) -> Records:
        """The replicates that are finished under every arm, which are compared."""
        return self.records.complete

    @cached_property
    def futures(self) -> Futures:
        """Its arms as futures of one world, with all their methods."""
        return Futures(self.complete, 0, "", measure=self.study.measures[0])

    def difference(self, measure: str, arm: str, against: str = "") -> MeasuredDifference:
        """Return an arm minus another, replicate by replicate, with its 95 % interval.

        Parameters
        ----------
        measure, arm
            A measure and an arm of the study.
        against
            Empty: the study's own baseline.

        Raises
        ------
        UnknownNameError
            For an unknown arm.
        """
        first = self.values(measure, against or self.study.against)
        return paired_difference(first, self.values(measure, arm), networks=self.complete.strata)

    def values(self, measure: str, arm: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return a measure of an arm, float64 (replicates,); NaN for runs without a value.

        Only for replicates that are finished under every arm.

        Raises
        ------
        UnknownNameError
            For an unknown arm.
        """
        if arm not in self.records.programs:
            raise UnknownNameError("arm", arm, self.records.programs)
        place = self.records.programs.index(arm)
        found = self.complete.found
        every = (found[place, number].measured for number in range(len(self.complete.seeds)))
        return np.array([each.get(measure, np.nan) for each in every])

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdict on each expectation."""
        return tuple(self._verdict(claim) for claim in self.study.claims)

    def _verdict(self, claim: Claim) -> Verdict:
        found = self.difference(claim.measure, claim.arm, claim.against)
        wanted = -1 if claim.direction == "less" else 1
        if found.pairs < _FEWEST:
            return Verdict(claim, found, "undecided")
        if found.sign == wanted:
            return Verdict(claim, found, "agrees")
        same = found.mean == 0 and found.interval.width == 0
        return Verdict(claim, found, "disagrees" if same or found.sign == -wanted else "undecided")

    @property
    def is_as_expected(self) -> bool:
        """Whether every expectation has the verdict ``agrees``."""
        return all(verdict.word == "agrees" for verdict in self.verdicts)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``expected``, ``differences``, ``arms``, ``runs`` and ``curves``."""
        own = {
            "differences": self.differences, "arms": self.means,
            "runs": self.records.runs, "curves": self.records.curves,
        }  # fmt: skip
        return {"expected": self.expected, **own} if self.study.claims else own

    @cached_property
    def expected(self) -> Table:
        """One row per claim: the expectation, the verdict, the difference with its interval.

        Columns: ``measure``, ``expected`` (such as ``checked < unchecked``), ``verdict``, and
        those of :func:`~sim.lab.statistics.family` (the first of the two minus the other).
        """
        rows = [
            {"measure": each.claim.measure, "expected": each.claim.in_short, "verdict": each.word,
             **row}
            for each, row in zip(
                self.verdicts, family([each.found for each in self.verdicts]), strict=True
            )
        ]  # fmt: skip
        names = ["measure", "expected", "verdict", *family([paired_difference([], [])])[0]]
        caption = (
            f"Expected results and whether they were confirmed, in "
            f"{plural(len(self.complete.seeds), 'pair')} {self.records.where}; p_holm is corrected "
            "for all rows (Holm)"
        )
        return Table.of_rows(rows, names=names, caption=caption)

    @cached_property
    def differences(self) -> Table:
        """One row per measure and arm except the first: how the arm differs from the first.

        Columns: ``measure``, ``arm``, ``against``, and those of
        :func:`~sim.lab.statistics.family` (``hedges`` in standard deviations of the differences).
        """
        every = [(m, arm.name) for m in self.study.measures for arm in self.study.arms[1:]]
        rows = [
            {"measure": measure, "arm": arm, "against": self.study.against, **row}
            for (measure, arm), row in zip(
                every, family([self.difference(*each) for each in every]), strict=True
            )
        ]
        caption = (
            f"Pairs {self.records.where}. Each 95 % interval, and p, stands alone: of twenty "
            "without a difference, one excludes 0; p_holm is corrected for all rows (Holm)"
        )
        return Table.of_rows(rows, caption=caption)

    @cached_property
    def means(self) -> Table:
        """One row per measure and arm: its mean with an interval, its median, the number of runs.

        Columns: ``measure``, ``arm``, ``mean``, ``low``, ``high``, ``method`` of the interval,
        ``median``, ``runs``.
        """
        rows = [
            {"measure": measure, "arm": arm.name,
             **mean_row(self.values(measure, arm.name), self.complete.strata)}
            for measure in self.study.measures
            for arm in self.study.arms
        ]  # fmt: skip
        how = means_said(str(row["method"]) for row in rows)
        return Table.of_rows(rows, caption=f"Each condition {self.records.where}: {how}")

    def _mean(self, measure: str, arm: str) -> float:
        return float(mean_row(self.values(measure, arm), self.complete.strata)["mean"])

    def sentences(self, measure: str) -> list[str]:
        """Return the conclusion for a measure: one sentence for each arm except the first."""
        unit = SHARE if measure == "share" else self.records.runs.units.get(measure, "")
        return [
            conclusion(
                self.difference(measure, arm.name), what=MEASURE_NAMES.get(measure, measure),
                first=self.study.against,
                second=arm.name, unit=unit,
                means=(self._mean(measure, self.study.against), self._mean(measure, arm.name)),
            )
            for arm in self.study.arms[1:]
        ]  # fmt: skip

    def conclusion(self) -> str:
        """Return the conclusion for the main measure, and the verdicts."""
        lines = [] if self.is_finished else [self.how_far()]
        lines += [*self.sentences(self.study.measures[0]), *filter(None, [self.corrected()])]
        words = [verdict.word for verdict in self.verdicts]
        if words:
            lines.append(
                f"Expected results: {words.count('agrees')} of {len(words)} confirmed, "
                f"{words.count('disagrees')} not confirmed, {words.count('undecided')} undecided."
            )
        return "\n".join(lines)

    def corrected(self) -> str:
        """Say how many differences remain after Holm's correction; empty for a single one."""
        return corrected(self.differences["p"], self.differences["p_holm"])

    def how_far(self) -> str:
        """Return the progress of the study, as a sentence."""
        return (
            f"{self.records.finished:,} of {self.total:,} runs finished; results so far use the "
            f"{plural(len(self.complete.seeds), 'replicate')} finished in every condition."
        )

    def plot(self, series: str | None = None, **_how: Any) -> Figure:
        """Draw a series of all arms, with faint lines for replicates, and the differences below."""
        return self.futures.plot(series)

    def report(self, path: str | Path, *, force: bool = True) -> Path:
        """Write the report: ``.html`` in one file, or ``.md`` with its figures beside it.

        Parameters
        ----------
        path
            The file.
        force
            Whether to replace a file that is there.

        Returns
        -------
        Path
            The path of the page.

        Raises
        ------
        InputError, FileError
            For another suffix, or a file that cannot be written.
        """
        return write_page(self.study.name, list(blocks_of(self)), Path(path), force=force)

    def _in_short(self) -> list[Table]:
        return [*([self.expected] if self.study.claims else []), self.means]


def read_findings(path: str | Path) -> StudyFindings:
    """Return the findings in a results file of a study, finished or not.

    Raises
    ------
    FileError
        If it is not a results file, is not of a study, or is being written.
    """
    file = Path(path)
    facts, rows = read_replicates(file)
    notes = facts.get("notes", {})
    if "study" not in notes:
        raise FileError(file, "holds runs, and they are of no study; hubbub study run writes one")
    with refusing(file):
        study = study_of(
            json.loads(notes["study"]), called=notes["called"], folder=Path(notes["folder"])
        )
        begun = {"world": facts["world"], "versions": facts["versions"]}
        return StudyFindings(study, records_of(facts, rows), begun)


_MOST_FIGURES = 6
_MOST_SEEDS = 200


def blocks_of(found: StudyFindings) -> Iterator[Block]:
    """Yield the blocks of the report, from the question to the last detail."""
    said = found.study.said
    for label, text in (("Question", said.question), ("Expected", said.sees)):
        if text:
            yield Block("text", f"{label}: {text}")
    if said.source:
        yield Block("text", f"After: {said.source}")
    if not found.is_finished:
        yield Block("text", found.how_far())
    yield from _answer(found)
    yield from _numbers(found)
    yield from _repeat(found)
    yield from _models(found.study)
    yield Block("heading", "The base scenario (ODD protocol)")
    yield Block("markdown", described(found.study.base))


def _answer(found: StudyFindings) -> Iterator[Block]:
    yield Block("heading", "Results")
    if found.verdicts:
        yield Block("list", [verdict.sentence for verdict in found.verdicts])
        yield Block("table", found.expected)
    said = [*found.sentences(found.study.measures[0]), found.corrected()]
    yield Block("list", [line for line in said if line])
    for figure in figures_of(found):
        yield Block("figure", figure)


def figures_of(found: StudyFindings) -> list[Drawn]:
    """Return the figures: each measure by arm, and, if messages were sent, how they spread."""
    drawn = [_means(found, measure) for measure in found.study.measures[:_MOST_FIGURES]]
    curves = found.complete.curves
    if len(curves) and "ever" in curves and np.nansum(curves["ever"]) > 0:
        arms = [(arm.name, found.complete.curve("ever", arm.name)) for arm in found.study.arms]
        caption = (
            "Members who have adopted a message, tick by tick: the mean of each condition to the "
            "end of its longest run, and the middle 90 % of its replicates."
        )
        drawn.append(curves_drawn("spread", caption, arms))
    return drawn


def _means(found: StudyFindings, measure: str) -> Drawn:
    means = found.means.where(measure=measure)
    rows = [
        Marked(arm.name, found.values(measure, arm.name), *(float(means[key][place]) for key in
               ("mean", "low", "high")))
        for place, arm in enumerate(found.study.arms)
    ]  # fmt: skip
    said = means_said(means["method"]).removeprefix("means ")
    caption = f"{measure}: each replicate, the mean, {said}."
    name = f"measure-{found.study.measures.index(measure) + 1}"
    unit = found.records.runs.units.get(measure, "")
    return means_drawn(name, caption, rows, f"{measure} ({unit})" if unit else measure)


def _numbers(found: StudyFindings) -> Iterator[Block]:
    yield Block("heading", "Numbers")
    yield Block("table", found.means)
    yield Block("table", found.differences)
    for measure in found.study.measures[1:]:
        yield Block("list", found.sentences(measure))
    yield Block("heading", "Conditions")
    says = [
        (arm.name, ", ".join(f"{key} = {toml_value(value)}" for key, value in arm.keys.items()))
        for arm in found.study.arms
    ]
    yield Block("list", [f"{arm}: {said or 'the base scenario, unchanged'}" for arm, said in says])
    if found.records.remarks:
        yield Block("heading", "Remarks of the runs")
        yield Block("list", list(found.records.remarks))


def _repeat(found: StudyFindings) -> Iterator[Block]:
    study, versions = found.study, found.begun.get("versions", {})
    seeds = found.records.seeds
    shown = ", ".join(map(str, seeds[:_MOST_SEEDS])) + (" ..." if len(seeds) > _MOST_SEEDS else "")
    yield Block("heading", "How to repeat it")
    yield Block(
        "text", "Save the study below as study.toml; the same versions give the same table."
    )
    yield Block("code", "hubbub study run study.toml --into study.runs\n"
                        "hubbub study report study.runs --out report.html")  # fmt: skip
    yield Block("list", [
        f"Study file: {study.called}.",
        f"{plural(found.records.finished, 'run')}: {plural(len(seeds), 'replicate')} of "
        f"{plural(len(study.arms), 'condition')}, at most {plural(study.ticks, 'tick')}; a seed "
        "gives the same draws in every condition.",
        f"Seeds of the replicates: {shown}",
        _networks(found),
        f"Digests of the base worlds: {_digests(found)}",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        *_written_for(study, versions),
    ])  # fmt: skip
    yield Block("code", study_as_toml(study))


def _networks(found: StudyFindings) -> str:
    many, agents = found.study.said.worlds, f"{plural(found.records.agents, 'agent')}"
    if many == 1:
        return (
            f"{agents}; every replicate starts from the same network, so the intervals do not "
            f"cover other networks (worlds = {len(found.records.seeds)} uses one for each)."
        )
    first = found.study.base.network.seed
    return (
        f"{agents}; replicates start from {many:,} networks in turn (seeds {first} to "
        f"{first + many - 1}); with fewer networks than replicates, intervals are over networks."
    )


def _digests(found: StudyFindings) -> str:
    world = found.begun.get("world", "")
    if isinstance(world, str):
        return world
    names = (arm.name for arm in found.study.arms)
    return "; ".join(f"{name}: {' '.join(own)}" for name, own in zip(names, world, strict=True))


def _written_for(study: Study, versions: Mapping[str, Any]) -> list[str]:
    other = {n: v for n, v in study.said.versions.items() if str(versions.get(n, "")) != v}
    if not other:
        return []
    said = ", ".join(f"{name} {version}" for name, version in other.items())
    return [f"The study was written for {said}, but ran with other versions."]


def study_as_toml(study: Study) -> str:
    """Return a study as the text of a file, its base included."""
    parts = []
    for name, section in study.table.items():
        if name == "arms":
            parts += [_section(f"[arms.{toml_key(arm)}]", keys) for arm, keys in section.items()]
        elif isinstance(section, list):
            parts += [_section(f"[[{name}]]", block) for block in section]
        elif isinstance(section, dict):
            parts.append(_section(f"[{name}]", section))
        else:
            parts.insert(0, f"{name} = {toml_value(section)}\n")
    return "\n".join(parts)


def _section(head: str, keys: Mapping[str, Any]) -> str:
    return "".join([f"{head}\n", *(f"{toml_key(k)} = {toml_value(v)}\n" for k, v in keys.items())])


def _models(study: Study) -> Iterator[Block]:
    yield Block("heading", "Models and their sources")
    found: dict[str, str] = {}
    for arm in study.arms:
        for plugin in plugins_of(arm.scenario):
            source = one_line(card_of(type(plugin)).source)
            found[plugin.plugin_name] = source or "no source given"
    lines = [f"{name}: {source}" for name, source in found.items()]
    yield Block("list", lines or ["None: no message was sent."])


StudySource = str | Path | Mapping[str, Any] | Study


def run_study_now(
    what: StudySource,
    *,
    replicates: int | None = None,
    worlds: int | None = None,
    agents: int | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    tell: Tell = unheard,
    follow: Callable[[ExperimentProgress], object] | None = None,
) -> StudyFindings:
    """Run every arm of a study with the same seeds, and return the findings.

    Parameters
    ----------
    what
        A study file, ``gallery:NAME``, the sections of a study, or a :class:`Study`.
    replicates, worlds, agents
        Override the file's.
    workers, backend, into, resume, report, follow
        As in :func:`~sim.lab.runs.experiment_now`.
    tell
        Called with remarks on the worlds that are opened, one sentence each.

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from hubbub import lab
    >>> found = lab.run_study_now("gallery:product-launch", replicates=2, agents=300, workers=1)
    >>> len(found.records.runs)
    4
    """
    if isinstance(what, Study):
        study = what
    else:
        study = study_of(what, replicates=replicates, worlds=worlds, agents=agents)
    seeds = seeds_from(study.seed, study.said.replicates)
    bases_of = _Worlds(study, report, tell)
    bases = [bases_of.of(arm) for arm in study.arms]
    programs = [
        arm.program(study.measures, own[0].made) for arm, own in zip(study.arms, bases, strict=True)
    ]
    records = experiment_now(
        bases, programs, seeds, ticks=study.ticks, measures=measures_taken(study.measures),
        workers=workers, backend=backend, into=into, resume=resume, report=report, follow=follow,
        notes={
            "study": json.dumps(study.table, default=str), "called": study.called,
            "folder": str(study.path.parent.absolute()),
        },
    )  # fmt: skip
    digests = [[world.digest() for world in own] for own in bases]
    every = {digest for own in digests for digest in own}
    world = every.pop() if len(every) == 1 else digests  # as in the results file
    return StudyFindings(study, records, {"world": world, "versions": versions()})


run_study = awaited(run_study_now)


class _Worlds:
    """The base worlds, each made once, even if several arms share it."""

    def __init__(self, study: Study, report: Report, tell: Tell) -> None:
        self._study, self._report, self._tell = study, report, tell
        self._made: dict[tuple[str, int], World] = {}

    def of(self, arm: Arm) -> list[World]:
        """Return the worlds that an arm's replicates start from in turn."""
        network, many = arm.scenario.network, self._study.said.worlds
        if many > 1 and (network.world is not None or network.file is not None):
            raise FileError(
                arm.scenario.path,
                f"[study]: worlds = {many} needs a network that a generator draws; a network that "
                "is there is one",
            )
        return [self._world(arm, place) for place in range(many)]

    def _world(self, arm: Arm, place: int) -> World:
        key = arm.network, place
        if key not in self._made:
            seed = arm.scenario.network.seed + place if place else None
            self._made[key] = arm.scenario.world(self._report, seed, tell=self._tell)
        return self._made[key]
