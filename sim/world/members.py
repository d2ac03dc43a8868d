"""Commands on members: join, change in bulk, take profiles and minds, be noted of; who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.character import credulity, verification
from sim.agents.columns import Agents
from sim.agents.lifecycle import Lifecycle, Moves, check_moves, lifecycle
from sim.agents.profiles import Profile
from sim.agents.select import where
from sim.agents.table import shares
from sim.agents.traits import TRAITS
from sim.arrays import Ids
from sim.core.checks import short_text
from sim.errors import InputError, UnknownNameError
from sim.platform.acts.kinds import Act
from sim.platform.acts.moods import moods
from sim.platform.acts.relations import reputation_of
from sim.world.contract import PlatformState, WorldState
from sim.world.log import told
from sim.world.minds.giving import give, members_of, mind_of
from sim.world.minds.minds import PERSON
from sim.world.profile_assignment import Interests, Match, ProfilesTaken, people_of, take

LONGEST_NOTE = 4096

CHANGES: Final = ("status", "activity", "interests", "community", *TRAITS)
"""What :func:`change` can set."""


def chosen(world: WorldState, agents: str | npt.ArrayLike) -> Ids:
    """Return the agents of a condition (:mod:`sim.agents.select`), or of an array of indices.

    A condition may also name ``followers``, ``follows``, ``credulity``, ``verification`` and
    ``last_active`` (a tick, -1 for never); in a world with a platform ``reputation`` (1 on
    average), ``mood`` and ``online`` (1 or 0).
    """
    if isinstance(agents, str):
        return where(world.agents, agents, _numbers(world))
    who = np.atleast_1d(np.asarray(agents))
    if who.dtype.kind not in "iu" and who.size:
        raise InputError(f"Agents are integers or a condition, got an array of {who.dtype}.")
    world.agents.is_active(who)  # refuses unknown ones
    return np.unique(who).astype(np.uint32)


def _numbers(world: WorldState) -> Mapping[str, Callable[[], npt.NDArray[Any]]]:
    numbers: dict[str, Callable[[], npt.NDArray[Any]]] = {
        "followers": lambda: world.ties.out_degree,
        "follows": lambda: world.ties.in_degree,
        "credulity": lambda: credulity(world.agents),
        "verification": lambda: verification(world.agents),
        "last_active": lambda: activity_records(world).last(),
    }
    platform = world.platform
    if platform is None:
        return numbers
    many = len(world.agents)
    return numbers | {
        "reputation": lambda: reputation_of(platform),
        "mood": lambda: _padded(moods(platform), many),
        "online": lambda: _online(world, platform),
    }


class ActivityRecords(NamedTuple):
    """What the world has on record of members: who, and when; nothing of it is written to.

    Attributes
    ----------
    agents
        How many there are.
    records
        (members, ticks) of posts and adoptions.
    acts
        (tick, members, what they did), an array each.
    """

    agents: int
    records: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    acts: list[tuple[int, npt.NDArray[Any], npt.NDArray[Any]]]

    def last(self) -> npt.NDArray[np.int64]:
        """Return the last tick of each member, int64 (agents,); -1 for none."""
        last = np.full(self.agents, -1, np.int64)
        for who, ticks in self.records:  # within one, ticks rise, and the last one stays
            last[who] = np.maximum(last[who], ticks)
        for tick, who, did in self.acts:
            found = who[did != Act.DO_NOTHING]
            last[found] = np.maximum(last[found], tick)
        return last


def activity_records(world: WorldState) -> ActivityRecords:
    """Take what a world has on record; acts for the platform's ``log_ticks``."""
    logs = [cascade.log.so_far() for cascade in world.cascades]
    records: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    records, acts = [(log.agents, log.ticks) for log in logs], []
    if world.platform is not None:
        posts = world.platform.posts
        records.append((posts.author.copy(), posts.created.copy()))
        acts = [(tick, done.agent, done.act) for tick, done in world.platform.log]
    return ActivityRecords(len(world.agents), records, acts)


def _online(world: WorldState, platform: PlatformState) -> npt.NDArray[np.bool_]:
    """Return who is online; a platform that was opened since the last tick cannot tell."""
    if platform.online_at != world.tick:
        raise InputError("Who is online is found out by a tick: it is known after the next one.")
    return np.isin(np.arange(len(world.agents)), platform.online)


def _padded(column: npt.NDArray[Any], many: int) -> npt.NDArray[Any]:
    """Return a column with 0 for those who sign up with the next tick."""
    return np.concatenate([column, np.zeros(many - column.size, column.dtype)])


def change(world: WorldState, agents: str | npt.ArrayLike, values: Mapping[str, Any]) -> Ids:
    """Set properties of agents; all of them, or nothing when one value is not allowed."""
    wrong = [name for name in values if name not in CHANGES]
    if wrong:
        raise UnknownNameError("property of agents", wrong[0], CHANGES)
    if not values:
        raise InputError(f"Say what to set: {', '.join(CHANGES)}.")
    who = chosen(world, agents)
    ready = [_SETTERS.get(name, _trait)(world, who, name, value) for name, value in values.items()]
    for carry_out in ready:
        carry_out()
    return who


Ready = Callable[[], None]


def _status(world: WorldState, who: Ids, _: str, value: Any) -> Ready:
    goal = lifecycle(value)
    check_moves(who, world.agents.status[who], goal, world.agents.id)
    return lambda: world.agents.set_status(who, goal)


def _activity(world: WorldState, who: Ids, name: str, value: Any) -> Ready:
    share = shares(_number(name, value), name)
    return lambda: world.agents.set_activity(who, share)


