""":class:`PluginTimeout`: a thread that interrupts foreign plugins that hang in a headless run.

A separate thread looks a few times a second at the calls under way. A call of a foreign plugin
that takes too long, or too much memory, is interrupted: in Python at the next line, in code that
sleeps or waits by a signal. If neither works, as in a query in SQLite, the whole process is ended,
after the last completed tick was saved. Code that holds Python's lock, such as a regular
expression, blocks the warden too; then a watchdog process ends this one
(:mod:`sim.runtime.engine.watchdog`).
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import PurePath
from types import FrameType
from typing import TYPE_CHECKING

import psutil

from sim.core.plugin_files import GROUP, is_ours
from sim.core.registry import foreign, spec_of
from sim.core.threads import Stalled, interrupt, interruptible, open_block
from sim.errors import StuckError
from sim.runtime.engine.watchdog import Heartbeat
from sim.settings.settings import current

if TYPE_CHECKING:
    from sim.world.world import World

ROOM = 1 << 30
"""Bytes by which the process may grow within one such call, in a small world."""

_LOOK_SECONDS, _NEXT_SECONDS = 0.2, 0.02
_TELL_SECONDS = 1.4
_GRACE_SECONDS = 1.0
_MOST_GRACES = 10
_KEEPING_SECONDS = 60.0
_BUSY, _ASLEEP, _UNFAIR = 0.5, 0.05, 1.5
_SILENT = 1.0
"""Seconds beyond the patience after which only the watchdog process can end a call."""
_LOST = (
    "it blocks everything else, so the current tick and unsaved changes are lost; end every call, "
    "or use --isolated, which continues without the plugin."
)
_SIGNAL = signal.SIGUSR2
_FILE = "hubbub_file_"
_COMPILER = ("numba.", "llvmlite.")
_THREADS = ("MainThread", "engine", "worker", "replicate")


@dataclass(slots=True)
class _Call:
    """A call of a plugin under way, and the measurements when it was first seen."""

    frame: FrameType
    since: float
    worked: float
    memory: int
    is_told: bool = False


def patience_for(world: World) -> float:
    """Return how many seconds one plugin call may take in a world: more in a large one."""
    return current().plugin_patience + (len(world.agents) + world.ties.count) / 1e6


def room_for(world: World) -> int:
    """Return the number of bytes by which a process may grow within one call in a world."""
    return ROOM + 4 * world.nbytes


def calls_of_plugins(packages: frozenset[str] = frozenset()) -> dict[int, tuple[FrameType, str]]:
    """Return (outermost frame, place) for each thread in which a foreign plugin runs."""
    found = {}
    ours = {each.ident for each in threading.enumerate() if each.name.startswith(_THREADS)}
    for thread, innermost in sys._current_frames().items():  # noqa: SLF001 - the only way to ask
        if thread not in ours:
            continue  # a plugin's own threads block nothing
        frame: FrameType | None = innermost
        outer, place, compiles = None, "", False
        while frame is not None:
            module = str(frame.f_globals.get("__name__", ""))
            if not place and module.startswith(_COMPILER):
                compiles = True
                break
            if module.startswith(_FILE) or module.partition(".")[0] in packages:
                outer = frame
                place = place or _place(frame)
            frame = frame.f_back
        if outer is not None and not compiles:
            found[thread] = outer, place
    return found


def _files() -> dict[str, str]:
    """Return the files of foreign plugins, each with its plugin's name if it has only one."""
    found: dict[str, list[str]] = {}
    for item in foreign():
        file = getattr(sys.modules.get(item.cls.__module__), "__file__", None)
        found.setdefault(str(file), []).append(item.name)
    return {
        file: names[0] if len(names) == 1 else PurePath(file).name for file, names in found.items()
    }


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{PurePath(code.co_filename).name}, line {frame.f_lineno}, in {code.co_name}"


