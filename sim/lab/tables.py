"""Tables: named columns of equal length, with units, readable by every data-science tool."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from sim.arrays import Array
from sim.core.data_frames import as_pandas, as_polars, label, library, new_figure, storable
from sim.core.text import one_line
from sim.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.figure import Figure

    from sim.io.exporting.tables import ExportTable, Kind


_SHOWN = 20


class Table:
    """Named columns of equal length; never changed once made.

    Parameters
    ----------
    columns
        Name to values. Numbers and booleans become arrays of their dtype; anything else becomes an
        array of objects: texts, and None for missing ones.
    units
        Name to unit, such as ``"members"`` or ``"ticks"``, for columns that have one.
    caption
        One line on what the rows are.

    Raises
    ------
    InputError
        For columns of different lengths, an empty name, or a unit without a column.

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
        sizes = {name: column.size for name, column in self._columns.items()}
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{one_line(name)} {size}" for name, size in sizes.items())
            raise InputError(f"Columns of a table have as many values each; got {said}.")
        if any(not name.strip() for name in self._columns):
            raise InputError("Every column of a table has a name.")
        for name in self.units:
            if name not in self._columns:
                raise UnknownNameError("column", name, self._columns)

    @classmethod
    def of_rows(
        cls,
        rows: Iterable[Mapping[str, Any]],
        *,
        names: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        caption: str = "",
    ) -> Table:
        """Make a table from rows; missing values become NaN in columns of numbers, else None.

        Parameters
        ----------
        rows
            Each a mapping of names to values.
        names
            The columns and their order; None: in order of appearance.
        units, caption
            As for the table.

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
        """Concatenate tables of the same columns; units and caption are those of the first.

        Raises
        ------
        InputError
            For no tables, or tables with different columns.
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

    def __getitem__(self, name: str) -> Array:
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
        """Return the rows in which columns have the given values.

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
        """Return some rows, selected by a mask (n,) of booleans or by indices."""
        return self._with({name: column[rows] for name, column in self._columns.items()})

    def only(self, *names: str) -> Table:
        """Return some columns, in the given order."""
        return self._with({name: self[name] for name in names})

    def _with(self, columns: Mapping[str, Array]) -> Table:
        units = {name: unit for name, unit in self.units.items() if name in columns}
        return Table(columns, units=units, caption=self.caption)

    def to_arrow(self) -> pa.Table:
        """Return it as a pyarrow table; units and caption are its metadata.

        Raises
        ------
        InputError
            If pyarrow is missing.
        """
        return as_arrow(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return it as a pandas data frame; units and caption are its ``attrs``.

        Raises
        ------
        InputError
            If pandas is missing.
        """
        frame: pd.DataFrame = as_pandas(self._columns)
        frame.attrs = {"caption": self.caption, "units": dict(self.units)}
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return it as a polars data frame.

        Raises
        ------
        InputError
            If polars is missing.
        """
        frame: pl.DataFrame = as_polars(self._columns)
        return frame

    def write(self, path: str | Path, *, force: bool = True) -> Path:
        """Write it atomically as ``.csv``, ``.jsonl`` or ``.parquet``, by the suffix of the path.

        Parameters
        ----------
        path
            The file.
        force
            Whether to replace an existing file; worlds and folders are never replaced.

        Returns
        -------
        The path.

        Raises
        ------
        InputError
            For another suffix, or ``.parquet`` without pyarrow.
        FileError
            If it cannot be written there.
        """
        return write(self, Path(path), force=force)

    def plot(self, x: str | None = None, y: str | None = None, by: str | None = None) -> Figure:
        """Draw a column against another.

        Parameters
        ----------
        x
            A column of numbers: lines, sorted by it. For texts: a dot per row above each. None: the
            first.
        y
            A column of numbers; None: the last.
        by
            A column by which lines and dots are grouped; None: none.

        Returns
        -------
        Figure
            A matplotlib figure; it is displayed in a notebook, and ``savefig`` writes it.

        Raises
        ------
        InputError
            For a table without numbers or rows, or if matplotlib is missing.
        """
        return drawn(self, x, y, by)

    def __repr__(self) -> str:
        return f"Table({len(self):,} rows: {one_line(', '.join(self.names))})"

    def __rich__(self) -> Group:

        return as_rich(self, _SHOWN)

    def _repr_html_(self) -> str:

        head = "".join(f"<th>{escape(_shown_heading(self, name))}</th>" for name in self.names)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in values) + "</tr>"
            for values in _cells(self, _SHOWN)
        )
        caption = f"<caption>{escape(one_line(self.caption))}</caption>" if self.caption else ""
        rest = f"<p>{_rest(self, _SHOWN)}</p>" if len(self) > _SHOWN else ""
        whole = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<div>{whole}{rest}</div>"


def _made(columns: Mapping[str, Array], units: Mapping[str, str], caption: str) -> Table:
    return Table(columns, units=units, caption=caption)


def _column(values: Any) -> Array:
    """Return a read-only array (n,): of numbers or booleans, else of objects."""
    given = values if isinstance(values, np.ndarray) else np.asarray([*values, None], object)[:-1]
    if given.ndim != 1:
        raise InputError(f"A column has one value a row; got an array of shape {given.shape}.")
    if given.dtype.kind == "O":
        kinds = _kinds(given.tolist())
        if kinds and kinds <= {"b"}:
            given = given.astype(np.bool_)
        elif kinds and kinds <= {"i"}:
            given = _integers(given)
        elif kinds and kinds <= {"i", "f"}:
            given = given.astype(np.float64)
    elif given.dtype.kind not in "biuf":
        given = given.astype(object)
    column: Array = given.view()
    column.flags.writeable = False
    return column


def _integers(given: Array) -> Array:
    """Return integers as int64; larger ones as uint64, and still larger ones as objects."""
    for kind in (np.int64, np.uint64):
        try:
            return given.astype(kind)
        except OverflowError:
            continue
    return given


def _kinds(values: Iterable[Any]) -> set[str]:
    """Return the numpy kinds of values, looking at each type once."""
    return set(map(_kind, set(map(type, values))))


def _kind(of: type) -> str:
    if issubclass(of, bool | np.bool_):
        return "b"
    if issubclass(of, int | np.integer):
        return "i"
    return "f" if issubclass(of, float | np.floating) else "o"


def _filled(values: list[Any]) -> list[Any]:
    """Return values with None replaced by NaN, if all others are numbers."""
    kinds = _kinds(value for value in values if value is not None)
    if kinds and kinds <= {"i", "f"}:
        return [float("nan") if value is None else value for value in values]
    return values


def _alike(one: Array, other: Array) -> bool:
    if one.dtype.kind == "f" and other.dtype.kind == "f":
        return bool(np.array_equal(one, other, equal_nan=True))
    return bool(np.array_equal(one, other))


class Result:
    """A result of the lab: one or more tables, and a conclusion.

    A subclass defines :attr:`tables`; it may override :meth:`conclusion` and
    :meth:`plot`. The first table is the default.

    Examples
    --------
    >>> from sim.lab.tables import Table
    >>> class Reach(Result):
    ...     @property
    ...     def tables(self):
    ...         return {"runs": Table({"seed": [1, 2], "reach": [30, 50]})}
    >>> len(Reach().to_pandas())
    2
    """

    __slots__ = ()

    @property
    def tables(self) -> Mapping[str, Table]:
        """Its tables by name, the main one first; one or more."""
        raise NotImplementedError

    def conclusion(self) -> str:
        """Return the conclusion, in sentences; empty if there is none."""
        return ""

    def table(self, name: str | None = None) -> Table:
        """Return a table by its name; None: the main one.

        Raises
        ------
        UnknownNameError
            If there is no table of that name.
        """
        tables = self.tables
        if name is None:
            return next(iter(tables.values()))
        if name not in tables:
            raise UnknownNameError("table", name, tables)
        return tables[name]

    def to_arrow(self, table: str | None = None) -> pa.Table:
        """Return a table as pyarrow's; None: the main one."""
        return self.table(table).to_arrow()

    def to_pandas(self, table: str | None = None) -> pd.DataFrame:
        """Return a table as a data frame of pandas; None: the main one."""
        return self.table(table).to_pandas()

    def to_polars(self, table: str | None = None) -> pl.DataFrame:
        """Return a table as a data frame of polars; None: the main one."""
        return self.table(table).to_polars()

    def write(self, path: str | Path, table: str | None = None, *, force: bool = True) -> Path:
        """Write a table to ``.csv``, ``.jsonl`` or ``.parquet``; None: the main one."""
        return self.table(table).write(path, force=force)

    def write_all(self, folder: str | Path, ending: str = "csv") -> tuple[Path, ...]:
        """Write every table into a folder, which is created if missing.

        Parameters
        ----------
        folder
            The folder.
        ending
            ``csv``, ``jsonl`` or ``parquet``.

        Returns
        -------
        The files, each named after its table.

        Raises
        ------
        InputError, FileError
            As in :meth:`~sim.lab.tables.Table.write`.
        """
        into = Path(folder)
        try:
            into.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(into, f"cannot be made a folder: {error.strerror}") from None
        name = ending.lstrip(".")
        return tuple(table.write(into / f"{key}.{name}") for key, table in self.tables.items())

    def plot(self, **how: Any) -> Figure:
        """Draw the main table; parameters as in :meth:`~sim.lab.tables.Table.plot`."""
        return self.table().plot(**how)

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {len(table):,}" for name, table in self.tables.items())
        return f"{type(self).__name__}({said})"

    def __rich__(self) -> Group:
        shown: list[Any] = [table.__rich__() for table in self._in_short()]
        lines = [Text(one_line(line)) for line in self.conclusion().splitlines()]
        return Group(*shown, *lines)

    def _repr_html_(self) -> str:
        shown = [table._repr_html_() for table in self._in_short()]
        lines = [f"<p>{escape(one_line(line))}</p>" for line in self.conclusion().splitlines()]
        return f"<div>{''.join(shown)}{''.join(lines)}</div>"

    def _in_short(self) -> list[Table]:
        """Return the tables to show: all; a result with long ones may choose."""
        found = list(self.tables.values())
        if not found:
            raise InputError("A result has one table or more.")
        return found


