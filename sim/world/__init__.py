"""The state and its tick: :mod:`~sim.world.world`, its phases, what it refuses.

Names are loaded when first used: worlds know the platform, whose modules need parts of this room
first.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
