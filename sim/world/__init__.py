"""The state of a world and its tick: :mod:`~sim.world.world`, phases, checks.

Names are loaded on first use: worlds import the platform, whose modules need parts of this package
first.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
