"""Columns as pandas and polars data frames, and as matplotlib figures."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.figure import Figure


_WIDEST = 60


class TickSeries:
    """An object with a series of values per tick."""

    __slots__ = ()

    def by_tick(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name, (rows,); the first is ``tick``."""
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas data frame with one row per tick.

        Raises
        ------
        InputError
            If pandas is missing.
        """
        frame: pd.DataFrame = as_pandas(self.by_tick())
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a polars data frame with one row per tick.

        Raises
        ------
        InputError
            If polars is missing.
        """
        frame: pl.DataFrame = as_polars(self.by_tick())
        return frame

    def plot(self, *names: str) -> Figure:
        """Plot columns against the tick.

        Parameters
        ----------
        *names
            Columns of :meth:`by_tick`; none: those that count members in a state, else all.

        Returns
        -------
        Figure
            A matplotlib figure; it displays itself in a notebook, and ``savefig`` writes it.

        Raises
        ------
        UnknownNameError
            For an unknown column.
        InputError
            If there are no rows, or matplotlib is missing.
        """
        columns = self.by_tick()
        ticks = columns.pop("tick")
        if not ticks.size:
            raise InputError("There is nothing to draw yet: no tick has been run.")
        in_states = [name for name in columns if name.startswith("in_")]
        figure = new_figure()
        ax = figure.subplots()
        for name in names or in_states or columns:
            if name not in columns:
                raise UnknownNameError("column", name, columns)
            ax.plot(ticks, columns[name], label=label(name))
        ax.set(xlabel="tick", title=label(repr(self).strip("<>")))
        ax.legend()
        return figure


def library(name: str) -> Any:
    """Return a library of the ``lab`` extra."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise InputError(
            f"This needs {package}, which is not installed; pip install 'hubbub[lab]'."
        ) from None


def as_pandas(columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Return a pandas data frame of copies."""
    return library("pandas").DataFrame({name: column.copy() for name, column in columns.items()})


def as_polars(columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Return a polars data frame."""
    stored = {name: storable(column) for name, column in columns.items()}
    return library("polars").DataFrame(stored, strict=False)


def storable(values: npt.NDArray[Any]) -> Any:
    """Return texts that can be encoded as UTF-8; numbers unchanged."""
    if values.dtype.kind != "O":
        return values
    return [
        None if each is None else str(each).encode("utf-8", "replace").decode()
        for each in values.tolist()
    ]


def new_figure(width: float = 7.0, height: float = 4.0) -> Figure:
    """Return an empty matplotlib figure that displays itself in a notebook; sizes in inches."""
    figure: Figure = _figure_class()(figsize=(width, height), layout="constrained")
    return figure


def label(text: object) -> str:
    """Return a label for a figure: one clean line, without dollar signs that start a formula."""
    line = one_line(str(text), _WIDEST).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line  # a leading _ would hide it from the legend


@cache
def _figure_class() -> Any:
    base: Any = library("matplotlib.figure").Figure

    class NotebookFigure(base):  # type: ignore[misc]
        """A figure that a notebook displays without pyplot."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return NotebookFigure
