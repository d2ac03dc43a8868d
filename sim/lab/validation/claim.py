"""Claims: what a model's card says of it, how that is run, and what was found.

A claim is measured as numbers, each beside what it must be. One rule judges all of them: a number
passes when it is as near to what is expected as four of its standard errors, and a margin that the
claim states (of an approximation, or of a reference that is itself known to some digits), allow.
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
"""Standard errors that a mean may be off: a true claim fails once in 16,000."""

EXACT = 1e-9
"""How far a deterministic number may be off."""

Kind = Literal["laws", "exact", "theory", "reference"]
"""What a model is held against: its laws; an exact number; the curves of an equation; another
model, or the same rules stated in another way, that must give the same."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One number beside what it must be.

    Parameters
    ----------
    observed, expected
        The number that was found, and the claim's.
    error
        The standard error of ``observed``, 0 or more; 0: it is deterministic.
    below, above
        By how much more it may be lower or higher, 0 or more.
    label
        What it is, where a claim has several.
    """

    observed: float
    expected: float
    error: float = 0.0
    below: float = EXACT
    above: float = EXACT
    label: str = ""

    @property
    def low(self) -> float:
        """Lower end of the interval that must hold the expected number."""
        return self.observed - ERRORS * self.error - self.above

    @property
    def high(self) -> float:
        """Upper end of it."""
        return self.observed + ERRORS * self.error + self.below

    @property
    def passes(self) -> bool:
        """Whether the expected number lies within the interval; not if anything is NaN."""
        return bool(self.low <= self.expected <= self.high)

    @property
    def strain(self) -> float:
        """How much of what is allowed is used up: at most 1 where it passes, NaN as infinite."""
        off = self.observed - self.expected
        allowed = ERRORS * self.error + (self.above if off > 0 else self.below)
        share = abs(off) / max(allowed, 1e-300)
        return share if share == share else float("inf")


def compared_mean(
    values: npt.ArrayLike, expected: float, margin: float = EXACT, label: str = ""
) -> Compared:
    """Return the mean of independent values beside the expected one.

    Parameters
    ----------
    values
        Numbers (runs,), at least two.
    expected
        Their mean.
    margin
        By how much more it may be off.
    label
        As of :class:`Compared`.

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
    """Return how often something happened beside its chance, which gives the standard error too.

    Parameters
    ----------
    times, runs
        How often, of how many independent runs.
    expected
        The chance, in [0, 1].
    margin, label
        As of :func:`compared_mean`.

    Examples
    --------
    >>> compared_share(52, 100, 0.5).passes, compared_share(1, 100, 0.0).passes
    (True, False)
    """
    error = float(np.sqrt(max(expected * (1 - expected), 0.0) / runs))
    return Compared(times / runs, expected, error, margin, margin, label)


def same(label: str, one: npt.ArrayLike, two: npt.ArrayLike) -> Compared:
    """Return in how many places two arrays of one shape differ; none is expected."""
    first, second = np.asarray(one), np.asarray(two)
    differ = first.size if first.shape != second.shape else int((first != second).sum())
    return Compared(float(differ), 0.0, label=label)


@dataclass(frozen=True, slots=True)
class ModelClaim:
    """What is claimed of one model, and how that is run.

    Parameters
    ----------
    model
        Its registered name.
    what
        The number or law in a few words, unique among the model's claims.
    measure
        Runs the model and returns each number beside what it must be; takes how many independent
        runs to make. It may raise: that fails the claim.
    kind, source
        What the model is held against, and where that is from.
    how
        The runs in words, with the seed; ``{runs}`` stands for their number.
    runs, thorough
        How many, by default and for ``--thorough``; 1: it is deterministic.
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
    """What became of one claim."""

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
        """Whether every number is where it must be, and there is one."""
        return not self.failure and bool(self.numbers) and all(n.passes for n in self.numbers)

    @property
    def worst(self) -> Compared | None:
        """The number that used up most of what is allowed."""
        return max(self.numbers, key=lambda number: number.strain, default=None)

    @property
    def sentence(self) -> str:
        """What is wrong, as a sentence; empty where nothing is."""
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
