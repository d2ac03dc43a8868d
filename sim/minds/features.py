"""Features of a decision, as small whole numbers: what surrogates learn from, kept with decisions.

A row is ``[traits, post, post, ...]``, all values 0 to 255::

    traits   openness, conscientiousness, extraversion, agreeableness, neuroticism   x 255
    post     interest x 255, likes, shares, hours (each 32 log2(1 + x)), followed, labelled (0, 255)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import TYPE_CHECKING

from sim.minds.prompts.prompts import Post

if TYPE_CHECKING:
    from sim.minds.minds import Member

__all__ = ["OF_POSTS", "TRAITS", "SeenRow", "seen_of"]

SeenRow = list[list[int]]
TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
OF_POSTS = ("interest", "likes", "shares", "hours", "followed", "labelled")
_MOST = 255
_PER_DOUBLING = 32


def seen_of(member: Member, feed: Sequence[Post]) -> SeenRow:
    """Return what a member sees, as a row."""
    return [[_share(trait) for trait in member.traits], *(_post(post) for post in feed)]


def _post(post: Post) -> list[int]:
    return [
        _share(post.interest), _many(post.likes), _many(post.shares), _many(post.hours),
        _MOST * post.followed, _MOST * post.labelled,
    ]  # fmt: skip


def _share(value: float) -> int:
    return min(max(round(value * _MOST), 0), _MOST)


def _many(value: float) -> int:
    return min(round(_PER_DOUBLING * log2(1 + max(value, 0))), _MOST)
