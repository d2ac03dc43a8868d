"""Sweeps: a scenario at many points of its parameters, and the sensitivity of a measure to each."""

from __future__ import annotations

from sim.lab.sweeps.designs import DESIGNS, MOST_POINTS, Design, design_of
from sim.lab.sweeps.result import HeatMap, Sweep, Tornado
from sim.lab.sweeps.running import SweepProgress, sweep, sweep_now

__all__ = [
    "DESIGNS",
    "MOST_POINTS",
    "Design",
    "HeatMap",
    "Sweep",
    "SweepProgress",
    "Tornado",
    "design_of",
    "sweep",
    "sweep_now",
]
