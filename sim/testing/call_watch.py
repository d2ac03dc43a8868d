""":class:`CallWatch`: traces a plugin's calls to clocks and global random generators."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

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
    """Return what the global generators of Python and numpy hold, to be compared."""
    return repr((_plain.getstate(), _numpy.get_state(legacy=False)))


def source_of(cls: type) -> str:
    """Return the path of the file that defines a class, as its lines name it; empty: none."""
    try:
        return inspect.getsourcefile(cls) or ""
    except TypeError:
        return ""


class CallWatch:
    """Notes which clocks and which sources of randomness the lines of one file call.

    Attributes
    ----------
    clocks, randomness
        What was called, as ``"time.time() in line 12"``, each once and in order.
    """

    def __init__(self, file: str = "") -> None:
        self.file = file
        self.clocks: dict[str, None] = {}
        self.randomness: dict[str, None] = {}

    def forget(self) -> None:
        """Begin anew."""
        self.clocks.clear()
        self.randomness.clear()

    @contextmanager
    def on(self) -> Iterator[CallWatch]:
        """Watch meanwhile; code runs several times slower."""
        before = sys.getprofile()
        sys.setprofile(self._seen)
        threading.setprofile(self._seen)  # minds decide in a thread of their own
        try:
            with self.around_numpy():
                yield self
        finally:
            sys.setprofile(before)
            threading.setprofile(None)

    @contextmanager
    def around_numpy(self) -> Iterator[None]:
        """Let the functions of ``numpy.random`` say who calls them.

        Import a plugin inside, or names that it imports from there stay unwatched.
        """
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
            frame = sys._getframe(1)  # noqa: SLF001 - who called is the question
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
    """Return the functions of ``numpy.random``; its classes must stay what they are."""
    public = (name for name in dir(_numpy) if not name.startswith("_"))
    return [name for name in public if _is_function(getattr(_numpy, name))]


def _is_function(found: Any) -> bool:
    return callable(found) and not inspect.isclass(found)
