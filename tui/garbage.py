"""The collector of garbage while the program starts: what is imported is none.

Importing makes some hundred thousand objects that stay for good. The collector looks through all of
them again each time their number has grown by a quarter, which takes a third of a start, and once
they are there it goes on doing so while the world plays.
"""

from __future__ import annotations

import gc

__all__ = ["collect_again", "collect_nothing"]


def collect_nothing() -> None:
    """Let the collector rest; to be followed by :func:`collect_again`.

    Examples
    --------
    >>> import gc
    >>> collect_nothing()
    >>> gc.isenabled()
    False
    >>> collect_again()
    >>> gc.isenabled()
    True
    >>> gc.unfreeze()
    """
    gc.disable()


def collect_again() -> None:
    """Let the collector work on what is made from here on; nothing is done where it did not rest.

    What is there by now stays out of its sight: to be called before a world is, which must be seen.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
