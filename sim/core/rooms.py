"""Import of the program's own packages ``sim``, ``plugins`` and ``tui`` from where they are.

The working folder may contain packages with these common names, and Python searches it first: with
``python -m sim``, in a notebook, and in processes started from there.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from sim.errors import HubbubError

ROOMS = ("sim", "plugins", "tui")


class ClashWarning(UserWarning):
    """A folder has the name of one of our packages, and would have shadowed it."""


def root() -> Path:
    """Return the folder that contains our packages."""
    return Path(__file__).resolve().parents[2]


def own(name: str) -> None:
    """Make a name import our package, whatever the search path."""
    known, init = sys.modules.get(name), root() / name / "__init__.py"
    if known is not None:
        if not is_own(known):
            raise HubbubError(
                f"The package {name!r} of {_place_of(known)} was imported where Hubbub has its "
                "own of that name; rename it, or import sim before it."
            )
        return
    spec = importlib.util.spec_from_file_location(
        name, init, submodule_search_locations=[str(init.parent)]
    )
    if not init.is_file() or spec is None or spec.loader is None:
        return  # not installed here: its entry point finds it, or reports that it cannot
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def is_own(module: ModuleType) -> bool:
    """Return whether a module with the name of one of our packages is that package."""
    return _place_of(module) == root() / str(module.__name__)


def _place_of(module: ModuleType) -> Path:
    places = [*getattr(module, "__path__", ()), getattr(module, "__file__", None) or "nowhere"]
    return Path(places[0]).resolve()


def clashes() -> tuple[str, ...]:
    """Return a sentence for each package on the search path with the name of one of ours."""
    found = []
    for name in ROOMS:
        spec = PathFinder.find_spec(name)
        if spec is None or spec.origin is None:  # a folder without __init__.py shadows nothing
            continue
        place = Path(spec.origin).resolve()
        if place != root() / name / "__init__.py":
            shown = place.parent if place.name == "__init__.py" else place
            found.append(
                f"{shown} has the name of a package of Hubbub, whose own is used in its place; "
                "rename it to import it."
            )
    return tuple(found)


def environment() -> dict[str, str]:
    """Return the environment for a process to find the same packages as this one, ours first.

    The order of other entries stays; a folder that shadows ours comes after them.
    """
    here, folders = str(root()), [*filter(None, sys.path)]
    place = next((n for n, folder in enumerate(folders) if _hides(folder, here)), len(folders))
    if here not in folders[:place]:
        folders.insert(place, here)
    return os.environ | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(folders))}


def die_with_parent() -> None:
    """Make this process end with its parent, if the system supports it (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)


_DEATH = 1
"""prctl's PR_SET_PDEATHSIG."""


def _hides(folder: str, here: str) -> bool:
    """Return whether a folder on the search path has packages with our names."""
    if folder == here:
        return False
    at = Path(folder)
    return any((at / name).is_dir() or (at / f"{name}.py").is_file() for name in ROOMS)
