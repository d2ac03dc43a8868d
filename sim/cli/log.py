"""The log, as the verbs write it: :mod:`sim.core.logbook`."""

from __future__ import annotations

from sim.core.logbook import LOG, Level, log

__all__ = ["LOG", "Level", "log"]
