"""Faults of models: an exception in a plugin stops only the cascade that it works for."""

from __future__ import annotations

import dis
import signal
import threading
import traceback
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from sim.core.authors import line_of, place_in, words_of
from sim.core.text import one_line
from sim.errors import HubbubError, PluginError

if TYPE_CHECKING:
    from sim.spread.cascade.cascade import Cascade


_RAISE = dis.opmap["RAISE_VARARGS"]


class ModelFault(Exception):  # noqa: N818 - it names a culprit, not an error
    """An exception raised while a model worked for one cascade of several; the cause is chained."""

    def __init__(self, cascade: Cascade) -> None:
        super().__init__(f"message {cascade.id}")
        self.cascade = cascade


class blame:  # noqa: N801 - read as a verb
    """Context manager: attribute any exception in the block to one cascade, and stop only that.

    For :meth:`PropagationModel.step_together`; the others of the group are stepped again without
    it, from the start of the tick.

    Parameters
    ----------
    cascade
        The cascade that the block works for.

    Examples
    --------
    >>> from hubbub.testing import tiny_world
    >>> story = tiny_world().inject("x", seeds=[0], model="si")
    >>> try:
    ...     with blame(story):
    ...         raise ValueError("no")
    ... except ModelFault as fault:
    ...     fault.cascade is story, fault.__cause__
    (True, ValueError('no'))
    """

    __slots__ = ("_cascade",)

    def __init__(self, cascade: Cascade) -> None:
        self._cascade = cascade

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and not isinstance(error, ModelFault) and not is_interruption(error):
            raise ModelFault(self._cascade) from error


def is_interruption(error: BaseException) -> bool:
    """Return whether the user pressed Ctrl-C: that stops the program and is not a plugin's fault.

    The same exception from a plugin's own ``raise``, or in a thread without signals, is a fault.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return True
    code = trace.tb_frame.f_code
    handler = getattr(signal.getsignal(signal.SIGINT), "__code__", None)
    return code is handler or code.co_code[trace.tb_lasti] != _RAISE


def place_of(error: BaseException) -> str:
    """Return `` (FILE, line N)`` of the plugin's line that raised, or else of the last frame."""
    if own := line_of(error):
        return own
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({PurePath(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def said_by(error: BaseException, plugin: object = None) -> str:
    r"""Return an exception of plugin code in one line: its kind, its message, and where it rose.

    For Hubbub's own errors the message; for a plugin fault what the plugin did, with the plugin's
    line if known: of the method of ``plugin`` named in the message, or of its class. Never
    raises, even if the text of the exception cannot be computed.

    Examples
    --------
    >>> said_by(ValueError("two\nlines"))
    'ValueError: two lines'
    >>> said_by(PluginError("mine", "score() returned NaN"))
    'score() returned NaN'
    """
    kind = type(error).__name__
    try:
        if isinstance(error, HubbubError):
            return _placed(error, plugin)
        words = words_of(error)
    except BaseException as worse:
        if is_interruption(worse):
            raise
        words = kind
    own = line_of(error)
    if not own and plugin is not None:
        own = place_in(type(plugin), words)
    return f"{words}{own or place_of(error)}"


def _placed(error: HubbubError, plugin: object) -> str:
    said = one_line(error.reason if isinstance(error, PluginError) else str(error))
    if ", line " in said:
        return said
    place = line_of(error) or (place_in(type(plugin), said) if plugin is not None else "")
    return f"{said.rstrip('.')}{place}" if place else said


class asked:  # noqa: N801 - read as a verb
    """Blame exceptions in the block on a plugin by name; keep Hubbub's own errors."""

    __slots__ = ("_name", "_plugin")

    def __init__(self, plugin: _Checks) -> None:
        self._name, self._plugin = plugin.plugin_name or type(plugin).__name__, plugin

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, HubbubError) or is_interruption(error):
            return
        raise PluginError(
            self._name, f"failed when it was asked: {said_by(error, self._plugin)}"
        ) from error


class _Checks(Protocol):
    plugin_name: ClassVar[str]

    def check(self) -> None: ...


C = TypeVar("C", bound=_Checks)


def checked(plugin: C) -> C:
    """Let a plugin check its parameters, and return it; faults are reported as by ``asked``."""
    with asked(plugin):
        plugin.check()
    return plugin
