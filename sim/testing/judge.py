"""The parent process of a plugin test: runs ``trial`` in a child process, with a deadline.

The deadline counts CPU time between two signs of life (a tick, a law), so that a busy machine fails
no plugin. A process that sleeps without working gets 8 s, one that neither sleeps nor works
(because others do) a minute.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from sim.core.rooms import environment
from sim.core.text import one_line
from sim.errors import PluginError

DEADLINE_SECONDS = 8.0
"""CPU time allowed for a tick of a tiny world; compiling a form's kernels takes 5 s."""

_STILL_SECONDS = 60.0
_ASLEEP_SECONDS = 8.0
_START_SECONDS = 600.0
_LOOK_SECONDS = 0.2
_PARTING_SECONDS = 5.0
_WORDS = ("-P", "-m", "sim.testing.trial")
_BEFORE = ("starting", "warming up")
_FRAME = re.compile(r'File "(.*?)", line (\d+) in (\S+)')
"""A frame as printed by faulthandler, innermost first."""

PROBED = ("runs", "silent", "own draws", "deterministic", "untouched")
"""Laws checked by a probe: violations would harm a running simulation."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Result of testing one model."""

    model: str  # its registered name, or the file if it was not registered
    kept: tuple[str, ...] = ()  # laws it satisfies
    broken: str = ""  # the law it broke; empty if none
    sentence: str = ""  # what it did and how to fix it; empty likewise
    lacks: tuple[str, ...] = ()  # missing fields of its card
    is_harmful: bool = False


def judged(
    what: str,
    *,
    laws: Iterable[str] = (),
    parameters: Mapping[str, Any] | None = None,
    deadline: float = DEADLINE_SECONDS,
    watch: Callable[[str], object] = lambda _doing: None,
) -> tuple[TrialResult, ...]:
    """Test a plugin in a separate process."""
    order = {"what": what, "laws": list(laws), "parameters": dict(parameters or {})}
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, *_WORDS, str(writing), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                env=environment(),
            )
        finally:
            os.close(writing)
        trial = Trial(process, reading, output, what, deadline)
        try:
            return trial.follow(watch)
        finally:
            trial.end()


def probe(what: str, *, deadline: float = DEADLINE_SECONDS) -> tuple[str, ...]:
    """Test a plugin before it enters a running simulation."""
    verdicts = judged(what, laws=PROBED, deadline=deadline)
    for verdict in verdicts:
        if verdict.is_harmful:
            raise _error(verdict)
    return tuple(v.sentence for v in verdicts if v.sentence and v.broken != "kind")


def _error(verdict: TrialResult) -> PluginError:
    said = re.match(r"Plugin '(.*?)': (.*?)\.?$", verdict.sentence, re.DOTALL)
    return PluginError(*said.groups()) if said else PluginError(verdict.model, verdict.sentence)


