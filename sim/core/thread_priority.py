"""Priority (``nice``) of threads: engine threads yield to the screen's where cores are few."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

BEHIND = 5
"""By how much threads that compute step back, on the scale of ``nice``."""

_wanted = False


def answers_first(*, on: bool = True) -> None:
    """Let engines that start from now on step back behind the thread that draws and answers.

    A thread that was asked for much, and one that was asked for little, are alike to the system;
    on few processors a key then waits for ticks. Linux alone knows a priority of single threads.
    """
    global _wanted
    _wanted = on


def give_way() -> None:
    """Step back, where that is wanted: this thread, and those that it starts from now on.

    One that is further back already, as all of a program under ``nice`` are, stays there.
    """
    if _wanted and sys.platform == "linux":
        own = threading.get_native_id()
        with suppress(OSError):  # a system that forbids it goes on as it was
            if os.getpriority(os.PRIO_PROCESS, own) < BEHIND:
                os.setpriority(os.PRIO_PROCESS, own, BEHIND)
