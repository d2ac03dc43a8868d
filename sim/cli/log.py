"""The log: one JSON object a line, in ``hubbub.jsonl`` of the log folder, rotated at 1 MB."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Literal

__all__ = ["LOG", "Level", "log"]

Level = Literal["debug", "info", "warning", "error"]

LOG = "hubbub.jsonl"
_ORDER = ("debug", "info", "warning", "error")
_MOST_BYTES, _KEPT = 1_000_000, 3


def log(event: str, level: Level = "info", **facts: object) -> None:
    """Write one line, unless the setting ``log_level`` is above it.

    A log that cannot be written is no reason to stop: then there is none.

    Parameters
    ----------
    event
        A few words; what varies belongs into the facts.
    level
        How grave it is.
    **facts
        What JSON can hold; anything else is written as text.
    """
    from sim.core.settings import current

    settings = current()
    if _ORDER.index(level) < _ORDER.index(settings.log_level):
        return
    import logging
    from logging.handlers import RotatingFileHandler

    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": now, "level": level, "event": event, **facts}, default=str)
    with suppress(OSError):
        settings.logs.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            settings.logs / LOG, maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="utf-8"
        )
        with closing(file):
            file.emit(logging.makeLogRecord({"msg": "%s", "args": (line,)}))
