"""TOML from outside: read, or refused by one kind of error."""

from __future__ import annotations

import tomllib
from typing import Any

__all__ = ["from_toml"]


def from_toml(text: str) -> dict[str, Any]:
    """Read TOML that nobody vouches for.

    Raises
    ------
    ValueError
        When it is malformed, or nested so deeply that the reader gives up.

    Examples
    --------
    >>> from_toml("threads = 2")
    {'threads': 2}
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
