"""Hubbub: a social network of a million members, simulated.

Here are the names that most programs and plugins need; the rest comes from the packages, as
``from sim.network import pagerank``. Each stands in one ``__init__.pyi``, and is loaded when first
used: ``import sim`` is immediate.
"""

from __future__ import annotations

from sim.core.face import face

__version__ = "1.0.0"

__getattr__, __dir__, __all__ = face(__name__)
