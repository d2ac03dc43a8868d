"""One exception tree: every error is one sentence that says what, where, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from os import PathLike

__all__ = [
    "Cancelled",
    "CapacityError",
    "FileError",
    "FormatError",
    "HubbubError",
    "InputError",
    "ParameterError",
    "PluginError",
    "PluginOffError",
    "SettingsError",
    "SnapshotError",
    "StuckError",
    "UnknownNameError",
]

_Path = str | PathLike[str]
_SHOWN = 80
"""Characters of a name that a sentence shows."""

_COMPARED = 1_000
"""Of a longer name only its beginning is compared: that takes the square of the time."""


class HubbubError(Exception):
    """Whatever Hubbub refuses or cannot do; its text is one clear sentence."""


class InputError(HubbubError, ValueError):
    """A value that a person or a program passed is not allowed."""


class ParameterError(InputError):
    """A parameter of a plugin is missing, unknown or out of its range."""


class SettingsError(InputError):
    """A setting is unknown or out of its range; the sentence says where it came from."""


class UnknownNameError(InputError):
    """A name that nothing is registered under; suggests the nearest known one.

    Parameters
    ----------
    what
        The kind of thing, such as ``"propagation model"``.
    name
        What was asked for.
    known
        The names that exist.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        name, names = str(name), sorted(known)
        near = difflib.get_close_matches(name[:_COMPARED], names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names) or 'none'}."
        shown = repr(name) if len(name) <= _SHOWN else f"{name[:_SHOWN]!r}..."
        super().__init__(f"No {what} named {shown}. {hint}")
        self.name = name
        self.known = tuple(names)


class PluginOffError(UnknownNameError):
    """A name that a plugin would register which nobody has enabled."""

    def __init__(self, name: str, sentence: str) -> None:
        HubbubError.__init__(self, sentence)
        self.name = name
        self.known = ()


class FileError(HubbubError):
    """A file cannot be used.

    Parameters
    ----------
    path
        The file.
    reason
        Why, and what to try; a clause that ends without a full stop.
    """

    def __init__(self, path: _Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}.")
        self.path = str(path)
        self.reason = reason


class FormatError(FileError):
    """A line of a file breaks a rule of its format."""

    def __init__(self, path: _Path, line: int, text: str, rule: str) -> None:
        shown = text.rstrip("\r\n")
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        super().__init__(path, f"line {line} {shown!r}: {rule}")
        self.line = line
        self.rule = rule


class SnapshotError(FileError):
    """A world file is damaged, foreign, or of another version; it is left untouched."""


class CapacityError(HubbubError, MemoryError):
    """What is asked for would not fit in memory; refused before anything is allocated."""


class PluginError(HubbubError):
    """A plugin failed; only its own effect is lost.

    Parameters
    ----------
    plugin
        The registered name of the plugin.
    reason
        What it did, in one clause.
    """

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(f"Plugin {plugin!r}: {reason}.")
        self.plugin = plugin
        self.reason = reason


class StuckError(PluginError):
    """A plugin that did not come back, or took too much memory, was stopped."""


class Cancelled(HubbubError):  # noqa: N818 - not an error, a wish
    """The person in front of it stopped a long piece of work; nothing was changed."""
