"""Declared ranges of a saved platform's columns, checked on loading before kernels use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.bounds import Bound, require
from sim.errors import InputError
from sim.platform.acts.kinds import OF_GROUPS
from sim.platform.acts.log import NOBODY, OF_ACTS
from sim.platform.acts.policy_dispatch import POLICY
from sim.platform.members import Members
from sim.platform.posts.posts import NO_TOPIC, Kind
from sim.world.contract import PlatformState

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
_OF_PLATFORM = {
    POLICY: Bound("u1", ("members",), below="policies"),
    "trending": Bound("u4", (None,), below="next", low="first"),
    "online": Bound("u4", (None,), below="agents"),
}
_MINDS = {
    "members": Bound("u4", (None,), below="agents"),
    "senders": Bound("u4", (None,), below="agents"),
}
_LOG = {
    **OF_ACTS,
    "ticks": Bound("i8", (None,), below="now", low=0),
    "counted": Bound("i8", (None,), below="now", low=0),
    "sealed": Bound("i8", (None,), below="now", low=0),
    "chains": Bound("u8", (None, 2)),
}


def require_platform(platform: PlatformState, tick: int) -> None:
    """Refuse a restored platform whose columns are not within their bounds."""
    posts, log = platform.posts, platform.log.dump()
    members = min(len(platform.members), platform.agents)  # who joined is taken in by a tick
    sizes = {
        "agents": platform.agents,
        "members": members,
        "words": (members + 63) // 64,
        "posts": len(posts),
        "first": posts.first,
        "next": posts.next,
        "now": tick + 1,
        "recommenders": len(platform.recommenders),
        "policies": len(platform.policies),
    }
    own = {**platform.held, "trending": platform.trending, "online": platform.online}
    parts: tuple[tuple[Columns, Mapping[str, Bound], str], ...] = (
        (posts.dump()[1], _POSTS, "the posts"),
        ({name: getattr(posts, name) for name in _OF_POSTS}, _OF_POSTS, "the posts"),
        (platform.members.dump(), Members.bounds, "the members"),
        (log, _LOG, "the log"),
        (own, _OF_PLATFORM, "the platform"),
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
    """Refuse a log of acts that tells of ticks which a world at ``tick`` has not seen."""
    told = [(n, column) for n, column in columns.items() if n in {"ticks", "counted", "sealed"}]
    require(told, _LOG, {"now": tick + 1}, "the log")


def texts_of(written: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """Return the words of posts by their number, as a file tells them."""
    words = {int(number): text for number, text in written}
    if odd := [text for text in words.values() if not isinstance(text, str)]:
        raise InputError(f"The words of a post are {odd[0]!r:.40}, which is no text.")
    return words


def _minds(platform: PlatformState) -> Columns:
    letters = platform.minds.letters.values()
    senders = np.array([sender for own in letters for _, sender, *_ in own], np.uint32)
    return {"members": platform.minds.members, "senders": senders}
