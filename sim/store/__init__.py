"""Worlds in SQLite files: ``save``, ``load``, ``info``, ``verify``, what journals and logs tell."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
