"""The kinds of interventions: each with its fields, which are scenario keys and form fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sim.core.registry import names, refuse_off, spec
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.world.contract import WorldState
from sim.world.interventions.base import Intervention
from sim.world.interventions.members import (
    ActByHand,
    Ban,
    Behave,
    ChangeSetting,
    ChangeTies,
    CutTies,
    Freeze,
    Group,
    Newcomers,
    OpenPlatform,
    Recommend,
    Shock,
    Thaw,
)
from sim.world.interventions.messages import DownRank, FactCheck, Hide, Inject, Label, Vote

__all__ = ["KINDS", "Intervention", "LostIntervention", "kinds", "made", "remade"]

KINDS: dict[str, type[Intervention]] = {
    kind.plugin_name: kind
    for kind in (
        Inject, FactCheck, Label, DownRank, Hide, Vote, Ban, Freeze, Thaw, Recommend, Behave,
        ChangeSetting, ChangeTies, CutTies, Group, Shock, Newcomers, ActByHand, OpenPlatform,
    )
}  # fmt: skip
"""The built-in kinds by name."""


class LostIntervention(Intervention):
    """Stands for one whose plugin is not here: what was said of it is kept, nothing is done."""

    saved: ClassVar[Mapping[str, Any]] = {}

    def values(self) -> dict[str, Any]:
        """Return its fields as they were saved."""
        return dict(type(self).saved)

    def do(self, world: WorldState, number: int) -> str:
        """Refuse."""
        raise InputError(f"its plugin {self.plugin_name!r} is not there; load it: --plugin FILE")


def kinds() -> dict[str, type[Intervention]]:
    """Return every kind by its name: the built-in ones, then those of plugins."""
    foreign = {name: spec(name, "intervention").cls for name in names("intervention")}
    return KINDS | {n: cls for n, cls in foreign.items() if issubclass(cls, Intervention)}


def made(kind: str, said: dict[str, Any]) -> Intervention:
    """Return an intervention of a kind, checked."""
    known = kinds()
    if kind not in known:
        refuse_off(kind)
        raise UnknownNameError("intervention", str(kind), tuple(known))
    if "message" in said and isinstance(said["message"], bool):
        raise ParameterError(f"{kind}: message is a number, got {said['message']}.")
    return known[kind](**said)


def remade(kind: str, said: dict[str, Any]) -> Intervention:
    """Return an intervention as a file has it; without its plugin, what stands for it."""
    is_name = isinstance(kind, str) and kind == kind.lower() and kind.replace("-", "").isalnum()
    if not is_name or not isinstance(said, dict):
        raise InputError(f"What an intervention does has a name and fields, got {kind!r:.40}.")
    try:
        return made(kind, said)
    except UnknownNameError:
        own = {"__module__": __name__, "plugin_name": kind, "saved": said}
        return type("LostIntervention", (LostIntervention,), own)()  # type: ignore[no-any-return]
