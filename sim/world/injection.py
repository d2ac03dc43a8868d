"""Checks of an injection: each fails with one sentence; nothing changes before all pass."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.arrays import Ids
from sim.core.checks import LAST_TICK, short_text, whole_number
from sim.core.pictures import checked_picture, described
from sim.errors import InputError
from sim.spread.cascade.cascade import Message
from sim.spread.cascade.contacts import DrawMode

_TEXT_LIMIT = 4096
_KIND_LIMIT = 64
_ALT_LIMIT = 1000
_SHOWN = 5
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffd")
"""Letters and symbols without a visible glyph (fillers, the blank Braille pattern), and the
replacement characters."""


def checked_message(
    agents: Agents,
    number: int,
    text: str,
    author: int | None,
    tags: int | Iterable[str] | None,
    kind: str,
    tick: int,
    image: str | None = None,
    alt: str | None = None,
) -> Message:
    """Return the cleaned message, with the interests given or found in its text."""
    seen = ""
    if image is not None or alt is not None:
        words = short_text("" if alt is None else alt, _ALT_LIMIT, "An alt text")
        if image is None or not is_visible(words):
            raise InputError("A picture (image) and its alt text (alt) belong together.")
        seen, text = checked_picture(image), described(text, words)
    said = short_text(text, _TEXT_LIMIT, "A message")
    if not is_visible(text) or not is_visible(said):
        raise InputError(
            "A message needs a text with at least one visible character; control characters, "
            "blanks and characters without width do not count."
        )
    if author is not None:
        checked_people(agents, [author], "The author")
    if tags is None:
        mask = agents.vocabulary.match(said)
    else:
        mask = (
            agents.vocabulary.mask(tags)
            if isinstance(tags, Iterable)
            else whole_number(tags, "tags, a mask or names of interests,")
        )
    if not 0 <= mask < 1 << 64:
        raise InputError(f"Tags are a 64-bit mask or names of interests, got {mask}.")
    writer = -1 if author is None else int(author)
    return Message(
        number, said, writer, mask, short_text(kind, _KIND_LIMIT, "A kind of message"), tick, seen
    )


def is_visible(text: str) -> bool:
    """Return whether a character is visible: letters, marks, numbers, punctuation, symbols."""
    return any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK for sign in text)


def checked_start(at: int | None, tick: int) -> int:
    """Return the tick at which a message starts; raise if it is in the past."""
    if at is None:
        return tick
    start = whole_number(at, "at, the tick at which a message starts,")
    if start < tick:
        raise InputError(f"A message cannot start at tick {at}; it is {tick} already.")
    if start > LAST_TICK:
        raise InputError(f"A message cannot start at tick {at}; a world ends at {LAST_TICK:,}.")
    return start


def checked_priority(priority: int) -> int:
    """Return the priority as a Python int within 64 bits."""
    found = whole_number(priority, "priority")
    if not -(2**63) <= found < 2**63:
        raise InputError(f"priority must be a whole number of 64 bits, got {found}.")
    return found


def checked_mode(draws: DrawMode | None) -> DrawMode | None:
    """Return the draw mode, or raise if it is unknown."""
    if draws not in {None, "coins", "skips"}:
        raise InputError(f"draws must be 'coins' or 'skips', got {draws!r}.")
    return draws


def checked_people(agents: Agents, ids: npt.ArrayLike, who: str) -> Ids:
    """Return ids as distinct sorted uint32; raise for unknown and inactive ones, naming them."""
    given = np.atleast_1d(np.asarray(ids))
    if given.size == 0:
        raise InputError(f"{who}: at least one agent is needed.")
    if given.dtype.kind not in "iu":
        raise InputError(
            f"{who} in a list are agents' indices, whole numbers; ids and names stand in one text, "
            f"with commas between; got {given.dtype}."
        )
    wrong = given[(given < 0) | (given >= len(agents))]
    if wrong.size:
        raise InputError(
            f"{who}: {_listed(wrong)} unknown; this world has agents 0 to {len(agents) - 1:,}."
        )
    idle = given[~agents.is_active(given)]
    if idle.size:
        raise InputError(f"{who}: {_listed(idle)} not active; choose others or activate them.")
    return np.unique(given).astype(np.uint32)


def _listed(ids: npt.NDArray[Any]) -> str:
    shown = ", ".join(str(i) for i in ids[:_SHOWN].tolist())
    more = f" and {ids.size - _SHOWN:,} more" if ids.size > _SHOWN else ""
    return f"{shown}{more} {'are' if ids.size > 1 else 'is'}"
