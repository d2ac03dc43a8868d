"""Statistics of the results of runs: intervals, differences, effect sizes, power, sentences.

Pure functions over arrays, independent of worlds. Every interval is two-sided.
"""

from sim.lab.statistics.differences import (
    EffectSize,
    MeasuredDifference,
    conclusion,
    effect_size,
    family,
    holm,
    paired_difference,
    power,
    replicates_needed,
    unpaired_difference,
)
from sim.lab.statistics.intervals import (
    CONFIDENCE,
    Interval,
    Takeoff,
    mean_interval,
    means_said,
    median_interval,
    share_interval,
    takeoff,
    takeoff_threshold,
)

__all__ = [
    "CONFIDENCE",
    "EffectSize",
    "Interval",
    "MeasuredDifference",
    "Takeoff",
    "conclusion",
    "effect_size",
    "family",
    "holm",
    "mean_interval",
    "means_said",
    "median_interval",
    "paired_difference",
    "power",
    "replicates_needed",
    "share_interval",
    "takeoff",
    "takeoff_threshold",
    "unpaired_difference",
]
