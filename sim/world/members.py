"""Commands on members: join, change in bulk, assign profiles and minds, add notes; queries."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.character import credulity, verification
from sim.agents.columns import Agents
from sim.agents.languages import LANGUAGES, Languages, drawn, language, languages_of
from sim.agents.lifecycle import Lifecycle, Moves, check_moves, lifecycle
from sim.agents.profiles import TRAITS, Profile, folded_in, interests_of
from sim.agents.select import where
from sim.agents.table import shares
from sim.agents.vocabulary import MOST_NAMES, Vocabulary, is_name
from sim.arrays import Bools, Ids
from sim.core import rng
from sim.core.checks import short_text, shown
from sim.core.rng import Stream
from sim.core.text import one_line, plural
from sim.errors import InputError, UnknownNameError
from sim.platform.acts.kinds import Act
from sim.world.base import PlatformState, WorldState
from sim.world.log import noted, told
from sim.world.minds.state import PERSON
from sim.world.seeding import check_seeds, choose_seeds

Match = Literal["auto", "id", "order"]
MATCHES: Final = ("auto", "id", "order")
Interests = Literal["known", "own"]
INTERESTS: Final = ("known", "own")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ProfilesTaken:
    """Result of assigning profiles."""

    agents: npt.NDArray[np.uint32]  # the agent that got each profile
    remarks: tuple[str, ...] = ()  # remarks for people: a sentence each

    def __str__(self) -> str:
        return f"{self.agents.size:,} profiles"


def people_of(profiles: Iterable[Profile | Mapping[str, Any]]) -> list[Profile]:
    """Return checked profiles; InputError names the place of a wrong one, from 1."""
    if isinstance(profiles, str | Mapping) or not isinstance(profiles, Iterable):
        raise InputError(f"Profiles are a list, each of one person; got {shown(profiles)}.")
    people = []
    for number, said in enumerate(profiles, 1):
        try:
            people.append(Profile.of(said))
        except (InputError, TypeError) as error:
            raise InputError(f"Profile {number:,}: {error}") from None
    return people


def matched(agents: Agents, people: Sequence[Profile], match: str) -> npt.NDArray[np.uint32]:
    """Return the agent that gets each profile."""
    if match not in MATCHES:
        raise InputError(f"Profiles are matched by {', '.join(MATCHES)}, got {match!r}.")
    ids = [person.id for person in people]
    given = sum(each is not None for each in ids)
    if match == "order" or (match == "auto" and not given):
        if len(people) > len(agents):
            raise InputError(
                f"There are {len(people):,} profiles and only {len(agents):,} members; use fewer."
            )
        return np.arange(len(people), dtype=np.uint32)
    if given < len(people):
        raise InputError(
            f"{len(people) - given:,} of {len(people):,} profiles have no id; give all an id, "
            f"or match them by order."
        )
    return _by_id(agents, ids)


def _by_id(agents: Agents, ids: Sequence[Any]) -> npt.NDArray[np.uint32]:
    found, unknown, first = [], 0, ""
    for each in ids:
        try:
            found.append(agents.index(each))
        except InputError as error:
            unknown, first = unknown + 1, first or str(error)
    if unknown:
        raise InputError(
            f"{unknown:,} of {len(ids):,} profiles have an unknown id. {first} "
            f"To assign them to members in order, match them by order."
        )
    who = np.array(found, np.uint32)
    ranked, counts = np.unique(who, return_counts=True)
    if ranked.size < who.size:
        raise InputError(f"Two profiles are of agent {agents.id(int(ranked[counts.argmax()]))}.")
    return who


def take(
    world: WorldState, people: Sequence[Profile], match: str, interests: str = "known"
) -> ProfilesTaken:
    """Assign profiles to agents; nothing changes if one of them does not fit."""
    agents = world.agents
    who = matched(agents, people, match)
    vocabulary, own = _vocabulary(world, people, interests)
    if vocabulary is not agents.vocabulary:
        agents.speak_of(vocabulary)
    masks = agents.interests[who].copy()
    unknown: Counter[str] = Counter()
    folded: Counter[tuple[str, str]] = Counter()
    guessed: Counter[int] = Counter()
    for place, person in enumerate(people):
        mask, strange = interests_of(person, agents.vocabulary)
        unknown.update(strange)
        folded.update(folded_in(person, agents.vocabulary))
        if mask:
            masks[place] = mask
            guessed[mask] += not person.interests
    records = {int(agent): person.record() for agent, person in zip(who, people, strict=True)}
    agents.lore.cold.put({agent: _joined(world, agent, new) for agent, new in records.items()})
    agents.set_interests(who, masks)
    agents.set_personality(who, _traits(agents, who, people))
    shares = np.array([np.nan if each.activity is None else each.activity for each in people])
    told = ~np.isnan(shares)
    agents.set_activity(who[told], shares[told])
    daily = [place for place, person in enumerate(people) if person.hours]
    if daily:
        agents.lore.hours.put(who[daily], [people[place].hours for place in daily])
    if spoken := [place for place, person in enumerate(people) if person.language]:
        agents.set_language(who[spoken], [language(people[place].language) for place in spoken])
    said = (*own, *_guesses(+guessed, agents.vocabulary), *_remarks(unknown, folded))
    return ProfilesTaken(who, said)


def _vocabulary(
    world: WorldState, people: Sequence[Profile], interests: str
) -> tuple[Vocabulary, tuple[str, ...]]:
    """Return the vocabulary for reading profiles, and remarks on it."""
    if interests not in INTERESTS:
        raise InputError(f"Interests are {' or '.join(INTERESTS)}, got {interests!r}.")
    if interests == "known":
        return world.agents.vocabulary, ()
    if world.cascades or world.platform is not None or world.opinions.dump()[0]:
        raise InputError(
            "Messages, opinions or a platform of this world refer to its vocabulary; give a new "
            "world interests of their own."
        )
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for person in people:
        words = {word.strip().casefold(): word.strip() for word in person.interests}
        counts.update(words.keys())
        spelled = words | spelled
    fine = [word for word, _ in counts.most_common() if is_name(spelled[word])]
    if not fine:
        raise InputError("No profile gives an interest, so they make no vocabulary of their own.")
    taken = [spelled[word] for word in fine[:MOST_NAMES]]
    said = f"The vocabulary has {len(taken):,} of {len(counts):,} interests in the profiles; "
    said += "members with none of them have no interests."
    return Vocabulary(taken), (said,)


def _joined(world: WorldState, agent: int, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of an agent merged with a profile: fields that it lacks stay."""
    return {**world.agents.lore.cold.get(agent), **new}


