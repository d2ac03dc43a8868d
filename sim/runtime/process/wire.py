"""The pipe protocol between two processes: ordered messages, delta-coded frames, errors.

Only a process and its own child talk in this way; a plugin shares the engine's process and could
write here too, as it could anywhere: this isolates faults, not malice.
"""

from __future__ import annotations

import io
import pickle  # nosec B403 - of our own process
import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from sim.core.text import one_line
from sim.errors import HubbubError, InputError
from sim.runtime.engine.run_control import LiveProgram
from sim.runtime.frames.frames import Communities, Focus, Frame

_SHARED = (np.ndarray, Focus, Communities)
_LONGEST = 500
MOST_ACTS = 1000
"""Newest acts of the world's log that the other process is given."""


@dataclass(frozen=True, slots=True)
class EngineOrder:
    """First message to an engine's process."""

    at: str
    name: str
    path: str | None
    max_running: int | None
    frames_per_second: float
    is_asked_for: bool = False
    pacing: Any = None
    author: str = "script"
    undo_bytes: int = 0
    plugins: tuple[str, ...] = ()
    settings: Any = None
    memory_mb: int | None = None
    marks: str | None = None
    hears: bool = False
    ended: tuple[str, str, str] | None = None
    lines: tuple[tuple[int, str], ...] = ()
    chosen: int | None = None
    is_dirty: bool = False
    program: LiveProgram | None = None


class PipeEnd:
    """One end of a pipe; messages are written by a separate thread, in order."""

    def __init__(
        self, pipe: Connection, took: Callable[[tuple[Any, ...]], None], ended: Callable[[], None]
    ) -> None:
        self.fault: Exception | None = None
        self._pipe = pipe
        self._took = took
        self._ended = ended
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=run, name=f"wire-{run.__name__}", daemon=True)
            for run in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether a message waits to be written."""
        return not self._waiting.empty()

    def send(self, *message: Any) -> None:
        """Send a message; never waits."""
        self._waiting.put(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def close(self) -> None:
        """Close once everything is written; this tells the other side."""
        self._waiting.put(None)

    def join(self, timeout: float) -> None:
        """Wait for both threads, then close the pipe."""
        for thread in self._threads:
            thread.join(timeout)
        if not any(thread.is_alive() for thread in self._threads):
            self._pipe.close()

    def _read(self) -> None:
        try:
            while (said := self._received()) is not None:
                self._took(pickle.loads(said))  # noqa: S301  # nosec B301
        except Exception as error:  # ours, and no one else's: but nothing more can be read
            self.fault = error
        self._waiting.put(None)
        self._ended()

    def _received(self) -> bytes | None:
        """Return the next message; None at the end."""
        try:
            return self._pipe.recv_bytes()
        except (EOFError, OSError):
            return None

    def _write(self) -> None:
        with suppress(OSError):  # the other end is gone: the reader reports it
            while (message := self._waiting.get()) is not None:
                self._pipe.send_bytes(message)
        # This wakes the reader: closing alone would leave it waiting.
        with suppress(OSError), socket.socket(fileno=self._pipe.fileno()) as end:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.detach()


class _Sharing(pickle.Pickler):
    """Pickles an object that is sent separately as a number."""

    def __init__(self, file: io.BytesIO, root: object, number: Callable[[Any], int]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._root = root
        self._number = number

    def persistent_id(self, thing: Any) -> int | None:
        return (
            self._number(thing) if isinstance(thing, _SHARED) and thing is not self._root else None
        )


class FrameWriter:
    """Converts frames to bytes; an array or part that was in the last frame becomes a number."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, object]] = {}
        self._count = 0

    def write(self, frame: Frame) -> bytes:
        """Return the next input for :meth:`FrameReader.read`."""
        seen: dict[int, tuple[int, object]] = {}
        fresh: list[tuple[int, bytes]] = []

        def number(thing: object) -> int:
            known = self._known.get(id(thing)) or seen.get(id(thing))
            if known is None:
                body = dump(thing)
                self._count += 1
                known = (self._count, thing)
                fresh.append((self._count, body))
            seen[id(thing)] = known
            return known[0]

        def dump(thing: object) -> bytes:
            file = io.BytesIO()
            _Sharing(file, thing, number).dump(thing)
            return file.getvalue()

        body = dump(frame)
        for part in (frame.focus, frame.communities):  # its arrays stay known along with it
            self._keep(part, seen)
        self._known = seen
        return pickle.dumps((fresh, body), pickle.HIGHEST_PROTOCOL)

    def _keep(self, picture: object, seen: dict[int, tuple[int, object]]) -> None:
        for name in getattr(type(picture), "__slots__", ()):
            known = self._known.get(id(getattr(picture, name)))
            if known is not None:
                seen[id(known[1])] = known


