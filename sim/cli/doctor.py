"""``hubbub doctor``: every path, version and fact that a report of a problem needs."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import psutil

import sim
from sim.cli.exits import ERROR, OK
from sim.cli.output import as_json, pairs, say, tell
from sim.cli.watch import watched
from sim.core.plugin_files import user_folder
from sim.core.registry import failures, names
from sim.core.text import plural
from sim.core.threads import workers
from sim.errors import HubbubError
from sim.runtime.health import JournalStatus, Vitals, look
from sim.runtime.journal.checkpoints import checkpoints_in
from sim.runtime.saves.places import place_of
from sim.runtime.warming import warm
from sim.scenario.worlds import saved_path
from sim.settings.logging import LOG
from sim.settings.settings import current
from sim.store import available_bytes, info, verify
from sim.store.journal.journal import folder_of
from sim.store.journal.reading import audit, checked, journal_checked

if TYPE_CHECKING:
    from sim.runtime.saves.places import LiveWorldFiles


_LIBRARIES = (
    "numpy", "numba", "llvmlite", "igraph", "networkx", "textual", "rich", "typer", "pydantic",
    "pydantic-settings", "msgpack", "aiosqlite", "psutil", "openai",
)  # fmt: skip
_OLDEST_SQLITE = (3, 35)


def show(*, json: bool, world: str | None = None) -> int:
    """Show everything, and report the problems found."""
    facts = examine()
    if world is not None:
        facts["world"], found = examine_world(world)
        facts["problems"] = facts.pop("problems") + found
    if json:
        say(as_json(facts))
    else:
        for title, section in facts.items():
            if isinstance(section, dict):
                say(f"{title}\n{indent(pairs(section), '  ')}\n")
        say("\n".join(facts["problems"]) or "No problems found.")
    return ERROR if facts["problems"] else OK


def examine() -> dict[str, Any]:
    """Return the facts by section, and ``problems``, a list of sentences."""
    facts: dict[str, Any] = {
        "program": {
            "hubbub": sim.__version__,
            "python": platform.python_version(),
            "executable": sys.executable,
            "platform": platform.platform(),
            "sqlite": sqlite3.sqlite_version,
        },
        "paths": _paths(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "machine": _machine(),
        "terminal": _terminal(),
        "kernels": _kernels(),
    }
    facts["problems"] = list(_problems(facts))
    return facts


def _paths() -> dict[str, Any]:
    settings = current()
    file, dotenv = settings.files
    return {
        "package": Path(sim.__file__).parent,
        "settings": _marked(file),
        ".env": _marked(dotenv),
        "saves": _marked(settings.saves_folder),
        "plugins": _marked(user_folder()),
        "logs": _marked(settings.logs),
        "log": _marked(settings.logs / LOG),
        "keymap": settings.keymap or "-",
    }


def _marked(path: Path) -> str:
    return str(path) if path.exists() else f"{path} (absent)"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def _machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "usable cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else os.cpu_count(),
        "memory MB": memory.total >> 20,
        "available MB": memory.available >> 20,
    }


def _terminal() -> dict[str, Any]:
    size = os.get_terminal_size(sys.stdout.fileno()) if sys.stdout.isatty() else None
    return {
        "input is a terminal": sys.stdin.isatty(),
        "output is a terminal": sys.stdout.isatty(),
        "size": f"{size.columns}x{size.lines}" if size else "-",
        "TERM": os.environ.get("TERM", "-"),
        "COLORTERM": os.environ.get("COLORTERM", "-"),
        "NO_COLOR": os.environ.get("NO_COLOR", "-"),
        "encoding": sys.stdout.encoding,
        "LANG": os.environ.get("LC_ALL") or os.environ.get("LANG", "-"),
    }


def _kernels() -> dict[str, Any]:
    """Return where compiled kernels are cached, without importing the compiler."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    root = Path(folder) if folder else Path(sim.__file__).parent
    kept = list(root.rglob("*.nbc"))
    return {
        "compiled": len(kept),
        "compiled MB": round(sum(file.stat().st_size for file in kept) / 2**20, 1),
        "folder": root,
        "writable": os.access(root, os.W_OK),
        "threads": workers(),
        "NUMBA_DISABLE_JIT": os.environ.get("NUMBA_DISABLE_JIT", "-"),
    }


def compile_kernels() -> None:
    """Compile what a new world, a run and a platform call, into the cache, and show how far."""
    before = _kernels()["compiled"]
    with watched() as report:
        warm(None, report)
    tell(f"Compiled {plural(_kernels()['compiled'] - before, 'kernel')}.")


def _problems(facts: dict[str, Any]) -> Iterator[str]:
    yield from current().notes
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield f"SQLite {sqlite3.sqlite_version} is older than 3.35; worlds cannot be saved."
    if not facts["kernels"]["writable"]:
        yield "Compiled kernels cannot be kept: set NUMBA_CACHE_DIR to a folder of your own."
    folder = current().saves_folder
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(parent, os.W_OK):
        yield f"Worlds cannot be saved: {parent} is not writable; set HUBBUB_SAVES."
    if not names():
        yield "No propagation model is registered; reinstall Hubbub."
    yield from map(str, failures())


STANDING = ("disk space", "durable tick", "memory")
"""The health checks that need no running engine."""


def examine_world(where: str) -> tuple[dict[str, Any], list[str]]:
    """Return facts about a world, and one sentence for each problem."""
    path = saved_path(where)
    place = place_of(path)
    facts: dict[str, Any] = {"path": path}
    problems = list(_file(path, facts)) if path.exists() or place is None else []
    if place is not None:
        problems += _live(place, facts)
    problems += _health(path, place, facts)
    return facts, problems


def _file(path: Path, facts: dict[str, Any]) -> Iterator[str]:
    try:
        said = info(path)
        facts |= {"bytes": said.bytes, "agents": said.agents, "tick": said.tick}
        facts |= {"saved at": said.saved_at, "written by": said.versions.get("hubbub", "unknown")}
        facts["columns checked"] = verify(path).columns
        facts["acts in one chain"] = checked(path)
        facts["acts in all"] = len(audit(path).acts)
    except HubbubError as error:
        yield str(error)


def _live(place: LiveWorldFiles, facts: dict[str, Any]) -> Iterator[str]:
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
        yield f"{folder}: it was not closed properly; recover it with hubbub recover."


def _health(path: Path, place: LiveWorldFiles | None, facts: dict[str, Any]) -> list[str]:
    """Run the checks that need no running engine."""
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
