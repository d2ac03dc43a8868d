"""Messages and their cascades, and the forms in which propagation models are written."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
