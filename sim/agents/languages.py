"""The languages that members write in: six by name or code, and shares of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U8
from sim.core import rng
from sim.core.rng import Stream
from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError

LANGUAGES: Final = {
    "en": "English", "zh": "Chinese", "es": "Spanish", "de": "German", "fr": "French",
    "ja": "Japanese",
}  # fmt: skip
"""Languages that rules write, by code; a member's is its place here, 0 unless set."""
_CODES: Final = tuple(LANGUAGES)
_LONGEST: Final = 40
Languages = str | Mapping[str, float]


def language(said: str) -> int:
    """Return the place of a language: a code (also ``zh-CN``) or an English name."""
    word = said.strip().casefold()
    for place, names in enumerate(LANGUAGES.items()):
        if word in map(str.casefold, names) or re.split("[-_]", word)[0] == names[0]:
            return place
    raise UnknownNameError("language", said, (*_CODES, *LANGUAGES.values()))


def drawn(said: Languages, who: npt.NDArray[Any], key: np.uint64) -> tuple[list[str], I64]:
    """Return the languages named, and for each member which is its own, drawn by their shares.

    Examples
    --------
    >>> drawn("German", np.array([3, 4]), np.uint64(7))
    (['German'], array([0, 0]))
    """
    given = said.items() if isinstance(said, Mapping) else map(_share, re.split("[,/]", said))
    shares = {one_line(str(name)): float(share) for name, share in given}
    parts = np.array([*shares.values()])
    is_right = bool((parts > 0).all() and np.isfinite(parts).all() and parts.size)
    if not is_right or any(len(name) > _LONGEST for name in shares):
        raise InputError(
            f"Languages are NAME or NAME=SHARE,NAME=SHARE, names of at most {_LONGEST} characters "
            f"and shares above 0; got {said!r}."
        )
    bounds = np.cumsum(parts) / parts.sum()
    places = np.searchsorted(bounds, rng.uniforms(key, who.astype(np.uint64)), side="right")
    return [*shares], np.minimum(places, parts.size - 1)


def languages_of(said: Languages, who: npt.NDArray[Any], seed: int) -> U8:
    """Return the language of each member, as places in :data:`LANGUAGES`."""
    names, places = drawn(said, who, rng.key(seed, Stream.MEMBER_LANGUAGES))
    return np.array([language(name) for name in names], np.uint8)[places]


def joined(own: U8, count: int, seed: int) -> U8:
    """Return the languages of ``count`` agents: a new one speaks as a former drawn at random."""
    who = np.arange(own.size, count)
    drawn = rng.uniforms(rng.key(seed, Stream.MEMBER_LANGUAGES), who) * own.size
    return np.append(own, own[drawn.astype(np.int64)])


def _share(said: str) -> tuple[str, float]:
    name, _, part = said.replace("=", ":").partition(":")
    try:
        return name.strip(), float(part) if part else 1.0
    except ValueError:
        return name.strip(), -1.0
