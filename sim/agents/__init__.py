"""The population as columns: traits, interests, names, ids, stages of life, queries."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
