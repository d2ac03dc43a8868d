"""Command-line syntax of futures: ``NAME: key=value ...; key=value ...``."""

from __future__ import annotations

import shlex
from typing import Any

from sim.core.toml import from_toml
from sim.errors import InputError

__all__ = ["future_in_words", "message_in_words"]

_ALONE = ("recommender", "policy")
_TEXTS = ("text", "seeds", "model", "author", "do", "when", "channel")


def future_in_words(words: str) -> tuple[str, dict[str, Any]]:
    """Return a future's name and what it does.

    Changes are parted by semicolons. One that says ``do=`` is an intervention, one that says
    ``text=`` a message, one that says ``recommender=`` or ``policy=`` sets that; any other changes
    parameters of the messages under way. Values with spaces stand in quotes.

    Parameters
    ----------
    words
        ``NAME`` alone: nothing is done.

    Raises
    ------
    InputError
        One sentence with what was not understood.

    Examples
    --------
    >>> future_in_words("checked: do=fact-check when='share > 0.1' reach=0.2; beta=0.1")[1]
    {'interventions': [{'do': 'fact-check', 'when': 'share > 0.1', 'reach': 0.2}], \
'parameters': {'beta': 0.1}}
    """
    name, _, changes = words.partition(":")
    if not name.strip():
        raise InputError(f"A future is NAME: key=value ..., and {words!r:.60} has no name.")
    found: dict[str, Any] = {}
    for change in _changes(changes):
        _put(found, _pairs(change), change)
    return name.strip(), found


def message_in_words(words: str) -> dict[str, Any]:
    """Return a message: its text alone, or ``text='...' seeds=random:10 model=sir beta=0.2``.

    Raises
    ------
    InputError
        One sentence.

    Examples
    --------
    >>> message_in_words("The bridge is closed.")
    {'text': 'The bridge is closed.'}
    >>> message_in_words("text='Open again.' model=sir beta=0.2")
    {'text': 'Open again.', 'model': 'sir', 'beta': 0.2}
    """
    if not words.lstrip().startswith("text="):
        return {"text": words}
    return _pairs(_words(words))


def _put(found: dict[str, Any], pairs: dict[str, Any], change: list[str]) -> None:
    if "do" in pairs:
        found.setdefault("interventions", []).append(pairs)
    elif "text" in pairs:
        found.setdefault("messages", []).append(pairs)
    elif alone := [key for key in _ALONE if key in pairs]:
        if len(pairs) > len(alone):
            raise InputError(
                f"{' '.join(change)!r:.80} says {alone[0]} and more; part them by a semicolon."
            )
        found |= {key: str(value) for key, value in pairs.items()}
    else:
        found.setdefault("parameters", {}).update(pairs)


def _changes(text: str) -> list[list[str]]:
    """Return the words of each change; semicolons in quotes part nothing."""
    changes: list[list[str]] = [[]]
    for word in _words(text):
        if word == ";":
            changes.append([])
        else:
            changes[-1].append(word)
    return [change for change in changes if change]


def _words(text: str) -> list[str]:
    reader = shlex.shlex(text, posix=True, punctuation_chars=";")
    reader.whitespace_split, reader.commenters = True, ""
    try:
        return list(reader)
    except ValueError:
        raise InputError(f"A quotation mark in {text!r:.60} has no partner.") from None


def _pairs(words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise InputError(f"Changes are key=value, with quotes around spaces; got {word!r:.60}.")
        if key in found:
            raise InputError(f"{key!r} is said twice in one change; part changes by a semicolon.")
        found[key] = value if key in _TEXTS else _value(value)
    return found


def _value(text: str) -> Any:
    """Return what a word is in TOML, else the word."""
    try:
        return from_toml(f"value = {text}")["value"]
    except ValueError:
        return text
