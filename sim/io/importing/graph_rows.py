"""What a graph file says of members and ties, before it becomes arcs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NAMES = ("label", "name", "nodelabel", "title")
"""Attributes that hold the name of a member, the most telling first; case does not count."""


@dataclass(slots=True)
class GraphRows:
    """Members and ties in the order of a file.

    Attributes
    ----------
    directed
        Whether a tie goes one way, where it does not say itself.
    members
        The attributes of each member by its id.
    ends
        Source and target of each tie, by id.
    marks
        The attributes of each tie.
    both
        Whether each tie goes both ways; None: as the file says of all.
    strangers
        Members that stand in ties alone.
    notes
        Sentences on what was decided, and what was left out.
    """

    directed: bool = False
    members: dict[str, Mapping[str, object]] = field(default_factory=dict)
    ends: list[tuple[str, str]] = field(default_factory=list)
    marks: list[dict[str, object]] = field(default_factory=list)
    both: list[bool | None] = field(default_factory=list)
    strangers: int = 0
    notes: list[str] = field(default_factory=list)

    def tie(
        self, source: str, target: str, marks: dict[str, object], *, both: bool | None = None
    ) -> None:
        """Add a tie."""
        self.ends.append((source, target))
        self.marks.append(marks)
        self.both.append(both)

    def complete(self) -> None:
        """Count those in that stand in ties alone, and say which attributes go unread."""
        for ends in self.ends:
            for each in ends:
                if each not in self.members:
                    self.members[each] = {}
                    self.strangers += 1
        if self.strangers:
            self.notes.append(f"Members that appear only in ties: {self.strangers:,}.")
        idle = dict.fromkeys(name for said in self.members.values() for name in said)
        left = [name for name in idle if name.lower() not in {*NAMES, "id", "key"}]
        if left:
            more = f" and {len(left) - 12} more" if len(left) > 12 else ""
            self.notes.append(
                f"Attributes of members that were not read: {', '.join(left[:12])}{more}."
            )
