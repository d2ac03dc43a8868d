"""The one JSON object in a reply: alone, in a fenced block, or amid prose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sim.minds.models.faults import Fault, ModelError

__all__ = ["object_in"]

_LONGEST = 65_536
_TRIES = 64


def object_in(text: str) -> dict[str, Any]:
    """Return the JSON object in a reply.

    It may stand alone, in a fenced block, or amid words, as models put it that think aloud; there
    it must be the only one. Nothing of it is guessed or mended.

    Raises
    ------
    ModelError
        MALFORMED: there is none, or more than one.

    Examples
    --------
    >>> object_in('Sure! {"act": "like"} Is that right?')
    {'act': 'like'}
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        found = list(_amid(text[:_LONGEST]))
        if not found:
            raise ModelError(Fault.MALFORMED, "it is no JSON") from None
        if any(one != found[0] for one in found):
            raise ModelError(Fault.MALFORMED, "there are several JSON objects in it") from None
        return found[0]
    if not isinstance(said, dict):
        raise ModelError(Fault.MALFORMED, "it is no object")
    return said


def _amid(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects in a text, up to where too many braces begin none."""
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(_TRIES):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)
