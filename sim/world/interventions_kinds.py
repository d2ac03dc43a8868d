"""What an intervention can do: each with its fields, which are scenario keys and form fields."""

from __future__ import annotations

from typing import Any

from sim.errors import ParameterError, UnknownNameError
from sim.world.interventions_base import Intervention
from sim.world.interventions_groups import Group
from sim.world.interventions_members import (
    Ban,
    Behave,
    Cut,
    Freeze,
    Newcomers,
    Recommend,
    Set,
    Shock,
    Thaw,
    Tie,
)
from sim.world.interventions_messages import DownRank, FactCheck, Hide, Inject, Label, Vote
from sim.world.interventions_platform import Do, Open

__all__ = ["KINDS", "Intervention", "made"]

KINDS: dict[str, type[Intervention]] = {
    kind.plugin_name: kind
    for kind in (
        Inject, FactCheck, Label, DownRank, Hide, Vote, Ban, Freeze, Thaw, Recommend, Behave, Set,
        Tie, Cut, Group, Shock, Newcomers, Do, Open,
    )
}  # fmt: skip
"""Every kind of intervention by its name."""


def made(kind: str, said: dict[str, Any]) -> Intervention:
    """Return an intervention of a kind, checked.

    Raises
    ------
    UnknownNameError, ParameterError
        One sentence.
    """
    if kind not in KINDS:
        raise UnknownNameError("intervention", kind, tuple(KINDS))
    if "message" in said and isinstance(said["message"], bool):
        raise ParameterError(f"{kind}: message is a number, got {said['message']}.")
    return KINDS[kind](**said)
