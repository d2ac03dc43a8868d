"""The gallery: scenarios that come with the program, each with its expected result and source.

``hubbub scenario list`` lists them; ``hubbub run gallery:NAME`` runs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import UnknownNameError

if TYPE_CHECKING:
    from sim.scenario.spec import Scenario

__all__ = ["PREFIX", "gallery_names", "gallery_path", "is_scenario", "open_scenario"]

PREFIX = "gallery:"


def is_scenario(where: str) -> bool:
    """Return whether a word names a scenario, not a world: a ``.toml`` file or ``gallery:NAME``."""
    return where.endswith(".toml") or where.startswith(PREFIX)


def gallery_names() -> tuple[str, ...]:
    """Return the names of the scenarios that come with the program."""
    found = files("sim.scenario.gallery").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in found if f.name.endswith(".toml")))


def open_scenario(
    where: str, variant: str = "", changes: Mapping[str, Any] | None = None
) -> Scenario:
    """Read a scenario: a file, or ``gallery:NAME``.

    Parameters
    ----------
    where
        A file, or ``gallery:NAME``.
    variant, changes
        As in :func:`~sim.scenario.spec.read_scenario`.

    Raises
    ------
    FileError, UnknownNameError
        One sentence.
    """
    from sim.scenario.spec import read_scenario  # the file parser, imported on first use

    if not where.startswith(PREFIX):
        return read_scenario(Path(where), variant, changes=changes)
    return read_scenario(gallery_path(where), variant, called=where, changes=changes)


def gallery_path(where: str) -> Path:
    """Return the file of ``gallery:NAME``."""
    name = where.removeprefix(PREFIX)
    if name not in gallery_names():
        raise UnknownNameError("scenario of the gallery", name, gallery_names())
    return Path(str(files("sim.scenario.gallery") / f"{name}.toml"))
