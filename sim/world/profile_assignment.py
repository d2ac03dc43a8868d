"""The assignment of profiles to agents: all of them, or none when one does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from sim.agents.profiles import Profile, folded_in, interests_of
from sim.agents.traits import TRAITS
from sim.agents.vocabulary import MOST_NAMES, Vocabulary, is_name
from sim.core.checks import shown
from sim.core.text import one_line
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.agents.columns import Agents

from sim.world.contract import WorldState

Match = Literal["auto", "id", "order"]
MATCHES: Final = ("auto", "id", "order")
Interests = Literal["known", "own"]
INTERESTS: Final = ("known", "own")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ProfilesTaken:
    """What became of profiles.

    Attributes
    ----------
    agents
        uint32 (k,): who got the profile at each place.
    remarks
        What a person should know: a sentence each.
    """

    agents: npt.NDArray[np.uint32]
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.agents.size:,} profiles"


def people_of(profiles: Iterable[Profile | Mapping[str, Any]]) -> list[Profile]:
    """Return profiles checked; InputError names the place of one that is wrong, from 1."""
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
    """Return who gets each profile."""
    if match not in MATCHES:
        raise InputError(f"Profiles are matched by {', '.join(MATCHES)}, got {match!r}.")
    ids = [person.id for person in people]
    given = sum(each is not None for each in ids)
    if match == "order" or (match == "auto" and not given):
        if len(people) > len(agents):
            raise InputError(
                f"There are {len(people):,} profiles and {len(agents):,} agents; take fewer."
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
            f"{unknown:,} of {len(ids):,} profiles have an id that no agent has. {first} "
            f"To give them to agents in order, match them by order."
        )
    who = np.array(found, np.uint32)
    ranked, counts = np.unique(who, return_counts=True)
    if ranked.size < who.size:
        raise InputError(f"Two profiles are of agent {agents.id(int(ranked[counts.argmax()]))}.")
    return who


def take(
    world: WorldState, people: Sequence[Profile], match: str, interests: str = "known"
) -> ProfilesTaken:
    """Give profiles to agents; nothing is changed when one of them does not fit."""
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
    said = (*own, *_guesses(+guessed, agents.vocabulary), *_remarks(unknown, folded))
    return ProfilesTaken(who, said)


def _vocabulary(
    world: WorldState, people: Sequence[Profile], interests: str
) -> tuple[Vocabulary, tuple[str, ...]]:
    """Return the vocabulary that profiles are read by, and what is to be said of it."""
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
    said = f"The vocabulary are {len(taken):,} of the {len(counts):,} interests that people gave; "
    said += "who gave none of them has none."
    return Vocabulary(taken), (said,)


def _joined(world: WorldState, agent: int, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of an agent with what is new: what the file does not say stays."""
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
    """Say how far interests tell people apart that were read from their texts."""
    if guessed:
        (mask, most), *_ = guessed.most_common(1)
        names = vocabulary.names(mask)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield (
            f"Interests guessed from words in people's texts: {guessed.total():,}, in "
            f"{len(guessed):,} different sets. The most frequent set is that of {most:,} "
            f"({', '.join(names[:_SHOWN])}{more}). Feeds and recommenders go by them; a column "
            "'interests' sets them."
        )


def _remarks(unknown: Counter[str], folded: Counter[tuple[str, str]]) -> Iterable[str]:
    if folded:
        shown = [
            f"{one_line(a, 40)} as {one_line(b, 40)}" for (a, b), _ in folded.most_common(_SHOWN)
        ]
        more = f" and {len(folded) - len(shown):,} others" if len(folded) > len(shown) else ""
        yield (
            f"{len(folded):,} interests count as another by a word in them "
            f"({', '.join(shown)}{more}); to keep them apart, use --interests own (in Python: "
            "interests='own')."
        )
    if not unknown:
        return
    shown = [one_line(word, 40) for word, _ in unknown.most_common(_SHOWN)]
    more = f" and {len(unknown) - len(shown):,} others" if len(unknown) > len(shown) else ""
    yield (
        f"{len(unknown):,} interests are not in the vocabulary and count for nothing "
        f"({', '.join(shown)}{more}); they are kept with the profiles."
    )
