"""Forms for a running world: its interventions, and the settings of its platform."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_origin

from pydantic import create_model
from pydantic.fields import FieldInfo

from sim.core.params import Parameters, check, describe
from sim.core.params import ParameterSpec as Spec
from sim.errors import ParameterError
from sim.platform.settings import PlatformSettings
from sim.world.interventions.kinds import kinds, made, members_of
from sim.world.interventions.plan import PEOPLE, in_words
from sim.world.seeding import takes_long
from sim.world.world import World

NAMED = 4
"""Members whose names are shown of those that an intervention hits."""
_TYPED = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class InterventionOffer:
    """One kind of intervention."""

    name: str
    says: str
    fields: type[Parameters]
    mappings: tuple[str, ...] = ()

    @property
    def specs(self) -> list[Spec]:
        """Specifications of the fields."""
        return describe(self.fields)

    def checked(self, said: dict[str, object]) -> dict[str, Any]:
        """Return the values converted to their declared types."""
        typed = {name: check(self.fields, name, value) for name, value in said.items()}
        return {k: _pairs(v) if k in self.mappings else v for k, v in typed.items()}


def interventions() -> tuple[InterventionOffer, ...]:
    """List all kinds of interventions by name, in a fixed order."""
    return tuple(
        InterventionOffer(name, kind.says, _form_of(name, kind), _mappings(kind))
        for name, kind in kinds().items()
    )


def hits(world: World, kind: str, said: dict[str, Any]) -> str:
    """Say what an intervention does, and to whom it would now; called in the engine.

    Raises
    ------
    HubbubError
        If it cannot be done, or no member matches.
    """
    does = made(kind, said)
    does.check_in(world)
    sentence = in_words(does)
    sentence = f"{sentence[0].upper()}{sentence[1:]}."
    for name in PEOPLE:
        who = str(getattr(does, name, ""))
        if not who or who in {"all", "largest"} or takes_long(who):
            continue
        chosen = members_of(world, who, len(world.interventions), others=name == "others")
        names = ", ".join(world.agents.name(int(one)) for one in chosen[:NAMED])
        end = ", ..." if chosen.size > NAMED else "."
        sentence += f" Hits {chosen.size:,} of {len(world.agents):,} members: {names}{end}"
    return sentence


def _mappings(kind: type[Parameters]) -> tuple[str, ...]:
    fields = kind.model_fields.items()
    return tuple(name for name, field in fields if get_origin(field.annotation) is dict)


def _pairs(text: str) -> dict[str, Any]:
    """Parse ``beta=0.3 fatal=true``; commas may separate the pairs as well as blanks."""
    found: dict[str, Any] = {}
    for word in text.replace(",", " ").split():
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise ParameterError(f"Parameters are written as NAME=VALUE, got {word!r}.")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


def _form_of(name: str, kind: type[Parameters]) -> type[Parameters]:
    """Return a class with those fields that a form can show."""
    fields: dict[str, Any] = {}
    for each, field in kind.model_fields.items():
        typed = field.annotation
        if typed is Any:
            bare = FieldInfo(description=field.description)
            fields[each] = (str, bare)
        elif get_origin(typed) is dict:
            told = f"{field.description}: NAME=VALUE ..."
            fields[each] = (str, FieldInfo(default="", description=told))
        elif typed in _TYPED or get_origin(typed) is Literal:
            fields[each] = (typed, field)
    form: type[Parameters] = create_model(kind.__name__, __base__=Parameters, **fields)
    form.plugin_name = name
    return form


def platform_settings(said: dict[str, object]) -> dict[str, Any]:
    """Return platform settings in their declared types; recommender and policy stay unchanged."""
    return {
        name: value if name in {"recommender", "policy"} else check(PlatformSettings, name, value)
        for name, value in said.items()
    }