_KINDS: dict[str, Kind] = {"i": "integer", "u": "integer", "f": "number"}


def as_arrow(table: Table) -> Any:
    """Return a pyarrow table."""
    arrow = library("pyarrow")
    fields, arrays = [], []
    for name in table.names:
        array = arrow.array(storable(table[name]))
        about = {"unit": table.units[name]} if name in table.units else None
        fields.append(arrow.field(name, array.type, metadata=about))
        arrays.append(array)
    about = {"caption": table.caption} if table.caption else None
    return arrow.Table.from_arrays(arrays, schema=arrow.schema(fields, metadata=about))


def write(table: Table, path: Path, *, force: bool) -> Path:
    """Write a table in the format of the path's suffix."""
    from sim.io.exporting.export import outlet  # tables alone do not load the simulator
    from sim.io.exporting.tables import write_csv, write_jsonl

    ending = path.suffix.lower()
    if ending not in {".csv", ".jsonl", ".parquet"}:
        raise InputError(
            f"A table is written as .csv, .jsonl or .parquet, and {path.name!r} ends in none."
        )
    if ending == ".parquet":
        library("pyarrow")
    arrow = as_arrow(table) if ending == ".parquet" else None
    with outlet(path, force=force) as (draft,):
        if arrow is not None:
            library("pyarrow.parquet").write_table(arrow, draft)
        elif ending == ".csv":
            write_csv(_lines(table, is_csv=True), draft, _quiet)
        else:
            write_jsonl(_lines(table, is_csv=False), draft, _quiet)
    return path


