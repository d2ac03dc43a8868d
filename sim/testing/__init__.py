"""For plugin authors: tiny worlds, and the laws that every propagation model must satisfy.

>>> from hubbub import make
>>> from hubbub.testing import check_plugin
>>> "resumes" in check_plugin(type(make("independent-cascade")))
True
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
