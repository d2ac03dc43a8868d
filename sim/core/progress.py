"""Progress of long work, reported to whoever watches; a watcher may cancel by raising."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Report", "Tell", "part", "quiet", "unheard"]

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
