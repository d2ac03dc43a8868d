"""The program's log, and reports of its own faults, both without secrets.

The log is ``hubbub.jsonl`` in the log folder, one JSON object per line, five files of 5 MB at most.
Keys, tokens and passwords are removed from everything that is written, whatever their source, and
the home folder is ``~``.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from importlib import metadata
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from sim.core.files import open_log, write_whole
from sim.core.text import clean

Level = Literal["debug", "info", "warning", "error"]

LOG = "hubbub.jsonl"
MOST_BYTES, KEPT = 5_000_000, 4
"""Size of one file, and number of older ones that are kept."""

MASK = "[secret]"
LONGEST = 100_000
_ORDER = ("debug", "info", "warning", "error")
_SHORTEST_SECRET = 6

_NAMES = r"(?:api[-_]?key|access[-_]?key|secret|token|password|passwd|authorization|credential)s?"
_SECRET_NAME = re.compile(rf"key|{_NAMES}", re.IGNORECASE)
_LOOKS = (
    re.compile(
        r"\b(?:sk|pk|rk|xai|gsk|AIza|ghp|gho|github_pat|xox[abp]|hf|glpat)[-_][A-Za-z0-9_\-*.]{6,}"
    ),
    re.compile(r"\bAKIA[0-9A-Z]{12,}"),
    re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]+){1,2}"),
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
)
_SAID = re.compile(
    rf"(?P<name>[\w-]*{_NAMES}[\w-]*)(?P<sign>[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"(?P<value>(?!\d+(?:[\s,;&\"']|$))[^\s\"',;&]{3,})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_lock = threading.Lock()


def redacted(text: str) -> str:
    """Return a text without keys, tokens, passwords, and the name of the home folder.

    Examples
    --------
    >>> redacted("POST with api_key=abc123def, Authorization: Bearer abcdefghij")
    'POST with api_key=[secret], Authorization: Bearer [secret]'
    """
    for secret in _known():
        text = text.replace(secret, MASK)
    for look in _LOOKS:
        text = look.sub(MASK, text)
    text = _SAID.sub(rf"\g<name>\g<sign>{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def _known() -> list[str]:
    from sim.settings.settings import current  # pydantic takes long to import

    found = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    with suppress(Exception):  # the settings may be what is broken
        settings = current()
        for name in type(settings).model_fields:
            reveal = getattr(getattr(settings, name), "get_secret_value", None)
            found |= {reveal()} if reveal is not None else set()
    return sorted((each for each in found if len(each) >= _SHORTEST_SECRET), key=len, reverse=True)


def log(event: str, level: Level = "info", **facts: object) -> None:
    """Write one line, unless the setting ``log_level`` is above it or the log cannot be written."""
    from sim.settings.settings import current  # pydantic takes long to import

    settings = current()
    if _ORDER.index(level) < _ORDER.index(settings.log_level):
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = {name: _without_secrets(value) for name, value in facts.items()}
    line = json.dumps({"time": now, "level": level, "event": redacted(event), **said}, default=str)
    with suppress(OSError), _lock:
        _write(settings.logs, line[:LONGEST])


class _PrivateFileHandler(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        return os.fdopen(open_log(self.baseFilename), "a", encoding="utf-8")


def _write(folder: Path, line: str) -> None:
    folder.mkdir(0o700, parents=True, exist_ok=True)
    file = _PrivateFileHandler(
        folder / LOG, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8"
    )
    with closing(file):
        file.emit(logging.makeLogRecord({"msg": "%s", "args": (line,)}))


def _without_secrets(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return {redacted(str(k)): _without_secrets(each) for k, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return redacted(str(value))


def crash_report(error: BaseException, **facts: object) -> Path | None:
    """Write a report for finding a fault, without values and secrets; None: it cannot be written.

    Parameters
    ----------
    error
        The unexpected error.
    **facts
        Additional facts, such as the tick and the seed.

    Returns
    -------
    Path or None
        The report, in the log folder.
    """
    from sim.settings.settings import current  # pydantic takes long to import

    try:
        folder = current().logs
        folder.mkdir(0o700, parents=True, exist_ok=True)
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = folder / f"crash-{now}-{os.getpid()}.txt"
        text = redacted("\n".join(_report(error, facts)))
        write_whole(path, clean(text, max(len(text), 1)), is_private=True)
        log("failed unexpectedly", "error", error=one_line_of(error), report=str(path))
    except Exception:  # a fault while a fault is reported
        return None
    return path


def one_line_of(error: BaseException) -> str:
    """Return the class and text of an error in one line, without secrets."""
    return redacted(" ".join(f"{type(error).__name__}: {error}".split()).rstrip("."))


def _version() -> str:
    try:
        return metadata.version("hubbub")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "of a checkout"


def _report(error: BaseException, facts: dict[str, Any]) -> Iterator[str]:
    yield f"Hubbub {_version()}, Python {platform.python_version()}, {platform.platform()}"
    yield from (f"{name}: {value}" for name, value in facts.items())
    yield ""
    yield "".join(traceback.format_exception(error))
