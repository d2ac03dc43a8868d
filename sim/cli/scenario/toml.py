"""TOML files that people write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim.core.toml import from_toml
from sim.errors import FileError

__all__ = ["toml_table"]

_MOST_BYTES = 1 << 20


def toml_table(file: Path) -> dict[str, Any]:
    """Return what a scenario file holds.

    Raises
    ------
    FileError
        When it cannot be read, is larger than 1 MiB, or is no TOML.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise FileError(file, "a scenario has at most 1 MiB; is it one?")
        return from_toml(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise FileError(file, f"{reason}; name a scenario file") from None
    except ValueError as error:
        raise FileError(file, f"it is no TOML: {error}") from None