def _traits(
    agents: Agents, who: npt.NDArray[np.uint32], people: Sequence[Profile]
) -> npt.NDArray[np.float64]:
    traits = agents.personality[who] / 255.0
    for place, person in enumerate(people):
        for name, value in person.traits.items():
            traits[place, TRAITS.index(name)] = value
    return np.asarray(traits, np.float64).reshape(-1, len(TRAITS))


def _guesses(guessed: Counter[int], vocabulary: Vocabulary) -> Iterable[str]:
    """Yield remarks on how well interests inferred from texts distinguish members."""
    if guessed:
        (mask, most), *_ = guessed.most_common(1)
        names = vocabulary.names(mask)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield (
            f"Inferred the interests of {plural(guessed.total(), 'member')} from their texts, in "
            f"{len(guessed):,} different sets, the most frequent for {plural(most, 'member')} "
            f"({', '.join(names[:_SHOWN])}{more}). Feeds and recommenders use them; a column "
            "'interests' overrides them."
        )


def _remarks(unknown: Counter[str], folded: Counter[tuple[str, str]]) -> Iterable[str]:
    if folded:
        shown = [
            f"{one_line(a, 40)} as {one_line(b, 40)}" for (a, b), _ in folded.most_common(_SHOWN)
        ]
        more = f" and {len(folded) - len(shown):,} others" if len(folded) > len(shown) else ""
        yield (
            f"{plural(len(folded), 'interest')} mapped to the built-in vocabulary by keyword "
            f"({', '.join(shown)}{more}); to keep them apart, use --interests own (in Python: "
            "interests='own')."
        )
    if not unknown:
        return
    shown = [one_line(word, 40) for word, _ in unknown.most_common(_SHOWN)]
    more = f" and {len(unknown) - len(shown):,} others" if len(unknown) > len(shown) else ""
    yield (
        f"{plural(len(unknown), 'interest')} not in the vocabulary and not used "
        f"({', '.join(shown)}{more}); stored with the profiles only."
    )


def members_of(world: WorldState, members: Any) -> npt.NDArray[Any]:
    """Return the members that an expression names, or indices, checked."""
    if isinstance(members, str):
        head, _, share = members.partition(":")
        if head == "share":
            members = f"random:{max(round(_part(share) * len(world.agents)), 1)}"
        return choose_seeds(world, members)
    who = np.atleast_1d(np.asarray(members))
    world.agents.is_active(who)  # raises for unknown agents
    return who


def check_members(members: str) -> None:
    """Raise for an expression that matches no member in any world."""
    head, _, share = members.partition(":")
    if head == "share":
        _part(share)
    else:
        check_seeds(members)


