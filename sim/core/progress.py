"""Progress of long work, reported to whoever watches; a watcher may cancel by raising."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Report", "quiet"]

Report = Callable[[str, float], None]
"""Called with (stage, share done in 0..1); raises ``Cancelled`` to stop the work."""


def quiet(stage: str, share: float) -> None:
    """Report to nobody."""
