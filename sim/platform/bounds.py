"""Declared ranges of a saved platform's columns, checked on loading before kernels use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.bounds import Bound, require
from sim.errors import InputError
from sim.platform.acts.kinds import OF_GROUPS, Act
from sim.platform.acts.log import NOBODY
from sim.platform.acts.policy_dispatch import POLICY
from sim.platform.feed.candidates_kernels import RING
from sim.platform.platform import Platform
from sim.platform.posts.posts import NO_TOPIC, Kind
from sim.platform.rhythm import KINDS

__all__ = ["require_log", "require_platform", "texts_of"]

Columns = dict[str, npt.NDArray[Any]]

_POSTS = {
    "hot": Bound("u4", ("posts", 8)),
    "cold": Bound("u4", ("posts", 3)),
    "links": Bound("i4", ("posts", 2), low=-1),
}
_OF_POSTS = {
    "author": Bound("u4", ("posts",), below="agents"),
    "created": Bound("i4", ("posts",), below="now", low=0),
    "topic": Bound("u1", ("posts",), below=64, none=NO_TOPIC),
    "kind": Bound("u1", ("posts",), below=len(Kind)),
    "parent": Bound("i4", ("posts",), below="next", low=-1),
}
_MEMBERS = {
    "recent": Bound("u4", ("members", RING)),
    "head": Bound("u1", ("members",), below=RING),
    "live": Bound("u8", ("words",)),
    "seen": Bound("u8", ("members",)),
    "chronotype": Bound("u1", ("members",), below=KINDS),
    "recommender": Bound("u1", ("members",), below="recommenders"),
}
_HELD = {POLICY: Bound("u1", ("members",), below="policies")}
_MINDS = {
    "members": Bound("u4", (None,), below="agents"),
    "senders": Bound("u4", (None,), below="agents"),
}
_ONLINE = {"online": Bound("u4", (None,), below="agents")}
_LOG = {
    "agent": Bound("u4", (None,), below="agents"),
    "act": Bound("u1", (None,), below=len(Act)),
    "message": Bound("u4", (None,), below="next", none=NOBODY),
    "ticks": Bound("i8", (None,), below="now", low=0),
    "counted": Bound("i8", (None,), below="now", low=0),
    "sealed": Bound("i8", (None,), below="now", low=0),
    "chains": Bound("u8", (None, 2)),
}


def require_platform(platform: Platform, tick: int) -> None:
    """Refuse a restored platform whose columns are not within their bounds.

    Raises
    ------
    InputError
        Which names the column.
    """
    posts, log = platform.posts, platform.log.dump()
    members = min(len(platform.members), platform.agents)  # who joined is taken in by a tick
    sizes = {
        "agents": platform.agents,
        "members": members,
        "words": (members + 63) // 64,
        "posts": len(posts),
        "next": posts.next,
        "now": tick + 1,
        "recommenders": len(platform.recommenders),
        "policies": len(platform.policies),
    }
    parts: tuple[tuple[Columns, dict[str, Bound], str], ...] = (
        (posts.dump()[1], _POSTS, "the posts"),
        ({name: getattr(posts, name) for name in _OF_POSTS}, _OF_POSTS, "the posts"),
        (platform.members.dump(), _MEMBERS, "the members"),
        (log, _LOG, "the log"),
        (_held(platform), _HELD, "the platform"),
        ({"trending": platform.trending}, {"trending": _trending(posts.first)}, "the platform"),
        ({"online": platform.online}, _ONLINE, "the platform"),
        (_minds(platform), _MINDS, "the minds"),
    )
    for columns, bounds, owner in parts:
        require(columns.items(), bounds, sizes, owner)
    whom = log["other"][~np.isin(log["act"], OF_GROUPS)]
    if (whom[whom != NOBODY] >= platform.agents).any():
        raise InputError(f"The log names others who are not among {platform.agents:,} agents.")
    if (platform.online[1:] <= platform.online[:-1]).any() or platform.online_at > tick:
        raise InputError("Who is online is not in order, or of a tick to come.")


def require_log(columns: Mapping[str, npt.NDArray[Any]], tick: int) -> None:
    """Refuse a log of acts that tells of ticks which a world at ``tick`` has not seen.

    Raises
    ------
    InputError
        Which names the column.
    """
    bounds = {name: _LOG[name] for name in ("ticks", "counted", "sealed")}
    held = {name: column for name, column in columns.items() if name in bounds}
    require(held.items(), bounds, {"now": tick + 1}, "the log")


def texts_of(written: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """Return the words of posts by their number, as a file tells them.

    Raises
    ------
    InputError
        Where one is no text.
    """
    words = {int(number): text for number, text in written}
    if odd := [text for text in words.values() if not isinstance(text, str)]:
        raise InputError(f"The words of a post are {odd[0]!r:.40}, which is no text.")
    return words


def _held(platform: Platform) -> Columns:
    """Return what kernels and commands look up by; the rest is recommenders' own."""
    return {name: platform.held[name] for name in _HELD if name in platform.held}


def _minds(platform: Platform) -> Columns:
    letters = platform.minds.letters.values()
    senders = np.array([sender for own in letters for _, sender, *_ in own], np.uint32)
    return {"members": platform.minds.members, "senders": senders}


def _trending(first: int) -> Bound:
    return Bound("u4", (None,), below="next", low=first)
