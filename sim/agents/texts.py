""":class:`Texts`: a packed string array: UTF-8 bytes end to end, with offsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sim.agents.traits_kernels import hash_texts
from sim.errors import InputError

_T = TypeVar("_T", bound=np.generic)


class Texts:
    """A read-only sequence of strings; a million of 10 letters take 18 MB."""

    __slots__ = ("blob", "offsets")

    def __init__(self, blob: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> None:
        self.blob = _frozen(blob)
        self.offsets = _frozen(offsets)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Return the strings packed; a lone surrogate becomes ``?``."""
        parts = [text.encode("utf-8", "replace") for text in texts]
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=offsets[1:])
        return cls(np.frombuffer(b"".join(parts), np.uint8), offsets)

    @classmethod
    def checked(cls, blob: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Texts:
        """Return arrays from outside as texts; InputError when they do not fit each other."""
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
        """Bytes of both arrays."""
        return self.blob.nbytes + self.offsets.nbytes

    def hashes(self) -> npt.NDArray[np.uint64]:
        """Return a 64-bit hash of each text, the same on every machine; uint64 (n,)."""
        out = np.empty(len(self), np.uint64)
        with np.errstate(over="ignore"):
            hash_texts(self.blob, self.offsets, out)
        return out


def _frozen(array: npt.NDArray[_T]) -> npt.NDArray[_T]:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
