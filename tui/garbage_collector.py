"""The garbage collector while the program starts: what is imported is never garbage.

Importing makes some hundred thousand objects that stay for good. The collector looks through all of
them again each time their number has grown by a quarter, which takes a sixth of a start, and once
they are there it goes on doing so while the world plays.
"""

from __future__ import annotations

import gc


def pause_collector() -> None:
    """Pause the collector; to be followed by :func:`resume_collector`.

    Examples
    --------
    >>> import gc
    >>> pause_collector()
    >>> gc.isenabled()
    False
    >>> resume_collector(freezing=False)
    >>> gc.isenabled()
    True
    """
    gc.disable()


def resume_collector(*, freezing: bool) -> None:
    """Let the collector go on; nothing is done where it was not paused."""
    if gc.isenabled():
        return
    if freezing:
        gc.freeze()
    gc.enable()
