"""Comparison of recommenders on one world with common draws, and friend suggestions."""

from sim.lab.recommenders.comparison import (
    Comparison,
    Difference,
    JudgedClaim,
    compare_recommenders,
    compare_recommenders_now,
    vetted,
)
from sim.lab.recommenders.exposure_sums import MEASURES, ExposureSums
from sim.lab.recommenders.friend_suggestions import Suggestion, suggested

__all__ = [
    "MEASURES",
    "Comparison",
    "Difference",
    "ExposureSums",
    "JudgedClaim",
    "Suggestion",
    "compare_recommenders",
    "compare_recommenders_now",
    "suggested",
    "vetted",
]
