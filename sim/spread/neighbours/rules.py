"""The states and rules of a :class:`~sim.spread.neighbours.heard.Heard` model as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.errors import ParameterError
from sim.spread.compartments.rules import After, value_of
from sim.spread.neighbours.heard_kernels import NONE

if TYPE_CHECKING:
    from sim.spread.neighbours.heard import Heard

__all__ = ["SpontaneousRules", "StateKinds", "alone", "fill_in", "kinds"]

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StateKinds:
    """What each state is, uint8 (states,).

    Attributes
    ----------
    number
        Its place among the heard ones, or :data:`sim.spread.neighbours.heard_kernels.NONE`.
    listens, adopting, final
        Whether agents in it mind what they hear, count as adopters, and never listen again.
    """

    number: Codes
    listens: Codes
    adopting: Codes
    final: Codes


@dataclass(frozen=True, slots=True)
class SpontaneousRules:
    """What happens by itself: outcomes ``first[s]:first[s + 1]`` are those of state ``s``."""

    first: npt.NDArray[np.int64]
    below: npt.NDArray[np.float64]
    becomes: Codes


def fill_in(cls: type[Heard]) -> None:
    """Complete a declaration: what neither a class nor one above it names follows from the rest."""
    filled: set[str] = set()

    def complete(name: str, default: object) -> None:
        owner = next(owner for owner in cls.__mro__ if name in vars(owner))
        if not vars(owner)[name] or name in vars(owner).get("filled", ()):
            setattr(cls, name, default)
            filled.add(name)

    complete("seeded", cls.states[1])
    complete("heard", (cls.seeded,))
    complete("listening", cls.states[:1])
    complete("adopting", tuple(dict.fromkeys((cls.seeded, *cls.heard))))
    cls.filled = frozenset(filled)


@lru_cache(maxsize=512)
def kinds(cls: type[Heard]) -> StateKinds:
    """Return what the states of a class are."""
    listens = set(cls.listening)
    for _ in cls.states:
        listens |= {rule.state for rule in cls.rules if rule.becomes in listens}
    number = [cls.heard.index(s) if s in cls.heard else int(NONE) for s in cls.states]
    return StateKinds(
        np.array(number, np.uint8),
        np.array([s in cls.listening for s in cls.states], np.uint8),
        np.array([s in cls.adopting for s in cls.states], np.uint8),
        np.array([s not in listens for s in cls.states], np.uint8),
    )


def alone(model: Heard, rules: Sequence[After], age: int) -> SpontaneousRules:
    """Return what happens by itself at the age of so many ticks.

    Raises
    ------
    ParameterError
        When a chance is outside [0, 1], or those of one state sum to more than 1.
    """
    first: list[int] = [0]
    below: list[float] = []
    becomes: list[int] = []
    for name in model.states:
        total = 0.0
        for rule in (rule for rule in rules if rule.state == name):
            chance = _chance(model, rule, age)
            if chance > 0.0:
                total += chance
                below.append(total)
                becomes.append(model.states.index(rule.becomes))
        if total > 1.0 + 1e-12:
            raise ParameterError(
                f"{_name(model)}: the chances of leaving {name!r} must sum to at most 1, "
                f"got {total:g}."
            )
        first.append(len(below))
    return SpontaneousRules(
        np.array(first, np.int64), np.array(below, np.float64), np.array(becomes, np.uint8)
    )


def _chance(model: Heard, rule: After, age: int) -> float:
    asked: set[str] = set()

    def named(name: str) -> float:
        asked.add(name)
        return float(age) if name == "age" else getattr(model, name)

    chance = value_of(rule.chance, named, _known(type(model)))
    if "age" in asked:  # what grows with time ends at certainty
        chance = min(chance, 1.0)
    if not 0.0 <= chance <= 1.0:
        raise ParameterError(
            f"{_name(model)}: the chance {rule.chance!r} must be in [0, 1], got {chance:g}."
        )
    return chance


@lru_cache(maxsize=512)  # looking through a class takes a millisecond
def _known(cls: type[Heard]) -> tuple[str, ...]:
    """Return what a chance may name."""
    properties = (name for name in dir(cls) if isinstance(getattr(cls, name), property))
    return (*cls.model_fields, *properties, "age")


def _name(model: Heard) -> str:
    return model.plugin_name or type(model).__name__
