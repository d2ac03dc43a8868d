"""Counts of decisions: how each came about, so that nothing a model failed to do passes unseen."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from threading import Lock

import numpy as np

_LATENCIES = 4096


class Decided(StrEnum):
    """What a decision came from, or what became of it."""

    MODEL = "model"
    CACHE = "cache"
    LOG = "replayed"
    ARCHETYPE = "archetype"
    SURROGATE = "surrogate"
    RULE = "rule"
    PERSON = "person"
    RETRIED = "retried"
    MALFORMED = "malformed"
    REFUSED = "refused"
    FAILED = "failed"


SOURCES = tuple(Decided)[:7]
"""A decision has exactly one of these."""


class DecisionCounts:
    """Counts of decisions, and how long calls took; safe to write from any thread.

    Attributes
    ----------
    effective
        Decisions that came to an act other than doing nothing.

    Examples
    --------
    >>> ledger = DecisionCounts()
    >>> ledger.count(Decided.MODEL, effective=True)
    >>> ledger.decisions, ledger.shares["model"]
    (1, 1.0)
    """

    def __init__(self, counts: Mapping[str, int] | None = None, effective: int = 0) -> None:
        given = counts or {}
        self._counts = {decided: int(given.get(decided, 0)) for decided in Decided}
        self._seconds: deque[float] = deque(maxlen=_LATENCIES)
        self._lock = Lock()
        self.effective = effective

    def count(self, decided: Decided, number: int = 1, *, effective: bool = False) -> None:
        """Count ``number`` decisions of one kind."""
        with self._lock:
            self._counts[decided] += number
            self.effective += number if effective else 0

    def took(self, seconds: float) -> None:
        """Note how long a call took."""
        self._seconds.append(seconds)

    @property
    def counts(self) -> dict[str, int]:
        """By name, every kind."""
        return {str(decided): number for decided, number in self._counts.items()}

    @property
    def decisions(self) -> int:
        """Decisions, each once."""
        return sum(self._counts[source] for source in SOURCES)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each source among the decisions; zeros before the first."""
        total = max(self.decisions, 1)
        return {str(source): self._counts[source] / total for source in SOURCES}

    def latency(self, percent: float) -> float:
        """Return a percentile of the last 4,096 calls' seconds; 0 before the first."""
        seconds = list(self._seconds)
        return float(np.percentile(seconds, percent)) if seconds else 0.0

    @property
    def warning(self) -> str:
        """What a person should be told of a run in which nothing happened; else empty."""
        if not self.decisions or self.effective:
            return ""
        said = ", ".join(f"{number:,} {name}" for name, number in self.counts.items() if number)
        only_rules = self.decisions == self._counts[Decided.RULE]
        why = "rules decided them all" if only_rules else "look at the prompts"
        return f"None of {self.decisions:,} decisions came to an act ({said}); {why}."