def _part(share: str) -> float:
    try:
        part = float(share)
    except ValueError:
        part = -1.0
    if not 0 < part <= 1:
        raise InputError(f"share:PART is a part of all members in (0, 1], got {share!r}.")
    return part


def mind_of(said: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a mind, and its parameters.

    Examples
    --------
    >>> mind_of("model,temperature=0.2,model=small")
    ('model', {'temperature': 0.2, 'model': 'small'})
    """
    name, *words = (word.strip() for word in said.split(","))
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        key = key.strip().replace("-", "_")
        if not sign or not key.isidentifier() or key in found:
            raise InputError(
                f"A mind is NAME or NAME,KEY=VALUE,..., each key once, such as "
                f"model,temperature=0.2,language=German; got {said!r}."
            )
        found[key] = _plain(value.strip())
    return name, found


def _plain(value: str) -> Any:
    """Return a number or a truth value if the text is one, else the text."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, int | float) else value


def give(
    world: WorldState,
    members: Any,
    mind: str,
    goal: str,
    language: Languages,
    options: dict[str, Any],
) -> int:
    """Give members a mind of their own; return how many have one now."""
    if world.platform is None:
        raise InputError("Language models read feeds: this world has no platform; open one first.")
    name, more = mind_of(mind)
    spoken = more.pop("language", "") or language
    who = members_of(world, members)
    names, places = drawn(spoken, who, rng.key(world.seed, Stream.LANGUAGES))
    languages = [names[place] for place in places.tolist()]
    return world.platform.minds.give(who, name, goal, languages, {**more, **options})


LONGEST_NOTE = 4096

CHANGES: Final = ("status", "activity", "interests", "community", "language", *TRAITS)
"""Properties that :func:`change` can set."""


def chosen(world: WorldState, agents: str | npt.ArrayLike, message: int | None = None) -> Ids:
    """Return the agents that match a query (:mod:`sim.agents.select`), or given by indices.

    A query may also name ``adopted`` (the tick at which they adopted a message, ``message`` or the
    newest), ``state``, ``followers``, ``follows``, ``credulity``, ``verification`` and
    ``last_active`` (a tick, -1 for never); in a world with a platform ``reputation`` (1 on
    average), ``mood`` and ``online`` (1 or 0).
    """
    if isinstance(agents, str):
        kinds = {"state": partial(_in_states, world)}
        return where(world.agents, agents, _numbers(world, message), kinds)
    who = np.atleast_1d(np.asarray(agents))
    if who.dtype.kind not in "iu" and who.size:
        raise InputError(f"Agents are integers or a condition, got an array of {who.dtype}.")
    world.agents.is_active(who)  # raises for unknown agents
    return np.unique(who).astype(np.uint32)


def in_state(world: WorldState, text: str) -> Ids:
    """Return the agents in a state of a message now, from ``MESSAGE:STATE``: ascending."""
    number, _, name = text.partition(":")
    story = next((one for one in world.cascades if str(one.id) == number.strip()), None)
    if story is None:
        known = ", ".join(str(one.id) for one in world.cascades[-10:]) or "none"
        raise InputError(
            f"A state is MESSAGE:STATE, such as 0:infected; got {text!r}, and this world's "
            f"messages are {known}."
        )
    return story.in_state(name.strip())


def _in_states(world: WorldState, values: list[str]) -> Bools:
    fits = np.zeros(len(world.agents), np.bool_)
    for value in values:
        fits[in_state(world, value)] = True
    return fits


def _adopted(world: WorldState, message: int | None) -> npt.NDArray[np.float64]:
    """Return the tick at which each agent adopted a message, NaN for never."""
    cascades, ticks = world.cascades, np.full(len(world.agents), np.nan)
    newest = cascades[-1] if cascades else None
    story = newest if message is None else cascades.find(message)
    if story is not None:
        ticks[story.log.agents] = story.log.ticks
    return ticks


def _numbers(
    world: WorldState, message: int | None
) -> Mapping[str, Callable[[], npt.NDArray[Any]]]:
    numbers: dict[str, Callable[[], npt.NDArray[Any]]] = {
        "adopted": lambda: _adopted(world, message),
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
        "reputation": lambda: platform.reputation,
        "mood": lambda: _padded(platform.moods, many),
        "online": lambda: _online(world, platform),
    }


class ActivityRecords(NamedTuple):
    """Records of when members acted, by source; read-only."""

    agents: int  # number of agents
    # (members, ticks) of posts and adoptions
    records: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    # (tick, members, their acts), an array each
    acts: list[tuple[int, npt.NDArray[Any], npt.NDArray[Any]]]

    def last(self) -> npt.NDArray[np.int64]:
        """Return the last tick of each member, int64 (agents,); -1 for none."""
        last = np.full(self.agents, -1, np.int64)
        for who, ticks in self.records:  # ticks rise within a record, so the last one stays
            last[who] = np.maximum(last[who], ticks)
        for tick, who, did in self.acts:
            found = who[did != Act.DO_NOTHING]
            last[found] = np.maximum(last[found], tick)
        return last


def activity_records(world: WorldState) -> ActivityRecords:
    """Return a world's records; acts go back as far as the platform's ``log_ticks``."""
    logs = [cascade.log.so_far() for cascade in world.cascades]
    records: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    records, acts = [(log.agents, log.ticks) for log in logs], []
    if world.platform is not None:
        posts = world.platform.posts
        records.append((posts.author.copy(), posts.created.copy()))
        acts = [(tick, done.agent, done.act) for tick, done in world.platform.log]
    return ActivityRecords(len(world.agents), records, acts)


def _online(world: WorldState, platform: PlatformState) -> npt.NDArray[np.bool_]:
    """Return who is online; raise if the platform was opened since the last tick."""
    if platform.online_at != world.tick:
        raise InputError("Who is online is found out by a tick: it is known after the next one.")
    return np.isin(np.arange(len(world.agents)), platform.online)


def _padded(column: npt.NDArray[Any], many: int) -> npt.NDArray[Any]:
    """Return a column padded with 0 for agents that join at the next tick."""
    return np.concatenate([column, np.zeros(many - column.size, column.dtype)])


def change(world: WorldState, agents: str | npt.ArrayLike, values: Mapping[str, Any]) -> Ids:
    """Set properties of agents: all of them, or none if a value is not allowed."""
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
    elif title in agents.stored_communities:
        labels[who] = agents.stored_communities.index(title)
    else:
        raise UnknownNameError("community", title, names or ["none"])
    return lambda: agents.set_community(labels, names)


def _language(world: WorldState, who: Ids, _: str, value: Any) -> Ready:
    codes = languages_of(value, who, world.seed)
    return lambda: world.agents.set_language(who, codes)


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
    "language": _language,
}


