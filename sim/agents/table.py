"""The schema of population columns, and validation of values that come from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.agents.texts import Texts
from sim.core.text import one_line
from sim.errors import InputError

__all__ = [
    "COLUMNS",
    "MOST",
    "check_values",
    "checked_column",
    "labelled",
    "labels_of",
    "packed_names",
    "room_for",
    "shares",
    "texts_in",
]

MOST = 2**31 - 1  # agents; an int32 holds each of them
COLUMNS: Final[dict[str, tuple[np.dtype[Any], tuple[int, ...]]]] = {
    "personality": (np.dtype(np.uint8), (5,)),
    "interests": (np.dtype(np.uint64), ()),
    "activity": (np.dtype(np.float32), ()),
    "community": (np.dtype(np.int32), ()),
    "status": (np.dtype(np.uint8), ()),
}


def room_for(count: int) -> dict[str, npt.NDArray[Any]]:
    """Return every column, unwritten, with ``count`` rows."""
    return {name: np.empty((count, *rest), dtype) for name, (dtype, rest) in COLUMNS.items()}


def labelled(
    count: int, community: npt.ArrayLike | None, names: Sequence[str]
) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Return labels and a name for each; names are made up when there are none."""
    labels = labels_of(count, community, len(names) or count)
    if names:
        return labels, [one_line(name) or f"group {at}" for at, name in enumerate(names)]
    most = int(labels.max(initial=-1)) + 1
    return labels, [f"group {label}" for label in range(most)]


def labels_of(count: int, community: npt.ArrayLike | None, known: int) -> npt.NDArray[np.int32]:
    """Return labels as int32 (count,), each in -1..known - 1; all -1 when left out."""
    if community is None:
        return np.full(count, -1, np.int32)
    labels = np.asarray(community)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(f"{count} agents need {count} integer labels, got {labels.shape}.")
    labels = labels.astype(np.int64)  # an unsigned label has no -1 to compare with
    low, high = int(labels.min(initial=-1)), int(labels.max(initial=-1))
    if low < -1 or high >= known:
        wrong = low if low < -1 else high
        raise InputError(f"Labels go from -1 (none) to {known - 1}, got {wrong}.")
    return labels.astype(np.int32)


def packed_names(names: Sequence[str] | Texts, count: int) -> Texts:
    """Return imported names cleaned and packed, at most ``count`` of them."""
    packed = names if isinstance(names, Texts) else Texts.of(map(one_line, names))
    if len(packed) > count:
        raise InputError(f"{count} agents have at most {count} names, got {len(packed)}.")
    return packed


def shares(values: npt.ArrayLike, what: str) -> npt.NDArray[np.float64]:
    """Return values as float64, each in [0, 1]."""
    array = np.asarray(values, np.float64)
    if not np.all((array >= 0.0) & (array <= 1.0)):
        raise InputError(f"The {what} of an agent is in [0, 1].")
    return array


def texts_in(columns: Mapping[str, npt.NDArray[Any]], field: str) -> Texts | None:
    """Return the packed texts dumped as ``field``, copied; None when there are none."""
    if f"{field}_text" not in columns or f"{field}_offsets" not in columns:
        return None
    return Texts.checked(
        np.array(columns[f"{field}_text"], np.uint8),
        np.array(columns[f"{field}_offsets"], np.int64),
    )


def checked_column(
    name: str, columns: Mapping[str, npt.NDArray[Any]], count: int
) -> npt.NDArray[Any]:
    """Return a copy of a dumped column; InputError unless dtype and shape are right."""
    dtype, rest = COLUMNS[name]
    if name not in columns:
        raise InputError(f"The column {name!r} of the agents is missing.")
    column = columns[name]
    if column.shape != (count, *rest) or column.dtype != dtype:
        raise InputError(
            f"The column {name!r} of the agents must be {dtype} {(count, *rest)}, "
            f"got {column.dtype} {column.shape}."
        )
    return np.array(column, dtype, order="C")


def check_values(own: dict[str, npt.NDArray[Any]], communities: int, interests: int) -> None:
    """Refuse values that would send a kernel out of its arrays."""
    community, status = own["community"], own["status"]
    fine = (
        int(community.min(initial=-1)) >= -1
        and int(community.max(initial=-1)) < communities
        and int(status.max(initial=0)) <= max(Lifecycle)
        and (interests == 64 or not np.any(own["interests"] >> np.uint64(interests)))
        and bool(np.all((own["activity"] >= 0) & (own["activity"] <= 1)))
    )
    if not fine:
        raise InputError("The columns of the agents hold values outside their range.")
