"""Declarations of columns (dtype, shape, range, fill), used to dump, restore, grow and check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.arrays import Array
from sim.errors import InputError

Sizes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """The type, shape and range of a column.

    Parameters
    ----------
    dtype
        In numpy's notation: ``"u1"``, ``"i4"``.
    shape
        Length of each dimension: a number, the name of a size, or None for any length.
    below
        Exclusive upper bound: a number or the name of a size; None: any value of the dtype.
    low
        Inclusive lower bound: a number or the name of a size.
    none
        A value that is also allowed, and means none.
    bits
        Mask of the bits that are checked.
    fill
        Value of added rows.
    high
        Inclusive upper bound.

    Examples
    --------
    >>> Bound("u4", (None,), below="agents").fits(np.array([0, 9], np.uint32), {"agents": 10})
    True
    """

    dtype: str
    shape: tuple[int | str | None, ...] = ("agents",)
    below: int | str | None = None
    low: int | str | None = None
    none: int | None = None
    bits: int | None = None
    fill: int = 0
    high: int | None = None

    def shape_of(self, sizes: Sizes) -> tuple[int, ...]:
        """Return its shape, with 0 for any length."""
        return tuple(_size(length, sizes) or 0 for length in self.shape)

    def vacant(self, sizes: Sizes) -> Array:
        """Return a new column filled with :attr:`fill`; zeros take no memory until written."""
        shape = self.shape_of(sizes)
        return np.full(shape, self.fill, self.dtype) if self.fill else np.zeros(shape, self.dtype)

    def grown(self, column: Array, sizes: Sizes) -> Array:
        """Return a column extended to the sizes."""
        rows, *rest = self.shape_of(sizes)
        more = Bound(self.dtype, (rows - len(column), *rest), fill=self.fill).vacant(sizes)
        return np.concatenate([column, more]) if len(column) else more

    def has_form(self, column: Array, sizes: Sizes) -> bool:
        """Return whether a column has the dtype and the shape."""
        wanted = [_size(length, sizes) for length in self.shape]
        return (
            column.dtype == np.dtype(self.dtype)
            and column.ndim == len(wanted)
            and all(w is None or w == has for w, has in zip(wanted, column.shape, strict=True))
        )

    def fits(self, column: Array, sizes: Sizes) -> bool:
        """Return whether a column is within the bound; NaN is in no range."""
        if not self.has_form(column, sizes):
            return False
        values = column if self.none is None else column[column != self.none]
        if self.bits is not None:
            values = values & values.dtype.type(self.bits)
        low, below = _size(self.low, sizes), _size(self.below, sizes)
        return not values.size or (
            (low is None or bool(values.min() >= low))
            and (below is None or bool(values.max() < below))
            and (self.high is None or bool(values.max() <= self.high))
        )

    def said(self, sizes: Sizes) -> str:
        """Return the allowed values as text for a sentence."""
        low, below = _size(self.low, sizes), _size(self.below, sizes)
        shape = " by ".join("any" if n is None else f"{_size(n, sizes):,}" for n in self.shape)
        values = "" if below is None else f", each {low or 0} to {below - 1:,}"
        return f"{shape} values of {np.dtype(self.dtype).name}{values}"


def require(
    columns: Iterable[tuple[str, Array]],
    bounds: Mapping[str, Bound],
    sizes: Sizes,
    owner: str,
    sentence: str = "",
) -> None:
    """Raise for columns that are out of bounds; those without a bound are not checked."""
    for name, column in columns:
        bound = bounds.get(name)
        if bound is not None and not bound.fits(column, sizes):
            said = f"The column {name!r} of {owner} must hold {bound.said(sizes)}; it does not."
            raise InputError(sentence or said)


def declared(
    columns: Mapping[str, Array], bounds: Mapping[str, Bound], sizes: Sizes, which: str
) -> dict[str, Array]:
    """Return declared columns in order, checking dtype and shape."""
    own: dict[str, Array] = {}
    for name, bound in bounds.items():
        if name not in columns:
            raise InputError(f"{which.format(name)} is missing.")
        column = own[name] = columns[name]
        if not bound.has_form(column, sizes):
            wanted = f"{np.dtype(bound.dtype)} {bound.shape_of(sizes)}"
            got = f"{column.dtype} {column.shape}"
            raise InputError(f"{which.format(name)} must be {wanted}, got {got}.")
    return own


def taken(
    columns: Mapping[str, Array], bounds: Mapping[str, Bound], owner: str
) -> dict[str, Array]:
    """Return copies of declared columns with their dtypes, in declared order."""
    missing = [name for name in bounds if name not in columns]
    if missing:
        raise InputError(f"The column {missing[0]!r} of {owner} is missing.")
    return {name: np.array(columns[name], bound.dtype) for name, bound in bounds.items()}


def prefixed(prefix: str, columns: Mapping[str, Array]) -> dict[str, Array]:
    """Return the columns of a part under names that begin with a prefix."""
    return {prefix + name: column for name, column in columns.items()}


def under(prefix: str, columns: Mapping[str, Array]) -> dict[str, Array]:
    """Return the columns of a part: those whose names begin with a prefix, without it."""
    own = (name for name in columns if name.startswith(prefix))
    return {name.removeprefix(prefix): columns[name] for name in own}


class DeclaredColumns:
    """A component whose columns are declared once, in :attr:`bounds`, and are its attributes."""

    bounds: ClassVar[Mapping[str, Bound]] = {}  # by name, in the order in which they are dumped

    @classmethod
    def vacant(cls, sizes: Sizes) -> dict[str, Array]:
        """Return all columns, filled with their fill values."""
        return {name: bound.vacant(sizes) for name, bound in cls.bounds.items()}

    def hold(self, columns: Mapping[str, Array]) -> None:
        """Set the columns."""
        vars(self).update(columns)

    def grow_to(self, sizes: Sizes) -> None:
        """Extend every column to the sizes."""
        held = self.dump().items()
        self.hold({name: self.bounds[name].grown(column, sizes) for name, column in held})

    def dump(self) -> dict[str, Array]:
        """Return the columns by name."""
        return {name: getattr(self, name) for name in self.bounds}

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(int(column.nbytes) for column in self.dump().values())


def _size(length: int | str | None, sizes: Sizes) -> int | None:
    return sizes[length] if isinstance(length, str) else length
