"""Capture of foreign plugins' output while a world runs; their files are reloaded here, too."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sim.core.files import open_log
from sim.core.plugin_files import one
from sim.core.registry import foreign, has_consent, load_candidate
from sim.core.text import one_line
from sim.errors import HubbubError
from sim.settings.settings import stamp

_STDOUT = 1

_MOST_CHARACTERS = 4096
_MOST_NOTES = 20


class OutputCapture:
    """Keeps plugins' output off the screen, and records its first lines."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note
        self._noted = 0
        self._caught: _Caught | None = None
        self._apart: tuple[_Apart, _Apart] | None = None

    def __enter__(self) -> None:
        if foreign():
            self._caught = _Caught()
            self._apart = (_Apart(self._caught, sys.stdout), _Apart(self._caught, sys.stderr))
            sys.stdout, sys.stderr = self._apart

    def __exit__(self, *_: object) -> None:
        caught, self._caught = self._caught, None
        if caught is None or self._apart is None:
            return
        for apart in self._apart:
            apart.is_over = True
        # Another engine may have wrapped these meanwhile; its exit then skips this wrapper.
        sys.stdout, sys.stderr = _under(sys.stdout), _under(sys.stderr)
        for line in caught.getvalue().splitlines():
            if self._noted < _MOST_NOTES and line.strip():
                self._noted += 1
                last = " (no more is noted)" if self._noted == _MOST_NOTES else ""
                self._note(f"a plugin printed: {one_line(line)}{last}")


class _Caught(io.StringIO):
    """Keeps a few lines and drops the rest: a plugin that prints without end cannot fill memory."""

    def write(self, text: str) -> int:
        room = _MOST_CHARACTERS - self.tell()
        super().write(text[: max(room, 0)])
        return len(text)


class _Apart:
    """Captures what one thread prints; the output of all other threads passes through."""

    def __init__(self, caught: _Caught, other: Any) -> None:
        self.is_over = False
        self.caught = caught
        self.other = _under(other)
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        """Write to the stream of the calling thread."""
        return int((self.caught if self._is_mine else self.other).write(text))

    def flush(self) -> None:
        """Flush the stream of the calling thread."""
        if not self._is_mine:
            self.other.flush()

    @property
    def _is_mine(self) -> bool:
        return self.other is None or threading.get_ident() == self._thread

    def __getattr__(self, name: str) -> Any:
        return getattr(self.caught if self._is_mine else self.other, name)


def _under(stream: Any) -> Any:
    """Return the stream below the wrappers whose purpose is over."""
    while isinstance(stream, _Apart) and stream.is_over:
        stream = stream.other
    return stream


class _Facade(io.TextIOBase):
    """Stands in for ``sys.__stdout__``: it has the size of the terminal, and writes to a file."""

    def __init__(self, file: int, terminal: Any) -> None:
        self._file = file
        self._terminal = terminal

    def write(self, text: str) -> int:
        with suppress(OSError):
            os.write(self._file, text.encode(errors="replace"))
        return len(text)

    def fileno(self) -> int:
        return int(self._terminal.fileno())

    def isatty(self) -> bool:
        return bool(self._terminal.isatty())


@contextmanager
def output_aside(path: Path) -> Iterator[None]:
    """Redirect the process's own output to a file: otherwise it would reach the screen."""
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        log = open_log(path)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    kept, before, errors = os.dup(_STDOUT), sys.__stdout__, sys.__stderr__
    if errors is None or errors.closed or not errors.isatty():
        sys.__stderr__ = os.fdopen(kept, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]
    os.dup2(log, _STDOUT)
    sys.__stdout__ = _Facade(log, sys.__stderr__)  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.__stdout__, sys.__stderr__ = before, errors  # type: ignore[misc]
        os.dup2(kept, _STDOUT)
        os.close(kept)
        os.close(log)


class PluginFiles:
    """Detects changed files of foreign plugins, and reloads them.

    A file that was named for this run, or enabled with its new content, is tried in a separate
    process and then reloaded; messages under way keep the class that started them. Any other
    change is only reported.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        self._told: dict[str, tuple[int, int]] = {}

    def changed(self) -> list[str]:
        """Return the files that changed since the last look; the first look returns none."""
        found = []
        for path in {item.origin for item in foreign() if item.origin.endswith(".py")}:
            now = stamp(Path(path))
            before = self._seen.setdefault(path, now)
            if now not in {before, (0, -1)}:
                self._seen[path] = now
                found.append(path)
        return sorted(found)

    def take_up(self, path: str) -> str:
        """Try a changed file and reload it; return what to report. May take seconds."""
        from sim.testing.judge import probe

        name = Path(path).name
        if _is_same(path):
            return ""
        if not has_consent(path):
            return (
                f"{name} has changed, and the old version stays in use; to reload it: "
                f"hubbub plugin reload {Path(path).stem}"
            )
        try:
            broken = probe(path)
            brought = load_candidate(one(path))
        except HubbubError as error:
            return f"{name} is not reloaded: {error}"
        said = [
            f"{name} is reloaded: {', '.join(f'{item.name} {item.version}' for item in brought)}",
            *broken,
        ]
        return "; ".join(sentence.rstrip(".") for sentence in said)


def _is_same(path: str) -> bool:
    try:
        now = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return True
    return any(item.origin == path and item.sha256 == now for item in foreign())
