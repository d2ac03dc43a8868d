"""Pools of messages beyond those whom one follows: the newest by topic, and what trends."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.platform.acts.acts_kernels import by_topic
from sim.platform.posts.posts import Flag, Kind, Posts

TOPICS = 64
NEWEST = 16_384
"""How many of the newest messages are looked at for pools."""
TRENDING = 256
"""How many messages trend at most; as many of the newest stand beside them."""
_MANY = 1 << 16
"""Touched messages that are looked at together."""


class Pools(NamedTuple):
    """Messages to draw from.

    Attributes
    ----------
    messages
        uint32: by topic, then everybody's.
    parts
        int64 (66,): where each topic's begin, then everybody's, and the end.
    """

    messages: Ids
    parts: npt.NDArray[np.int64]


def pools_of(posts: Posts, trending: Ids, own: Ids | None = None) -> Pools:
    """Return this tick's pools."""
    parts = np.zeros(TOPICS + 2, np.int64)
    if own is not None:
        parts[-1] = len(own)
        return Pools(np.ascontiguousarray(own, np.uint32), parts)
    newest = posts.numbers[-NEWEST:]
    rows = slice(len(posts) - newest.size, None)
    fit = (posts.kind[rows] < Kind.REPLY) & ((posts.flags[rows] & np.uint8(Flag.HIDDEN)) == 0)
    numbers, topic = newest[fit], np.ascontiguousarray(posts.topic[rows][fit])
    sorted_ids = np.empty(numbers.size, np.uint32)
    by_topic(topic, numbers, parts[: TOPICS + 1], sorted_ids)
    everybody = np.concatenate([trending[trending >= posts.first], numbers[-TRENDING:]])
    parts[-1] = parts[TOPICS] + everybody.size
    return Pools(np.concatenate([sorted_ids[: parts[TOPICS]], everybody]), parts)


def trending_now(posts: Posts, before: Ids, touched: Ids, oldest: int) -> Ids:
    """Return what trends: the most liked and shared (``likes + 2 shares``) of those still new."""
    young = posts.first + bisect_left(posts.created, oldest)
    kept = posts.rows(before[before >= young])
    least = _worth(posts, kept).min() if kept.size == TRENDING else 0
    found = [kept]
    for low in range(0, touched.size, _MANY):  # what is worth less than all of them cannot enter
        part = touched[low : low + _MANY]
        fresh = posts.rows(part[part >= young])
        found.append(fresh[_worth(posts, fresh) >= least])
    rows = np.unique(np.concatenate(found))
    order = np.lexsort((-rows, -_worth(posts, rows)))[:TRENDING]
    highest: Ids = (rows[order] + posts.first).astype(np.uint32)
    return highest


def _worth(posts: Posts, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    worth: npt.NDArray[np.int64] = posts.likes[rows] + np.int64(2) * posts.shares[rows]
    return worth
