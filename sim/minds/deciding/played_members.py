"""Replayable commands of the journal: a person plays a member; members remember interviews."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sim.errors import InputError
from sim.minds.deciding.commands import minds_of
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NOBODY
from sim.world.minds.memory import kept
from sim.world.minds.minds import PERSON, SeenMessage, feed_of
from sim.world.seeding import choose_seeds
from sim.world.world import World

if TYPE_CHECKING:
    from sim.platform.platform import Platform

__all__ = ["ACTS", "PlayedMember", "Shown", "being_of", "play", "remember", "who_is"]

_IMPORTANT = 0.7
_MOST_DEEDS = 6
Shown = SeenMessage
"""One message of a feed."""


@dataclass(frozen=True, slots=True)
class PlayedMember:
    """How a member is, for whoever plays it.

    Parameters
    ----------
    member, name, tick
        Who, and when.
    is_online
        Whether it was, in that tick.
    feed
        What it was shown, the best first.
    did
        What it did in that tick, in words, beside looking.
    """

    member: int
    name: str
    tick: int
    is_online: bool
    feed: tuple[SeenMessage, ...]
    did: tuple[str, ...]


def being_of(world: World, member: int) -> PlayedMember:
    """Return how a member is; nothing is changed.

    Raises
    ------
    InputError
        There is no such member, or no platform.
    """
    minds_of(world)  # refuses where there is no platform
    platform = cast("Platform", world.platform)
    feed = feed_of(world, platform, member)
    own = platform.acted.agent == member
    acts = zip(platform.acted.act[own].tolist(), platform.acted.message[own].tolist(), strict=True)
    did = [f"{Act(act).says} m{message}" if message != NOBODY else Act(act).says
           for act, message in acts if act != Act.REFRESH]  # fmt: skip
    is_online = bool(np.isin(member, platform.online))
    name = world.agents.name(member)
    return PlayedMember(member, name, world.tick, is_online, feed, tuple(did[:_MOST_DEEDS]))


def who_is(world: World, said: str) -> tuple[int, str]:
    """Return index and name of the member that a foreign id or a name means.

    Raises
    ------
    InputError
        It means nobody, or several.
    """
    who = choose_seeds(world, said)
    if who.size != 1:
        raise InputError(f"One member is meant, {said!r} are {who.size:,}.")
    return int(who[0]), world.agents.name(int(who[0]))


def play(world: World, member: int, on: bool = True) -> None:
    """Let a person be a member: its own mind rests, and no rule acts for it; or end that.

    Parameters
    ----------
    world
        With a platform.
    member
        Its index; what it does comes by :func:`sim.runtime.engine.platform_commands.act`.
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
