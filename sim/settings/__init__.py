"""The user's settings, with their sources, and the program's own log."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
