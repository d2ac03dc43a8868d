"""``hubbub info``, ``verify`` and ``phases``: what is in a world, and in a tick."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.output import as_json, pairs, say, table
from sim.cli.watch import watched
from sim.cli.worlds import open_world
from sim.core.text import plural
from sim.minds.surrogate import agreement_of
from sim.runtime.saves.places import require_file
from sim.scenario.worlds import saved_path
from sim.store import info, verify
from sim.store.journal.journal import JOURNAL_FILE, folder_of, read_acked
from sim.store.journal.lineage import bookmarks, is_of_file, lineage
from sim.store.journal.reading import checked, journal_checked

if TYPE_CHECKING:
    from sim.world.world import World


def show_info(where: str, *, network: bool, json: bool) -> None:
    """Describe a world; with ``network`` load it and measure its network."""
    path = saved_path(where)
    require_file(path)
    facts = _file_facts(path) if path.suffix == ".hub" or path.is_file() else {}
    if facts and not network:
        say(as_json(facts) if json else pairs(_lines(facts)))
        return
    from sim.cli.ties import network_facts, network_text

    with watched() as report:
        world = open_world(where, report)
        facts = facts | _platform_facts(world) if facts else _world_facts(world)
        measured = network_facts(world, report) if network else {}
    more = f"\n\n{network_text(measured)}" if measured else ""
    told = {**facts, "network": measured} if measured else facts
    say(as_json(told) if json else pairs(_lines(facts)) + more)


def _file_facts(path: Path) -> dict[str, Any]:
    found = info(path)
    told = {"agreement": said} if (said := _agreements(found.minds)) else {}
    return dataclasses.asdict(found) | told | _living_facts(path)


def _agreements(minds: Iterable[str]) -> list[str]:
    """Return how well each surrogate agrees with the model that it stands for."""
    words = [word for one in minds if one.startswith("surrogate,") for word in one.split(",")]
    paths = {word.removeprefix("path=").rpartition(" (")[0] or word.removeprefix("path=")
             for word in words if word.startswith("path=")}  # fmt: skip
    if not paths:
        return []

    return [agreement_of(path) for path in sorted(paths)]


def _living_facts(path: Path) -> dict[str, Any]:
    """Return facts kept beside a world file: its parent world, its bookmarks and its journal."""
    folder = folder_of(path)
    if not folder.is_dir():
        return {}
    origin, marks = lineage(path), bookmarks(path)
    facts: dict[str, Any] = {} if origin is None else {"branch_of": origin._asdict()}
    if marks:
        facts["bookmarks"] = [f"{each.name} (tick {each.tick:,})" for each in marks]
    size = sum(file.stat().st_size for file in folder.iterdir())
    acked = read_acked(folder)
    reaches: dict[str, Any] = {}
    if acked is not None:
        said = "opening the world continues from this tick; load() reads the file as it was saved"
        if not is_of_file(path):
            said = "of an earlier world: the file has been rewritten since, and is what opens"
        reaches = {"tick": acked.tick, "note": said}
    return facts | {"journal": reaches | {"folder": str(folder), "bytes": size}}


def _world_facts(world: World) -> dict[str, Any]:
    return {
        "agents": len(world.agents),
        "ties": world.ties.count,
        "interactions": None if world.interactions is None else len(world.interactions),
        "relations": world.tie_records.counts,
        "tick": world.tick,
        "seed": world.seed,
        "messages": len(world.cascades),
        "digest": world.digest(),
        **_platform_facts(world),
    }


def _platform_facts(world: World) -> dict[str, Any]:
    """Return the facts about a world's platform; empty if there is none."""
    platform = world.platform
    if platform is None:
        return {}
    done = platform.log.counted[1].sum(axis=0)
    ranks, acts = [
        [each.plugin_name or type(each).__name__ for each in plugins]
        for plugins in (platform.recommenders, platform.policies)
    ]
    return {
        "platform": {
            "recommenders": ranks,
            "policy": acts[0],
            **({"policies": acts} if len(acts) > 1 else {}),
            "slots": platform.settings.slots,
            "posts": platform.posts.next,
            "in feeds": len(platform.posts),
            "acts": int(done.sum()),
            "bytes": platform.nbytes,
        }
    }


def _lines(facts: dict[str, Any], above: str = "") -> dict[str, object]:
    """Flatten nested facts to one level, for a table."""
    flat: dict[str, object] = {}
    for name, value in facts.items():
        if name == "interactions" and value is None:
            continue  # few worlds have any
        if name in {"relations", "recommenders", "policies", "minds"} and not value:
            continue  # nor types of ties, nor a platform, nor members with a mind
        if isinstance(value, dict):
            flat |= _lines(value, f"{above}{name} ")
        elif isinstance(value, list | tuple):
            flat[f"{above}{name}"] = ", ".join(map(_item, value))
        else:
            flat[f"{above}{name}"] = f"{value:,}" if type(value) is int else value
    return flat


def _item(value: object) -> str:
    return str(value["name"]) if isinstance(value, dict) and "name" in value else str(value)


def show_verification(where: str, *, json: bool) -> None:
    """Check every byte of a world file, its command log and its journal, and print the result."""
    path = saved_path(where)
    require_file(path)
    with watched() as report:
        found = verify(path, report=report)
        acts, folder = checked(path), folder_of(path)
        entries = journal_checked(folder) if (folder / JOURNAL_FILE).is_file() else None
    size = f"{found.bytes / 2**20:,.1f} MB"
    text = (
        f"{found.path}: intact; {plural(found.columns, 'column')}, {size}, "
        f"{plural(acts, 'log entry', 'log entries')} in one chain, checked in "
        f"{found.seconds:.2f} s."
    )
    if entries is not None:
        text += f"\n{folder}: {plural(entries, 'entry', 'entries')} in one chain."
    facts = dataclasses.asdict(found) | {"acts": acts, "entries": entries}
    say(as_json(facts) if json else text)


def show_phases(*, json: bool, platform: bool = False) -> None:
    """Show what a tick does, in order; ``platform``: in a world that has one."""
    from sim.platform.opening import phases_of
    from sim.world.metrics.series import WATCH

    phases = phases_of(platform=platform, metrics=True)
    rows = [(f"{number}.", phase.name, phase.says) for number, phase in enumerate(phases, 1)]
    facts = [{"name": phase.name, "says": phase.says} for phase in phases]
    note = f"\n\n{WATCH.name}: only in worlds that take metrics."
    note += "" if platform else " hubbub phases --with-platform shows what a platform adds."
    say(as_json(facts) if json else table(rows) + note)
