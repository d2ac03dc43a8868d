"""Plots of tables with matplotlib, without pyplot and without a display."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.text import one_line
from sim.errors import InputError
from sim.lab.tables.outside import library

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.lab.tables.table import Table

__all__ = ["drawn", "label", "new_figure"]

_WIDEST = 60
_MOST = 24


def new_figure(width: float = 7.0, height: float = 4.0) -> Figure:
    """Return an empty figure of matplotlib that shows itself in a notebook.

    Parameters
    ----------
    width, height
        In inches.

    Raises
    ------
    InputError
        Where matplotlib is missing.
    """
    figure: Figure = _figure_class()(figsize=(width, height), layout="constrained")
    return figure


def label(text: object) -> str:
    """Return a text for a figure: one clean line, and no dollar that begins a formula."""
    line = one_line(str(text), _WIDEST).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line  # which would keep it out of a legend


def drawn(table: Table, x: str | None, y: str | None, by: str | None) -> Figure:
    """Draw a column of a table against another; see :meth:`Table.plot`."""
    across, up = _axes(table, x, y)
    figure = new_figure()
    ax = figure.subplots()
    for said, part in _parts(table, by):
        _draw(ax, part, across, up, said)
    ax.set(xlabel=_with_unit(table, across), ylabel=_with_unit(table, up))
    if table.caption:
        ax.set_title(label(table.caption))
    if by is not None:
        ax.legend(title=label(by))
    return figure


@cache
def _figure_class() -> Any:
    base: Any = library("matplotlib.figure").Figure

    class LabFigure(base):  # type: ignore[misc]
        """A figure that a notebook shows without pyplot."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return LabFigure


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


def _draw(ax: Any, table: Table, across: str, up: str, said: str) -> None:
    where, height = table[across], table[up].astype(np.float64)
    if where.dtype.kind in "iuf":
        order = np.argsort(where, kind="stable")
        ax.plot(where[order], height[order], label=said)
    else:
        ax.plot([label(each) for each in where.tolist()], height, "o", alpha=0.6, label=said)


def _with_unit(table: Table, name: str) -> str:
    unit = table.units.get(name, "")
    return label(f"{name} ({unit})" if unit else name)
