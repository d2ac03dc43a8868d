"""An action: its key, its name on the ``:`` line, what it says of itself; and what does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tui.actions.situation import ScreenState, anytime

Words = tuple[str, ...]
Act = Callable[[Any, Words], Awaitable[None]]
"""Does it, given the :class:`~tui.viewer.Viewer` and the words after the command."""
When = Callable[[ScreenState], str]

A = TypeVar("A", bound=Act)

_ACTS: dict[str, Act] = {}


def does(*ids: str) -> Callable[[A], A]:
    """Register a function as what the actions with these ids do.

    The rows of :data:`tui.actions.table.ACTIONS` are data that bars, dialogs and modes read; what
    does them works on all of these, and so stands above.
    """

    def registered(act: A) -> A:
        for name in ids:
            if name in _ACTS:
                raise ValueError(f"{name!r} is done already, by {_ACTS[name].__name__}.")
        _ACTS.update(dict.fromkeys(ids, act))
        return act

    return registered


def act_of(name: str) -> Act:
    """Return what the action with this id does."""
    return _ACTS[name]


@dataclass(frozen=True, slots=True)
class Action:
    """One act, reachable by key, ``:`` command and palette alike."""

    id: str
    keys: str
    command: str
    label: str
    help: str
    group: str
    usage: str = ""
    when: When = anytime
    where: str = ""
    footer: int = 0
    asks: bool = False
    aliases: tuple[str, ...] = ()
    opens: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the ``:`` line knows it by."""
        return (self.command, *self.aliases)