def _lines(table: Table, *, is_csv: bool) -> ExportTable:
    from sim.io.exporting.tables import ExportColumn, ExportTable, cell

    columns = []
    for name in table.names:
        values = table[name]
        kind = _KINDS.get(values.dtype.kind, "text")
        cells = [_cell(value, is_csv=is_csv) for value in values.tolist()]
        # a heading, or part of the template of a JSON line
        head = cell("text", name) if is_csv else json.dumps(name)[1:-1].replace("%", "%%")
        columns.append(ExportColumn(head, kind, cells))
    return ExportTable("table", len(table), tuple(columns))


def _cell(value: Any, *, is_csv: bool) -> Any:
    """Return a value that every reader understands: non-finite numbers become None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return str(value).lower() if is_csv and isinstance(value, bool) else value
    return str(value)


def _quiet(_rows: int) -> None:
    """Ignore the progress."""


_WIDEST = 60
_LARGE = 1_000


def shown(value: Any) -> str:
    r"""Return a value as one clean line; numbers to four digits, nothing as an empty text."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10 * _LARGE else str(value)
    if isinstance(value, float):
        return f"{value:,.0f}" if _LARGE <= abs(value) < _LARGE**5 else f"{value:.4g}"
    return one_line(str(value), _WIDEST)


def as_rich(table: Table, rows: int) -> Group:
    """Return its caption and first rows for rich; markup in texts is not interpreted."""
    drawn = RichTable(box=SIMPLE_HEAD)
    for name in table.names:
        is_number = table[name].dtype.kind in "iuf"
        drawn.add_column(
            Text(_shown_heading(table, name)), justify="right" if is_number else "left"
        )
    for values in _cells(table, rows):
        drawn.add_row(*map(Text, values))
    above = [Text(one_line(table.caption), "bold")] if table.caption else []
    below = [Text(_rest(table, rows), "dim")] if len(table) > rows else []
    return Group(*above, drawn, *below)


