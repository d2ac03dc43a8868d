"""Claims: what a model's card claims, how that is run, and the result.

A claim is measured as numbers, each with its expected value. One rule judges all: a number
passes if its distance from the expected one is within four standard errors plus a margin that the
claim states (for an approximation, or a reference known to a few digits).
A number without an error is deterministic, and its margin is 1e-9.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import HubbubError

ERRORS = 4.0
"""Standard errors by which a mean may deviate: a true claim fails once in 16,000."""

EXACT = 1e-9
"""Tolerance of a deterministic number."""

Kind = Literal["laws", "exact", "theory", "reference"]
"""What a model is compared with: its laws; an exact number; the curves of an equation; another
model, or the same rules in another formulation, which must give the same."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A measured number and its expected value.

    Parameters
    ----------
    observed, expected
        The measured number, and the claim's.
    error
        The standard error of ``observed``, 0 or more; 0: it is deterministic.
    below, above
        Additional margin below and above, 0 or more.
    label
        Its label, if a claim has several numbers.
    """

    observed: float
    expected: float
    error: float = 0.0
    below: float = EXACT
    above: float = EXACT
    label: str = ""

    @property
    def low(self) -> float:
        """Lower end of the interval that must contain the expected number."""
        return self.observed - ERRORS * self.error - self.above

    @property
    def high(self) -> float:
        """Upper end of that interval."""
        return self.observed + ERRORS * self.error + self.below

    @property
    def passes(self) -> bool:
        """Whether the expected number is in the interval; False if anything is NaN."""
        return bool(self.low <= self.expected <= self.high)

    @property
    def strain(self) -> float:
        """Share of the allowed deviation that is used: at most 1 if it passes, infinite for NaN."""
        off = self.observed - self.expected
        allowed = ERRORS * self.error + (self.above if off > 0 else self.below)
        share = abs(off) / max(allowed, 1e-300)
        return share if share == share else float("inf")


def compared_mean(
    values: npt.ArrayLike, expected: float, margin: float = EXACT, label: str = ""
) -> Compared:
    """Return the mean of independent values with the expected one.

    Parameters
    ----------
    values
        Numbers (runs,), at least two.
    expected
        The expected mean.
    margin
        Additional margin.
    label
        As in :class:`Compared`.

    Examples
    --------
    >>> compared_mean([1.0, 2.0, 3.0], 2.2).passes
    True
    """
    found = np.asarray(values, np.float64)
    error = float(found.std(ddof=1)) / found.size**0.5
    return Compared(float(found.mean()), expected, error, margin, margin, label)


def compared_share(
    times: float, runs: int, expected: float, margin: float = EXACT, label: str = ""
) -> Compared:
    """Return the share of runs with an event, with its expected chance and the standard error.

    Parameters
    ----------
    times, runs
        Number of occurrences, and of independent runs.
    expected
        The chance, in [0, 1].
    margin, label
        As in :func:`compared_mean`.

    Examples
    --------
    >>> compared_share(52, 100, 0.5).passes, compared_share(1, 100, 0.0).passes
    (True, False)
    """
    error = float(np.sqrt(max(expected * (1 - expected), 0.0) / runs))
    return Compared(times / runs, expected, error, margin, margin, label)


def same(label: str, one: npt.ArrayLike, two: npt.ArrayLike) -> Compared:
    """Return the number of places in which two arrays of one shape differ; 0 is expected."""
    first, second = np.asarray(one), np.asarray(two)
    differ = first.size if first.shape != second.shape else int((first != second).sum())
    return Compared(float(differ), 0.0, label=label)


@dataclass(frozen=True, slots=True)
class ModelClaim:
    """A claim about one model, and how it is run.

    Parameters
    ----------
    model
        Its registered name.
    what
        The number or law in a few words, unique among the model's claims.
    measure
        Runs the model and returns each number with its expected value; takes the number of
        independent runs. An exception fails the claim.
    kind, source
        What the model is compared with, and the source of that.
    how
        A description of the runs, with the seed; ``{runs}`` stands for their number.
    runs, thorough
        Number of runs, by default and for ``--thorough``; 1: it is deterministic.
    """

    model: str
    what: str
    measure: Callable[[int], Sequence[Compared]] = field(repr=False)
    kind: Kind = "exact"
    source: str = ""
    how: str = ""
    runs: int = 1
    thorough: int = 1


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The outcome of one claim."""

    model: str
    what: str
    kind: Kind
    source: str
    how: str
    numbers: tuple[Compared, ...] = ()
    failure: str = ""
    seconds: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether there are numbers, and all of them pass."""
        return not self.failure and bool(self.numbers) and all(n.passes for n in self.numbers)

    @property
    def worst(self) -> Compared | None:
        """The number that uses most of its allowed deviation."""
        return max(self.numbers, key=lambda number: number.strain, default=None)

    @property
    def sentence(self) -> str:
        """What is wrong, as a sentence; empty if nothing is."""
        if self.passes:
            return ""
        worst = self.worst
        if self.failure or worst is None:
            return f"{self.model}: {self.what}: {self.failure or 'nothing was measured'}"
        which = f" ({worst.label})" if worst.label else ""
        return (
            f"{self.model}: {self.what}{which}: {worst.expected:.6g} is claimed, "
            f"{worst.observed:.6g} was found, in [{worst.low:.6g}, {worst.high:.6g}] by {self.how}"
        )


def judge(claim: ModelClaim, *, thorough: bool = False) -> ClaimVerdict:
    """Run one claim."""
    runs = claim.thorough if thorough else claim.runs
    began = time.perf_counter()
    numbers: Iterable[Compared] = ()
    failure = ""
    try:
        numbers = claim.measure(runs)
    except Exception as error:  # a broken model may raise anything
        failure = _said(error)
    took = time.perf_counter() - began
    how = claim.how.format(runs=f"{runs:,}")
    found = tuple(numbers)
    return ClaimVerdict(
        claim.model, claim.what, claim.kind, claim.source, how, found, failure, took
    )


def _said(error: Exception) -> str:
    text = one_line(str(error)) or "no more is known"
    return text if isinstance(error, HubbubError) else f"raised {type(error).__name__}: {text}"
