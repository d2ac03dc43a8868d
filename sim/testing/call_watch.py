"""Tools of the laws: the runner, a watch on calls, and what is forbidden to every kind."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sim.core.params import Parameters
from sim.core.registry import register
from sim.errors import PluginError

_SHOWN = 60
_CLOCKS = {
    "clock_gettime", "clock_gettime_ns", "gmtime", "localtime", "monotonic", "monotonic_ns", "now",
    "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "time", "time_ns",
    "thread_time", "thread_time_ns", "today", "utcnow",
}  # fmt: skip
_PLAIN_RANDOM = {"random", "secrets", "uuid"}
_NUMPY_RANDOM = "numpy.random"
_plain: Any = importlib.import_module("random")
_numpy: Any = importlib.import_module(_NUMPY_RANDOM)


def state() -> str:
    """Return the state of the global generators of Python and numpy, for comparison."""
    return repr((_plain.getstate(), _numpy.get_state(legacy=False)))


def source_of(cls: type) -> str:
    """Return the path of the file that defines a class, as in its code objects, or empty."""
    try:
        return inspect.getsourcefile(cls) or ""
    except TypeError:
        return ""


class CallWatch:
    """Records which clocks and sources of randomness the code of one file calls."""

    def __init__(self, file: str = "") -> None:
        self.file = file
        self.clocks: dict[str, None] = {}
        self.randomness: dict[str, None] = {}

    def forget(self) -> None:
        """Clear the record."""
        self.clocks.clear()
        self.randomness.clear()

    @contextmanager
    def on(self) -> Iterator[CallWatch]:
        """Watch during the block; code runs several times slower."""
        before = sys.getprofile()
        sys.setprofile(self._seen)
        threading.setprofile(self._seen)  # minds decide in a separate thread
        try:
            with self.around_numpy():
                yield self
        finally:
            sys.setprofile(before)
            threading.setprofile(None)

    @contextmanager
    def around_numpy(self) -> Iterator[None]:
        """Wrap ``numpy.random`` to record callers; import a plugin inside the block."""
        kept = {name: getattr(_numpy, name) for name in _drawing()}
        for name, function in kept.items():
            setattr(_numpy, name, self._told(name, function))
        try:
            yield
        finally:
            for name, function in kept.items():
                setattr(_numpy, name, function)

    def _told(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            frame = sys._getframe(1)  # noqa: SLF001 - the caller's frame
            if frame.f_code.co_filename == self.file:
                self._note(self.randomness, f"{_NUMPY_RANDOM}.{name}", frame)
            return function(*args, **keywords)

        return call

    def _note(self, into: dict[str, None], name: str, frame: FrameType) -> None:
        into[f"{name}() in line {frame.f_lineno}"] = None

    def _seen(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and frame.f_code.co_filename == self.file:
            self._built_in(frame, argument)
        elif event == "call" and frame.f_back is not None:
            module = str(frame.f_globals.get("__name__", ""))
            if module in _PLAIN_RANDOM and frame.f_back.f_code.co_filename == self.file:
                self._note(self.randomness, f"{module}.{frame.f_code.co_name}", frame.f_back)

    def _built_in(self, frame: FrameType, function: Any) -> None:
        owner, name = getattr(function, "__self__", None), function.__name__
        if isinstance(owner, _plain.Random):
            self._note(self.randomness, f"random.{name}", frame)
        elif name == "urandom":
            self._note(self.randomness, "os.urandom", frame)
        elif name in _CLOCKS and (function.__module__ == "time" or _is_date(owner)):
            module = "time" if function.__module__ == "time" else "datetime"
            self._note(self.clocks, f"{module}.{name}", frame)


def _is_date(owner: object) -> bool:
    return isinstance(owner, type) and owner.__module__ == "datetime"


def _drawing() -> list[str]:
    """Return the functions of ``numpy.random``; its classes must not be wrapped."""
    public = (name for name in dir(_numpy) if not name.startswith("_"))
    found = {name: getattr(_numpy, name) for name in public}
    return [name for name, each in found.items() if callable(each) and not inspect.isclass(each)]


def hold(
    cls: type[Parameters], laws: Mapping[str, Callable[..., object]], parameters: dict[str, Any]
) -> tuple[str, ...]:
    """Check a plugin class against laws; return their names."""
    if not cls.plugin_name:
        register(cls.__name__.lower())(cls)
    for law in laws.values():
        law(cls, parameters)
    return tuple(laws)


def refuse_output(cls: type[Parameters], run: Callable[[], object], instead: str = "") -> None:
    """Raise for a plugin that writes to standard output or standard error while it runs."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), _raw() as raw:
        run()
    text = output.getvalue() or raw()
    if text:
        shown = ascii(text[:_SHOWN])
        kind = "escape codes" if "\x1b" in text else "text"
        raise PluginError(
            cls.plugin_name,
            f"writes {kind} to the terminal ({shown}), over the screen; take the print out"
            f"{instead}",
        )


@contextmanager
def _raw() -> Iterator[Callable[[], str]]:
    """Detect writes to the process's own output, if that is a file."""
    files: list[Any] = [each for each in (sys.__stdout__, sys.__stderr__) if _is_file(each)]
    before = [os.fstat(stream.fileno()).st_size for stream in files]

    def grown() -> str:
        for stream, size in zip(files, before, strict=True):
            stream.flush()
            if os.fstat(stream.fileno()).st_size > size:
                return os.pread(stream.fileno(), _SHOWN, size).decode(errors="replace")
        return ""

    yield grown


def _is_file(stream: Any) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):  # missing, closed, or captured by a test
        return False


def refuse_randomness(cls: type[Parameters], run: Callable[[], object], instead: str) -> CallWatch:
    """Raise for a plugin that uses other randomness than it is given; return what it called."""
    before = state()
    with CallWatch(source_of(cls)).on() as watch:
        run()
    found = next(iter(watch.randomness), "")
    if not found and state() != before:
        found = "the global generator"
    if found:
        raise PluginError(
            cls.plugin_name, f"draws from {found}, so a run cannot be repeated; {instead}"
        )
    return watch


def refuse_clocks(cls: type[Parameters], watch: CallWatch, instead: str) -> None:
    """Raise for a plugin that read a clock while it was watched."""
    if watch.clocks:
        raise PluginError(
            cls.plugin_name,
            f"reads a clock, {next(iter(watch.clocks))}, so a run cannot be repeated; "
            f"use {instead}",
        )
