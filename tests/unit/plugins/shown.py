"""Candidates written by hand, for formulas."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from sim import Candidates


def around(**columns: Any) -> Any:
    """Return what a formula may look at besides its candidates."""
    held = columns.pop("held", {})
    people = SimpleNamespace(column=lambda name: columns[name])
    return SimpleNamespace(people=people, held=held, tick_minutes=60.0)


def candidates(here: Any = None, **columns: Any) -> Candidates:
    """Return candidates of one viewer with these columns, and harmless ones beside."""
    size = max([len(column) for column in columns.values()], default=2)
    zero = np.zeros(size, np.float32)
    known: dict[str, Any] = {
        "message": np.arange(size, dtype=np.uint32), "stops": np.array([0, size], np.int64),
        "bits": np.arange(size, dtype=np.uint64), "tags": np.zeros(size, np.uint64),
        "author": np.arange(size, dtype=np.uint32), "friends": np.zeros(size, np.uint8),
        "flags": np.zeros(size, np.uint8),
    }  # fmt: skip
    known |= dict.fromkeys(
        ("likes", "dislikes", "shares", "replies", "age", "hours", "trust", "interest"), zero
    )
    known["followed"] = known["downranked"] = np.zeros(size, np.bool_)
    for name, column in columns.items():
        found = np.asarray(column)
        known[name] = (
            found.astype(np.float32) if found.dtype.kind in "fi" and name != "row" else found
        )
    return Candidates(here if here is not None else around(), np.zeros(1, np.uint32), known)
