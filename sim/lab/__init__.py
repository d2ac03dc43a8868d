"""The lab: many runs of worlds, statistics of their outcomes, fits, checks and seed choices.

Everything is loaded when first used, so ``from sim import lab`` is immediate.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
