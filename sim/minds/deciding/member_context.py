"""The context of a minded member besides its feed: letters, allies, groups, goal and plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.minds.member import PlanRequest
from sim.minds.models.faults import Fault
from sim.minds.prompts.decisions import Decision
from sim.minds.prompts.letters import Destination, Letter
from sim.minds.prompts.plans import goal_words, is_bad, outcome_words
from sim.minds.prompts.prompts import Prompt
from sim.platform.platform import Platform
from sim.world.minds.minds import Minds
from sim.world.minds.news import OUTCOMES, allies_of, groups_near
from sim.world.world import World

_OF_LETTERS, _OF_WRITING = 0.5, 0.6
_MOST_PLANS = 3


@dataclass(eq=False)
class MemberContext:
    """What a member knows besides its feed, and what it makes of that.

    Attributes
    ----------
    letters, places, planning, language
        As :class:`~sim.minds.member.Member` takes them.
    targets
        Of each number behind the feed's: ``other`` or ``group``, and what it is called.
    heard
        Memories of the letters: (hour, text, tags, importance).
    thoughts
        Memories of what it came to think meanwhile, as rows.
    steps
        The plan made meanwhile; None: none.
    faults
        Of questions that brought no plan, or no thoughts.
    """

    letters: tuple[Letter, ...] = ()
    places: tuple[Destination, ...] = ()
    planning: PlanRequest | None = None
    language: str = ""
    targets: dict[int, tuple[dict[str, int], str]] = field(default_factory=dict)
    heard: list[list[Any]] = field(default_factory=list)
    thoughts: list[list[Any]] = field(default_factory=list)
    steps: tuple[str, ...] | None = None
    faults: list[Fault] = field(default_factory=list)

    def keep(self, steps: tuple[str, ...], fault: Fault | None) -> None:
        """Take a plan; with a fault the old one, which is tried again later."""
        self.steps = steps
        self.faults += [] if fault is None else [fault]

    def act(self, one: Decision) -> dict[str, Any]:
        """Return an act upon what stands behind the feed, as the world takes it."""
        target, _ = self.targets[one.post]
        if one.act in {"follow", "mute", "direct message"} and "other" not in target:
            target = {}  # of a group nobody in particular; the world leaves it out
        return {"act": one.act, **target} | ({"text": one.text} if one.text else {})

    def memory(self, one: Decision, hours: float) -> list[Any]:
        """Return the memory of an act upon what stands behind the feed."""
        _, called = self.targets[one.post]
        said = f" and said: {one.text}" if one.text else ""
        return [hours, f"You chose to {one.act}: {called}{said}", 0, _OF_WRITING]

    @property
    def row(self) -> dict[str, Any]:
        """What of it goes with the decision; memories of letters apart."""
        return {} if self.steps is None else {"plan": list(self.steps)}


def around(
    world: World, platform: Platform, member: int, feed: int, prompt: Prompt, hours: float
) -> MemberContext:
    """Return what a member knows besides its feed of so many posts."""
    minds, found = platform.minds, MemberContext()
    found.language = minds.languages.get(member, "")
    number = feed
    letters = []
    for _, sender, group, text in minds.letters.get(member, ()):
        number += 1
        group = group if group < len(world.bonds.groups.names) else -1  # a file may say anything
        where = world.bonds.groups.names[group] if group >= 0 else ""
        name = world.agents.name(sender)
        letters.append(Letter(number, name, text, where))
        target = {"other": sender} | ({"group": group} if group >= 0 else {})
        found.targets[number] = target, f"{where or name} (they wrote: {text})"
        told = f"{name} wrote to {where}: {text}" if where else f"{name} wrote to you: {text}"
        found.heard.append([hours, told, world.agents.vocabulary.match(text), _OF_LETTERS])
    found.letters = tuple(letters)
    found.places = _places(world, platform, member, number, found)
    found.planning = _planning(minds, member, prompt, found)
    return found


def _places(
    world: World, platform: Platform, member: int, number: int, found: MemberContext
) -> tuple[Destination, ...]:
    own, others = groups_near(world, platform, member)
    names = world.bonds.groups.names
    rows: list[tuple[Any, dict[str, int], str]] = [
        *(
            ("ally", {"other": ally}, world.agents.name(ally))
            for ally in allies_of(platform, member)
        ),
        *(("group", {"group": group}, names[group]) for group in own),
        *(("open", {"group": group}, names[group]) for group in others),
    ]
    places = []
    for at, (kind, target, name) in enumerate(rows, number + 1):
        places.append(Destination(at, kind, name))
        found.targets[at] = target, name
    return tuple(places)


def _planning(
    minds: Minds, member: int, prompt: Prompt, found: MemberContext
) -> PlanRequest | None:
    if not minds.goals.get(member, ""):
        return None
    plan = minds.plans.get(member, {})
    counts: Sequence[int] = plan.get("outcomes", [0] * len(OUTCOMES))
    return PlanRequest(
        prompt, tuple(plan.get("steps", ())), int(plan.get("decided", -1)), outcome_words(counts),
        is_bad(counts), found.keep,
    )  # fmt: skip


def goal_of(minds: Minds, member: int) -> str:
    """Return what a member wants, in words."""
    return goal_words(minds.goals.get(member, ""))


def steps_of(minds: Minds, member: int) -> tuple[str, ...]:
    """Return the plan that a member follows; none: empty."""
    return tuple(minds.plans.get(member, {}).get("steps", ()))


def plans_in(world: World) -> Iterator[tuple[str, str]]:
    """Yield name and plan of the first few members that follow one."""
    minds = world.platform.minds if world.platform is not None else Minds()
    followed = (who for who in sorted(minds.plans) if minds.plans[who]["steps"])
    for member, _ in zip(followed, range(_MOST_PLANS), strict=False):
        steps = enumerate(steps_of(minds, member), 1)
        yield world.agents.name(member), " ".join(f"{number}. {step}" for number, step in steps)