class MemberCommands(WorldState):
    """A world's commands and queries on its members."""

    @noted("create_agents")
    def create_agents(self, count: int) -> range:
        """Add agents without ties, unreached by any cascade; return their indices."""
        added = self.take_in(count)
        self.wake()
        return added

    def take_in(self, count: int) -> range:
        """Add agents within a tick, whose replay repeats it; nothing is logged in the trail."""
        added = self.agents.grow(count)
        for part in (self.ties, self.opinions, self.relationships, self.cascades):
            part.grow(count)
        return added

    def take_profiles(
        self,
        profiles: Iterable[Profile | Mapping[str, Any]],
        match: Match = "auto",
        interests: Interests = "known",
    ) -> ProfilesTaken:
        """Assign profiles to agents: names, texts, interests, traits, activity, hours, language.

        Parameters
        ----------
        profiles
            From :func:`sim.io.read_profiles`, or mappings with the fields of a Profile. Fields that
            one lacks stay unchanged.
        match
            ``"id"``: to the agent with that id; ``"order"``: to agent 0, 1, ...; ``"auto"``: by id
            if they have ids.
        interests
            ``"known"``: match words with the world's vocabulary; ``"own"``: make the 64 most common
            words the vocabulary, allowed while nothing in the world refers to the present one.

        Returns
        -------
        ProfilesTaken
            The agents, and remarks, for example on interests missing from the vocabulary.

        Raises
        ------
        InputError
            One sentence; nothing changes.
        """
        people = people_of(profiles)
        plain = [person.plain() for person in people]
        with self.doing("take_profiles", (plain, match, interests)) as note:
            taken = take(self, people, match, interests)
            note.result = str(taken)
        return taken

    def profile(self, agent: int) -> Profile:
        """Return an agent's profile: its recorded texts and its current columns.

        Texts are complete and unfiltered; clean them before printing them to a terminal.
        """
        agents = self.agents
        known = agents.lore.cold.get(int(agent)).items()
        traits = dict(zip(TRAITS, (agents.personality[agent] / 255.0).tolist(), strict=True))
        own: dict[str, Any] = {"id": agents.id(agent), "name": agents.name(agent), "traits": traits}
        own["interests"] = agents.vocabulary.names(int(agents.interests[agent]))
        own["activity"] = float(agents.activity[agent])
        own["language"] = [*LANGUAGES][agents.language[agent]] if agents.is_multilingual else ""
        return Profile.of({n: v for n, v in known if n != "history"} | own)

    def change_agents(self, agents: str | npt.ArrayLike, **values: Any) -> Ids:
        """Set properties of many agents at once; return their indices.

        Parameters
        ----------
        agents
            Indices, or a condition: ``'activity > .5 and community == "x"'``.
        **values
            ``status``, ``activity``, ``interests`` (names), ``community``, ``language`` (a code, a
            name, or shares as of :meth:`World.create`), or one of the Big Five.

        Raises
        ------
        InputError
            For what is not allowed, naming the allowed lifecycle transitions; nothing changes.
        """
        with self.doing("change_agents", (agents,), values) as note:
            who = change(self, agents, values)
            note.result = f"{who.size:,} agents"
        if "status" in values:
            self.wake()
        return who

    def agents_where(self, condition: str) -> Ids:
        """Return the agents that meet a condition (:mod:`sim.agents.select`), ascending."""
        return chosen(self, condition)

    def give_minds(
        self,
        members: str | npt.ArrayLike,
        mind: str = "model",
        goal: str = "",
        *,
        language: str | Mapping[str, float] = "",
        **options: Any,
    ) -> int:
        """Give members a mind of their own; return how many have one now.

        They decide once minds are activated: :func:`sim.run_with_minds`, ``Simulation.think``.

        Parameters
        ----------
        members
            Indices; or ``"top:50:pagerank"`` (``degree``, ``core``), ``"community:NAME:20"``,
            ``"share:0.01"``, ``"random:20"``, or a query: ``"interest:music openness>0.7"``.
        mind
            A plugin of kind ``mind``, with or without parameters: ``"model"``,
            ``"model,temperature=0.2,language=German"``.
        goal
            Their goal: ``"persuade: ..."``, ``"debunk: ..."``, ``"inform: ..."`` or free text;
            empty: none.
        language
            Language they write in: ``"German"``, or shares, ``{"German": 0.3, "English": 0.7}``;
            default: their own. Text by rules is in their own.
        **options
            Parameters of the mind, such as ``model="gpt-4o-mini"``.

        Raises
        ------
        InputError
            One sentence, also if the world has no platform; nothing changes.

        Examples
        --------
        >>> from hubbub import World
        >>> world = World.create(agents=200, seed=7, platform=True)
        >>> world.give_minds("top:5:degree", "rule", goal="inform: the bridge is closed")
        5
        """
        said = {**options, "language": language or None}
        with self.doing("give_minds", (members, mind, goal), said) as note:
            many = give(self, members, mind, goal, language, dict(options))
            note.result = told(many)
        if self.platform is not None and mind_of(mind)[0] not in {"rule", PERSON}:
            self.platform.minds.unheard = not self.platform.minds.awake
        return many

    def take_minds(self, members: str | npt.ArrayLike) -> int:
        """Remove minds with all they remember; return how many members have one now."""
        with self.doing("take_minds", (members,)) as note:
            if self.platform is None:
                raise InputError("This world has no platform, so no member has a language model.")
            many = self.platform.minds.take(members_of(self, members))
            note.result = told(many)
        return many

    def moves(self, start: int = 0, stop: int | None = None, agent: int | None = None) -> Moves:
        """Return lifecycle transitions at ticks ``start`` to ``stop``, of one agent or all.

        The world keeps the newest million.
        """
        if stop is not None and stop < start:
            raise InputError(f"Ticks go from the earlier to the later, got {start} to {stop}.")
        return self.agents.lore.moves.between(start, stop, agent)

    def note(self, agents: npt.ArrayLike, text: str) -> None:
        """Add a line to the personal history of agents, with the tick."""
        who = np.atleast_1d(np.asarray(agents))
        self.agents.is_active(who)  # raises for unknown agents
        with self.doing("note", (who, text)):
            line = short_text(text, LONGEST_NOTE, "A note")
            self.agents.lore.cold.note(who.tolist(), self.tick, line)

    def personal_history(self, agent: int) -> list[tuple[int, str]]:
        """Return (tick, line) of an agent's notes and lifecycle transitions, in order."""
        self.agents.is_active(agent)  # raises for unknown agents
        known = self.agents.lore.cold.get(int(agent)).get("history", [])
        lines = [(int(tick), str(line)) for tick, line in known]
        moves = self.moves(agent=int(agent))
        for tick, before, after in zip(*(moves[k].tolist() for k in (0, 2, 3)), strict=True):
            was, became = Lifecycle(before).name.lower(), Lifecycle(after).name.lower()
            lines.append((tick, f"{was} -> {became}"))
        return sorted(lines, key=lambda line: line[0])
