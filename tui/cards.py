"""The card of a model as lines: what it states of itself, and its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.core import ParameterSpec, Spec


_SHOWN = (
    ("source", "source"),
    ("meaning", "states"),
    ("equations", "equations"),
    ("update", "update order"),
    ("comparison", "comparison"),
    ("includes_self", "includes self"),
    ("direction", "direction"),
    ("ties", "tie rule"),
    ("time_unit", "time unit"),
    ("channels", "channels"),
    ("draw_modes", "draw modes"),
    ("cost", "cost per tick"),
    ("largest", "largest world"),
    ("checked", "checked"),
    ("choices", "choices"),
)


def facts_of(name: str) -> list[tuple[str, str]]:
    """Return (label, text) of everything known of a model; a label may be empty."""
    from sim import spec
    from sim.core import card_of, describe

    found = spec(name)
    card = card_of(found.cls)
    facts = [*_head(found)]
    for part, label in _SHOWN:
        for number, said in enumerate(_sentences(getattr(card, part))):
            facts.append(("" if number else label, said))
    told = [f"{one.name}: {_parameter(one)}" for one in describe(found.cls)] or ["none"]
    return [*facts, ("parameters", told[0]), *(("", one) for one in told[1:])]


def _head(found: Spec) -> Iterator[tuple[str, str]]:
    from sim.core import family_of, form_of

    yield "summary", " ".join(inspect.cleandoc(found.cls.__doc__ or "").split()).replace("``", "")
    yield "family", f"{family_of(found.cls)}; form {form_of(found.cls)}"
    yield "version", f"{found.version}, from {found.origin}"


def _sentences(value: Any) -> Iterator[str]:
    """Yield a field as the sentences it is made of; an empty one has none."""
    if isinstance(value, str):
        yield from [value] if value else []
    elif isinstance(value, Mapping):
        yield from (f"{name}: {said}" for name, said in value.items())
    else:
        yield from map(str, value)


def _parameter(one: ParameterSpec) -> str:
    default = "required" if one.required else f"default {one.default}"
    parts = [default, one.allowed or one.type, one.unit, one.description]
    return "; ".join(part for part in parts if part)
