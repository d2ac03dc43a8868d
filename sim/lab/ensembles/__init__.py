"""Ensembles: one program on one world, many times over, and what may be said of it."""

from __future__ import annotations

from sim.lab.ensembles.ensemble import Ensemble
from sim.lab.ensembles.running import ensemble, run_ensemble

__all__ = ["Ensemble", "ensemble", "run_ensemble"]
