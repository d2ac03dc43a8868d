"""An action: its key, its name on the ``:`` line, what it says of itself and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.actions.situation import ScreenState, anytime

if TYPE_CHECKING:
    from tui.app import Hubbub

__all__ = ["Action"]

Words = tuple[str, ...]
Act = Callable[["Hubbub", Words], Awaitable[None]]
When = Callable[[ScreenState], str]


@dataclass(frozen=True, slots=True)
class Action:
    """One act, reachable by key, ``:`` command and palette alike.

    Parameters
    ----------
    id
        Stable name; the key of a keymap.
    keys
        Textual key names, the first one is shown.
    command
        What is typed after ``:``.
    usage
        The arguments after the command.
    label
        One or two words for the footer.
    help
        One sentence for help and palette.
    group
        Under which heading the help lists it.
    run
        Does it, given the app and the words after the command.
    when
        Says why it cannot be done now; an empty string when it can.
    where
        The mode whose keys it belongs to; empty for all.
    footer
        Its rank in the footer; 0 leaves it out.
    asks
        Whether the key opens the ``:`` line to ask for the arguments.
    aliases
        Other names on the ``:`` line.
    opens
        Whether it may open a dialog, for which keys typed after it wait.
    """

    id: str
    keys: str
    command: str
    label: str
    help: str
    group: str
    run: Act
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
