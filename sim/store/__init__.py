"""Worlds in SQLite files: ``save``, ``load``, ``info``, ``verify``, journals and logs."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
