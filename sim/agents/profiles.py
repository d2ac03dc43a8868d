"""Profiles of single agents: a person's details from a file or a program, and online hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.languages import language
from sim.agents.vocabulary import Vocabulary
from sim.core.text import one_line
from sim.errors import InputError

DAY = 24
TRAITS: Final = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
"""The Big Five, in the order of the columns of ``Agents.personality``."""


class Hours:
    """Agents with their own 24 hourly chances; all others follow activity and chronotype."""

    def __init__(self) -> None:
        self.agents = np.empty(0, np.uint32)
        self.chances = np.empty((0, DAY), np.float32)

    def __len__(self) -> int:
        return self.agents.size

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.agents.nbytes + self.chances.nbytes

    def put(self, agents: npt.ArrayLike, chances: npt.ArrayLike) -> None:
        """Set the hourly chances of agents, replacing earlier ones."""
        who = np.asarray(agents, np.uint32)
        own = _checked(np.asarray(chances, np.float64), who.size)
        kept = ~np.isin(self.agents, who)
        everybody = np.concatenate([self.agents[kept], who])
        order = np.argsort(everybody)
        self.agents = everybody[order]
        self.chances = np.concatenate([self.chances[kept], own])[order]

    def wake(
        self,
        online: npt.NDArray[np.uint32],
        can: npt.NDArray[np.bool_],
        uniforms: npt.NDArray[np.float64],
        hour: float,
    ) -> npt.NDArray[np.uint32]:
        """Return who is online after applying the hours of agents that have their own."""
        others = online[~np.isin(online, self.agents, assume_unique=True)]
        wakes = can & (uniforms < self.chances[:, int(hour) % DAY])
        return np.sort(np.concatenate([others, self.agents[wakes]]))

    def copied(self) -> Hours:
        """Return a copy that later changes do not affect; arrays are replaced, never written to."""
        twin = Hours()
        twin.agents, twin.chances = self.agents, self.chances
        return twin

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name; empty if no agent has its own hours."""
        return {"agents": self.agents, "chances": self.chances} if len(self) else {}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> Hours:
        """Restore the hours from :meth:`dump`; raise InputError for columns that do not fit."""
        hours = cls()
        if not columns:
            return hours
        if set(columns) != {"agents", "chances"}:
            raise InputError("Hours of agents need the columns agents and chances.")
        who = np.array(columns["agents"], np.uint32)
        if np.any(who[1:] <= who[:-1]) or int(who.max(initial=0)) >= agents:
            raise InputError(f"Hours of agents name agents that are not among {agents}.")
        hours.agents, hours.chances = who, _checked(np.array(columns["chances"]), who.size)
        return hours


def _checked(chances: npt.NDArray[Any], count: int) -> npt.NDArray[np.float32]:
    if chances.shape != (count, DAY) or not np.all((chances >= 0) & (chances <= 1)):
        raise InputError(f"Hours are {DAY} chances in [0, 1] for each of {count} agents.")
    return chances.astype(np.float32)


LONGEST_TEXT: Final = 1 << 20
"""Maximum length of a biography or persona in characters; 10,000 words have about 60,000."""
_DEEPEST: Final = 32
_TEXTS: Final = ("name", "biography", "persona", "language")


