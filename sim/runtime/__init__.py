"""Running worlds: ``Simulation`` (asyncio), frames, sessions, and opening of saved worlds.

Names are loaded on first use: a worker of the lab needs only part of this, and no engine.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
