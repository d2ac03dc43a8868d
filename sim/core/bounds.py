"""Declared dtype, shape and range of columns read from files, checked before kernels use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError

__all__ = ["Bound", "require"]

Column = npt.NDArray[Any]
Sizes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """The type, shape and range of a column.

    Parameters
    ----------
    dtype
        As numpy writes it: ``"u1"``, ``"i4"``.
    shape
        How long it is in each direction: a number, the name of a size, or None for any length.
    below
        Every value is less: a number or the name of a size; None: the type is bound enough.
    low
        No value is less.
    none
        A value that is allowed besides, and stands for nothing.
    bits
        Which bits of a value are looked at.

    Examples
    --------
    >>> Bound("u4", (None,), below="agents").fits(np.array([0, 9], np.uint32), {"agents": 10})
    True
    """

    dtype: str
    shape: tuple[int | str | None, ...] = ("agents",)
    below: int | str | None = None
    low: int | None = None
    none: int | None = None
    bits: int | None = None

    def fits(self, column: Column, sizes: Sizes) -> bool:
        """Return whether a column is within the bound."""
        wanted = [_size(length, sizes) for length in self.shape]
        return (
            column.dtype == np.dtype(self.dtype)
            and column.ndim == len(wanted)
            and all(w is None or w == has for w, has in zip(wanted, column.shape, strict=True))
            and self._holds(column, _size(self.below, sizes))
        )

    def _holds(self, column: Column, below: int | None) -> bool:
        values = column if self.none is None else column[column != self.none]
        if self.bits is not None:
            values = values & values.dtype.type(self.bits)
        if not values.size:
            return True
        is_low = self.low is not None and values.min() < self.low
        return not is_low and (below is None or bool(values.max() < below))

    def said(self, sizes: Sizes) -> str:
        """Return what is allowed, for a sentence."""
        below = _size(self.below, sizes)
        shape = " by ".join("any" if n is None else f"{_size(n, sizes):,}" for n in self.shape)
        values = "" if below is None else f", each {self.low or 0} to {below - 1:,}"
        return f"{shape} values of {np.dtype(self.dtype).name}{values}"


def require(
    columns: Iterable[tuple[str, Column]], bounds: Mapping[str, Bound], sizes: Sizes, owner: str
) -> None:
    """Refuse columns that are not within their bounds; those without one are not looked at.

    Parameters
    ----------
    columns
        (name, array) of each.
    bounds
        By name.
    sizes
        What the names in bounds stand for.
    owner
        Whose columns they are, for the sentence.

    Raises
    ------
    InputError
        Which names the column.
    """
    for name, column in columns:
        bound = bounds.get(name)
        if bound is not None and not bound.fits(column, sizes):
            raise InputError(
                f"The column {name!r} of {owner} must hold {bound.said(sizes)}; it does not."
            )


def _size(length: int | str | None, sizes: Sizes) -> int | None:
    return sizes[length] if isinstance(length, str) else length
