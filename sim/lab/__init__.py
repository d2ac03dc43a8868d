"""Experiments on worlds: the same seed under two conditions, and what may be said of the outcome.

What the lab offers is loaded when first used: ``from sim import lab`` is immediate.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.lab.calibration import Calibration as Calibration
    from sim.lab.calibration import Observed as Observed
    from sim.lab.calibration import calibrate as calibrate
    from sim.lab.calibration import read_observed as read_observed
    from sim.lab.calibration import run_calibration as run_calibration
    from sim.lab.ensembles import Ensemble as Ensemble
    from sim.lab.ensembles import ensemble as ensemble
    from sim.lab.ensembles import run_ensemble as run_ensemble
    from sim.lab.futures import Future as Future
    from sim.lab.futures import Futures as Futures
    from sim.lab.futures import compare as compare
    from sim.lab.futures import compare_futures as compare_futures
    from sim.lab.runs import Messages as Messages
    from sim.lab.runs import Program as Program
    from sim.lab.runs import Progress as Progress
    from sim.lab.runs import Records as Records
    from sim.lab.runs import experiment as experiment
    from sim.lab.seeding import BlockingResult as BlockingResult
    from sim.lab.seeding import SeedResult as SeedResult
    from sim.lab.seeding import best_seeds as best_seeds
    from sim.lab.seeding import block as block
    from sim.lab.seeding import find_blocks as find_blocks
    from sim.lab.seeding import find_seeds as find_seeds
    from sim.lab.statistics import Interval as Interval
    from sim.lab.statistics import MeasuredDifference as MeasuredDifference
    from sim.lab.statistics import Takeoff as Takeoff
    from sim.lab.statistics import conclusion as conclusion
    from sim.lab.statistics import effect_size as effect_size
    from sim.lab.statistics import mean_interval as mean_interval
    from sim.lab.statistics import median_interval as median_interval
    from sim.lab.statistics import paired_difference as paired_difference
    from sim.lab.statistics import power as power
    from sim.lab.statistics import replicates_needed as replicates_needed
    from sim.lab.statistics import share_interval as share_interval
    from sim.lab.statistics import takeoff as takeoff
    from sim.lab.statistics import unpaired_difference as unpaired_difference
    from sim.lab.studies import Study as Study
    from sim.lab.studies import StudyFindings as StudyFindings
    from sim.lab.studies import read_findings as read_findings
    from sim.lab.studies import run_study as run_study
    from sim.lab.studies import run_study_now as run_study_now
    from sim.lab.studies import study_of as study_of
    from sim.lab.sweeps import Sweep as Sweep
    from sim.lab.sweeps import run_sweep as run_sweep
    from sim.lab.sweeps import sweep as sweep
    from sim.lab.tables import Result as Result
    from sim.lab.tables import Table as Table
    from sim.lab.validation import Compared as Compared
    from sim.lab.validation import ModelClaim as ModelClaim
    from sim.lab.validation import Validation as Validation
    from sim.lab.validation import compared_mean as compared_mean
    from sim.lab.validation import compared_share as compared_share
    from sim.lab.validation import validate as validate
    from sim.lab.validation import validate_now as validate_now

_HOMES = {
    "BlockingResult": "sim.lab.seeding",
    "Compared": "sim.lab.validation",
    "Ensemble": "sim.lab.ensembles",
    "Future": "sim.lab.futures",
    "Futures": "sim.lab.futures",
    "Calibration": "sim.lab.calibration",
    "Observed": "sim.lab.calibration",
    "calibrate": "sim.lab.calibration",
    "run_calibration": "sim.lab.calibration",
    "read_observed": "sim.lab.calibration",
    "Interval": "sim.lab.statistics",
    "MeasuredDifference": "sim.lab.statistics",
    "Messages": "sim.lab.runs",
    "ModelClaim": "sim.lab.validation",
    "Program": "sim.lab.runs",
    "Progress": "sim.lab.runs",
    "Records": "sim.lab.runs",
    "Result": "sim.lab.tables",
    "SeedResult": "sim.lab.seeding",
    "Study": "sim.lab.studies",
    "StudyFindings": "sim.lab.studies",
    "Sweep": "sim.lab.sweeps",
    "Table": "sim.lab.tables",
    "Takeoff": "sim.lab.statistics",
    "Validation": "sim.lab.validation",
    "best_seeds": "sim.lab.seeding",
    "block": "sim.lab.seeding",
    "compare": "sim.lab.futures",
    "compare_futures": "sim.lab.futures",
    "compared_mean": "sim.lab.validation",
    "compared_share": "sim.lab.validation",
    "conclusion": "sim.lab.statistics",
    "effect_size": "sim.lab.statistics",
    "ensemble": "sim.lab.ensembles",
    "experiment": "sim.lab.runs",
    "find_blocks": "sim.lab.seeding",
    "find_seeds": "sim.lab.seeding",
    "mean_interval": "sim.lab.statistics",
    "median_interval": "sim.lab.statistics",
    "paired_difference": "sim.lab.statistics",
    "power": "sim.lab.statistics",
    "read_findings": "sim.lab.studies",
    "replicates_needed": "sim.lab.statistics",
    "run_ensemble": "sim.lab.ensembles",
    "run_study": "sim.lab.studies",
    "run_study_now": "sim.lab.studies",
    "run_sweep": "sim.lab.sweeps",
    "share_interval": "sim.lab.statistics",
    "study_of": "sim.lab.studies",
    "sweep": "sim.lab.sweeps",
    "takeoff": "sim.lab.statistics",
    "unpaired_difference": "sim.lab.statistics",
    "validate": "sim.lab.validation",
    "validate_now": "sim.lab.validation",
}
"""Each public name and where it lives; a line here and one above offer another."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim.lab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
