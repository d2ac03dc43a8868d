"""Replayable commands of the journal about minds, and summaries of what minds did.

Commands: give, take, wake, decide, play, remember. Summaries: sources, faults, cost.
"""

from __future__ import annotations

import platform as machine
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sim.core.registry import load_plugins, make
from sim.errors import InputError
from sim.minds.minds import Mind
from sim.minds.prompts.decisions import SOURCES, Decided, DecisionCounts
from sim.minds.prompts.prompts import TEMPLATES, read_prompt
from sim.minds.surrogate import agreement_of
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import NOBODY
from sim.spread.cascade.faults import checked
from sim.world.commands import command
from sim.world.members import members_of, mind_of
from sim.world.minds.minds import SeenMessage, feed_of, take_decisions
from sim.world.minds.state import PERSON, Minds, asked_of, caps_of, kept
from sim.world.seeding import choose_seeds
from sim.world.world import World

if TYPE_CHECKING:
    from sim.platform.platform import Platform


__all__ = [
    "PlayedMember",
    "Shown",
    "being_of",
    "checked_mind",
    "decide",
    "give_minds",
    "keep_minds",
    "members_of",
    "minds_of",
    "play",
    "remember",
    "take_minds",
    "told",
    "wake_minds",
    "who_is",
]


@command()
def give_minds(
    world: World,
    members: Any,
    mind: str = "model",
    goal: str = "",
    language: Any = "",
    **options: Any,
) -> int:
    """Give members minds, as ``world.give_minds``; return how many members have one now."""
    many = world.give_minds(members, mind, goal, language=language or "", **options)
    minds_of(world).unheard = False  # the caller lets them decide, or reports that it does not
    return many


@command()
def take_minds(world: World, members: Any) -> int:
    """Return members to the rules; return how many members still have a mind."""
    return world.take_minds(members)


def checked_mind(said: str) -> None:
    """Raise for an unknown mind, or for parameters that it does not have."""
    load_plugins()
    name, options = mind_of(said)
    options.pop("language", None)
    made = make(name, "mind", **options)
    if isinstance(made, Mind):
        checked(made)


@command(holds="making")
def wake_minds(world: World, awake: bool, made: dict[str, Any] | None = None) -> None:
    """Set whether minds decide from now on, or the rules for all of them."""
    del made
    minds = minds_of(world)
    minds.awake, minds.unheard = bool(awake), False


@command()
def keep_minds(world: World, said: Mapping[str, Any]) -> None:
    """Store data of the run with the world, for a process that resumes it."""
    minds = minds_of(world)
    caps = caps_of(said["caps"]) if "caps" in said else minds.caps
    asked = dict(asked_of(*pair) for pair in said.get("asked", ()))
    minds.caps, minds.asked = caps, minds.asked | asked


@command(holds="decisions")
def decide(world: World, rows: Sequence[dict[str, Any]]) -> int:
    """Apply the decisions of a tick; return how many acts wait for the next one."""
    if world.platform is None:
        raise InputError(_NO_PLATFORM)
    for watcher in world.watchers:
        watcher.decided(world, rows)
    return take_decisions(world, world.platform, rows)


def told(world: World) -> str:
    """Return a summary of minds so far in a sentence or two; empty if no member has one."""
    if world.platform is None or not world.platform.minds.members.size:
        return ""
    many = f"{world.platform.minds.members.size:,} members have a language model; no decisions yet."
    return " ".join(accounts(world)) or many


_NO_PLATFORM = "Language models read feeds, and this world has no platform; open one first."


def minds_of(world: World) -> Minds:
    """Return the minds of a world's platform."""
    if world.platform is None:
        raise InputError(_NO_PLATFORM)
    return world.platform.minds


_IMPORTANT = 0.7
_MOST_DEEDS = 6
Shown = SeenMessage
"""One message of a feed."""


@dataclass(frozen=True, slots=True)
class PlayedMember:
    """The state of a member, for the person who plays it."""

    member: int
    name: str
    tick: int
    is_online: bool
    feed: tuple[SeenMessage, ...]
    did: tuple[str, ...]


def being_of(world: World, member: int) -> PlayedMember:
    """Return the state of a member; nothing is changed."""
    minds_of(world)  # raises without a platform
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
    """Return index and name of the member with a foreign id or a name."""
    who = choose_seeds(world, said)
    if who.size != 1:
        raise InputError(f"One member is meant, {said!r} are {who.size:,}.")
    return int(who[0]), world.agents.name(int(who[0]))


