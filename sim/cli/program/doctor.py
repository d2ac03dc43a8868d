"""``hubbub doctor``: every path, version and fact that a report of a problem needs."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import sim
from sim.cli.program.exits import ERROR, OK
from sim.cli.program.log import LOG
from sim.cli.program.output import as_json, pairs, say
from sim.core.threads import workers

_LIBRARIES = (
    "numpy",
    "numba",
    "llvmlite",
    "igraph",
    "networkx",
    "textual",
    "rich",
    "typer",
    "pydantic",
    "pydantic-settings",
    "msgpack",
    "aiosqlite",
    "psutil",
    "openai",
)
_OLDEST_SQLITE = (3, 35)


def show(*, json: bool, world: str | None = None) -> int:
    """Show everything, and say what is wrong.

    Parameters
    ----------
    json
        Whether to print JSON.
    world
        A world to be looked at too.

    Returns
    -------
    int
        1 when something is, else 0.
    """
    facts = examine()
    if world is not None:
        from sim.cli.program.doctor_world import examine_world

        facts["world"], found = examine_world(world)
        facts["problems"] = facts.pop("problems") + found
    if json:
        say(as_json(facts))
    else:
        for title, section in facts.items():
            if isinstance(section, dict):
                say(f"{title}\n{_indented(pairs(section))}\n")
        say("\n".join(facts["problems"]) or "Nothing is wrong.")
    return ERROR if facts["problems"] else OK


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def examine() -> dict[str, Any]:
    """Return the facts by section, and ``problems``, a list of sentences.

    Returns
    -------
    dict
        JSON can hold it; nothing of it is secret.
    """
    facts: dict[str, Any] = {
        "program": _program(),
        "paths": _paths(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "machine": _machine(),
        "terminal": _terminal(),
        "kernels": _kernels(),
    }
    facts["problems"] = list(_problems(facts))
    return facts


def _program() -> dict[str, Any]:
    return {
        "hubbub": sim.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
    }


def _paths() -> dict[str, Any]:
    from sim.core.plugin_files import user_folder
    from sim.settings.settings import current

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
    import psutil

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
    """Where compiled kernels are kept; without importing the compiler."""
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


def _problems(facts: dict[str, Any]) -> Iterator[str]:
    from sim.core.registry import failures, names
    from sim.settings.settings import current

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
