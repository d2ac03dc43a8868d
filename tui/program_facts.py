"""Facts about the program for the System mode: threads, plugins, paths."""

from __future__ import annotations

import threading
from pathlib import Path


def facts() -> list[tuple[str, str]]:
    """Return (label, text) of each fact; called in a thread, for folders may be slow."""
    from sim import __version__, names, spec
    from sim.core import failures, user_folder
    from sim.settings import current

    settings = current()
    models = [spec(name) for name in names()]
    foreign = [model.name for model in models if model.is_foreign]
    told = [("Hubbub", __version__), ("log", str(settings.logs / "hubbub.jsonl"))]
    told += [("saves", str(settings.saves_folder))]
    told += [("models", f"{len(models)}, {len(foreign)} of plugins")]
    told += [("plugin", name) for name in foreign]
    told += [("does not load", str(error)) for error in failures()]
    told += [("threads", ", ".join(sorted(thread.name for thread in threading.enumerate())))]
    told += [("plugins in", _marked(user_folder())), ("settings", _marked(settings.files[0]))]
    return told


def _marked(path: Path) -> str:
    return str(path) if path.exists() else f"{path} (absent)"
