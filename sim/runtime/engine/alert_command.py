"""Runs the command of the setting ``alert_command`` with each alert, in the background."""

from __future__ import annotations

import atexit
import json
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from threading import Lock, Thread
from typing import TYPE_CHECKING

from sim.settings.logging import log

if TYPE_CHECKING:
    from sim.world.metrics.alerts import Alert


MOST_WAITING = 64
SECONDS = 30.0
"""How long a command may take before it is killed."""
AT_EXIT_SECONDS = 5.0
"""How long the program waits for commands when it ends."""


class _Delivery:
    """Alerts that wait for their command; one runs at a time, in a thread that ends with them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[tuple[list[str], bytes]] = deque()
        self._thread: Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def put(self, words: list[str], said: bytes) -> bool:
        """Let an alert wait for its command; False: too many wait."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                return False
            self._waiting.append((words, said))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="alert command", daemon=True)
                self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                words, said = self._waiting.popleft()
            try:
                self._one(words, said)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                log("alert command failed", "warning", command=words[0], error=str(error))

    def _one(self, words: list[str], said: bytes) -> None:
        with subprocess.Popen(  # noqa: S603 - the person's own command, without a shell
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # keys that stop the program are not for it
        ) as self._process:
            try:
                self._process.communicate(said, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
        if self._process.returncode:
            code = self._process.returncode
            log("alert command failed", "warning", command=words[0], code=code)

    def drain(self, seconds: float) -> None:
        """Wait until nothing waits; after so many seconds kill what runs and drop the rest."""
        thread = self._thread
        if thread is None:
            return
        thread.join(seconds)
        if thread.is_alive():
            self._waiting.clear()
            process = self._process
            if process is not None:
                with suppress(OSError):
                    process.kill()
            thread.join(1.0)


_delivery = _Delivery()


def drain(seconds: float = AT_EXIT_SECONDS) -> None:
    """Wait until every alert was delivered, for so many seconds at most."""
    _delivery.drain(seconds)


atexit.register(drain)


def deliver(alerts: Iterable[Alert]) -> str:
    """Hand alerts to the command, and return at once.

    Each is JSON on standard input: ``tick``, ``name``, ``level`` ("over", "warning", "critical"),
    ``metric``, ``value`` and ``sentence``.
    """
    from sim.settings.settings import current

    words = shlex.split(current().alert_command)
    if not words:
        return ""
    if shutil.which(words[0]) is None:
        return f"The alert command {words[0]!r} is not found; alerts are not delivered."
    dropped = 0
    for alert in alerts:
        said = json.dumps(asdict(alert) | {"level": alert.level.name.lower()})
        dropped += not _delivery.put(words, said.encode() + b"\n")
    if not dropped:
        return ""
    return f"The alert command is slow: {dropped:,} alerts were not delivered."
