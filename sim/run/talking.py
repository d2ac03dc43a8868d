"""To be a member, and to let one remember a talk: functions that a journal can do again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.run.minding import minds_of
from sim.world.platform_minds import PERSON
from sim.world.remembering import kept
from sim.world.world import World

__all__ = ["ACTS", "play", "remember"]

_IMPORTANT = 0.7


def play(world: World, member: int, on: bool = True) -> None:
    """Let a person be a member: its own mind rests, and no rule acts for it; or end that.

    Parameters
    ----------
    world
        With a platform.
    member
        Its index; what it does comes by :func:`sim.run.hosting.act`.
    on
        Whether it is played from now on; else its mind, or the rules, have it back.

    Raises
    ------
    InputError
        There is no such member, or no platform.
    """
    minds = minds_of(world)
    world.agents.is_active([member])  # refuses who does not exist
    goal, languages = minds.goals.get(member, ""), [minds.languages.get(member, "")]
    is_played, options = minds.kinds.get(member) == PERSON, minds.options.get(member, {})
    if on and not is_played:
        was = {"was": minds.kinds.get(member, ""), "options": dict(options)}
        minds.give([member], PERSON, goal, languages, was)
    elif is_played and not on and options.get("was"):
        minds.give([member], options["was"], goal, languages, options["options"])
    elif is_played and not on:
        minds.take([member])


def remember(world: World, member: int, question: str, answer: str) -> None:
    """Let a member remember what it was asked, and what it said.

    Raises
    ------
    InputError
        There is no such member, or no platform.
    """
    minds = minds_of(world)
    world.agents.is_active([member])  # refuses who does not exist
    hours, said = world.tick * world.tick_minutes / 60, f"{question} {answer}"
    row = [hours, f"You were asked: {question} You said: {answer}"]
    row += [world.agents.vocabulary.match(said), _IMPORTANT]
    minds.memories[member] = kept([*minds.memories.get(member, ()), row])


ACTS: dict[str, Callable[..., Any]] = {"play_member": play, "remember": remember}
"""Name in the journal to function."""
