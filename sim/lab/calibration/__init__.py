"""Calibration: find parameters of a model that would have produced the observations."""

from sim.lab.calibration.fitting import METHODS, calibrate, calibrate_now, halves
from sim.lab.calibration.observed import (
    FACTS,
    MEASURES,
    Fact,
    GrowthCurves,
    Observed,
    Tree,
    grid_of,
    ks,
    nrmse,
    read_observed,
)
from sim.lab.calibration.result import Calibration, Fitted, JudgedError
from sim.lab.calibration.simulating import SimulationPlan, ranges_of, simulated, simulated_trees

__all__ = [
    "FACTS",
    "MEASURES",
    "METHODS",
    "Calibration",
    "Fact",
    "Fitted",
    "GrowthCurves",
    "JudgedError",
    "Observed",
    "SimulationPlan",
    "Tree",
    "calibrate",
    "calibrate_now",
    "grid_of",
    "halves",
    "ks",
    "nrmse",
    "ranges_of",
    "read_observed",
    "simulated",
    "simulated_trees",
]
