"""Conditions on a world, as a person writes them: ``share > 0.1``, ``speed#2 >= 40``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne

from sim.errors import InputError, UnknownNameError
from sim.platform.acts.kinds import Act
from sim.world.contract import WorldState
from sim.world.metrics.series import METRICS, known_metrics
from sim.world.metrics.values import OF_MESSAGES

_FORM = re.compile(r"^\s*([a-z_]\w*)\s*(?:#\s*(\d+))?\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne,
}  # fmt: skip
_BY_THE_CLOCK = {"tick_ms", "cpu_ms", "interactions_s"}
_ACTS = {f"act_{act.name.lower()}": act for act in Act if act is not Act.DO_NOTHING}

QUANTITIES: tuple[str, ...] = (
    "tick",
    *OF_MESSAGES,
    *(name for name in METRICS if name not in _BY_THE_CLOCK),
)
"""What a condition may be about: of a message (the first one, or ``#NUMBER``), or of the world;
and metrics of plugins."""


@dataclass(frozen=True, slots=True)
class WorldCondition:
    """A comparison of one quantity with a number.

    Attributes
    ----------
    quantity
        One of :data:`QUANTITIES`.
    message
        The id of the message that it is about; 0 where none is named.
    sign, bound
        How it is compared with what.
    """

    quantity: str
    message: int
    sign: str
    bound: float

    def holds(self, world: WorldState) -> bool:
        """Return whether it holds now; not of what is not known yet."""
        value = self.value(world)
        return value == value and _COMPARED[self.sign](value, self.bound)

    def value(self, world: WorldState) -> float:
        """Return what it is about, as it is now; NaN where that is not known."""
        if self.quantity == "tick":
            return float(world.tick)
        if self.quantity in OF_MESSAGES:
            found = world.cascades.find(self.message)
            return float("nan") if found is None else OF_MESSAGES[self.quantity][1](world, found)
        if self.quantity in _ACTS and world.platform is not None:
            return float(world.platform.log.count(world.tick, _ACTS[self.quantity]))
        metrics = world.metrics
        return float("nan") if metrics is None else metrics.latest.get(self.quantity, float("nan"))

    @property
    def needs_metrics(self) -> bool:
        """Whether a world must take metrics for it."""
        return self.quantity not in {"tick", *OF_MESSAGES, *_ACTS}

    def __str__(self) -> str:
        about = f"#{self.message}" if self.message else ""
        return f"{self.quantity}{about} {self.sign} {self.bound:g}"


def condition_of(text: str, *, is_saved: bool = False) -> WorldCondition:
    """Return the condition that a person wrote.

    Examples
    --------
    >>> str(condition_of("share#2>=0.1"))
    'share#2 >= 0.1'
    """
    found = _FORM.match(text)
    if found is None:
        raise InputError(
            f"A condition is written as QUANTITY > NUMBER, such as share > 0.1, or share#2 > 0.1 "
            f"for message 2; got {text!r}."
        )
    quantity, message, sign, number = found.groups()
    if quantity in _BY_THE_CLOCK:
        raise InputError(f"A condition cannot be about {quantity}: no two runs would be the same.")
    known = {*QUANTITIES, *known_metrics()} - _BY_THE_CLOCK
    if quantity not in known and not is_saved:
        raise UnknownNameError("quantity of a condition", quantity, known)
    try:
        bound = float(number)
    except ValueError:
        bound = float("nan")
    if bound != bound:
        raise InputError(f"A condition compares with a number, got {number!r}.")
    return WorldCondition(quantity, int(message or 0), sign, bound)