def _plugin(frame: FrameType) -> str:
    """Return the name of the plugin whose method a frame runs; otherwise that of its file."""
    mine = frame.f_locals.get("self")
    found = spec_of(type(mine)) if mine is not None else None
    if found is not None:
        return found.name
    file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
    names = [item.name for item in foreign() if item.cls.__module__ == module]
    return names[0] if len(names) == 1 else PurePath(file).name


class PluginTimeout:
    """Watches the plugins of one process; made in its main thread."""

    def __init__(
        self,
        ended: Callable[[str], object],
        waits: Callable[[str], object] | None = None,
        heart: Callable[[], Heartbeat] | None = None,
    ) -> None:
        self.patience, self.room = current().plugin_patience, ROOM
        self.keep: Callable[[], str] | None = None
        self._ended, self._waits = ended, waits
        self._starts = heart or partial(Heartbeat, _LOST)
        self._stuck: StuckError | None = None
        self._accused: StuckError | None = None
        self._calls: dict[int, _Call] = {}
        self._packages = _packages()
        self._is_over = threading.Event()
        self._main = threading.get_ident()
        self._aim: FrameType | None = None
        self._thread = threading.Thread(target=self._run, name="warden", daemon=True)
        self._before = signal.signal(_SIGNAL, self._struck)
        self._heart: Heartbeat | None = None
        self._thread.start()

    def suit(self, world: World) -> None:
        """Set the time and memory limits of a call for a world."""
        self.patience, self.room = patience_for(world), room_for(world)

    def stop(self) -> None:
        """Stop watching."""
        self._is_over.set()
        self._thread.join(_GRACE_SECONDS)
        if self._heart is not None:
            self._heart.stop()
        signal.signal(_SIGNAL, self._before)

    def check(self) -> None:
        """Raise :class:`StuckError` if a plugin had to be stopped."""
        if self._stuck is not None:
            raise self._stuck

    def check_after(self, keep: Callable[[], str]) -> None:
        """Raise if a plugin was stopped halfway through something; ``keep()`` says what is kept."""
        if self._stuck is not None:
            reason = f"{self._stuck.reason}; {keep()}"
            raise StuckError(self._stuck.plugin, reason) from self._stuck

    def _run(self) -> None:
        while not self._is_over.wait(_LOOK_SECONDS if self._stuck is None else _NEXT_SECONDS):
            self._beat(_files())
            now, calls = time.monotonic(), calls_of_plugins(self._packages)
            self._calls = {
                thread: self._known(thread, frame, now) for thread, (frame, _) in calls.items()
            }
            for thread, call in self._calls.items():
                why = self._wrong(call, now)
                if why:
                    self._end(thread, call, why, calls[thread][1])
                    break
                self._tell(call, now, calls[thread][1])

    def _beat(self, files: dict[str, str]) -> None:
        """Send the watchdog process a heartbeat; without plugins there is no such process."""
        if files and self._heart is None:
            self._heart = self._starts()
        if self._heart is not None:
            self._heart.beat(self.patience + _SILENT, files)

    def _tell(self, call: _Call, now: float, place: str) -> None:
        """Report once which plugin's call is waited for, and for how long."""
        if self._waits is None or call.is_told or now - call.since < _TELL_SECONDS:
            return
        call.is_told = True
        self._waits(
            f"Waiting for plugin {_plugin(call.frame)!r} ({place}); it is stopped if it does not "
            f"return within {self.patience:.0f} s."
        )

    def _known(self, thread: int, frame: FrameType, now: float) -> _Call:
        call = self._calls.get(thread)
        if call is not None and call.frame is frame:
            return call
        return _Call(frame, now, time.process_time(), _resident())

    def _wrong(self, call: _Call, now: float) -> str:
        """Return which limit a call exceeds; empty: none.

        Time counts fully while the process works or sleeps; on a busy machine it does neither.
        Once one call had to be stopped, further calls are stopped without waiting.
        """
        if self._stuck is not None and now > call.since:
            return "runs after another had to be stopped"
        grown = _resident() - call.memory
        if grown > self.room:
            return f"uses {grown / 2**30:.1f} GiB of memory in one call"
        lasts, worked = now - call.since, time.process_time() - call.worked
        is_fair = worked > _BUSY * lasts or worked < _ASLEEP * lasts
        if lasts > (self.patience if is_fair else _UNFAIR * self.patience):
            return f"has not returned after {lasts:.0f} s"
        return ""

    def _end(self, thread: int, call: _Call, why: str, place: str) -> None:
        """Interrupt a call; if that fails, save what there is and end the process."""
        reason = f"{why} ({place}); end every loop, or raise the setting plugin_patience"
        stuck = self._accused = self._stuck or StuckError(_plugin(call.frame), reason)
        self._aim = call.frame
        began, worked, struck = time.monotonic(), time.process_time(), False
        while not self._is_over.wait(0.02):
            block = open_block(thread)  # before the look: it holds the call that is seen then
            if not self._lasts(thread, call):
                self._calls.clear()
                return
            if not struck:
                struck = True
                self._strike(thread, block)
            if self._graceless(time.monotonic() - began, time.process_time() - worked):
                self._ended(f"{str(stuck).rstrip('.')}; {self._kept()}.")
                return

    def _graceless(self, lasted: float, worked: float) -> bool:
        """Return whether a struck call has had its time to end, in processor time if it works."""
        sleeps = worked < _ASLEEP * lasted
        return max(worked, lasted if sleeps else lasted / _MOST_GRACES) > _GRACE_SECONDS

    def _lasts(self, thread: int, call: _Call) -> bool:
        found = calls_of_plugins(self._packages).get(thread)
        return found is not None and found[0] is call.frame

    def _strike(self, thread: int, block: interruptible | None) -> None:
        if thread == self._main:
            signal.pthread_kill(thread, _SIGNAL)
        elif block is not None and interrupt(block):
            self._stuck = self._accused

    def _struck(self, _number: int, frame: FrameType | None) -> None:
        """Raise inside the plugin, if it still runs; in the main thread."""
        aim = self._aim
        while frame is not None:
            if frame is aim:
                self._stuck = self._accused
                raise Stalled
            frame = frame.f_back

    def _kept(self) -> str:
        """Save what there is, within a time limit; return where, as a clause."""
        if self.keep is None:
            return "there was nothing to keep"
        said: list[str] = []

        def work() -> None:
            assert self.keep is not None  # noqa: S101 - as above
            try:
                said.append(self.keep())
            except Exception as error:
                said.append(f"the last completed tick cannot be kept ({error})".rstrip("."))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(_KEEPING_SECONDS)
        return said[0] if said else "the last completed tick could not be kept in time"


