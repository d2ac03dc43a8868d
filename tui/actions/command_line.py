"""The ``:`` line: parsing into an action and its arguments, completion, history."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from os.path import commonprefix
from pathlib import Path
from typing import Any

from sim.core import whole_of
from sim.errors import InputError, UnknownNameError
from tui.actions.table import ACTIONS, Action, by_command

REMEMBERED = 200

ParsedCommand = tuple[Action, tuple[str, ...]]


def parse(line: str) -> ParsedCommand:
    typed = line.strip().removeprefix(":").strip()
    name, _, rest = typed.partition(" ")
    known = by_command(name)
    if known is not None and known.id == "filter":  # its quotes are part of the expression
        return known, (rest.strip(),) if rest.strip() else ()
    try:
        words = shlex.split(typed)
    except ValueError:
        raise InputError("Missing closing quote; end the text with its opening quote.") from None
    if not words:
        raise InputError("No command; press ? for a list.")
    action = by_command(words[0])
    if action is None:
        raise UnknownNameError("command", words[0], [name for a in ACTIONS for name in a.names])
    return action, tuple(words[1:])


def complete(line: str, offers: Iterable[str]) -> str:
    """Return the line, completed as far as the completion is unambiguous."""
    head, blank, last = line.rpartition(" ")
    fitting = {offer for offer in offers if offer.startswith(last)}
    if not fitting:
        return line
    shared = commonprefix([*fitting])  # noqa: RUF071 - letter by letter is meant
    ended = " " if len(fitting) == 1 and not shared.endswith(("=", ":", "/")) else ""
    return head + blank + shared + ended


def candidates(line: str, known: dict[str, Any]) -> list[str]:
    """List the possible completions of the last word of a line."""
    words = line.split()
    if len(words) == 0 or (len(words) == 1 and not line.endswith(" ")):
        return sorted(name for action in ACTIONS for name in action.names)
    action = by_command(words[0])
    return list(known.get(action.command, ())) if action else []


FILES = {"calibrate", "export", "import", "open", "plugin", "profiles", "scenario", "sweep"}
"""Actions whose words may be files."""

MOST_FILES = 200
"""Maximum number of files in a folder whose names are offered."""


def files(line: str) -> list[str]:
    """List the files and folders that the last word of a line may mean."""
    words = line.split()
    action, last = (by_command(words[0]) if words else None), line.rpartition(" ")[2]
    if action is None or (action.id not in FILES and "/" not in last):
        return []
    head, slash, start = last.rpartition("/")
    try:
        found = sorted(Path(head + slash or ".").expanduser().iterdir())[:MOST_FILES]
    except OSError:
        return []
    names = [each.name + "/" * each.is_dir() for each in found if each.name.startswith(start)]
    return [head + slash + name for name in names if start or not name.startswith(".")]


NEXT = "⏎"
"""Separates the commands of several lines that were pasted into one."""


class CommandHistory:
    """The lines typed so far; up and down step through them, and the unfinished line is kept."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at, self._unfinished = 0, ""

    def add(self, line: str) -> None:
        self._lines = [*(each for each in self._lines if each != line), line][-REMEMBERED:]
        self._at = len(self._lines)

    def step(self, by: int, current: str) -> str:
        """Return the line so many steps away; the unfinished one follows the newest."""
        if self._at == len(self._lines):
            self._unfinished = current
        self._at = min(max(0, self._at + by), len(self._lines))
        return [*self._lines, self._unfinished][self._at]


SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, None)
"""Ticks per second that ``+`` and ``-`` step through; the last is as fast as possible."""


def pairs(words: Iterable[str], known: Sequence[str] = (), what: str = "option") -> dict[str, str]:
    """Parse ``name=value`` words; refuse other names than those that are known, if any are."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            told = "name each value, and quote one with spaces: text='Hello there.'"
            raise InputError(f"{word!r} is not NAME=VALUE; {told}")
        if name in found:
            raise InputError(f"{name!r} is given twice; give it once.")
        if known and name not in known:
            raise UnknownNameError(what, name, known)
        found[name] = value
    return found


def number(
    words: tuple[str, ...], *, default: int, low: int = 1, what: str = "number of ticks"
) -> int:
    """Parse the one whole number that a command takes."""
    if not words:
        return default
    found = whole_of(words[0].replace(",", "").replace("_", ""))
    if len(words) > 1 or found is None or found < low:
        raise InputError(f"The {what} must be a whole number from {low}, got {words[0]!r}.")
    return found


def choice(what: str, words: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Parse the one word that a command takes, from the known ones; empty if none was typed."""
    if words and words[0] not in known:
        raise UnknownNameError(what, words[0], known)
    return words[0] if words else ""


def share_of(word: str) -> float:
    """Parse a share: ``0.5``, ``50%``; ``none`` is 0."""
    try:
        found = 0.0 if word == "none" else float(word.rstrip("%")) / (100 if "%" in word else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise InputError(f"A share is a number from 0 to 1, such as 0.5 or 50%; got {word!r}.")
    return found
