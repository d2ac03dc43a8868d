"""Running worlds: ``Simulation`` (asyncio), frames, sessions, and opening of saved worlds."""

from __future__ import annotations

from sim.runtime.blocking import run_blocking
from sim.runtime.bulk_operations import DetectedCommunities
from sim.runtime.engine.engine import EngineError
from sim.runtime.engine.engine_command import ReplacedError
from sim.runtime.engine.outbox import FrameWatch
from sim.runtime.frames.frames import Communities, Focus, Frame, Kept, SessionRow
from sim.runtime.frames.sessions import Session
from sim.runtime.health.exporter import exported
from sim.runtime.health.sources import SimulationSource
from sim.runtime.interactions import Batch
from sim.runtime.jobs import Job, Progress, start
from sim.runtime.journal.persistence import Keeping
from sim.runtime.opening import Opened, describe, open_live
from sim.runtime.performance import Performance
from sim.runtime.preview import Plan
from sim.runtime.process.sessions import IsolatedSession
from sim.runtime.process.simulation import IsolatedSimulation
from sim.runtime.saves.places import (
    LivePlace,
    discard,
    free_name,
    live_places,
    newest_checkpoint,
    sweep_untouched,
)
from sim.runtime.simulation import Simulation

__all__ = [
    "Batch",
    "Communities",
    "DetectedCommunities",
    "EngineError",
    "Focus",
    "Frame",
    "FrameWatch",
    "IsolatedSession",
    "IsolatedSimulation",
    "Job",
    "Keeping",
    "Kept",
    "LivePlace",
    "Opened",
    "Performance",
    "Plan",
    "Progress",
    "ReplacedError",
    "Session",
    "SessionRow",
    "Simulation",
    "SimulationSource",
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
