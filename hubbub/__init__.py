"""Hubbub as programs import it: ``from hubbub import World, load, save``.

Every public name of ``sim`` is here, and those of its packages are in modules of the same name:
``from hubbub.network import pagerank``. A file of yours called ``sim`` does not get in the way.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
try:
    import sim
finally:
    sys.path.remove(str(_ROOT))
if Path(str(sim.__file__)).resolve().parents[1] != _ROOT:
    raise ImportError(
        f"Another 'sim' ({sim.__file__}) was imported before Hubbub, which has a package of that "
        "name; import hubbub first, or rename the other one."
    )


def _offer(name: str) -> None:
    """Offer the names of a package in a module without a path: no module is loaded twice."""
    home, module = import_module(f"sim.{name}"), ModuleType(f"{__name__}.{name}")

    def load(name: str) -> Any:
        if name not in home.__all__:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        return getattr(home, name)

    module.__doc__ = home.__doc__
    module.__dict__.update(__all__=home.__all__, __getattr__=load, __dir__=partial(dir, home))
    sys.modules[module.__name__] = globals()[name] = module


for _stub in Path(__file__).parent.glob("[!_]*.pyi"):
    _offer(_stub.stem)

__version__, __all__ = sim.__version__, sim.__all__
__getattr__, __dir__ = sim.__getattr__, sim.__dir__
