"""Goals and short plans of minded members: the prompt that asks for a plan, and its parsing.

A plan of two to four steps is made once, kept, and revised after so many decisions or when more
was against the member than for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.core.text import one_line
from sim.minds.member import Member
from sim.minds.models.asks import Ask
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.replies import object_in
from sim.minds.prompts.prompts import Scene

GOALS = {
    "persuade": ("to win others over to this: ", "to win others over to what you think"),
    "debunk": ("to show others that this is wrong: ", "to put right what others get wrong"),
    "inform": ("to let others know this: ", "to see others well informed"),
}
"""Goals by name: the words before what it is about, and those without."""

FEWEST_STEPS, MOST_STEPS = 2, 4
_LONGEST_STEP = 100
_WRITTEN = 60
_MOST = 160
_WORSE = 3
PLAN_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "items": {"type": "string", "maxLength": _LONGEST_STEP},
            "minItems": FEWEST_STEPS,
            "maxItems": MOST_STEPS,
        }
    },
    "required": ["steps"],
    "additionalProperties": False,
}
_COUNTED = ("likes", "shares", "replies", "new followers", "against you")


def goal_words(goal: str) -> str:
    """Return a goal in words; what begins with no name of :data:`GOALS` stays as it is.

    Examples
    --------
    >>> goal_words("debunk: the bridge is closed"), goal_words("be kind")
    ('to show others that this is wrong: the bridge is closed', 'be kind')
    """
    head, _, rest = goal.partition(":")
    words = GOALS.get(head.strip().lower())
    if words is None:
        return goal
    return f"{words[0]}{rest.strip()}" if rest.strip() else words[1]


def outcome_words(counts: Sequence[int]) -> str:
    """Return what came of a plan, of counts of likes, shares, replies, follows and against.

    Examples
    --------
    >>> outcome_words([3, 0, 1, 0, 0])
    '3 likes, 1 replies.'
    """
    said = [f"{number} {name}" for number, name in zip(counts, _COUNTED, strict=True) if number]
    return f"{', '.join(said)}." if said else ""


def is_bad(counts: Sequence[int]) -> bool:
    """Return whether three or more acts, and most of them, were against the member."""
    return counts[-1] >= _WORSE and counts[-1] > sum(counts[:-1])


async def planned(
    member: Member, memory: Sequence[str], every: int, temperature: float, model: str
) -> tuple[str, ...]:
    """Return the steps that a member follows now; asks for them where that is due."""
    planning = member.planning
    if planning is None:
        return ()
    if not planning.is_due(every):
        return planning.steps
    scene = Scene(
        member.name, member.persona, member.moment, member.goal, memory, plan=planning.steps,
        outcomes=planning.outcomes, language=member.language,
    )  # fmt: skip
    turns = planning.prompt.turns(scene, member.limit)
    answer = await member.ask(
        Ask(turns, _MOST, temperature, member.index, PLAN_SCHEMA, _WRITTEN, model)
    )
    steps, fault = planning.steps, answer.fault
    if fault is None:
        try:
            steps = steps_in(answer.text)
        except ModelError as error:
            fault = error.fault
    planning.keep(steps, fault)
    return steps


def steps_in(text: str) -> tuple[str, ...]:
    """Return the steps in a reply: one JSON object, alone or amid words."""
    said = object_in(text)
    steps = said.get("steps") if set(said) == {"steps"} else None
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise ModelError(Fault.MALFORMED, "it is no object of steps")
    lines = tuple(line for step in steps if (line := one_line(step, _LONGEST_STEP)))
    if not FEWEST_STEPS <= len(lines) <= MOST_STEPS:
        raise ModelError(Fault.MALFORMED, "a plan has two to four steps")
    return lines
