"""The acts of the Runs mode: run the world many times over, and look at what came of it."""

from __future__ import annotations

from tui.actions import runs
from tui.actions.action import Action
from tui.actions.situation import has_world

__all__ = ["OF_RUNS"]

# fmt: off
OF_RUNS: tuple[Action, ...] = (
    Action(
        "replicates", "l", "replicates", "Fan",
        "Run the world many times from here, beside it: where the next run would lie.",
        "Runs", runs.replicates,
        usage="[N|stop] [text='...' seeds=... model=...] [ticks=N] [seed=N]", when=has_world,
        footer=9, aliases=("fan", "ensemble"), opens=True,
    ),
    Action(
        "compare", "D", "compare", "Compare",
        "Compare futures from here, the same draws under each: the world as it is, and changes.",
        "Runs", runs.compare,
        usage="[N] NAME=VALUE|'NAME: do=... ; recommender=...' ... [ticks=N] [seed=N]",
        when=has_world, footer=10, aliases=("futures",), asks=True, opens=True,
    ),
    Action(
        "series", "s", "series", "Series", "Show another series of the runs.",
        "Runs", runs.series, usage="[NAME]", when=has_world, where="runs", footer=3,
    ),
)
# fmt: on
"""They stand among the others in :data:`tui.actions.table.ACTIONS`."""
