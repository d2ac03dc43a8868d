"""A figure of compared futures: replicates, means, and paired differences below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.lab.tables.drawing import label, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sim.lab.futures.outcome import Futures

__all__ = ["drawn"]

_GHOSTS = 200
"""So many replicates of an arm are drawn; more would hide one another."""


def drawn(found: Futures, series: str) -> Figure:
    """Return a figure of two panels: the series of each arm, and its difference from the first.

    Parameters
    ----------
    found
        The futures.
    series
        A name of the table ``curves``.
    """
    figure = new_figure(7.0, 6.0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    for place, arm in enumerate(found.arms):
        _arm(above, found, series, arm, f"C{place}")
    for place, arm in enumerate(found.arms[1:], 1):
        _difference(below, found, series, arm, f"C{place}")
    below.axhline(0.0, color="0.5", linewidth=0.8)
    unit = found.records.curves.units.get(series, "")
    above.set_ylabel(label(f"{series} ({unit})" if unit else series))
    below.set(xlabel="ticks after the fork", ylabel=label(f"minus {found.arms[0]}"))
    above.legend()
    return figure


def _arm(ax: Axes, found: Futures, series: str, arm: str, colour: str) -> None:
    rows = found.curve(series, arm)
    ax.plot(rows[:_GHOSTS].T, color=colour, alpha=0.15, linewidth=0.7)
    known = ~np.isnan(rows)
    mean = np.where(known, rows, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    ax.plot(np.where(known.any(axis=0), mean, np.nan), color=colour, label=label(arm))


def _difference(ax: Axes, found: Futures, series: str, arm: str, colour: str) -> None:
    table = found.difference_curve(series, arm)
    ax.plot(table["tick"], table["mean"], color=colour)
    ax.fill_between(table["tick"], table["low"], table["high"], color=colour, alpha=0.2)