@command("play_member")
def play(world: World, member: int, on: bool = True) -> None:
    """Let a person play a member: its own mind rests, and no rule acts for it; or end that."""
    minds = minds_of(world)
    world.agents.is_active([member])  # raises for an unknown member
    goal, languages = minds.goals.get(member, ""), [minds.languages.get(member, "")]
    is_played, options = minds.kinds.get(member) == PERSON, minds.options.get(member, {})
    if on and not is_played:
        was = {"was": minds.kinds.get(member, ""), "options": dict(options)}
        minds.give([member], PERSON, goal, languages, was)
    elif is_played and not on and options.get("was"):
        minds.give([member], options["was"], goal, languages, options["options"])
    elif is_played and not on:
        minds.take([member])


@command()
def remember(world: World, member: int, question: str, answer: str) -> None:
    """Let a member remember a question and its answer."""
    minds = minds_of(world)
    world.agents.is_active([member])  # raises for an unknown member
    hours, said = world.tick * world.tick_minutes / 60, f"{question} {answer}"
    row = [hours, f"You were asked: {question} You said: {answer}"]
    row += [world.agents.vocabulary.match(said), _IMPORTANT]
    minds.memories[member] = kept([*minds.memories.get(member, ()), row])


_SOURCES = {str(one) for one in SOURCES}


def accounts(world: World) -> Iterable[str]:
    """Yield lines that summarize the decisions so far; none if no member has a mind."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not minds.counts:
        return
    tally = DecisionCounts(_known(minds.counts), minds.effective)
    total = tally.decisions
    there = [(name, number) for name, number in tally.counts.items() if number]
    sources = ", ".join(
        f"{name} {number:,} ({number / total:.0%})" for name, number in there if name in _SOURCES
    )
    yield (
        f"Minds: {minds.members.size:,} members, {total:,} decisions, {tally.effective:,} with an "
        f"act: {sources}."
    )
    wrong = [f"{name} {number:,}" for name, number in there if name not in _SOURCES]
    if wrong:
        why = ", ".join(f"{name} {number:,}" for name, number in reasons_of(minds))
        yield f"On the way: {', '.join(wrong)}{f' ({why})' if why else ''}."
    requests, tokens, nano = minds.spent
    if requests:
        yield f"Asked {requests:,} times: {tokens:,} tokens, ${nano / 1e9:.6f}."
    yield from surrogates(minds)
    if tally.warning:
        yield tally.warning


def reasons_of(minds: Minds) -> list[tuple[str, int]]:
    """Return the reasons of faults and their counts, most frequent first."""
    return sorted(minds.reasons.items(), key=lambda each: (-each[1], each[0]))


def surrogates(minds: Minds) -> Iterable[str]:
    """Yield how well each surrogate agrees with the model that it replaces, a line each."""
    options = [
        minds.options.get(who, {}) for who, kind in minds.kinds.items() if kind == "surrogate"
    ]
    for path in sorted({str(one.get("path", "")) for one in options}):
        yield agreement_of(path)


def _known(counts: Mapping[str, int]) -> dict[str, int]:
    known = {str(one) for one in Decided}
    return {name: number for name, number in counts.items() if name in known}


def facts_of(world: World) -> dict[str, Any] | None:
    """Return the same as data; None if no member has, or had, a mind."""
    minds = world.platform.minds if world.platform is not None else None
    if minds is None or not (minds.members.size or minds.counts):
        return None
    tally = DecisionCounts(_known(minds.counts), minds.effective)
    requests, tokens, nano = minds.spent
    return {
        "members": int(minds.members.size),
        "decisions": tally.decisions,
        "effective": tally.effective,
        "counts": {name: number for name, number in tally.counts.items() if number},
        "reasons": dict(reasons_of(minds)),
        "requests": requests,
        "tokens": tokens,
        "dollars": nano / 1e9,
        "caps": minds.caps,
    }


_PACKAGES = ("hubbub", "numpy", "numba", "pydantic", "openai", "camel-ai")


def versions() -> dict[str, str]:
    """Return the versions of what a run depends on; packages that are missing are left out."""
    found = {"python": machine.python_version(), "machine": machine.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def made_with(prompts: Path | None, limit: int, models: Sequence[str] = ()) -> dict[str, Any]:
    """Return the settings that minds decide with, as JSON: see ``wake_minds``."""
    read = {name: read_prompt(name, prompts) for name in TEMPLATES}
    return {
        "versions": versions(),
        "limit": limit,
        "models": list(models),
        "prompts": {name: [prompt.fingerprint, prompt.text] for name, prompt in read.items()},
    }
