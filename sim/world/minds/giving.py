"""``give``: assigns minds to selected members, and the language each writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.core.text import one_line
from sim.errors import InputError
from sim.world.contract import WorldState
from sim.world.seeding import check_seeds, choose_seeds

_LONGEST_LANGUAGE = 40
Languages = str | Mapping[str, float]


def members_of(world: WorldState, members: Any) -> npt.NDArray[Any]:
    """Return the members that an expression names, or indices, checked."""
    if isinstance(members, str):
        head, _, share = members.partition(":")
        if head == "share":
            members = f"random:{max(round(_part(share) * len(world.agents)), 1)}"
        return choose_seeds(world, members)
    who = np.atleast_1d(np.asarray(members))
    world.agents.is_active(who)  # refuses who does not exist
    return who


def check_members(members: str) -> None:
    """Refuse an expression of members that means nobody in any world."""
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
    """Return a number or a truth where it says one, else the words."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, int | float) else value


def languages_of(said: Languages, who: npt.NDArray[Any], seed: int) -> list[str]:
    """Return the language of each member; where there are several, by a draw of its own.

    Examples
    --------
    >>> languages_of("German", np.array([3, 4]), 7)
    ['German', 'German']
    """
    shares = dict(said) if isinstance(said, Mapping) else dict(map(_share, said.split("/")))
    names = [one_line(str(name)) for name in shares]
    parts = np.array([float(part) for part in shares.values()])
    is_right = bool((parts > 0).all() and np.isfinite(parts).all())
    if not is_right or any(len(name) > _LONGEST_LANGUAGE for name in names):
        raise InputError(
            f"Languages are NAME or NAME:SHARE/NAME:SHARE, names of at most {_LONGEST_LANGUAGE} "
            f"characters and shares above 0; got {said!r}."
        )
    bounds = np.cumsum(parts) / parts.sum()
    drawn = rng.uniforms(rng.key(seed, Stream.LANGUAGES), who.astype(np.uint64))
    places = np.searchsorted(bounds, drawn, side="right")
    return [names[place] for place in np.minimum(places, len(names) - 1).tolist()]


def _share(said: str) -> tuple[str, float]:
    name, _, part = said.partition(":")
    try:
        return name.strip(), float(part) if part else 1.0
    except ValueError:
        return name.strip(), -1.0


def give(
    world: WorldState,
    members: Any,
    mind: str,
    goal: str,
    language: Languages,
    options: dict[str, Any],
) -> int:
    """Give members a mind of their own; returns how many have one now."""
    if world.platform is None:
        raise InputError("Minds read feeds, and this world has no platform; open one first.")
    name, more = mind_of(mind)
    spoken = more.pop("language", "") or language
    who = members_of(world, members)
    languages = languages_of(spoken, who, world.seed)
    return world.platform.minds.give(who, name, goal, languages, {**more, **options})
