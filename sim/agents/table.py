"""The columns of a population, packed texts, and validation of values from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.agents.traits_kernels import hash_texts
from sim.core.bounds import Bound
from sim.core.text import one_line
from sim.errors import InputError

_T = TypeVar("_T", bound=np.generic)


class Texts:
    """A read-only sequence of strings; a million strings of 10 letters take 18 MB."""

    __slots__ = ("blob", "offsets")

    def __init__(self, blob: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> None:
        self.blob = _frozen(blob)
        self.offsets = _frozen(offsets)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Return the strings in packed form; a lone surrogate becomes ``?``."""
        parts = [text.encode("utf-8", "replace") for text in texts]
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=offsets[1:])
        return cls(np.frombuffer(b"".join(parts), np.uint8), offsets)

    @classmethod
    def checked(cls, blob: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Texts:
        """Return arrays from outside as texts; raise InputError if they do not match each other."""
        fit = (
            blob.ndim == offsets.ndim == 1
            and len(offsets) > 0
            and int(offsets[0]) == 0
            and int(offsets[-1]) == len(blob)
            and bool(np.all(offsets[1:] >= offsets[:-1]))
        )
        if not fit:
            raise InputError("Offsets of packed texts must rise from 0 to the length of the bytes.")
        return cls(blob, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        piece = self.blob[int(self.offsets[index]) : int(self.offsets[index + 1])]
        return piece.tobytes().decode("utf-8", "replace")

    def __iter__(self) -> Iterator[str]:
        raw = self.blob.tobytes()
        ends = self.offsets.tolist()
        for low, high in pairwise(ends):
            yield raw[low:high].decode("utf-8", "replace")

    def __add__(self, other: Texts) -> Texts:
        return Texts(
            np.concatenate([self.blob, other.blob]),
            np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
        )

    @property
    def nbytes(self) -> int:
        """Size in bytes of both arrays."""
        return self.blob.nbytes + self.offsets.nbytes

    def hashes(self) -> npt.NDArray[np.uint64]:
        """Return a 64-bit hash of each text, identical on every machine; uint64 (n,)."""
        out = np.empty(len(self), np.uint64)
        with np.errstate(over="ignore"):
            hash_texts(self.blob, self.offsets, out)
        return out


def _frozen(array: npt.NDArray[_T]) -> npt.NDArray[_T]:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


MOST = 2**31 - 1  # agents; the largest number that fits in an int32
COLUMNS: Final[Mapping[str, Bound]] = MappingProxyType(
    {
        "personality": Bound("u1", ("agents", 5)),
        "interests": Bound("u8", below="masks"),
        "activity": Bound("f4", low=0, high=1),
        "community": Bound("i4", low=-1, below="communities"),
        "status": Bound("u1", below=max(Lifecycle) + 1),
    }
)


def room_for(count: int) -> dict[str, npt.NDArray[Any]]:
    """Return all columns, uninitialised, with ``count`` rows."""
    return {n: np.empty(b.shape_of({"agents": count}), b.dtype) for n, b in COLUMNS.items()}


def labelled(
    count: int, community: npt.ArrayLike | None, names: Sequence[str]
) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Return labels and a name for each; names are generated if none are given."""
    labels = labels_of(count, community, len(names) or count)
    if names:
        return labels, [one_line(name) or f"group {at}" for at, name in enumerate(names)]
    most = int(labels.max(initial=-1)) + 1
    return labels, [f"group {label}" for label in range(most)]


def labels_of(count: int, community: npt.ArrayLike | None, known: int) -> npt.NDArray[np.int32]:
    """Return labels as int32 (count,), each in -1..known - 1; all -1 if omitted."""
    if community is None:
        return np.full(count, -1, np.int32)
    labels = np.asarray(community)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(f"{count} agents need {count} integer labels, got {labels.shape}.")
    labels = labels.astype(np.int64)  # an unsigned label cannot be compared with -1
    low, high = int(labels.min(initial=-1)), int(labels.max(initial=-1))
    if low < -1 or high >= known:
        wrong = low if low < -1 else high
        raise InputError(f"Labels go from -1 (none) to {known - 1}, got {wrong}.")
    return labels.astype(np.int32)


def packed_names(names: Sequence[str] | Texts, count: int) -> Texts:
    """Return at most ``count`` imported names, cleaned and packed."""
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
    """Return a packed copy of the texts dumped as ``field``; None if there are none."""
    if f"{field}_text" not in columns or f"{field}_offsets" not in columns:
        return None
    return Texts.checked(
        np.array(columns[f"{field}_text"], np.uint8),
        np.array(columns[f"{field}_offsets"], np.int64),
    )