class Trial:
    """A test process under watch."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        pipe: int,
        output: IO[bytes],
        what: str,
        deadline: float,
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._output = output
        self._what = what
        self._deadline = deadline
        self._pending = b""
        self._verdicts: dict[str, TrialResult] = {}
        self._doing, self._model = "starting", ""
        self._is_over = self._has_said_all = False
        self._alive_at, self._worked = time.monotonic(), 0.0
        self._awake_at, self._seen_work = self._alive_at, 0.0

    def follow(self, watch: Callable[[str], object]) -> tuple[TrialResult, ...]:
        """Read until the process has reported everything, ended, or hung."""
        while not self._is_over:
            watch(f"{self._model}: {self._doing}" if self._model else self._doing)
            ready, _, _ = select.select([self._pipe], [], [], _LOOK_SECONDS)
            if ready:
                read = os.read(self._pipe, 65536)
                if not read:
                    self._ended()
                self._take(read)
            if not self._is_over:
                self._look()
        return tuple(self._verdicts.values())

    def end(self) -> None:
        """End the process; one that has reported everything ends by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PARTING_SECONDS if self._has_said_all else 0)
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        os.close(self._pipe)

    def _take(self, read: bytes) -> None:
        if read:
            self._alive_at = self._awake_at = time.monotonic()
            self._worked = self._work()
        *lines, self._pending = (self._pending + read).split(b"\n")
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # a plugin may write there too
                self._note(json.loads(line))

    def _note(self, told: dict[str, Any]) -> None:
        event, model = told["event"], told.get("model", "")
        if event == "doing":
            self._doing, self._model = told["what"], model
        elif event == "kept":
            self._verdicts[model] = TrialResult(
                model, tuple(told["laws"]), lacks=tuple(told["lacks"])
            )
        elif event == "broken":
            self._condemn(model, told["law"], told["sentence"])
        elif event == "refused":
            self._condemn(self._what, "importing", told["sentence"])
        elif event == "end":
            self._is_over = self._has_said_all = True

    def _condemn(self, model: str, law: str, sentence: str) -> None:
        self._verdicts[model] = TrialResult(model, (), law, one_line(sentence))

    def _look(self) -> None:
        """End a process that works or waits without a sign of life."""
        still, asleep = time.monotonic() - self._alive_at, self._asleep()
        worked = self._work() - self._worked
        if self._doing in _BEFORE:
            if still > _START_SECONDS:
                self._fail("the trial could not start")
        elif (
            worked > self._deadline
            or asleep > max(_ASLEEP_SECONDS, self._deadline)
            or still > max(_STILL_SECONDS, 2 * self._deadline)
        ):
            place = self._place()
            spent = f"{worked:.0f} s of work" if worked > self._deadline else f"{still:.0f} s"
            self._fail(f"does not return: after {spent} it is still {place}; end every loop")

    def _fail(self, reason: str) -> None:
        name = self._model or self._what
        sentence = one_line(str(PluginError(name, reason)))
        self._verdicts[name] = TrialResult(name, (), self._doing, sentence, is_harmful=True)
        self._is_over = True

    def _ended(self) -> None:
        """Record how the process ended if it had not reported everything."""
        self._is_over = True
        if any(verdict.sentence for verdict in self._verdicts.values()) and not self._model:
            return
        try:
            code = self._process.wait(_PARTING_SECONDS)
        except subprocess.TimeoutExpired:
            self._fail("closes files that are not its own; close only what it has opened")
            return
        if self._doing in _BEFORE:
            self._fail(f"the trial could not start: {self._last_words()}")
            return
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        self._fail(f"ended the whole process {how}; never call os._exit, and look at compiled code")

    def _last_words(self) -> str:
        """Return the last line that the process printed."""
        size = os.fstat(self._output.fileno()).st_size
        tail = os.pread(self._output.fileno(), 4096, max(size - 4096, 0)).decode(errors="replace")
        return one_line((tail.strip().splitlines() or ["it said nothing"])[-1]).rstrip(".")

    def _asleep(self) -> float:
        """Return the seconds that the process has slept without work, as seen at every poll."""
        now, work = time.monotonic(), self._work()
        with suppress(psutil.Error):
            sleeps = psutil.Process(self._process.pid).status() == psutil.STATUS_SLEEPING
            if not sleeps or work > self._seen_work:
                self._awake_at = now
        self._seen_work = work
        return now - self._awake_at

    def _work(self) -> float:
        """Return the CPU seconds that the process has used."""
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return self._worked
        return float(times.user + times.system)

    def _place(self) -> str:
        """Return the place in the code where the process is, from its own faulthandler."""
        before = os.fstat(self._output.fileno()).st_size
        with suppress(OSError):
            self._process.send_signal(signal.SIGUSR1)
        said = ""
        for _ in range(20):
            time.sleep(0.05)
            more = os.pread(self._output.fileno(), 1 << 16, before).decode(errors="replace")
            if more and more == said:
                break
            said = more
        # The blocking code may run in another thread than the waiting one, as with minds.
        frames = _FRAME.findall(said)
        if not frames:
            return f"in {self._doing!r}, in compiled code"
        waiting = said.rpartition("Current thread")[2]
        own = [frame for frame in frames if Path(frame[0]).name == Path(self._what).name]
        file, line, function = (own or _FRAME.findall(waiting) or frames)[0]
        return f"in {function}() ({Path(file).name}, line {line})"
