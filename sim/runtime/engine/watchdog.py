"""The watchdog process: ends its parent when not even the warden's thread can run there.

Compiled code that does not release Python's lock, such as a regular expression that tries a
trillion ways, stops every thread of Python, the warden's too. So the warden sends a small process
a heartbeat a few times a second. If the heartbeat stops while its process works, the watchdog asks
for the stack, by a signal that is answered without the lock; if a plugin's line is on the stack,
it names the plugin, and ends the process.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from select import select

import psutil

_SIGNAL = signal.SIGUSR1
_LOOK_SECONDS = 0.5
_ANSWER_SECONDS = 0.5
_SHOW_CURSOR = "\x1b[?25h"
_LINE = re.compile(r'File "([^"]+)", line (\d+) in ([\w<>]+)')
_BUSY = 0.1
"""Share of a processor that a hung process uses; one that uses less is stopped or waits."""


class Heartbeat:
    """Starts the watchdog process, and tells it that this one still runs."""

    def __init__(self, says: str, to: str = "") -> None:
        self._answers = tempfile.NamedTemporaryFile(prefix="hubbub-where-")  # noqa: SIM115
        faulthandler.register(_SIGNAL, self._answers, all_threads=True)
        words = [sys.executable, "-P", __file__, str(os.getpid()), self._answers.name, says, to]
        self._watch = subprocess.Popen(  # noqa: S603 - ourselves
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        assert self._watch.stdin is not None  # noqa: S101 - it was asked for
        self._to = self._watch.stdin.fileno()
        os.set_blocking(self._to, False)  # the watchdog must not block anything

    def beat(self, seconds: float, files: Mapping[str, str]) -> None:
        """Send the watchdog a sign of life."""
        line = json.dumps([seconds, dict(files)])
        with suppress(OSError):  # the watchdog is gone
            os.write(self._to, f"{line}\n".encode())

    def stop(self) -> None:
        """Stop the watchdog."""
        self._watch.kill()
        self._watch.communicate()
        faulthandler.unregister(_SIGNAL)
        self._answers.close()


def place_in(answer: str, files: Mapping[str, str]) -> tuple[str, str] | None:
    """Return (plugin, place) of the innermost line of a plugin; None: none is on a stack.

    Examples
    --------
    >>> said = 'File "/a/re.py", line 9 in match, File "/b/x.py", line 7 in chance'
    >>> place_in(said, {"/b/x.py": "mine"})
    ('mine', 'x.py, line 7, in chance')
    """
    for file, line, function in _LINE.findall(answer):
        if file in files:
            return files[file], f"{PurePath(file).name}, line {line}, in {function}"
    return None


def main() -> None:
    """Watch over the process that started this one, as the arguments say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number, answers, says, to = sys.argv[1:]
    with suppress(psutil.Error):  # it has ended
        watch(psutil.Process(int(number)), Path(answers), says, sys.stdin.fileno(), to)


def watch(process: psutil.Process, answers: Path, says: str, told: int, to: str = "") -> None:
    """Watch the process until it ends or has to be ended."""
    seconds, rest = 0.0, b""
    files: dict[str, str] = {}
    since, worked = time.monotonic(), _worked(process)
    while True:
        if select([told], [], [], _LOOK_SECONDS)[0]:
            more = os.read(told, 1 << 16)
            if not more:
                return
            *lines, rest = (rest + more).split(b"\n")
            if lines:
                seconds, files = json.loads(lines[-1])
            since, worked = time.monotonic(), _worked(process)
            continue
        lasts = time.monotonic() - since
        if not seconds or lasts < seconds or _worked(process) - worked < _BUSY * lasts:
            continue
        found = _where(process, answers, files)
        if found is None:  # no plugin's code: ours, and it returns
            since, worked = time.monotonic(), _worked(process)
            continue
        plugin, place = found
        sentence = f"Plugin {plugin!r}: has not returned after {lasts:.0f} s ({place}); {says}\n"
        try:
            _say(sentence, to)  # first: the parent of that process reads it after its end
        finally:
            process.kill()
        return


def _say(sentence: str, to: str) -> None:
    if to:
        with Path(to).open("a", encoding="utf-8") as file:
            file.write(sentence)
        return
    shown = _SHOW_CURSOR if sys.stderr.isatty() else ""
    sys.stderr.write(f"{shown}{sentence}")
    sys.stderr.flush()


def _worked(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _where(
    process: psutil.Process, answers: Path, files: Mapping[str, str]
) -> tuple[str, str] | None:
    """Ask a process for its stack; return which plugin's line is on it, and the place."""
    before = answers.stat().st_size
    process.send_signal(_SIGNAL)
    time.sleep(_ANSWER_SECONDS)
    with answers.open("rb") as file:
        file.seek(before)
        return place_in(file.read().decode("utf-8", "replace"), files)


if __name__ == "__main__":
    main()
