""":class:`ActRequest`: one act of a person, program or language model, due in the next tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.platform.acts.kinds import Act, act_of


@dataclass(frozen=True, slots=True)
class ActRequest:
    """One act that waits for the next tick.

    Attributes
    ----------
    agent
        Who acts.
    act
        What.
    message, other
        The message and the member it is about, or None.
    text
        What is said, clean, or empty.
    tags
        The interests of what is said, a mask.
    group
        The group it is about, or None.
    """

    agent: int
    act: Act
    message: int | None = None
    other: int | None = None
    text: str = ""
    tags: int = 0
    group: int | str | None = None

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
