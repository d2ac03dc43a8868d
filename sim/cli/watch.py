"""Watch a command at work: its progress, the signals that stop it, and plugins that hang."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.exits import PLUGIN, StoppedError, listening
from sim.cli.output import tell
from sim.core.progress import Report
from sim.core.text import one_line

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World


_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def overseen(files: Sequence[Path]) -> Iterator[None]:
    """Watch for plugins that hang while the block runs, if there may be third-party ones."""
    from sim.core.plugin_files import record_path

    if not files and not record_path().exists():
        yield
        return
    from sim.cli.output import tell
    from sim.runtime.engine.warden import naming, warden

    with warden(_ended, tell), naming(), _results_apart():
        yield


@contextmanager
def _results_apart() -> Iterator[None]:
    """Keep standard output for results: plugins that write below Python write to standard error."""
    typed = sys.stdout
    try:
        is_ours = isinstance(typed, TextIOWrapper) and typed.fileno() == 1
    except (OSError, ValueError):  # it has no file descriptor
        is_ours = False
    if not is_ours:
        yield
        return
    kept = os.dup(1)
    with suppress(OSError):  # standard error is closed
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


def _ended(sentence: str) -> None:
    """End the process: its main thread is stuck in a plugin."""
    with suppress(Exception):
        shown = _SHOW_CURSOR if sys.stderr.isatty() else ""
        os.write(2, f"{shown}{one_line(sentence, 1000)}\n".encode())
    os._exit(PLUGIN)


class TickGuard:
    """Keeps the last completed tick available while a third-party plugin could hang."""

    def __init__(self, world: World, keeper: JournalWriter | None, target: Path | None) -> None:
        from sim.runtime.engine.stall import RollbackState
        from sim.runtime.engine.warden import on_watch

        self._world, self._keeper, self._target = world, keeper, target
        self._safety, self._warden = RollbackState(), on_watch()
        if self._warden is not None:
            self._warden.keep = self.keep
            self._warden.suit(world)

    def step(self) -> None:
        """Run a tick."""
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
        """Keep the last completed tick while another is running; return a clause saying where."""
        from sim.cli.exits import rescued

        if self._keeper is not None:
            return f"everything to tick {self._keeper.durable_tick:,} is in its journal"
        if not self._safety.has_copy:
            return "there was nothing to keep"
        world = self._safety.rebuilt(self._world.phases)
        return rescued(world, self._target, of=self._world)


@contextmanager
def watched() -> Iterator[Report]:
    """Show progress of long work on a terminal; a signal cancels it at its next report."""
    with listening() as asked, _bar() as show:

        def report(stage: str, share: float) -> None:
            if asked.is_set():
                asked.noted()
                raise StoppedError(f"Cancelled while {stage}; nothing was written.", asked.number)
            known = sys.modules.get("sim.runtime.engine.warden")
            mine = known.on_watch() if known is not None else None
            if mine is not None:
                mine.check()
            show(stage, share)

        yield report


@contextmanager
def _bar() -> Iterator[Report]:
    if not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("starting", total=1.0)

        def show(stage: str, share: float) -> None:
            progress.update(task, description=escape(one_line(stage)), completed=share)

        yield show


def probe_foreign() -> None:
    """Try every loaded third-party plugin file in a separate process, once per content."""
    from sim.core.registry import foreign

    files = {item.origin: item.sha256 for item in foreign() if item.origin.endswith(".py")}
    if not files:
        return
    from sim.core.plugin_files import note_tried, was_tried
    from sim.testing.judge import probe

    for path, digest in sorted(files.items()):
        if not was_tried(digest):
            tell(f"Trying {Path(path).name} ...")
            broken = probe(path)
            for sentence in broken:
                tell(sentence)
            if not broken:
                note_tried(digest)
