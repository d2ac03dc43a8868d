"""Progress reports of long work; the callback may cancel by raising."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Report = Callable[[str, float], None]
"""Called with (stage, share done in [0, 1]); raises ``Cancelled`` to stop the work."""

Tell = Callable[[str], object]
"""Called with a remark for people, one sentence that is not part of a result."""


def quiet(stage: str, share: float) -> None:
    """Ignore progress."""


def part(report: Report, begin: float, share: float) -> Report:
    """Return a report for the part of the work from ``begin`` on that is ``share`` of all."""
    return lambda stage, done: report(stage, begin + share * done)


def unheard(remark: str) -> None:
    """Ignore a remark."""


Naming = Callable[[str], AbstractContextManager[None]]

_NAMING: ContextVar[Naming] = ContextVar("naming", default=lambda _what: nullcontext())


@contextmanager
def named_by(naming: Naming) -> Iterator[None]:
    """Make :func:`doing` use ``naming`` during the block, in this thread."""
    before = _NAMING.set(naming)
    try:
        yield
    finally:
        _NAMING.reset(before)


def doing(what: str) -> AbstractContextManager[None]:
    """Name a long computation of a tick, such as ``"Weighing the reputation of 9 members"``.

    The name is shown while the tick runs; a tick has no progress report, as it cannot be cancelled.
    """
    return _NAMING.get()(what)
