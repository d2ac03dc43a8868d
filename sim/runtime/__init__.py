"""Running worlds: ``Simulation`` (asyncio), frames, sessions, and opening of saved worlds.

Names are loaded when first used: a worker of the lab needs a part of this, and not its engine.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
