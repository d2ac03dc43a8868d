"""The log, as the verbs write it: :mod:`sim.settings.logging`."""

from __future__ import annotations

from sim.settings.logging import LOG, Level, log

__all__ = ["LOG", "Level", "log"]
