"""The social platform: posts, feeds, what members do, and its part of a tick."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
