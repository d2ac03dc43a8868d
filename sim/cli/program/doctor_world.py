"""``hubbub doctor --world``: how a saved or live world is, without opening it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import HubbubError

if TYPE_CHECKING:
    from sim.runtime.saves.places import LivePlace


STANDING = ("disk space", "durable tick", "memory")
"""The health checks that need no running engine."""


def examine_world(where: str) -> tuple[dict[str, Any], list[str]]:
    """Return facts of a world, and a sentence for everything that is wrong with it.

    Parameters
    ----------
    where
        A world file, or the name of a saved world; it may be open in another process.
    """
    from sim.runtime.saves.places import place_of
    from sim.scenario.worlds import saved_path

    path = saved_path(where)
    place = place_of(path)
    facts: dict[str, Any] = {"path": path}
    problems = list(_file(path, facts)) if path.exists() or place is None else []
    if place is not None:
        problems += _live(place, facts)
    problems += _health(path, place, facts)
    return facts, problems


def _file(path: Path, facts: dict[str, Any]) -> Iterator[str]:
    from sim.store import verify
    from sim.store.journal.reading import audit, checked
    from sim.store.snapshot.opened import info

    try:
        said = info(path)
        facts |= {"bytes": said.bytes, "agents": said.agents, "tick": said.tick}
        facts |= {"saved at": said.saved_at, "written by": said.versions.get("hubbub", "unknown")}
        facts["columns checked"] = verify(path).columns
        facts["acts in one chain"] = checked(path)
        facts["acts in all"] = len(audit(path).acts)
    except HubbubError as error:
        yield str(error)


def _live(place: LivePlace, facts: dict[str, Any]) -> Iterator[str]:
    from sim.runtime.journal.checkpoints import checkpoints_in
    from sim.store.journal.journal import folder_of
    from sim.store.journal.reading import journal_checked

    folder = folder_of(place.path)
    facts |= {"journal": folder, "journal bytes": place.bytes, "checkpoints": 0}
    facts["checkpoints"] = len(checkpoints_in(folder))
    facts["open in"] = place.holder or "-"
    if place.acked is not None:
        facts["durable to tick"] = place.acked.tick
    try:
        facts["entries in one chain"] = journal_checked(folder)
    except HubbubError as error:
        yield str(error)
    if not place.holder and not place.was_closed:
        yield f"{folder}: whoever had it open did not close it; hubbub recover brings it back."


def _health(path: Path, place: LivePlace | None, facts: dict[str, Any]) -> list[str]:
    """Run the checks that need no running engine."""
    import psutil

    from sim.runtime.health import JournalStatus, Vitals, look
    from sim.store import available_bytes

    folder = next(each for each in path.absolute().parents if each.exists())
    durable = place.acked.tick if place is not None and place.acked is not None else None
    vitals = Vitals(
        tick=facts.get("tick") or durable or 0,
        room=shutil.disk_usage(folder).free,
        folder=str(folder),
        resident=int(psutil.Process().memory_info().rss),
        free=available_bytes(),
        journal=None if durable is None else JournalStatus(durable, 0, None),
    )
    found = [each for each in look(vitals).readings if each.name in STANDING]
    facts |= {f"health: {each.name}": each.sentence for each in found}
    return [each.sentence for each in found if each.level != "ok"]
