"""Batched questions: several members' decisions in one request.

Each member stands in an element of its own, with all that it would be asked alone and in as much
room; none is told of the others, yet one model reads them all, and a weak one may mix them up.
The answer names each member by its number there. Of a reply that was cut off, or in which some
answers are wrong, the others stand.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.minds.models.asks import Ask, Turn
from sim.minds.models.faults import Fault, ModelError
from sim.minds.prompts.decisions import Decision, decision_in, schema_of
from sim.minds.prompts.letters import fitting
from sim.minds.prompts.prompts import Post, Scene

if TYPE_CHECKING:
    from sim.minds.member import Member


ASK_ALONE = frozenset(
    {Fault.MALFORMED, Fault.CUT, Fault.EMPTY, Fault.REFUSED, Fault.FILTERED, Fault.TOO_LONG}
)
"""Faults of one question; whoever it was about may be asked alone."""

_BEGINS = re.compile(r'\{\s*"answers"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,\s*")
_FRAME = 20
"""Tokens that an answer in a list takes beyond one alone."""
_LIKELY = 45


class Case(NamedTuple):
    """What a mind decides on for one of several members.

    Attributes
    ----------
    member, feed, memory
        As :meth:`~sim.minds.minds.Mind.decide` is told.
    """

    member: Member
    feed: Sequence[Post]
    memory: Sequence[str]


class BatchPlace(NamedTuple):
    """A member's place in a question.

    Attributes
    ----------
    block
        What is said of it.
    acts, last
        What it may do, and the highest number that it may name.
    scene
        What it is shown.
    """

    block: str
    acts: tuple[str, ...]
    last: int
    scene: Scene

    def read(self, said: Mapping[str, Any]) -> Decision:
        """Return what an answer says that this member does; MALFORMED where that cannot be."""
        found = decision_in({**said}, self.acts, self.last)
        return fitting(found, len(self.scene.feed), self.scene.letters, self.scene.places)


def seated(member: Member, scene: Scene) -> BatchPlace:
    """Return a member's place: within the limit that it has alone."""
    turns, shown = member.prompts["batch"].fitted(scene, member.limit)
    numbers = [one.number for one in shown.letters] + [one.number for one in shown.places]
    return BatchPlace(turns[1].text, tuple(scene.acts), max([len(shown.feed), *numbers]), shown)


def ask_for(
    members: Sequence[Member],
    seats: Sequence[BatchPlace],
    *,
    most: int,
    temperature: float,
    model: str,
) -> Ask:
    """Return the question for several members."""
    blocks = (
        f'<member number="{number}">\n{seat.block}\n</member>'
        for number, seat in enumerate(seats, 1)
    )
    turns = (Turn("system", members[0].prompts["batch"].system), Turn("user", "\n".join(blocks)))
    return Ask(
        turns, (most + _FRAME) * len(seats), temperature, members[0].index, schema_for(seats),
        (_LIKELY + _FRAME // 2) * len(seats), model,
    )  # fmt: skip


def schema_for(seats: Sequence[BatchPlace]) -> Mapping[str, Any]:
    """Return the JSON Schema of the answers."""
    acts = list(dict.fromkeys(act for seat in seats for act in seat.acts))
    one = schema_of(acts, max(seat.last for seat in seats))
    number = {"type": "integer", "minimum": 1, "maximum": len(seats)}
    item = {
        **one,
        "properties": {"member": number, **one["properties"]},
        "required": ["member", *one["required"]],
    }
    several = {"type": "array", "items": item, "minItems": len(seats), "maxItems": len(seats)}
    return {
        "type": "object",
        "properties": {"answers": several},
        "required": ["answers"],
        "additionalProperties": False,
    }


def answers_in(text: str, seats: Sequence[BatchPlace]) -> list[Decision | None]:
    """Return each member's decision; None where the reply has none, a wrong one, or two."""
    found: dict[int, Decision] = {}
    entries = [one for one in _entries(text) if type(one.get("member")) is int]
    times = Counter(one["member"] for one in entries)
    for entry in entries:
        number = entry.pop("member")
        if times[number] > 1 or not 1 <= number <= len(seats):
            continue
        try:
            found[number] = seats[number - 1].read(entry)
        except ModelError:
            continue
    return [found.get(number) for number in range(1, len(seats) + 1)]


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """Yield the whole objects of the list, up to where the reply ends or goes wrong."""
    places = list(_BEGINS.finditer(text))
    begins = places[0] if len(places) == 1 else None  # of two, nobody knows which is meant
    at, decoder = begins.end() if begins else len(text), json.JSONDecoder()
    while at < len(text):
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if isinstance(entry, dict):
            yield entry
        following = _NEXT.match(text, at)
        if following is None:
            return
        at = following.end()
