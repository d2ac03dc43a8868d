"""Progress of long work, reported to whoever watches; a watcher may cancel by raising."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Report = Callable[[str, float], None]
"""Called with (stage, share done in 0..1); raises ``Cancelled`` to stop the work."""

Tell = Callable[[str], object]
"""Called with a remark, one sentence, that a person should see and that is no part of a result."""


def quiet(stage: str, share: float) -> None:
    """Report to nobody."""


def part(report: Report, begin: float, share: float) -> Report:
    """Return a report of a part of the work, which begins at ``begin`` and is ``share`` of all."""
    return lambda stage, done: report(stage, begin + share * done)


def unheard(remark: str) -> None:
    """Tell nobody."""


Naming = Callable[[str], AbstractContextManager[None]]

_NAMING: ContextVar[Naming] = ContextVar("naming", default=lambda _what: nullcontext())


@contextmanager
def named_by(naming: Naming) -> Iterator[None]:
    """Let ``naming`` surround whatever :func:`doing` names meanwhile, in this thread."""
    before = _NAMING.set(naming)
    try:
        yield
    finally:
        _NAMING.reset(before)


def doing(what: str) -> AbstractContextManager[None]:
    """Name what a tick computes at length, such as ``"Weighing the reputation of 9 members"``.

    Whoever waits for the tick is told it: a tick has no report, as it is never left halfway.
    """
    return _NAMING.get()(what)