_on_watch: list[PluginTimeout] = []


@contextmanager
def warden(
    ended: Callable[[str], object],
    waits: Callable[[str], object] | None = None,
    heart: Callable[[], Heartbeat] | None = None,
) -> Iterator[PluginTimeout | None]:
    """Watch foreign plugins within the block; yields None in any thread but the main one."""
    if threading.current_thread() is not threading.main_thread() or _on_watch:
        yield None
        return
    mine = PluginTimeout(ended, waits, heart)
    _on_watch.append(mine)
    try:
        yield mine
    finally:
        _on_watch.remove(mine)
        mine.stop()


def on_watch() -> PluginTimeout | None:
    """Return the :class:`PluginTimeout` of this process, or None."""
    return _on_watch[0] if _on_watch else None


@contextmanager
def naming() -> Iterator[None]:
    """Raise the error that names a stopped plugin, in place of its consequences in the block."""
    try:
        with interruptible():
            yield
    except StuckError:
        raise
    except BaseException:
        _check()
        raise
    _check()


def _check() -> None:
    mine = on_watch()
    if mine is not None:
        mine.check()


def _packages() -> frozenset[str]:
    """Return the top-level names of installed packages that declare plugins."""
    entries = metadata.entry_points(group=GROUP)
    modules = (str(getattr(each, "module", "")) for each in entries if not is_ours(each))
    return frozenset(filter(None, (module.partition(".")[0] for module in modules)))


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
