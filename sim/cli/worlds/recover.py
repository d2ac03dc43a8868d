"""``hubbub recover``: crash recovery of a journalled world; and ``run --journal``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.exits import FILE, OK
from sim.cli.program.output import as_json, safe, say, tell, watched
from sim.errors import Cancelled, InputError

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.runtime.journal.checkpoints import Pacing
    from sim.runtime.journal.writer import JournalWriter
    from sim.store.journal.recovery import Recovery
    from sim.world.world import World


def show_recovery(where: str, save: Path | None, *, json: bool, force: bool = False) -> int:
    """Bring back the live world of a file, and say what was found; returns the exit code.

    Parameters
    ----------
    where
        A world file or the name of a saved world; beside it lies ``NAME.hub.live``.
    save
        Where to save what was recovered; None: nowhere.
    json
        Whether to print the facts as JSON.
    force
        Whether it may replace a file that holds the same world further on.

    Raises
    ------
    SnapshotError
        When there is no journal, or nothing to begin from.
    InputError
        When it would be saved inside the journal's folder.
    """
    from sim.cli.worlds.open_save import save_world
    from sim.runtime.journal.writer import recover
    from sim.scenario.worlds import saved_path
    from sim.store.journal.journal import folder_of

    path = Path(saved_path(where))
    if save is not None and save.resolve().parent == folder_of(path).resolve():
        raise InputError("What was recovered is saved elsewhere, not inside the journal's folder.")
    with watched() as report:
        found = recover(path, report=report)
        way = "add --force to replace it"
        saved = ""
        if save is not None:
            own = save.absolute() == path.absolute() and found.is_whole
            number = found.number if own else None
            saved = save_world(found.world, save, report, force=force, way_out=way, number=number)
    if json:
        say(as_json(_facts(found, save)))
    else:
        for line in _lines(found):
            say(safe(line))
        say(saved or f"Nothing was changed. To keep it: hubbub recover {where} --save OTHER.hub")
    return OK if found.is_whole else FILE


def _lines(found: Recovery) -> Iterator[str]:
    yield found.sentence
    if found.acked is not None:
        yield f"Acknowledged last: entry {found.acked.number:,}, tick {found.acked.tick:,}."
    yield from found.findings
    if found.lacks and found.lacks not in found.findings:
        yield found.lacks
    if found.is_whole:
        yield "Nothing is missing."


def _facts(found: Recovery, save: Path | None) -> dict[str, Any]:
    acked = found.acked
    checkpoint = dataclasses.asdict(found.checkpoint) | {"digest": found.checkpoint.digest.hex()}
    return {
        "tick": found.tick,
        "entry": found.number,
        "digest": found.world.digest(),
        "acknowledged": None if acked is None else {"entry": acked.number, "tick": acked.tick},
        "checkpoint": checkpoint,
        "replayed": found.replayed,
        "ticks": found.ticks,
        "findings": list(found.findings),
        "whole": found.is_whole,
        "saved": None if save is None else str(save),
        "seconds": found.seconds,
    }


class JournalledRun:
    """A run that keeps a journal beside a world file, and goes on with the one that is there.

    Parameters
    ----------
    path
        The world's file; it need not exist.
    pacing
        When checkpoints are taken.
    force
        Whether it may begin where something that was acknowledged is not carried over.
    """

    def __init__(self, path: Path, pacing: Pacing, *, force: bool = False) -> None:
        self.path, self._pacing, self._force = path, pacing, force
        self._found: Recovery | None = None

    def made(self, make: Callable[[Report], World], report: Report) -> World:
        """Return the live world of the file as :func:`~sim.runtime.open_live` finds it, or make it.

        Raises
        ------
        LeaseError
            When another process has it open.
        SnapshotError
            When neither its journal nor its file gives a world.
        FileError
            When not all that was acknowledged would be in it; nothing is changed.
        """
        from sim.runtime.opening import open_live
        from sim.runtime.saves.places import has_journal

        if not has_journal(self.path):
            return make(report)
        opened = open_live(self.path, report=report, refuse_loss=not self._force)
        self._found = opened.recovered
        if self._found is not None:
            tell(self._found.sentence)
        for remark in opened.world.remarks:
            if remark != opened.told or self._found is None:
                tell(remark)
        return opened.world

    @contextmanager
    def keeper(self, world: World) -> Iterator[JournalWriter]:
        """Keep the journal while the block runs.

        Raises
        ------
        LeaseError
            When another process runs this world.
        FileError
            When the journal there is damaged, or the disk takes nothing more.
        """
        from sim.runtime.journal import persistence as custody

        keeping = custody.JournalConfig(
            self.path, self._pacing, author="command line", recovered=self._found
        )
        keeper = custody.begin(world, keeping)
        try:
            yield keeper
            _settle(keeper, world)
        except Cancelled:  # between two ticks
            _settle(keeper, world)
            raise
        finally:
            keeper.close()


def journalled(
    where: str, save: Path | None, checkpoint: str | None = None, *, force: bool = False
) -> JournalledRun:
    """Return where a run of a world keeps its journal: beside its file, or the one it is saved to.

    Raises
    ------
    InputError
        When neither is given, or ``checkpoint`` is no pacing.
    """
    from sim.runtime.journal.checkpoints import Pacing
    from sim.runtime.saves.places import has_journal
    from sim.scenario.worlds import saved_path

    pacing = Pacing.chosen() if checkpoint is None else Pacing.of(checkpoint)
    path = saved_path(where)
    if where != "demo" and (path.is_file() or (path.suffix == ".hub" and has_journal(path))):
        return JournalledRun(path, pacing, force=force)
    if save is None:
        raise InputError("A journal lies beside a world's file; name one with --save FILE.hub.")
    return JournalledRun(save, pacing, force=force)


def _settle(keeper: JournalWriter, world: World) -> None:
    keeper.flush(world)
    keeper.wait()
    tell(f"Durable to tick {keeper.durable_tick:,}, in {keeper.folder}.")
