"""What commands write: sentences, tables, JSON, and how far long work is."""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from sim.core.progress import Report
from sim.errors import Cancelled, FileError

__all__ = [
    "as_json",
    "pairs",
    "require_folder",
    "say",
    "table",
    "tell",
    "watched",
    "write_text",
]


def say(text: str) -> None:
    """Write a result: a line to standard output."""
    sys.stdout.write(f"{text}\n")


def tell(text: str) -> None:
    """Write a remark: a line to standard error, so that results can be piped."""
    sys.stderr.write(f"{text}\n")


def as_json(value: object) -> str:
    """Return JSON for programs: what is no number is null, paths and arrays are plain."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned text; every cell is one clean line.

    Parameters
    ----------
    rows
        Cells of one number a row; the first row may be a heading.
    """
    from sim.core.text import one_line, width

    clean = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*clean, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (cells - width(cell)) for cell, cells in zip(row, widths, strict=True)
        ).rstrip()
        for row in clean
    )


def pairs(values: Mapping[str, object]) -> str:
    """Return names and values as an aligned table."""
    return table([(name, "" if value is None else str(value)) for name, value in values.items()])


def require_folder(path: Path | None) -> None:
    """Refuse before any work what could not be written after it.

    Raises
    ------
    FileError
        When the folder of ``path`` does not exist.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise FileError(path, "its folder does not exist; create it first")


def write_text(path: Path, text: str) -> None:
    """Write a result file, or to standard output when ``path`` is ``-``.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    if str(path) == "-":
        say(text.rstrip("\n"))
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None


@contextmanager
def watched() -> Iterator[Report]:
    """Show on a terminal how far long work is, and let Ctrl-C cancel it at its next report.

    Yields
    ------
    Report
        Raises ``Cancelled`` once Ctrl-C was pressed; a second Ctrl-C does not wait for it.
    """
    with _interruptible() as asked, _bar() as show:

        def report(stage: str, share: float) -> None:
            if asked.is_set():
                raise Cancelled(f"Cancelled while {stage}; nothing was written.")
            show(stage, share)

        yield report


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar() -> Iterator[Report]:
    if not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda stage, share: progress.update(task, description=stage, completed=share)
