"""What can be done to a world under way, as forms: interventions, and a platform's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_origin

from pydantic import create_model
from pydantic.fields import FieldInfo

from sim.core.params import Parameters, check, describe
from sim.core.params import ParameterSpec as Spec
from sim.feed.settings import PlatformSettings
from sim.world.interventions_kinds import KINDS

__all__ = ["Offer", "interventions", "platform_settings"]

_TYPED = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of intervention.

    Parameters
    ----------
    name, says
        Its name, and what it does in a few words.
    fields
        What a form asks for.
    """

    name: str
    says: str
    fields: type[Parameters]

    @property
    def specs(self) -> list[Spec]:
        """The fields, one by one."""
        return describe(self.fields)

    def checked(self, said: dict[str, object]) -> dict[str, Any]:
        """Return typed values in their declared types.

        Raises
        ------
        ParameterError
            For a name that there is not, and a value that is not allowed.
        """
        return {name: check(self.fields, name, value) for name, value in said.items()}


def interventions() -> list[Offer]:
    """List what can be done by name, in a fixed order; a mapping of parameters is left out."""
    return [Offer(name, kind.says, _form_of(name, kind)) for name, kind in KINDS.items()]


def _form_of(name: str, kind: type[Parameters]) -> type[Parameters]:
    """Return a class with the fields that a form can ask for."""
    fields: dict[str, Any] = {}
    for each, field in kind.model_fields.items():
        typed = field.annotation
        if typed is Any:
            bare = FieldInfo(description=field.description)
            fields[each] = (str, bare)
        elif typed in _TYPED or get_origin(typed) is Literal:
            fields[each] = (typed, field)
    form: type[Parameters] = create_model(kind.__name__, __base__=Parameters, **fields)
    form.plugin_name = name
    return form


def platform_settings(said: dict[str, object]) -> dict[str, Any]:
    """Return settings of a platform in their declared types; recommender and policy as they are.

    Raises
    ------
    ParameterError
        For a name that there is not, and a value that is not allowed.
    """
    return {
        name: value if name in {"recommender", "policy"} else check(PlatformSettings, name, value)
        for name, value in said.items()
    }
