"""Forms: models, network generators, interventions, and the settings of a platform."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import Any, Literal, get_origin

from pydantic import create_model
from pydantic.fields import FieldInfo

from sim.core.cards import card_of, family_of, form_of
from sim.core.params import Parameters, check, describe
from sim.core.params import ParameterSpec as Spec
from sim.core.registry import names, spec
from sim.core.text import one_line
from sim.errors import HubbubError, ParameterError
from sim.network.generate.networks import NETWORKS
from sim.platform.settings import PlatformSettings
from sim.runtime.warming import FIRST_MODELS
from sim.runtime.warming import PLATFORM as PLATFORM
from sim.world.interventions.kinds import kinds, made, members_of
from sim.world.interventions.plan import PEOPLE, in_words
from sim.world.seeding import takes_long
from sim.world.world import World

NAMED = 4
"""Members whose names are shown of those that an intervention hits."""
_TYPED = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """A model, a network generator or an intervention that can be chosen, with its parameters."""

    name: str
    summary: str
    cls: type[Parameters]
    family: str = ""

    @property
    def parameters(self) -> list[Spec]:
        """Specifications of the parameters."""
        return describe(self.cls)

    def check(self, name: str, value: object) -> str:
        """Return why a parameter cannot have a value; empty if it can."""
        try:
            check(self.cls, name, value)
        except HubbubError as error:
            return str(error)
        return ""


def models() -> list[PluginChoice]:
    """List the propagation models, by family."""
    first = {name: at for at, name in enumerate(FIRST_MODELS)}
    found = [
        PluginChoice(one.name, one.summary, one.cls, family_of(one.cls))
        for one in map(spec, names())
    ]
    return sorted(found, key=lambda one: (one.family, first.get(one.name, len(first)), one.name))


def networks() -> list[PluginChoice]:
    """List the network generators."""
    return [PluginChoice(each.name, each.title, each.cls) for each in NETWORKS.values()]


def recommenders() -> tuple[str, ...]:
    """List the recommenders, the default first."""
    return tuple(sorted(names("recommender"), key=lambda name: name != "blend"))


def card_facts(model: str) -> list[tuple[str, str]]:
    """Return all facts about a model: (label, text) of each; a label may be empty."""
    found = spec(model)
    parameters = [f"{one.name}: {_in_words(one)}" for one in describe(found.cls)] or ["none"]
    return [
        ("summary", one_line(inspect.cleandoc(found.cls.__doc__ or "")).replace("``", "")),
        ("family", f"{family_of(found.cls)}; form {form_of(found.cls)}"),
        ("version", f"{found.version}, from {found.origin}"),
        *card_of(found.cls).facts(),
        *(("" if number else "parameters", said) for number, said in enumerate(parameters)),
    ]


def _in_words(one: Spec) -> str:
    default = "required" if one.required else f"default {one.default}"
    return "; ".join(filter(None, (default, one.allowed or one.type, one.unit, one.description)))


@dataclass(frozen=True, slots=True)
class InterventionOffer(PluginChoice):
    """One kind of intervention."""

    mappings: tuple[str, ...] = ()

    def checked(self, said: dict[str, object]) -> dict[str, Any]:
        """Return the values converted to their declared types."""
        typed = {name: check(self.cls, name, value) for name, value in said.items()}
        return {k: _pairs(v) if k in self.mappings else v for k, v in typed.items()}


def interventions() -> tuple[InterventionOffer, ...]:
    """List all kinds of interventions by name, in a fixed order."""
    return tuple(
        InterventionOffer(name, kind.says, _form_of(name, kind), "", _mappings(kind))
        for name, kind in kinds().items()
    )


def hits(world: World, kind: str, said: dict[str, Any]) -> str:
    """Say what an intervention does, and to whom it would now; HubbubError if it cannot be done."""
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
