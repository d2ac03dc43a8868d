"""The screen's state, by which it decides whether an action makes sense now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.runtime import Frame


@dataclass(frozen=True, slots=True)
class ScreenState:
    """A moment of the program."""

    frame: Frame | None = None
    mode: str = ""
    busy: str = ""


def anytime(_now: ScreenState) -> str:
    """Nothing stands in the way."""
    return ""


def not_busy(now: ScreenState) -> str:
    """One piece of long work at a time."""
    return f"Wait until {now.busy} is done, or cancel it." if now.busy else ""


def has_world(now: ScreenState) -> str:
    """Ask for an open world."""
    return "" if now.frame else "No world is open yet; press n for a new one or o to open one."


def has_message(now: ScreenState) -> str:
    """Ask for a world that has had a message."""
    if now.frame is None:
        return has_world(now)
    return "" if now.frame.sessions else "No message has been sent yet; press i to send one."


def is_held_up(now: ScreenState) -> str:
    """Ask for an engine that does not answer."""
    if now.frame is None:
        return has_world(now)
    return "" if now.frame.stalled else "The engine answers; there is nothing to stop."


def has_focus(now: ScreenState) -> str:
    """Ask for a message that is shown."""
    if now.frame is None:
        return has_world(now)
    return "" if now.frame.focus else "No message is shown; press i to send one."