def _interests(world: WorldState, who: Ids, _: str, value: Any) -> Ready:
    names = value.split(",") if isinstance(value, str) else list(value)
    mask = world.agents.vocabulary.mask(name.strip() for name in names if name.strip())
    return lambda: world.agents.set_interests(who, np.uint64(mask))


def _community(world: WorldState, who: Ids, _: str, value: Any) -> Ready:
    agents = world.agents
    names, labels = agents.communities, agents.community.copy()
    title = str(value)
    if title.casefold() == "none":
        labels[who] = -1
    elif title in names:
        labels[who] = names.index(title)
    else:
        raise UnknownNameError("community", title, names or ["none"])
    return lambda: agents.set_community(labels, names)


def _trait(world: WorldState, who: Ids, name: str, value: Any) -> Ready:
    share = shares(_number(name, value), name)

    def carry_out() -> None:
        traits = world.agents.personality[who] / 255.0
        traits[:, TRAITS.index(name)] = share
        world.agents.set_personality(who, traits)

    return carry_out


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number in [0, 1], got {value!r:.40}.") from None


_SETTERS: Final[Mapping[str, Callable[[WorldState, Ids, str, Any], Ready]]] = {
    "status": _status,
    "activity": _activity,
    "interests": _interests,
    "community": _community,
}


def take_in(world: WorldState, count: int) -> range:
    """Add agents to every part of a world; nothing goes to the trail."""
    added = world.agents.grow(count)
    for part in (world.ties, world.opinions, world.bonds, world.cascades):
        part.grow(count)
    return added


def change_agents(world: WorldState, agents: str | npt.ArrayLike, values: Mapping[str, Any]) -> Ids:
    """Carry out :meth:`World.change_agents`."""
    with world.doing("change_agents", (agents,), values) as note:
        who = change(world, agents, values)
        note.result = f"{who.size:,} agents"
    if "status" in values:
        world.wake()
    return who


def take_profiles(
    world: WorldState,
    profiles: Iterable[Profile | Mapping[str, Any]],
    match: Match,
    interests: Interests,
) -> ProfilesTaken:
    """Carry out :meth:`World.take_profiles`."""
    people = people_of(profiles)
    plain = [person.plain() for person in people]
    with world.doing("take_profiles", (plain, match, interests)) as note:
        taken = take(world, people, match, interests)
        note.result = str(taken)
    return taken


def profile_of(agents: Agents, agent: int) -> Profile:
    """Return who an agent is: what was told about it, and its columns as they are now."""
    name, foreign = agents.name(agent), agents.id(agent)
    said = {n: v for n, v in agents.lore.cold.get(int(agent)).items() if n != "history"}
    traits = dict(zip(TRAITS, (agents.personality[agent] / 255.0).tolist(), strict=True))
    own: dict[str, Any] = {"id": foreign, "name": name, "traits": traits}
    own["interests"] = agents.vocabulary.names(int(agents.interests[agent]))
    return Profile.of({**said, **own, "activity": float(agents.activity[agent])})


def give_minds(
    world: WorldState,
    members: str | npt.ArrayLike,
    mind: str,
    goal: str,
    language: str | Mapping[str, float],
    options: Mapping[str, Any],
) -> int:
    """Carry out :meth:`World.give_minds`."""
    said = {**options, "language": language or None}
    with world.doing("give_minds", (members, mind, goal), said) as note:
        many = give(world, members, mind, goal, language, dict(options))
        note.result = told(many)
    if world.platform is not None and mind_of(mind)[0] not in {"rule", PERSON}:
        world.platform.minds.unheard = not world.platform.minds.awake
    return many


def take_minds(world: WorldState, members: str | npt.ArrayLike) -> int:
    """Carry out :meth:`World.take_minds`."""
    with world.doing("take_minds", (members,)) as note:
        if world.platform is None:
            raise InputError("This world has no platform, so nobody in it has a mind.")
        many = world.platform.minds.take(members_of(world, members))
        note.result = told(many)
    return many


def moves_of(agents: Agents, start: int, stop: int | None, agent: int | None) -> Moves:
    """Return moves between stages of life at ticks ``start`` to ``stop``, of one agent or all."""
    if stop is not None and stop < start:
        raise InputError(f"Ticks go from the earlier to the later, got {start} to {stop}.")
    return agents.lore.moves.between(start, stop, agent)


def note(world: WorldState, agents: npt.ArrayLike, text: str) -> None:
    """Add a line to the personal history of agents, with the tick."""
    who = np.atleast_1d(np.asarray(agents))
    world.agents.is_active(who)  # refuses what is no agent
    with world.doing("note", (who, text)):
        line = short_text(text, LONGEST_NOTE, "A note")
        world.agents.lore.cold.note(who.tolist(), world.tick, line)


def personal_history(agents: Agents, agent: int) -> list[tuple[int, str]]:
    """Return (tick, line) of what was noted of an agent, and of its moves of life, in order."""
    agents.is_active(agent)  # refuses what is no agent
    known = agents.lore.cold.get(int(agent)).get("history", [])
    lines = [(int(tick), str(line)) for tick, line in known]
    moves = moves_of(agents, 0, None, int(agent))
    for tick, before, after in zip(*(moves[k].tolist() for k in (0, 2, 3)), strict=True):
        was, became = Lifecycle(before).name.lower(), Lifecycle(after).name.lower()
        lines.append((tick, f"{was} -> {became}"))
    return sorted(lines, key=lambda line: line[0])
