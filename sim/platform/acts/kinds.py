"""Kinds of members' acts, and requests for acts; their numbers are part of the file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sim.errors import InputError, UnknownNameError


class Act(IntEnum):
    """An act of a member. Never renumber, only add; kernels use some of the numbers."""

    DO_NOTHING = 0
    SIGN_UP = 1
    POST = 2
    REPOST = 3
    QUOTE = 4
    REPLY = 5
    LIKE = 6
    UNLIKE = 7
    DISLIKE = 8
    UNDO_DISLIKE = 9
    REPORT = 10
    FOLLOW = 11
    UNFOLLOW = 12
    MUTE = 13
    UNMUTE = 14
    BLOCK = 15
    UNBLOCK = 16
    CREATE_GROUP = 17
    JOIN_GROUP = 18
    LEAVE_GROUP = 19
    GROUP_MESSAGE = 20
    DIRECT_MESSAGE = 21
    SEARCH_POSTS = 22
    SEARCH_PEOPLE = 23
    TREND = 24
    REFRESH = 25
    PURCHASE = 26

    @property
    def says(self) -> str:
        """Name for people: ``undo dislike``."""
        return self.name.lower().replace("_", " ")


OF_GROUPS = (Act.CREATE_GROUP, Act.JOIN_GROUP, Act.LEAVE_GROUP, Act.GROUP_MESSAGE)
"""Acts on a group; they store the group in place of the other member."""


def act_of(said: Act | int | str) -> Act:
    """Return the act that is given as ``Act.LIKE``, ``"like"`` or ``"undo-dislike"``."""
    if isinstance(said, str):
        name = said.strip().upper().replace("-", "_").replace(" ", "_")
        if name not in Act.__members__:
            raise UnknownNameError("act", said, [act.says for act in Act])
        return Act[name]
    try:
        return Act(said)
    except ValueError:
        raise InputError(f"Acts are numbered 0 to {max(Act)}, got {said!r}.") from None


@dataclass(frozen=True, slots=True)
class ActRequest:
    """An act that waits for the next tick."""

    agent: int
    act: Act
    message: int | None = None  # the message it concerns; below: the other member
    other: int | None = None
    text: str = ""  # cleaned text, or empty
    tags: int = 0  # interests of the text, a mask
    group: int | str | None = None  # the group it concerns, or None

    def dump(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        return {
            "agent": self.agent,
            "act": self.act.name,
            "message": self.message,
            "other": self.other,
            "text": self.text,
            "tags": self.tags,
            "group": self.group,
        }

    @classmethod
    def restore(cls, said: Mapping[str, Any]) -> ActRequest:
        """Return the request of :meth:`dump`."""
        return cls(**{**said, "act": act_of(said["act"])})
