"""Degree pairs of real networks, for the configuration model."""

from __future__ import annotations

import zipfile
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.arrays import I64
from sim.core.progress import Report, quiet
from sim.errors import FileError, InputError
from sim.io.importing.files import checked_path, opened
from sim.io.importing.sniff import Column, sniff
from sim.io.importing.table import Places, parsed

_MOST_BYTES: Final = 1 << 32
_MAGIC = (b"PK\x03\x04", b"\x93NUMPY")


def read_degrees(
    path: str | PathLike[str],
    *,
    columns: tuple[Column, Column] = (0, 1),
    report: Report = quiet,
) -> I64:
    """Read by how many each agent is heard and how many it hears.

    Parameters
    ----------
    path
        A ``.npz`` or ``.npy`` file with one array of two columns, or a table as edge lists are,
        one agent a line.
    columns
        Where the two degrees are: listeners first. ``(1, 0)`` turns the network round.
    report
        Told of progress; may cancel.

    Returns
    -------
    int64 (n, 2), as ``World.create(network="configuration", degrees=...)`` takes them

    Raises
    ------
    FileError, FormatError
        One sentence for a file that holds no degree pairs.
    """
    place = checked_path(path)
    with place.open("rb") as raw:
        packed = raw.read(6).startswith(_MAGIC)
    pairs = _from_numpy(place, columns) if packed else _from_table(place, columns, report)
    if pairs.min() < 0:
        raise FileError(place, "holds degrees below 0")
    return pairs


def _from_table(path: Path, columns: tuple[Column, Column], report: Report) -> I64:
    with opened(path) as source:
        layout = sniff(source.head, path)
        first, second = (layout.place(column, path) for column in columns)
        tally = np.array([layout.lines, 0, 0], np.int64)
        parts = []
        for ends, _ in parsed(source, layout, Places(first, second, None, None), tally):
            parts.append(ends.T.copy())
            report("reading degrees", source.share)
    return np.concatenate(parts)


def _from_numpy(path: Path, columns: tuple[Column, Column]) -> I64:
    try:
        array = _two_columns(path)
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise FileError(path, f"is no usable numpy file ({_first_line(error)})") from None
    if array is None:
        raise FileError(path, "holds no array of whole numbers in two columns")
    if any(column not in (0, 1) for column in columns):
        raise InputError(f"The columns of an array are 0 and 1, got {columns}.")
    pairs: I64 = array[:, [int(column) for column in columns]].astype(np.int64)
    return pairs


def _two_columns(path: Path) -> npt.NDArray[np.integer] | None:
    """Return the first array of degree pairs in a numpy file, unpacking no more than fits."""
    with path.open("rb") as raw:
        if raw.peek(2)[:2] != b"PK":
            only = np.load(raw, allow_pickle=False)
            return only if _fits(only) else None
        with zipfile.ZipFile(raw) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MOST_BYTES:
                raise ValueError("it unpacks to more than 4 GiB")
        raw.seek(0)
        with np.load(raw, allow_pickle=False) as arrays:
            return next((array for array in arrays.values() if _fits(array)), None)


def _fits(array: npt.NDArray[np.generic]) -> bool:
    return array.ndim == 2 and array.shape[1] == 2 and len(array) > 0 and array.dtype.kind in "iu"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
