"""Who hears whom: the graph, random generators, network measures, relations."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
