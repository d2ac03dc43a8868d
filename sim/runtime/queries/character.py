"""The character of a member: traits, knowledge, views, mood, and what was written of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.agents.character import ARCHETYPES, archetype, credulity, expertise, verification
from sim.platform.acts.kinds import Act
from sim.platform.acts.moods import MOOD
from sim.platform.rhythm import SHIFTS

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["MemberCharacter", "inner_of"]

MOST_LINES = 20
"""Lines of a member's own history that are told, the newest; and characters of a text."""
LONGEST = 2000
_LETTERS = (Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE)


@dataclass(frozen=True, slots=True)
class MemberCharacter:
    """One agent from inside, as an inspector shows it.

    Parameters
    ----------
    archetype, credulity, verification
        What follows from its personality (:mod:`sim.agents.character`), shares in [0, 1].
    known
        (interest, how much it knows of it in [0, 1]).
    opinions
        (topic, opinion, in the span of the topic) where it has one.
    mood, late
        In [-1, 1], and by how many hours its day is late; None for who is on no platform.
    groups
        Names of its groups.
    biography, persona
        Texts as they came; empty where there is none.
    profile
        (field, value) of everything else that its profile says, as text.
    history
        (tick, line) of its moves of life and of what was noted, the newest first.
    letters
        (tick, sender, text) that it and its groups were sent, the newest first.
    """

    archetype: str
    credulity: float
    verification: float
    known: tuple[tuple[str, float], ...]
    opinions: tuple[tuple[str, float], ...]
    mood: float | None
    late: int | None
    groups: tuple[str, ...]
    biography: str
    persona: str
    profile: tuple[tuple[str, str], ...]
    history: tuple[tuple[int, str], ...]
    letters: tuple[tuple[int, str, str], ...]


def inner_of(world: World, agent: int) -> MemberCharacter:
    """Return what an agent is like inside; reads of that agent alone.

    Raises
    ------
    InputError
        When there is no such agent.
    """
    history = world.personal_history(agent)
    agents, texts = world.agents, world.agents.lore.cold
    opinions = [(topic, float(world.opinions[topic][agent])) for topic in world.opinions]
    mood, late = _on_platform(world, agent)
    return MemberCharacter(
        ARCHETYPES[int(archetype(agents, [agent])[0])],
        float(credulity(agents, [agent])[0]),
        float(verification(agents, [agent])[0]),
        _known(world, agent),
        tuple(each for each in opinions if not math.isnan(each[1])),
        mood,
        late,
        tuple(world.groups.names[number] for number in world.groups.of(agent)),
        texts.text(agent, "biography")[:LONGEST],
        texts.text(agent, "persona")[:LONGEST],
        tuple((str(k), str(v)[:LONGEST]) for k, v in texts.get(agent).get("more", {}).items()),
        tuple(history[::-1][:MOST_LINES]),
        _letters(world, agent),
    )


def _known(world: World, agent: int) -> tuple[tuple[str, float], ...]:
    mask = int(world.agents.interests[agent])
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    shares = expertise(world.agents, agent, bits).tolist() if bits else []
    return tuple(zip(world.agents.vocabulary.names(mask), shares, strict=True))


def _letters(world: World, agent: int) -> tuple[tuple[int, str, str], ...]:
    """Return the newest letters; the log is gone through only where there are any."""
    platform = world.platform
    if platform is None:
        return ()
    kept = range(max(platform.tick - platform.log.ticks, 0), platform.tick + 1)
    if not any(platform.log.count(tick, act) for tick in kept for act in _LETTERS):
        return ()
    name = world.agents.name
    newest = platform.inbox(agent)[::-1][:MOST_LINES]
    return tuple((tick, name(sender), text[:LONGEST]) for tick, sender, text in newest)


def _on_platform(world: World, agent: int) -> tuple[float | None, int | None]:
    platform = world.platform
    if platform is None or agent >= len(platform.members):  # it signs up with the next tick
        return None, None
    felt = platform.held.get(MOOD)
    mood = float(felt[agent]) if felt is not None and agent < felt.size else 0.0
    return mood, SHIFTS[int(platform.members.chronotype[agent])]