@dataclass(frozen=True, slots=True)
class Profile:
    """Profile of one person; omitted fields leave the agent's values unchanged.

    Parameters
    ----------
    id
        The foreign id, or None: profiles are then assigned to agents in order.
    name, biography, persona
        Texts. The persona is the role given to a language model.
    interests
        Words as given.
    traits
        Some of the Big Five by name, each in [0, 1].
    activity
        Share of ticks online in [0, 1], or None.
    hours
        24 chances of being online, one per hour of the day; or empty.
    more
        All other fields of the file, plain values.
    language
        One of :data:`~sim.agents.languages.LANGUAGES`, by code or name; or empty.

    Raises
    ------
    InputError
        A value is not allowed.
    """

    id: int | str | None = None
    name: str = ""
    biography: str = ""
    persona: str = ""
    interests: tuple[str, ...] = ()
    traits: Mapping[str, float] = field(default_factory=dict)
    activity: float | None = None
    hours: tuple[float, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        for name, value in self.traits.items():
            if name not in TRAITS:
                raise InputError(f"{name!r} is no trait; there are {', '.join(TRAITS)}.")
            _check_share(name, value)
        if self.activity is not None:
            _check_share("activity", self.activity)
        if len(self.hours) not in {0, DAY}:
            raise InputError(f"hours must be {DAY} numbers, one an hour, got {len(self.hours)}.")
        for hour, value in enumerate(self.hours):
            _check_share(f"hour {hour}", value)
        if self.language:
            language(self.language)
        if _depth(self.more) > _DEEPEST:
            raise InputError(f"its fields lie more than {_DEEPEST} levels deep.")

    def plain(self) -> dict[str, Any]:
        """Return the given fields as plain values; :meth:`of` reads them back."""
        said: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        said |= {"id": self.id, "interests": list(self.interests), "traits": dict(self.traits)}
        said |= {"activity": self.activity, "hours": list(self.hours), "more": dict(self.more)}
        return {name: value for name, value in said.items() if value not in ("", None, [], {})}

    @classmethod
    def of(cls, said: Profile | Mapping[str, Any]) -> Profile:
        """Return the profile itself, or one made from a mapping such as :meth:`plain` returns."""
        if isinstance(said, Profile):
            return said
        known = set(cls.__dataclass_fields__)
        wrong = [name for name in said if name not in known]
        if wrong:
            raise InputError(
                f"A profile has no field {wrong[0]!r}; put it under 'more'. Fields are "
                f"{', '.join(sorted(known))}."
            )
        body = dict(said)
        for name in ("interests", "hours"):
            body[name] = tuple(body.get(name, ()))
        return cls(**body)

    def record(self) -> dict[str, Any]:
        """Return the profile fields that are not stored as agent columns."""
        return {name: value for name, value in self.plain().items() if name != "id"}


def interests_of(profile: Profile, vocabulary: Vocabulary) -> tuple[int, Sequence[str]]:
    """Return the mask of a profile's interests, and the words that are not in the vocabulary.

    A word counts by its name, or by the keywords in it. If no interests are given, biography
    and persona are searched for keywords; of a persona made of fields, only the values.
    """
    if not profile.interests:
        return vocabulary.match(f"{profile.biography}\n{_spoken(profile)}"), ()
    mask, unknown = 0, []
    names = {name.casefold(): 1 << bit for bit, name in enumerate(vocabulary)}
    for word in profile.interests:
        found = names.get(word.strip().casefold()) or vocabulary.match(word)
        mask |= found
        if not found:
            unknown.append(word)
    return mask, unknown


def _spoken(profile: Profile) -> str:
    """Return a persona without field names, at any level: a field name is not an interest."""
    fields = {name.replace("_", " "): value for name, value in profile.more.items()}
    lines = []
    for line in profile.persona.splitlines():
        value = fields.get(line.partition(":")[0])
        lines += [line] if value is None else values_in(value)
    return "\n".join(line for line in lines if line not in profile.name)


def values_in(value: Any) -> list[str]:
    """Return the values within a JSON value as texts, without the field names."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for each in value for text in values_in(each)]
    return [str(value)]


def folded_in(profile: Profile, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Return the interests that are mapped to others of the vocabulary, each with its target."""
    names = {name.casefold() for name in vocabulary}
    words = [word for word in profile.interests if word.strip().casefold() not in names]
    found = [(word, " and ".join(vocabulary.names(vocabulary.match(word)))) for word in words]
    return [(word, names) for word, names in found if names]


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InputError(f"{name} must be text, got {value!r:.60}.")
    if len(value) > LONGEST_TEXT:
        raise InputError(f"{name} has {len(value):,} characters; {LONGEST_TEXT:,} are the limit.")


def _check_share(name: str, value: object) -> None:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) <= 1:  # type: ignore[arg-type]  # it is a number
        raise InputError(f"{name} must be a number in [0, 1], got {one_line(str(value), 60)}.")


def _depth(value: object, level: int = 0) -> int:
    if level > _DEEPEST or not isinstance(value, (Mapping, list, tuple)):
        return level
    parts = value.values() if isinstance(value, Mapping) else value
    return max((_depth(part, level + 1) for part in parts), default=level)
