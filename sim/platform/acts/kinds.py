"""The kinds of acts of members, and requests for acts; numbers are part of the world format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sim.errors import InputError, UnknownNameError


class Act(IntEnum):
    """What a member does. Never renumber, only add; kernels know some of the numbers."""

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
        """Its name for people: ``undo dislike``."""
        return self.name.lower().replace("_", " ")


OF_GROUPS = (Act.CREATE_GROUP, Act.JOIN_GROUP, Act.LEAVE_GROUP, Act.GROUP_MESSAGE)
"""Acts on a group: where others name another member, these name it."""


def act_of(said: Act | int | str) -> Act:
    """Return the act that is named: ``Act.LIKE``, ``"like"``, ``"undo-dislike"``."""
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
    """One act that waits for the next tick."""

    agent: int
    act: Act
    message: int | None = None  # the message it is about; below: the member
    other: int | None = None
    text: str = ""  # what is said, clean, or empty
    tags: int = 0  # the interests of what is said, a mask
    group: int | str | None = None  # the group it is about, or None

    def dump(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
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
        """Return the command of :meth:`dump`."""
        return cls(**{**said, "act": act_of(said["act"])})
