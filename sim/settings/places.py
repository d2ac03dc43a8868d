"""The places that settings come from, as files and variables."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sim.core.toml import from_toml
from sim.errors import SettingsError

__all__ = ["profile_tables", "read_table", "stamp", "unknown_variables"]


def read_table(path: Path, *, must_exist: bool) -> dict[str, Any]:
    """Return the TOML table of a file, empty when it is absent and may be.

    Raises
    ------
    SettingsError
        When it cannot be read, is not TOML, or is absent and must not be.
    """
    try:
        return from_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(
                f"{path}: there is no such file; create it or name another."
            ) from None
        return {}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{path}: cannot be read as TOML: {reason}.") from None


def profile_tables(
    path: Path, profiles: object, names: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the profiles of a file, each a table under one of ``names``.

    Raises
    ------
    SettingsError
        When one is not.
    """
    tables: dict[str, Any] = profiles if isinstance(profiles, dict) else {"": profiles}
    for name, table in tables.items():
        if name not in names or not isinstance(table, dict):
            known = ", ".join(f"[profiles.{known}]" for known in names)
            raise SettingsError(f"{path}: profiles are {known}, got {name!r}.")
    return tables


def unknown_variables(
    prefix: str, known: Collection[str], given: Collection[str], numbered: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield a sentence for each variable of ours whose name is none that is known.

    Parameters
    ----------
    prefix
        What ours begin with.
    known
        Names that mean something.
    given
        Names that are set, in the environment or a ``.env`` file.
    numbered
        Beginnings of names that end in a number.
    """
    for name in sorted(set(given)):
        if name.startswith(numbered) and name.rpartition("_")[2].isdecimal():
            continue
        if name.startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else "`hubbub config` lists them."
            yield f"{name} is no setting and changes nothing; {hint}"


def stamp(path: Path) -> tuple[int, int]:
    """Return (time of change in ns, size) of a file, (0, -1) when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return (0, -1)
    return (stat.st_mtime_ns, stat.st_size)
