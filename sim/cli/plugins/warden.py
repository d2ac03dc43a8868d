"""CLI use of the plugin warden: a hanging foreign plugin ends a headless run, its world kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.program.exits import PLUGIN
from sim.core.text import one_line

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World


_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def overseen(files: Sequence[Path]) -> Iterator[None]:
    """Watch over foreign plugins within the block, where there may be any.

    Raises
    ------
    StuckError
        When one had to be stopped.
    """
    from sim.core.plugin_files import record_path

    if not files and not record_path().exists():
        yield
        return
    from sim.cli.program.output import tell
    from sim.runtime.engine.warden import naming, warden

    with warden(_ended, tell), naming(), _results_apart():
        yield


@contextmanager
def _results_apart() -> Iterator[None]:
    """Keep standard output for results: what a plugin writes past Python goes to the error."""
    typed = sys.stdout
    try:
        is_ours = isinstance(typed, TextIOWrapper) and typed.fileno() == 1
    except (OSError, ValueError):  # there is no file behind it
        is_ours = False
    if not is_ours:
        yield
        return
    kept = os.dup(1)
    with suppress(OSError):  # a standard error that is closed
        os.dup2(2, 1)
    sys.stdout = os.fdopen(kept, "w", encoding=typed.encoding, errors=typed.errors, closefd=False)
    try:
        yield
    finally:
        results, sys.stdout = sys.stdout, typed
        try:
            results.flush()
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def require_nobody_stuck() -> None:
    """Raise :class:`~sim.runtime.engine.warden.StuckError` once a plugin had to be stopped."""
    known = sys.modules.get("sim.runtime.engine.warden")
    mine = known.on_watch() if known is not None else None
    if mine is not None:
        mine.check()


def _ended(sentence: str) -> None:
    """End the process: its main thread is where nobody reaches it."""
    with suppress(Exception):
        shown = _SHOW_CURSOR if sys.stderr.isatty() else ""
        os.write(2, f"{shown}{one_line(sentence, 1000)}\n".encode())
    os._exit(PLUGIN)


class Guard:
    """Has the last completed tick of a run at hand, while a foreign plugin could get stuck in it.

    Parameters
    ----------
    world, keeper, target
        What runs, its journal, and where it is to be saved in the end; None: nowhere.
    """

    def __init__(self, world: World, keeper: JournalWriter | None, target: Path | None) -> None:
        from sim.runtime.engine.stall import RollbackState
        from sim.runtime.engine.warden import on_watch

        self._world, self._keeper, self._target = world, keeper, target
        self._safety, self._warden = RollbackState(), on_watch()
        if self._warden is not None:
            self._warden.keep = self.keep
            self._warden.suit(world)

    def step(self) -> None:
        """Run a tick.

        Raises
        ------
        StuckError
            When a plugin was stopped, and left the tick half done.
        """
        if self._warden is None:
            self._world.step()
            return
        if self._keeper is None:
            self._safety.before_tick(self._world)
        try:
            self._world.step()
        except BaseException:
            self._warden.check_after(self.keep)
            raise

    def keep(self) -> str:
        """Keep the last completed tick while another is under way; returns where, as a clause."""
        from sim.cli.runs.interrupts import rescued

        if self._keeper is not None:
            return f"everything to tick {self._keeper.durable_tick:,} is in its journal"
        if not self._safety.has_copy:
            return "nothing was under way that could be kept"
        world = self._safety.rebuilt(self._world.phases)
        return rescued(world, self._target, of=self._world)
