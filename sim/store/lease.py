"""One writer for each live world: a lock that ends with its process, and a name on it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from sim.core.text import one_line
from sim.errors import FileError
from sim.store.plain import from_json

__all__ = ["Lease", "LeaseError", "holder"]

LONGEST = 4096


class LeaseError(FileError):
    """Another process writes this world; the sentence says which."""


class Lease:
    """The right to write; it ends with :meth:`release`, or with the process.

    Parameters
    ----------
    path
        The lock's file; it stays when the lease ends, and says who held it last.

    Raises
    ------
    LeaseError
        When somebody holds it.
    OSError
        When the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            reason = f"in use by {holder(path)}; close it there, or work on a copy"
            raise LeaseError(path.parent, reason) from error
        self._sign()

    def _sign(self) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(said).encode(), 0)

    def release(self) -> None:
        """Let others write."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def holder(path: Path) -> str:
    """Say who holds or last held a lease, as its file has it."""
    try:
        with path.open("rb") as file:
            said = from_json(file.read(LONGEST).decode())
        pid, host, since = (one_line(str(said[name]), 80) for name in ("pid", "host", "since"))
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"
    return f"process {pid} on {host} since {since}"
