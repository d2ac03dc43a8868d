"""Run experiments: a base world, programs and seeds; every replicate is recorded.

A replicate is a copy of the base world that shares what no tick modifies, has a seed of
its own, and runs one program. A seed gives the same draws under every program, so arms are
compared pairwise.
"""

from __future__ import annotations

from sim.lab.runs.experiment import (
    MOST_TICKS,
    ExperimentProgress,
    Messages,
    experiment,
    experiment_now,
    seeds_from,
)
from sim.lab.runs.measures import MEASURES, SERIES, Measure, column_name
from sim.lab.runs.results import Records
from sim.lab.runs.workers import BACKENDS, Backend
from sim.runtime.engine.run_control import Program
from sim.scenario.plan import at_rest

__all__ = [
    "BACKENDS",
    "MEASURES",
    "MOST_TICKS",
    "SERIES",
    "Backend",
    "ExperimentProgress",
    "Measure",
    "Messages",
    "Program",
    "Records",
    "at_rest",
    "column_name",
    "experiment",
    "experiment_now",
    "seeds_from",
]