@dataclass(slots=True)
class FrameReader:
    """Converts bytes to frames; arrays are read-only, and the same object while unchanged."""

    _known: dict[int, object] = field(default_factory=dict)

    def read(self, said: bytes) -> Frame:
        """Return the frame."""
        used: dict[int, object] = {}

        def look(number: int) -> object:
            used[number] = thing = self._known[number]
            return thing

        fresh, body = pickle.loads(said)  # noqa: S301  # nosec B301
        for number, part in fresh:
            thing = _load(part, look)
            if isinstance(thing, np.ndarray):
                thing.flags.writeable = False
            self._known[number] = thing
        frame: Frame = _load(body, look)
        kept = {id(value) for part in (frame.focus, frame.communities) for value in _parts(part)}
        self._known = {
            n: thing for n, thing in self._known.items() if n in used or id(thing) in kept
        }
        return frame


def _parts(picture: object) -> list[object]:
    return [getattr(picture, name) for name in getattr(type(picture), "__slots__", ())]


def _load(said: bytes, look: Callable[[int], object]) -> Any:
    loader = pickle.Unpickler(io.BytesIO(said))  # noqa: S301  # nosec B301
    loader.persistent_load = look  # type: ignore[method-assign]
    return loader.load()


def packed(error: BaseException) -> tuple[Any, ...]:
    """Return an error in a form that can be sent: its class and its text."""
    whole = (type(error), error.args, dict(vars(error)))
    for said in (whole, (type(error), (str(error),), {})):
        try:
            unpacked(pickle.loads(pickle.dumps(said)))  # noqa: S301  # nosec B301
        except Exception:  # noqa: S112  # nosec B112 - whatever a stranger's error does when copied
            continue
        return said
    return HubbubError, (one_line(f"{type(error).__name__}: {error}", _LONGEST),), {}


def unpacked(said: tuple[Any, ...]) -> BaseException:
    """Return the error: of the same class, with the same text, made without its constructor."""
    kind, args, attributes = said
    error: BaseException = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


def sendable(
    request: Callable[..., Any],
    args: tuple[Any, ...],
    keywords: dict[str, Any],
    *,
    reports: bool = False,
) -> bytes:
    """Return a request in a form that can be sent; ``reports``: whether it reports progress."""
    for thing in (*args, *keywords.values()):
        if callable(thing) and getattr(thing, "__module__", "") == "__main__":
            raise InputError(
                f"The engine is another process, which does not have {_first((thing,))} of this "
                "script; put it into a module of its own, and import it."
            )
    try:
        return pickle.dumps((request, reports, args, keywords), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise InputError(
            f"The engine is another process, and {_first(args)} cannot be sent there "
            f"({one_line(str(error), 120).rstrip('.')}); pass a function of a module, and "
            "arguments that pickle takes."
        ) from None


def _first(args: tuple[Any, ...]) -> str:
    thing = args[0] if args else "it"
    return repr(getattr(thing, "__qualname__", None) or type(thing).__name__)
