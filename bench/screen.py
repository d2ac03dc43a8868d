"""What a redraw costs at 160 x 48, and what a million rows cost.

Run it alone: ``python -m bench.screen``; with ``--check`` it fails where a limit is exceeded.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import ColorSystem
from textual.app import App, ComposeResult
from textual.widget import Widget

from sim.runtime import Communities
from tui.draw.community_map import CommunityMap
from tui.draw.community_table import CommunityHeat, CommunityTable
from tui.draw.curves import Curves
from tui.draw.now import Figure, NowPane
from tui.draw.panes import FAR
from tui.draw.table import ColumnTable, Held, ListedRows, TableColumn
from tui.safe_text import SafeFilter
from tui.theme import register_themes

SIZE = (160, 48)
ROUNDS = 30


class Stage(App[None]):
    """One widget alone on the screen."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.console._color_system = ColorSystem.TRUECOLOR  # noqa: SLF001 - whatever runs it

    def compose(self) -> ComposeResult:
        """Show it."""
        yield self.widget

    def on_mount(self) -> None:
        """Take our colours."""
        register_themes(self)


def million(count: int = 1_000_000) -> ListedRows:
    """Return a million rows of numbers, with a text at the end."""
    draw, numbers = np.random.default_rng(0), np.arange(count)
    columns = (
        TableColumn("agent", 9, numeric=True),
        TableColumn("degree", 7, numeric=True),
        TableColumn("trust", 6, numeric=True),
        TableColumn("name", 30, least=8),
    )
    degrees = draw.integers(0, 5000, count).astype(np.uint32)
    values = [
        Held(numbers), Held(degrees), Held(draw.random(count), lambda trust: f"{trust:.3f}"),
        Held(numbers, lambda row: f"agent {row}"),
    ]  # fmt: skip
    return ListedRows(columns, values, count)


def epidemic(ticks: int) -> NDArray[np.int64]:
    """Three curves as of SIR, int64 (ticks, 3)."""
    time_ = np.arange(ticks) / ticks
    recovered = 900_000 / (1 + np.exp(-14 * (time_ - 0.5)))
    infected = 200_000 * np.exp(-(((time_ - 0.45) / 0.1) ** 2))
    return np.stack([1_000_000 - recovered - infected, infected, recovered], 1).astype(np.int64)


def communities(count: int, ticks: int = 400) -> Communities:
    """Make communities of all sizes, each adopting at its own time."""
    draw = np.random.default_rng(1)
    sizes = np.sort((draw.pareto(1.2, count) * 300 + 20).astype(np.int64))[::-1].copy()
    onset = draw.integers(0, ticks // 2, count)
    rise = 1 / (1 + np.exp(-(np.arange(ticks) - onset[:, None] - 40) / 12.0))
    heat = (rise * draw.uniform(0.1, 0.95, count)[:, None]).astype(np.float32)
    links = (np.outer(sizes, sizes) / sizes.sum() * draw.exponential(0.4, (count, count))).astype(
        np.int64
    )
    return Communities(
        tuple(f"Community {i} · 消息" for i in range(count)),
        sizes, (heat[:, -1] * sizes).astype(np.int64), heat, np.arange(ticks), onset,
        tuple((f"ann{i}", f"bob{i}") for i in range(count)), "", links,
        draw.random((count, 2)), new=sizes // 50,
        flows=np.stack([np.arange(20), np.arange(20) + 1, np.full(20, 500)], axis=1),
    )  # fmt: skip


async def redraw(widget: Widget, change: Callable[[int], None]) -> float:
    """Return the median milliseconds of processor time of a change, its paint, and the filter."""
    app = Stage(widget)
    async with app.run_test(size=SIZE) as pilot:
        spent = []
        for round_ in range(ROUNDS):
            await pilot.pause()
            start = time.thread_time()
            change(round_)
            background = widget.background_colors[1]
            strips = [widget.render_line(y) for y in range(SIZE[1])]
            for strip in strips:
                strip.apply_filter(SafeFilter(), background)
            spent.append(1000 * (time.thread_time() - start))
    return statistics.median(spent)


async def measure_panes() -> list[tuple[str, float, float]]:
    """Measure every pane; (what, milliseconds, limit)."""
    found: list[tuple[str, float, float]] = []
    for ticks in (400, 20_000):
        curves, history = Curves(), epidemic(ticks)
        found.append(
            (f"curves, 3 x {ticks:,} ticks", await redraw(curves, on(curves, history)), 5.0)
        )
    for count in (50, 200):
        pane, some = CommunityMap(), communities(count)
        found.append((f"map, {count} communities", await redraw(pane, moving(pane, some)), 20.0))
    heat, some = CommunityHeat(), communities(50)
    found.append(("heat, 50 communities x 400 ticks", await redraw(heat, moving(heat, some)), 10.0))
    table = CommunityTable()
    found.append(("table, 50 communities", await redraw(table, moving(table, some)), 10.0))
    now = NowPane()
    course = np.linspace(0, 1, 400) ** 2
    figures = [Figure(f"figure {i}", "12,345", "peak 1 @2", course) for i in range(8)]
    took = await redraw(now, lambda i: now.tell(f"tick {i}", figures))
    return [*found, ("figures, 8", took, 5.0)]


def on(curves: Curves, history: NDArray[np.int64]) -> Callable[[int], None]:
    """Let time go on each time."""
    states = ("susceptible", "infected", "recovered")
    return lambda i: curves.plot(states, history[: len(history) - i % 7], agents=1_000_000)


def moving(pane: Any, some: Communities) -> Callable[[int], None]:
    """Adopt a little more each time, with dots and flashes."""

    def step(i: int) -> None:
        adopted = some.adopted * (i % 10 + 1) // 10
        found = replace(some, adopted=adopted, heat=some.heat[:, : 400 - i % 7])
        pane.show(SimpleNamespace(communities=found, focus=SimpleNamespace(states=()), tick=i))

    return step


async def measure_million() -> list[tuple[str, float, float]]:
    """Open, walk and sort a million rows; milliseconds, and MiB at the end."""
    rows, table = million(), ColumnTable()
    app = Stage(table)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        tracemalloc.start()
        start = time.perf_counter()
        table.fill(rows)
        table.render_line(0)
        opened = time.perf_counter() - start
        start = time.perf_counter()
        table.action_move(FAR)
        table.render_line(0)
        ended = time.perf_counter() - start
        start = time.perf_counter()
        table.sort(2, descending=True)
        asked = time.perf_counter() - start
        while table._order is None:  # noqa: SLF001, ASYNC110 - the only sign of the order in force
            await asyncio.sleep(0.005)
        sorted_ = time.perf_counter() - start
        memory = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    return [
        ("1,000,000 rows: first paint", 1000 * opened, 500.0),
        ("1,000,000 rows: End key", 1000 * ended, 100.0),
        ("1,000,000 rows: sort, until the loop is free", 1000 * asked, 20.0),
        ("1,000,000 rows: sort, until shown", 1000 * sorted_, 1000.0),
        ("1,000,000 rows: most memory, MiB", memory, 32.0),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; with ``--check``, return 1 where a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail above the limits")
    check = parser.parse_args(arguments).check
    figures = asyncio.run(measure_panes()) + asyncio.run(measure_million())
    print(f"{'redraw at 160 x 48, or as said':<46} {'ms':>8} {'limit':>7}")
    for what, took, limit in figures:
        print(f"{what:<46} {took:>8.1f} {limit:>7.0f}{'  over' if took > limit else ''}")
    return int(check and any(took > limit for _, took, limit in figures))


if __name__ == "__main__":
    sys.exit(main())
