"""Error messages with their place: ``InputError`` told with file and section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.errors import FileError, InputError


@contextmanager
def placed(place: tuple[Path, str] | None) -> Iterator[None]:
    """Let an ``InputError`` name the file and section that it is about, when there are some."""
    try:
        yield
    except InputError as error:
        if place is None:
            raise
        path, section = place
        raise FileError(path, f"{section}: {as_clause(str(error))}") from None


def as_clause(said: str) -> str:
    """Return a sentence as it stands within another."""
    return re.sub(r"\. (Did you mean .*\?)\.?$", r" (\1)", said).rstrip(".")
