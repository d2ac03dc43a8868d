"""Keys: how they are written, which ones the user moved, and where two acts want the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tui.actions.table import ACTIONS

if TYPE_CHECKING:
    from tui.actions.table import Action


_SHOWN = {
    "space": "space", "full_stop": ".", "greater_than_sign": ">", "less_than_sign": "<",
    "plus": "+", "equals_sign": "=", "minus": "-", "colon": ":", "semicolon": ";",
    "question_mark": "?", "slash": "/", "comma": ",", "escape": "esc", "tab": "tab",
    "left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*",
    "exclamation_mark": "!",
}  # fmt: skip


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of an action after the user's own keymap."""
    return tuple(key.strip() for key in keymap.get(action.id, action.keys).split(","))


def key_label(key: str) -> str:
    """Return a key as a person writes it: ``.``, ``^s``, ``space``.

    Examples
    --------
    >>> key_label("full_stop"), key_label("ctrl+s")
    ('.', '^s')
    """
    if key.startswith("ctrl+"):
        return "^" + key_label(key.removeprefix("ctrl+"))
    return _SHOWN.get(key, key)


def conflicts(keymap: Mapping[str, str]) -> list[str]:
    """Say what is wrong with a keymap: unknown names, and keys that two acts would share."""
    known = {action.id for action in ACTIONS}
    problems = [
        f"The keymap names {name!r}, and no act is called so; see ? for the names."
        for name in keymap
        if name not in known
    ]
    for where in {action.where for action in ACTIONS}:
        problems += _shared([a for a in ACTIONS if a.where in {"", where}], keymap)
    return list(dict.fromkeys(problems))


def _shared(actions: list[Action], keymap: Mapping[str, str]) -> Iterator[str]:
    taken: dict[str, Action] = {}
    for action in actions:
        for key in keys_of(action, keymap):
            other = taken.setdefault(canonical(key), action)
            if other is not action:
                yield (
                    f"The key {key_label(key)!r} is given to both {other.id!r} and "
                    f"{action.id!r}; {other.id!r} keeps it."
                )


def canonical(key: str) -> str:
    """Return the long name of a key: ``question_mark`` for ``?``."""
    long = {shown: name for name, shown in _SHOWN.items()}
    return long.get(key, key)
