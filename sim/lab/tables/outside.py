"""Conversion of tables to data frames (polars, pandas, arrow) and to files."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.io.exporting.export_files import outlet
from sim.io.exporting.lines import cell, write_csv, write_jsonl
from sim.io.exporting.tables import ExportColumn, ExportTable, Kind

if TYPE_CHECKING:
    from sim.lab.tables.table import Table

__all__ = ["as_arrow", "as_pandas", "as_polars", "library", "require_ending", "write"]

_KINDS: dict[str, Kind] = {"i": "integer", "u": "integer", "f": "number"}


def library(name: str) -> Any:
    """Return a library of the lab's extra.

    Raises
    ------
    InputError
        Where it is missing, with the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise InputError(
            f"This needs {package}, which is not installed; pip install 'hubbub[lab]'."
        ) from None


def as_arrow(table: Table) -> Any:
    """Return a pyarrow table."""
    arrow = library("pyarrow")
    fields, arrays = [], []
    for name in table.names:
        array = arrow.array(_storable(table[name]))
        about = {"unit": table.units[name]} if name in table.units else None
        fields.append(arrow.field(name, array.type, metadata=about))
        arrays.append(array)
    about = {"caption": table.caption} if table.caption else None
    return arrow.Table.from_arrays(arrays, schema=arrow.schema(fields, metadata=about))


def as_pandas(table: Table) -> Any:
    """Return a pandas data frame."""
    frame = library("pandas").DataFrame({name: table[name].copy() for name in table.names})
    frame.attrs = {"caption": table.caption, "units": dict(table.units)}
    return frame


def as_polars(table: Table) -> Any:
    """Return a polars data frame."""
    polars = library("polars")
    return polars.DataFrame({name: _storable(table[name]) for name in table.names}, strict=False)


def require_ending(path: Path) -> str:
    """Return the ending of a path that a table can be written to.

    Raises
    ------
    InputError
        For another ending, or ``.parquet`` where pyarrow is missing.
    """
    ending = path.suffix.lower()
    if ending not in {".csv", ".jsonl", ".parquet"}:
        raise InputError(
            f"A table is written as .csv, .jsonl or .parquet, and {path.name!r} ends in none."
        )
    if ending == ".parquet":
        library("pyarrow")
    return ending


def write(table: Table, path: Path, *, force: bool) -> Path:
    """Write a table by the ending of a path."""
    ending = require_ending(path)
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
    columns = []
    for name in table.names:
        values = table[name]
        kind = _KINDS.get(values.dtype.kind, "text")
        cells = [_cell(value, is_csv=is_csv) for value in values.tolist()]
        columns.append(ExportColumn(_heading(name, is_csv=is_csv), kind, cells))
    return ExportTable("table", len(table), tuple(columns))


def _heading(name: str, *, is_csv: bool) -> str:
    """Return a name as it stands in a heading, or in the template of a JSON line."""
    return cell("text", name) if is_csv else json.dumps(name)[1:-1].replace("%", "%%")


def _cell(value: Any, *, is_csv: bool) -> Any:
    """Return a value that every reader knows: what is no number is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return str(value).lower() if is_csv and isinstance(value, bool) else value
    return str(value)


def _storable(values: Any) -> Any:
    """Return texts that UTF-8 can hold; numbers as they are."""
    if values.dtype.kind != "O":
        return values
    return [None if each is None else _text(each) for each in values.tolist()]


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _quiet(_rows: int) -> None:
    """Tell nobody."""
