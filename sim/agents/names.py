"""Names of people, made on demand: a function of the seed and the agent's index, never stored.

The lists are 395 first and 200 last names of the US Census (dariusk/corpora, CC0-1.0).
"""

from __future__ import annotations

import json
import unicodedata
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream, key, words
from sim.jit.mix import word

__all__ = ["handle", "handle_of", "made_up_ranks", "name_of"]

_HALF = (1 << 32) - 1


def name_of(seed: int, index: int) -> str:
    """Return the made-up name of an agent, "First Last"; 79,000 different ones.

    Parameters
    ----------
    seed
        The world's seed, any integer.
    index
        The agent, at least 0.

    Examples
    --------
    >>> name_of(7, 0) == name_of(7, 0)
    True
    """
    first, last = _lists()
    with np.errstate(over="ignore"):
        bits = int(word(_key(seed), index))
    return f"{first[(bits >> 32) * len(first) >> 32]} {last[(bits & _HALF) * len(last) >> 32]}"


def made_up_ranks(seed: int, count: int) -> npt.NDArray[np.uint32]:
    """Return what agents are sorted by for their made-up names to be in order, uint32 (count,).

    Equal where the names are.
    """
    lists, bits = _lists(), words(_key(seed), np.arange(count))
    first, last = (np.argsort(np.argsort(each)).astype(np.uint32) for each in lists)
    high = (bits >> np.uint64(32)) * np.uint64(first.size) >> np.uint64(32)
    low = (bits & np.uint64(_HALF)) * np.uint64(last.size) >> np.uint64(32)
    ranks: npt.NDArray[np.uint32] = first[high.astype(np.int64)] * np.uint32(last.size)
    return ranks + last[low.astype(np.int64)]


def handle_of(seed: int, index: int) -> str:
    """Return the handle of an agent with a made-up name, "@ada.lovelace42"; no two are alike."""
    return handle(name_of(seed, index), index)


def handle(name: str, index: int) -> str:
    """Return a handle from a name: letters and digits, dots for gaps, and the agent's number.

    Examples
    --------
    >>> handle("Ada  de Lovelace", 42)
    '@ada.de.lovelace42'
    """
    plain = unicodedata.normalize("NFKD", name.lower())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return f"@{'.'.join(kept.split()) or 'agent'}{index}"


@lru_cache(maxsize=8)
def _key(seed: int) -> np.uint64:
    return key(seed, Stream.NAMES)


@lru_cache(maxsize=1)
def _lists() -> tuple[tuple[str, ...], tuple[str, ...]]:
    first, last = (_read(f"{which}_names.json") for which in ("first", "last"))
    return first, last


def _read(name: str) -> tuple[str, ...]:
    return tuple(json.loads((files("sim.agents") / "data" / name).read_text(encoding="utf-8")))
