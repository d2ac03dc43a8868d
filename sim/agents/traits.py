"""The drawn columns of a population: personality, interests, activity.

Agent ``i`` depends only on the seed, on ``i`` and on its community. Interests are homophilous by
construction: each community has 4 to 6 topics of its own, and a member draws an interest from
these with chance 0.6, otherwise from the whole vocabulary by popularity. Activity is right-skewed:
a small share of members writes most of the posts (Wojcik & Hughes 2019).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.agents.traits_kernels import (
    SLOTS,
    TABLE,
    fill_activity,
    fill_interests,
    fill_personality,
    fill_topics,
)
from sim.agents.vocabulary import Vocabulary
from sim.core.progress import Report, quiet
from sim.core.rng import Stream, key

TRAITS: Final = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
"""The Big Five, in the order of the columns of ``Agents.personality``."""

_EXPONENT = 0.6  # popularity of the topic of rank r is r ** -0.6: first 33 %, last 3 % of agents
_CHUNK = 1 << 18  # rows between two progress reports: 25 ms


@lru_cache(maxsize=64)
def popularity_table(size: int) -> npt.NDArray[np.uint8]:
    """Return topics 0..size-1, each repeated in proportion to its popularity (rank ** -0.6)."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -_EXPONENT
    ends = np.rint(np.cumsum(weights) / weights.sum() * TABLE).astype(np.int64)
    table = np.searchsorted(ends, np.arange(TABLE), side="right").astype(np.uint8)
    table.flags.writeable = False
    return table


def community_topics(seed: int, communities: int, vocabulary: Vocabulary) -> npt.NDArray[np.uint8]:
    """Return each community's topics, uint8 (communities, 8), padded by repeating the first."""
    out = np.empty((communities, SLOTS), np.uint8)
    with np.errstate(over="ignore"):
        fill_topics(key(seed, Stream.TOPICS), popularity_table(len(vocabulary)), out)
    return out


def draw(
    seed: int,
    start: int,
    community: npt.NDArray[np.int32],
    topics: npt.NDArray[np.uint8],
    vocabulary: Vocabulary,
    columns: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.float32]],
    report: Report = quiet,
) -> None:
    """Fill the drawn columns of agents ``start .. start + len(community)``."""
    keys = [key(seed, s) for s in (Stream.PERSONALITY, Stream.INTERESTS, Stream.ACTIVITY)]
    table = popularity_table(len(vocabulary))
    personality, interests, activity = columns
    count = len(community)
    for low in range(0, count, _CHUNK):
        report("agents", low / count)
        part = slice(low, low + _CHUNK)
        at = start + low
        with np.errstate(over="ignore"):
            fill_personality(keys[0], at, personality[part])
            fill_interests(
                keys[1], at, community[part], topics, table, len(vocabulary), interests[part]
            )
            fill_activity(keys[2], at, activity[part])
    report("agents", 1.0)
