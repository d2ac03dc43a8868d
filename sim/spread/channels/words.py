"""Text form of a channel: its name and parameters, parsed from commands and written to files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sim.errors import InputError

__all__ = ["read", "written"]

_WORD = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PLAIN = re.compile(r"[\w.+/ -]*")


def read(said: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a channel and its parameters.

    Parameters
    ----------
    said
        ``"NAME"`` or ``"NAME,KEY=VALUE,..."``; a text with commas stands between quotes.

    Raises
    ------
    InputError
        What follows the name is not ``KEY=VALUE``, or says a key twice.

    Examples
    --------
    >>> read('group-chat,size=4,topic="a, b"')
    ('group-chat', {'size': 4, 'topic': 'a, b'})
    """
    name, _, rest = said.strip().partition(",")
    found: dict[str, Any] = {}
    for word in _WORD.findall(rest):
        key, sign, value = word.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key.isidentifier() or key in found:
            raise InputError(
                f"A channel is NAME or NAME,KEY=VALUE,..., each key once, such as "
                f"bridges,weak=0.2; got {said!r:.80}."
            )
        found[key] = _value(value.strip())
    return name.strip(), found


def written(name: str, values: Mapping[str, Any]) -> str:
    """Return the words from which :func:`read` makes the same.

    Examples
    --------
    >>> written("group-chat", {"size": 4, "topic": "a, b"})
    'group-chat,size=4,topic="a, b"'
    """
    return ",".join([name, *(f"{key}={_word(value)}" for key, value in values.items())])


def _word(value: Any) -> str:
    is_plain = isinstance(value, str) and value and _PLAIN.fullmatch(value) is not None
    return value if is_plain and _value(value.strip()) == value else json.dumps(value)


def _value(word: str) -> Any:
    """Return the number, truth or quoted text that is said; else the words."""
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        return word
    return found if isinstance(found, int | float | str) else word
