"""``hubbub replay``: re-executes a world's logged commands and compares the digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.exits import FILE, OK
from sim.cli.program.output import as_json, safe, say, watched
from sim.cli.show.audit import read_log

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.runtime.replay import Replay
    from sim.world.log import LoggedAct
    from sim.world.world import World


@dataclass(frozen=True, slots=True)
class Again:
    """What was asked of a replay.

    Parameters
    ----------
    where
        A world file, the name of a saved world, or a log that ``show WORLD audit --json`` printed.
    to
        The last tick to run; None: all.
    check
        Whether a difference is an error.
    start
        An earlier save of the same world to begin from; None: its beginning, or else the nearest
        checkpoint of its journal.
    save
        Where to save what came of it.
    """

    where: str
    to: int | None = None
    check: bool = False
    start: Path | None = None
    save: Path | None = None


def show_replay(order: Again, *, json: bool) -> int:
    """Do it again and say how it compares; returns the exit code.

    Raises
    ------
    InputError, FileError
        When there is nothing to begin from.
    """
    from sim.cli.worlds.open_save import save_world

    with watched() as report:
        from sim.runtime.replay import replay

        acts, digest, findings = _log(order.where)
        start = _start(order, acts, report)
        found = replay(acts, to=order.to, start=start, report=report)
        differs = _differs(found, acts, digest, order.to)
        saved = "" if order.save is None else save_world(found.world, order.save, report)
    findings += [*found.findings, *differs]
    if json:
        say(as_json(_facts(found, findings, digest)))
    else:
        for line in (_sentence(found, digest, findings, order.to), *findings, saved):
            if line:
                say(safe(line))
    return FILE if findings and order.check else OK


def _log(where: str) -> tuple[list[LoggedAct], str | None, list[str]]:
    if where.endswith((".json", ".jsonl")):
        return read_log(Path(where))
    from sim.scenario.worlds import saved_path
    from sim.store.journal.reading import audit

    found = audit(saved_path(where))
    return list(found.acts), found.digest, list(found.findings)


def _start(order: Again, acts: list[LoggedAct], report: Report) -> World | None:
    """Return the state to begin from; None: the world is made again."""
    from sim.runtime.replay import can_begin
    from sim.store import load

    if order.start is not None:
        return load(order.start, report=report)
    if not can_begin(acts):
        return None
    return _checkpoint(order, acts, report)


def _checkpoint(order: Again, acts: list[LoggedAct], report: Report) -> World | None:
    """Return the nearest state that the journal beside the file keeps and that fits the log."""
    from sim.errors import SnapshotError
    from sim.runtime.replay import leads_to
    from sim.scenario.worlds import saved_path
    from sim.store import info, load
    from sim.store.journal.journal import folder_of

    folder = folder_of(saved_path(order.where))
    kept = sorted((info(path).tick or 0, path) for path in folder.glob("checkpoint-*.hub"))
    for tick, path in reversed(kept):
        if order.to is None or tick <= order.to:
            try:
                world = load(path, report=report)
            except SnapshotError:
                continue
            if leads_to(world, acts, order.to):
                return world
    return None


def _differs(found: Replay, acts: list[LoggedAct], digest: str | None, to: int | None) -> list[str]:
    """Compare with the saved world, where all that led to it was done again."""
    from sim.runtime.replay import line_of

    line = line_of(acts)
    done = found.begun + 1 + found.acts + sum(act.author == "plugin" for act in line)
    if digest is None or found.findings or done < len(line) or found.world.digest() == digest:
        return []
    until = "" if to is None else f" to tick {to:,}"
    return [
        f"The world replayed{until} is not the one that was saved: something was changed outside "
        "of the log, or Hubbub or a plugin is of another version."
    ]


def _sentence(found: Replay, digest: str | None, findings: list[str], to: int | None) -> str:
    world = found.world
    where = f"act {found.begun:,}" if found.begun else "the beginning"
    text = (
        f"Replayed from {where}: {found.acts:,} acts, {found.ticks:,} ticks, to tick "
        f"{world.tick:,} in {found.seconds:.2f} s."
    )
    if findings:
        return text
    same = "the digest is that of the saved world" if digest == world.digest() else "no act differs"
    return f"{text} {same[:1].upper()}{same[1:]}."


def _facts(found: Replay, findings: list[str], digest: str | None) -> dict[str, Any]:
    return {
        "tick": found.world.tick,
        "digest": found.world.digest(),
        "saved": digest,
        "begun": found.begun,
        "acts": found.acts,
        "ticks": found.ticks,
        "findings": findings,
        "same": not findings,
        "seconds": found.seconds,
    }
