""":class:`Lease`: a file lock for the one writer of a live world; it names its holder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sim.core.files import PRIVATE
from sim.core.text import one_line
from sim.errors import FileError
from sim.store.snapshot.files import small
from sim.store.snapshot.schema import from_json

LONGEST = 4096
LOOKS, LOOK_SECONDS = 3, 0.01


class LeaseError(FileError):
    """Another process writes this world; the message names it."""


class Signature(NamedTuple):
    """Holder of a lease, start (ISO 8601), and time of release; "": never released."""

    pid: str
    host: str
    since: str
    until: str


class Lease:
    """The right to write; it ends with :meth:`release`, or with the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, PRIVATE)
        try:
            _lock(self._descriptor)
        except BlockingIOError as error:
            os.close(self._descriptor)
            reason = f"in use by {holder(path)}; close it there, or work on a copy"
            raise LeaseError(path.parent, reason) from error
        self._said = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        self._write()

    def _write(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(self._said).encode(), 0)

    def release(self) -> None:
        """Let others write, and record that the world was closed properly."""
        if self._descriptor >= 0:
            self._said["until"] = _now()
            with contextlib.suppress(OSError):  # a full disk; the lock is what matters
                self._write()
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock(descriptor: int) -> None:
    """Lock at once or not at all; a process that only checks holds it for some microseconds."""
    for _ in range(LOOKS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOOK_SECONDS)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Return whether a process holds a lease now; the file need not exist."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def signature(path: Path) -> Signature | None:
    """Return the current or last holder of a lease, cleaned, from its file; None: unknown."""
    try:
        said = from_json(small(path, LONGEST).decode())
        pid, host, since = (one_line(str(said[name]), 80) for name in ("pid", "host", "since"))
        return Signature(pid, host, since, one_line(str(said.get("until", "")), 80))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def holder(path: Path) -> str:
    """Describe the current or last holder of a lease, from its file."""
    said = signature(path)
    if said is None:
        return "another process"
    return f"process {said.pid} on {said.host} since {said.since}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
