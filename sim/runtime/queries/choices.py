"""The choices for a world under way, as forms: interventions, and a platform's settings."""

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
from sim.world.interventions.kinds import kinds

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
        """The fields, one by one."""
        return describe(self.fields)

    def checked(self, said: dict[str, object]) -> dict[str, Any]:
        """Return typed values in their declared types."""
        typed = {name: check(self.fields, name, value) for name, value in said.items()}
        return {k: _pairs(v) if k in self.mappings else v for k, v in typed.items()}


def interventions() -> tuple[InterventionOffer, ...]:
    """List what can be done by name, in a fixed order."""
    return tuple(
        InterventionOffer(name, kind.says, _form_of(name, kind), _mappings(kind))
        for name, kind in kinds().items()
    )


def _mappings(kind: type[Parameters]) -> tuple[str, ...]:
    fields = kind.model_fields.items()
    return tuple(name for name, field in fields if get_origin(field.annotation) is dict)


def _pairs(text: str) -> dict[str, Any]:
    """Return what was typed as ``beta=0.3 fatal=true``; a comma does as well as a blank."""
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
    """Return a class with the fields that a form can ask for."""
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
    """Return settings of a platform in their declared types; recommender and policy as they are."""
    return {
        name: value if name in {"recommender", "policy"} else check(PlatformSettings, name, value)
        for name, value in said.items()
    }
