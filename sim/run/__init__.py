"""A world that lives: commands, sessions, frames, and a thread to run it in."""

from __future__ import annotations

from sim.run.batches import Detected
from sim.run.blocking import run_blocking
from sim.run.commands import ReplacedError
from sim.run.custody import Keeping
from sim.run.engine import EngineError
from sim.run.exporter import exported
from sim.run.exporter_sources import OfSimulation
from sim.run.frames import Communities, Focus, Frame, Kept, SessionRow
from sim.run.interactions import Batch
from sim.run.isolated import IsolatedSimulation
from sim.run.isolated_works import IsolatedSession
from sim.run.jobs import Job, Progress, start
from sim.run.opening import Opened, describe, open_live
from sim.run.outbox import Watch
from sim.run.performance import Performance
from sim.run.places import (
    LivePlace,
    discard,
    free_name,
    live_places,
    newest_checkpoint,
    sweep_untouched,
)
from sim.run.plans import Plan
from sim.run.sessions import Session
from sim.run.simulation import Simulation

__all__ = [
    "Batch",
    "Communities",
    "Detected",
    "EngineError",
    "Focus",
    "Frame",
    "IsolatedSession",
    "IsolatedSimulation",
    "Job",
    "Keeping",
    "Kept",
    "LivePlace",
    "OfSimulation",
    "Opened",
    "Performance",
    "Plan",
    "Progress",
    "ReplacedError",
    "Session",
    "SessionRow",
    "Simulation",
    "Watch",
    "describe",
    "discard",
    "exported",
    "free_name",
    "live_places",
    "newest_checkpoint",
    "open_live",
    "run_blocking",
    "start",
    "sweep_untouched",
]