def _shown_heading(table: Table, name: str) -> str:
    unit = table.units.get(name, "")
    return one_line(f"{name} ({unit})" if unit else name, _WIDEST)


def _cells(table: Table, rows: int) -> list[tuple[str, ...]]:
    columns = [[shown(value) for value in table[name][:rows].tolist()] for name in table.names]
    return list(zip(*columns, strict=True))


def _rest(table: Table, rows: int) -> str:
    return f"{len(table) - rows:,} more of {len(table):,} rows"


_MOST = 24


def drawn(table: Table, x: str | None, y: str | None, by: str | None) -> Figure:
    """Draw a column of a table against another; see :meth:`Table.plot`."""
    across, up = _axes(table, x, y)
    figure = new_figure()
    ax = figure.subplots()
    for said, part in _parts(table, by):
        where, height = part[across], part[up].astype(np.float64)
        if where.dtype.kind in "iuf":
            order = np.argsort(where, kind="stable")
            ax.plot(where[order], height[order], label=said)
        else:
            ax.plot([label(each) for each in where.tolist()], height, "o", alpha=0.6, label=said)
    ax.set(xlabel=_with_unit(table, across), ylabel=_with_unit(table, up))
    if table.caption:
        ax.set_title(label(table.caption))
    if by is not None:
        ax.legend(title=label(by))
    return figure


def _axes(table: Table, x: str | None, y: str | None) -> tuple[str, str]:
    numbers = [name for name in table.names if table[name].dtype.kind in "iuf"]
    if not len(table) or not numbers:
        raise InputError("There is nothing to draw: the table has no rows or no numbers.")
    across, up = x or table.names[0], y or numbers[-1]
    table[across]
    if table[up].dtype.kind not in "biuf":
        raise InputError(f"A column of numbers is drawn upwards, and {one_line(up)!r} holds texts.")
    return across, up


def _parts(table: Table, by: str | None) -> list[tuple[str, Table]]:
    if by is None:
        return [("", table)]
    values = list(dict.fromkeys(table[by].tolist()))
    if len(values) > _MOST:
        raise InputError(
            f"{one_line(by)} has {len(values)} values, and {_MOST} lines can be told apart; "
            "draw some of the rows."
        )
    return [(label(value), table.where(**{by: value})) for value in values]


def _with_unit(table: Table, name: str) -> str:
    unit = table.units.get(name, "")
    return label(f"{name} ({unit})" if unit else name)
