"""The card of a model: what a reader must know before believing a curve, kept beside the code.

A form states what is true of all its models, a model what is its own; :func:`card_of` joins them,
the nearest class first. What stays empty is named by :func:`missing`, and a test refuses it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from sim.core.params import Parameters, ParameterSpec, describe

_OPTIONAL = {"choices", "family"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What a model states of itself; every field is one or more plain sentences.

    Attributes
    ----------
    family
        What it is listed under, such as ``"epidemics"``; empty: the first word of its
        file's name.
    source
        The paper: authors, title, where, year; of a model without one, whose idea it is.
    meaning
        What each state means, by the state's name; all of them.
    equations
        The rule as formulas, one a line.
    update
        The order of update: synchronous, or one event at a time with what order.
    comparison
        How a draw or a sum is compared: ``<`` or ``<=``, ``>=``.
    includes_self
        Whether an agent counts among those that it hears.
    direction
        Along which direction of a tie influence runs.
    ties
        The tie rule: who wins when several decide at once.
    time_unit
        What one unit of time is.
    channels
        The channels that it works with.
    draw_modes
        The draw modes that it works with, and which is the default.
    cost
        Work per tick.
    largest
        The largest sensible world.
    checked
        The numbers that it was checked against, one each.
    choices
        Where the paper leaves a choice open: what was chosen, and the parameter that chooses.
    """

    family: str = ""
    source: str = ""
    meaning: Mapping[str, str] = field(default_factory=dict)
    equations: tuple[str, ...] = ()
    update: str = ""
    comparison: str = ""
    includes_self: str = ""
    direction: str = ""
    ties: str = ""
    time_unit: str = ""
    channels: str = ""
    draw_modes: str = ""
    cost: str = ""
    largest: str = ""
    checked: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


def card_of(cls: type[Parameters]) -> Card:
    """Return the whole card of a model: its own words, then those of its form.

    Parameters
    ----------
    cls
        A plugin class; ``card`` in its body holds its own words.

    Examples
    --------
    >>> from sim import spec
    >>> card_of(spec("sir").cls).time_unit
    'tick'
    """
    joined = Card()
    for owner in cls.__mro__:
        stated = vars(owner).get("card")
        if isinstance(stated, Card):
            empty = [part.name for part in fields(Card) if not getattr(joined, part.name)]
            joined = replace(joined, **{name: getattr(stated, name) for name in empty})
    return joined


def family_of(cls: type[Parameters]) -> str:
    """Return what a model is listed under: its card's family, its package's, its file's name."""
    stated = card_of(cls).family
    if stated:
        return stated
    within = cls.__module__.split(".")
    if within[0] == "plugins" and len(within) > 1:
        return within[1]
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    name = str(file or cls.__module__).replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    return name.rpartition(".")[2].partition("_")[0]


def form_of(cls: type[Parameters]) -> str:
    """Return the name of the form that a model is written in: its nearest class in ``sim``."""
    ours = (owner for owner in cls.__mro__ if owner.__module__.startswith("sim."))
    return next(ours, cls).__name__


def missing(cls: type[Parameters]) -> tuple[str, ...]:
    """Return what a model's card lacks, one phrase each; empty when it is complete.

    Interventions and metrics have no card: of them fields and docstring are looked at.
    """
    card = card_of(cls)
    lacks = [
        part.name
        for part in fields(Card)
        if hasattr(cls, "card") and part.name not in _OPTIONAL and not getattr(card, part.name)
    ]
    states: tuple[str, ...] = getattr(cls, "states", ())
    lacks += [f"the meaning of state {name!r}" for name in states if name not in card.meaning]
    lacks += [f"the description of {p.name!r}" for p in _parameters(cls) if not p.description]
    if not (cls.__doc__ or "").strip():
        lacks.append("a docstring whose first line is the summary")
    return tuple(lacks)


def _parameters(cls: type[Parameters]) -> tuple[ParameterSpec, ...]:
    return tuple(describe(cls))
