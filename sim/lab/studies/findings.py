"""What came of a study: its runs, how its arms differ, and whether what was expected was seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from sim.errors import FileError, UnknownNameError
from sim.lab.futures import Futures
from sim.lab.runs.records import Records, records_of
from sim.lab.runs.results_file import read_replicates, refusing
from sim.lab.statistics import MeasuredDifference, conclusion, mean_interval
from sim.lab.studies.sections import Claim
from sim.lab.studies.study import Study, study_of
from sim.lab.tables import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["StudyFindings", "Verdict", "read_findings"]

_FEWEST = 2


class Verdict(NamedTuple):
    """Whether what was expected was seen.

    Attributes
    ----------
    claim
        What was expected.
    found
        The arm minus the other, replicate by replicate.
    word
        ``agrees`` or ``disagrees`` where the interval leaves out 0, or where both arms were the
        same in every pair; else ``undecided``.
    """

    claim: Claim
    found: MeasuredDifference
    word: Literal["agrees", "disagrees", "undecided"]


@dataclass(frozen=True, eq=False, repr=False)
class StudyFindings(Result):
    """What came of it; it may be looked at before all replicates are finished.

    Attributes
    ----------
    study
        What was asked.
    records
        Every run that is finished.
    begun
        What tells where it was done: digests of the base worlds, versions.
    """

    study: Study
    records: Records
    begun: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many runs there are once it is finished."""
        return len(self.records.programs) * len(self.records.seeds)

    @property
    def is_finished(self) -> bool:
        """Whether every replicate of every arm is there."""
        return self.records.finished == self.total

    @cached_property
    def complete(self) -> Records:
        """The replicates that are finished under every arm: what is compared."""
        arms = range(len(self.records.programs))
        known = self.records.found
        whole = [
            r for r in range(len(self.records.seeds)) if all((arm, r) in known for arm in arms)
        ]
        found = {(arm, new): known[arm, old] for new, old in enumerate(whole) for arm in arms}
        seeds = tuple(self.records.seeds[r] for r in whole)
        return Records(self.records.programs, seeds, self.records.agents, found)

    @cached_property
    def futures(self) -> Futures:
        """Its arms as futures of one world, with all that can be asked of those."""
        return Futures(self.complete, 0, "", measure=self.study.measures[0])

    def difference(self, measure: str, arm: str, against: str = "") -> MeasuredDifference:
        """Return an arm minus another, replicate by replicate, with its 95 % interval.

        Parameters
        ----------
        measure, arm
            One of the study's.
        against
            Empty: the study's own.

        Raises
        ------
        UnknownNameError
            For another arm.
        """
        from sim.lab.statistics import paired_difference

        first = against or self.study.against
        return paired_difference(self.values(measure, first), self.values(measure, arm))

    def values(self, measure: str, arm: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return a measure of an arm, float64 (replicates,); NaN where a run has none.

        Of the replicates that are finished under every arm.

        Raises
        ------
        UnknownNameError
            For another arm.
        """
        if arm not in self.records.programs:
            raise UnknownNameError("arm", arm, self.records.programs)
        place = self.records.programs.index(arm)
        found = self.complete.found
        every = (found[place, number].measured for number in range(len(self.complete.seeds)))
        return np.array([each.get(measure, np.nan) for each in every])

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of everything that was expected, whether it was seen."""
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
        """Whether all that was expected was seen, and was seen beyond doubt."""
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
        """One row a claim: what was expected, the verdict, the difference with its interval.

        Columns: ``measure``, ``expected`` (such as ``checked < unchecked``), ``verdict``,
        ``difference`` (the first of the two minus the other), ``low``, ``high``, ``pairs``,
        ``hedges``.
        """
        rows = [
            {"measure": each.claim.measure, "expected": each.claim.in_short, "verdict": each.word,
             **_facts(each.found)}
            for each in self.verdicts
        ]  # fmt: skip
        names = ["measure", "expected", "verdict", *_facts(self._nothing)]
        caption = (
            f"What was expected, and whether it was seen, in {len(self.complete.seeds):,} pairs"
        )
        return Table.of_rows(rows, names=names, caption=caption)

    @property
    def _nothing(self) -> MeasuredDifference:
        from sim.lab.statistics import paired_difference

        return paired_difference([], [])

    @cached_property
    def differences(self) -> Table:
        """One row an arm but the first, and measure: how it differs from the first arm.

        Columns: ``measure``, ``arm``, ``against``, ``difference``, ``low``, ``high``, ``pairs``,
        ``hedges`` (the effect in standard deviations of the differences).
        """
        rows = [
            {"measure": measure, "arm": arm.name, "against": self.study.against,
             **_facts(self.difference(measure, arm.name))}
            for measure in self.study.measures
            for arm in self.study.arms[1:]
        ]  # fmt: skip
        caption = (
            "Each 95 % interval is right by itself: of twenty without any difference, one leaves "
            "out 0"
        )
        return Table.of_rows(rows, caption=caption)

    @cached_property
    def means(self) -> Table:
        """One row a measure and arm: its mean, the ends of the interval, how many ``runs``."""
        rows = []
        for measure in self.study.measures:
            for arm in self.study.arms:
                known = self.values(measure, arm.name)
                known = known[~np.isnan(known)]
                said = mean_interval(known) if known.size else None
                rows.append({
                    "measure": measure, "arm": arm.name,
                    "mean": float(known.mean()) if known.size else np.nan,
                    "low": np.nan if said is None else said.low,
                    "high": np.nan if said is None else said.high, "runs": known.size,
                })  # fmt: skip
        return Table.of_rows(rows, caption="Each arm, with its 95 % interval")

    def sentences(self, measure: str) -> list[str]:
        """Return what follows for a measure: a sentence for each arm but the first."""
        unit = self.records.runs.units.get(measure, "")
        return [
            conclusion(
                self.difference(measure, arm.name), what=measure, first=self.study.against,
                second=arm.name, unit=unit,
            )
            for arm in self.study.arms[1:]
        ]  # fmt: skip

    def conclusion(self) -> str:
        """Return what follows for the main measure, and whether what was expected was seen."""
        lines = [] if self.is_finished else [self.how_far()]
        lines += self.sentences(self.study.measures[0])
        words = [verdict.word for verdict in self.verdicts]
        if words:
            lines.append(
                f"Of {len(words)} expected, {words.count('agrees')} agree, "
                f"{words.count('disagrees')} disagree, {words.count('undecided')} undecided."
            )
        return "\n".join(lines)

    def how_far(self) -> str:
        """Return how much of it is finished, a sentence."""
        return (
            f"{self.records.finished:,} of {self.total:,} runs are finished; what follows rests on "
            f"the {len(self.complete.seeds):,} replicates that are finished under every arm."
        )

    def plot(self, series: str | None = None, **_how: Any) -> Figure:
        """Draw a series of all arms, each replicate as a ghost, and the differences below."""
        return self.futures.plot(series)

    def report(self, path: str | Path, *, force: bool = True) -> Path:
        """Write it as a page: ``.html`` in one file, or ``.md`` with its figures beside it.

        Parameters
        ----------
        path
            The file.
        force
            Whether to replace a file that is there.

        Returns
        -------
        Path
            Of the page.

        Raises
        ------
        InputError, FileError
            For another ending, or what cannot be written.
        """
        from sim.lab.studies.report import write_report

        return write_report(self, Path(path), force=force)

    def _in_short(self) -> list[Table]:
        return [*([self.expected] if self.study.claims else []), self.means]


def _facts(found: MeasuredDifference) -> dict[str, Any]:
    return {
        "difference": found.mean, "low": found.interval.low, "high": found.interval.high,
        "pairs": found.pairs, "hedges": found.effect.hedges,
    }  # fmt: skip


def read_findings(path: str | Path) -> StudyFindings:
    """Return what a results file of a study holds, finished or not.

    Raises
    ------
    FileError
        When it is none, is of something else, or is being written.
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
