"""The lab: many runs of worlds, what may be said of their outcome, fits, checks and seeds.

What the lab offers is loaded when first used: ``from sim import lab`` is immediate.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
