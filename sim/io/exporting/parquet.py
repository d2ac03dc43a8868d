"""Tables as Parquet files, through pyarrow: the optional extra ``parquet``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import InputError
from sim.io.exporting.lines import Tell
from sim.io.exporting.tables import ExportColumn, ExportTable

_ROWS = 100_000


def require_pyarrow() -> None:
    """Refuse before any work where the library is missing."""
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError:
        raise InputError(
            "Parquet needs pyarrow, which is not installed; pip install 'hubbub[parquet]', "
            "or export to csv or jsonl."
        ) from None


def write_parquet(table: ExportTable, path: Path, tell: Tell) -> None:
    """Write a table as one Parquet file, a row group per 100,000 rows."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "words": pa.list_(pa.string()),
    }
    fields = [(column.name, types[column.kind]) for column in table.columns]
    known: dict[int, Any] = {}
    for column in table.columns:
        if column.words is not None:
            words = _storable(column.words, column.kind)
            known[id(column.words)] = pa.array(words, types[column.kind])
    with ParquetWriter(path, pa.schema(fields)) as file:
        for start in range(0, table.rows, _ROWS):
            stop = min(start + _ROWS, table.rows)
            tell(stop - start)
            arrays = [
                _array(column, start, stop, known, types[column.kind]) for column in table.columns
            ]
            file.write_table(pa.table(arrays, pa.schema(fields)))


def _array(column: ExportColumn, start: int, stop: int, known: dict[int, Any], kind: Any) -> Any:
    import pyarrow as pa

    cells = column.cells[start:stop]
    if column.words is None:
        return pa.array(_storable(cells, column.kind), kind)
    places = np.asarray(cells, np.int64)
    return known[id(column.words)].take(pa.array(places, mask=places < 0))


def _storable(values: Any, kind: str) -> Any:
    """Return texts that UTF-8 can hold; Parquet is read by programs, so nothing else changes."""
    if kind != "text":
        return values
    return [None if each is None else each.encode("utf-8", "replace").decode() for each in values]
