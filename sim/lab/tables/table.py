"""A table: named columns of equal length, with their units and a caption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.figure import Figure
    from rich.console import Group

__all__ = ["Table"]

Column = npt.NDArray[Any]
_SHOWN = 20


class Table:
    """Named columns of equal length; never changed once made.

    Parameters
    ----------
    columns
        Name to values. Numbers and truths become arrays of their dtype; anything else becomes an
        array of objects: texts, and None where there is none.
    units
        Name to unit, such as ``"members"`` or ``"ticks"``; for columns that have one.
    caption
        One line on what the rows are.

    Raises
    ------
    InputError
        For columns of different lengths, a name that is empty, or a unit of no column.

    Examples
    --------
    >>> table = Table({"arm": ["a", "b"], "reach": [3, 5]}, units={"reach": "members"})
    >>> len(table), table.names, int(table["reach"].sum())
    (2, ('arm', 'reach'), 8)
    """

    __slots__ = ("_columns", "caption", "units")

    def __init__(
        self,
        columns: Mapping[str, Any],
        *,
        units: Mapping[str, str] | None = None,
        caption: str = "",
    ) -> None:
        self._columns = {str(name): _column(values) for name, values in columns.items()}
        self.units: Mapping[str, str] = MappingProxyType(dict(units or {}))
        self.caption = caption
        _require_one_shape(self._columns, self.units)

    @classmethod
    def of_rows(
        cls,
        rows: Iterable[Mapping[str, Any]],
        *,
        names: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        caption: str = "",
    ) -> Table:
        """Make a table of rows; what a row does not name is NaN among numbers, else None.

        Parameters
        ----------
        rows
            Each a mapping of names to values.
        names
            The columns and their order; None: as they are met.
        units, caption
            As of the table.

        Examples
        --------
        >>> Table.of_rows([{"a": 1}, {"a": 2, "b": "x"}])["b"].tolist()
        [None, 'x']
        """
        held = list(rows)
        found = names if names is not None else list(dict.fromkeys(n for row in held for n in row))
        columns = {name: _filled([row.get(name) for row in held]) for name in found}
        return cls(columns, units=units, caption=caption)

    @classmethod
    def joined(cls, tables: Iterable[Table]) -> Table:
        """Put tables of the same columns below one another; units and caption are the first's.

        Raises
        ------
        InputError
            For no tables, or tables of other columns.
        """
        held = list(tables)
        if not held or any(table.names != held[0].names for table in held):
            raise InputError(
                "Tables are joined where there are some and all have the same columns."
            )
        columns = {name: np.concatenate([one[name] for one in held]) for name in held[0].names}
        return cls(columns, units=held[0].units, caption=held[0].caption)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return next((column.size for column in self._columns.values()), 0)

    def __getitem__(self, name: str) -> Column:
        """Return a column, read-only."""
        if name not in self._columns:
            raise UnknownNameError("column", name, self._columns)
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Table)
            and self.names == other.names
            and (dict(self.units), self.caption) == (dict(other.units), other.caption)
            and all(_alike(self[name], other[name]) for name in self.names)
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._columns, dict(self.units), self.caption)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a mapping of names to plain Python values."""
        plain = [column.tolist() for column in self._columns.values()]
        for values in zip(*plain, strict=True):
            yield dict(zip(self.names, values, strict=True))

    def where(self, **wanted: Any) -> Table:
        """Return the rows in which columns have given values.

        Examples
        --------
        >>> Table({"arm": ["a", "b"], "reach": [3, 5]}).where(arm="b")["reach"].tolist()
        [5]
        """
        keep = np.ones(len(self), np.bool_)
        for name, value in wanted.items():
            keep &= np.fromiter(
                (each == value for each in self[name].tolist()), np.bool_, len(self)
            )
        return self.taken(keep)

    def taken(self, rows: npt.NDArray[Any]) -> Table:
        """Return some rows: a mask (n,) of truths, or places."""
        return self._with({name: column[rows] for name, column in self._columns.items()})

    def only(self, *names: str) -> Table:
        """Return some columns, in the order in which they are named."""
        return self._with({name: self[name] for name in names})

    def _with(self, columns: Mapping[str, Column]) -> Table:
        units = {name: unit for name, unit in self.units.items() if name in columns}
        return Table(columns, units=units, caption=self.caption)

    def to_arrow(self) -> pa.Table:
        """Return it as a pyarrow table; units and caption are its metadata.

        Raises
        ------
        InputError
            Where pyarrow is missing.
        """
        from sim.lab.tables.outside import as_arrow

        return as_arrow(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return it as a pandas data frame; units and caption are its ``attrs``.

        Raises
        ------
        InputError
            Where pandas is missing.
        """
        from sim.lab.tables.outside import as_pandas

        frame: pd.DataFrame = as_pandas(self)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return it as a polars data frame.

        Raises
        ------
        InputError
            Where polars is missing.
        """
        from sim.lab.tables.outside import as_polars

        frame: pl.DataFrame = as_polars(self)
        return frame

    def write(self, path: str | Path, *, force: bool = True) -> Path:
        """Write it whole or not at all: ``.csv``, ``.jsonl`` or ``.parquet`` by the path's end.

        Parameters
        ----------
        path
            The file.
        force
            Whether to replace a file that is there; a world or folder never is.

        Returns
        -------
        The path.

        Raises
        ------
        InputError
            For another ending, or ``.parquet`` without pyarrow.
        FileError
            When it cannot be written there.
        """
        from sim.lab.tables.outside import write

        return write(self, Path(path), force=force)

    def plot(self, x: str | None = None, y: str | None = None, by: str | None = None) -> Figure:
        """Draw a column against another.

        Parameters
        ----------
        x
            A column of numbers: lines, sorted by it. Of texts: a dot a row above each. None: the
            first.
        y
            A column of numbers; None: the last.
        by
            A column by which lines and dots are parted; None: none.

        Returns
        -------
        Figure
            Of matplotlib; it shows itself in a notebook, and ``savefig`` writes it.

        Raises
        ------
        InputError
            For a table without numbers or rows, or where matplotlib is missing.
        """
        from sim.lab.tables.drawing import drawn

        return drawn(self, x, y, by)

    def __repr__(self) -> str:
        return f"Table({len(self):,} rows: {one_line(', '.join(self.names))})"

    def __rich__(self) -> Group:
        from sim.lab.tables.shown import as_rich

        return as_rich(self, _SHOWN)

    def _repr_html_(self) -> str:
        from sim.lab.tables.shown import as_html

        return as_html(self, _SHOWN)


def _made(columns: Mapping[str, Column], units: Mapping[str, str], caption: str) -> Table:
    return Table(columns, units=units, caption=caption)


def _column(values: Any) -> Column:
    """Return a read-only array (n,): of numbers or truths, else of objects."""
    given = values if isinstance(values, np.ndarray) else np.asarray([*values, None], object)[:-1]
    if given.ndim != 1:
        raise InputError(f"A column has one value a row; got an array of shape {given.shape}.")
    if given.dtype.kind == "O":
        kinds = {_kind(value) for value in given.tolist()}
        if kinds and kinds <= {"b"}:
            given = given.astype(np.bool_)
        elif kinds and kinds <= {"i"}:
            given = _integers(given)
        elif kinds and kinds <= {"i", "f"}:
            given = given.astype(np.float64)
    elif given.dtype.kind not in "biuf":
        given = given.astype(object)
    column: Column = given.view()
    column.flags.writeable = False
    return column


def _integers(given: Column) -> Column:
    """Return integers as int64; those beyond it as uint64, and beyond that as objects."""
    for kind in (np.int64, np.uint64):
        try:
            return given.astype(kind)
        except OverflowError:
            continue
    return given


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "b"
    if isinstance(value, int | np.integer):
        return "i"
    return "f" if isinstance(value, float | np.floating) else "o"


def _filled(values: list[Any]) -> list[Any]:
    """Return values with None as NaN where all others are numbers."""
    kinds = {_kind(value) for value in values if value is not None}
    if kinds and kinds <= {"i", "f"}:
        return [float("nan") if value is None else value for value in values]
    return values


def _alike(one: Column, other: Column) -> bool:
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return bool(np.array_equal(one, other, equal_nan=True))
    return bool(np.array_equal(one, other))


def _require_one_shape(columns: Mapping[str, Column], units: Mapping[str, str]) -> None:
    sizes = {name: column.size for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{one_line(name)} {size}" for name, size in sizes.items())
        raise InputError(f"Columns of a table have as many values each; got {said}.")
    if any(not name.strip() for name in columns):
        raise InputError("Every column of a table has a name.")
    for name in units:
        if name not in columns:
            raise UnknownNameError("column", name, columns)
