"""Types and properties of ties, as columns of tables and attributes of graphs tell them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sim.core.text import one_line
from sim.errors import InputError
from sim.io.importing.sniff import number, whole
from sim.network.relations.types import (
    LONGEST_NAME,
    MOST_FIELDS,
    StatedTypes,
    packed,
    type_of,
    value_of,
)

NOTHING = "none"
"""Said in place of a column: types are not read."""
TYPES = ("type", "relation", "kind", "label")
"""Names under which a type is found by itself."""
PROPERTIES = "properties"
"""A column of this name may hold a JSON object of all properties, as exports write them."""
_IDLE = {"id", "weight"}


class RelationColumns:
    """What arcs are said to be, as they are met; ``is_asked`` as of :class:`StatedTypes`."""

    def __init__(self, *, is_asked: bool = True) -> None:
        self._is_asked = is_asked
        self._places: list[int] = []
        self._types: list[str] = []
        self._properties: list[str] = []

    def add(self, place: int, kind: object, properties: Mapping[str, object]) -> None:
        """Note what one arc is; nothing where that is nothing."""
        name, text = type_of(kind), packed(properties)
        if name or text:
            self._places.append(place)
            self._types.append(name)
            self._properties.append(text)

    @property
    def said(self) -> StatedTypes | None:
        """All of it; None for nothing."""
        if not self._places:
            return None
        places = np.array(self._places, np.int64)
        return StatedTypes(places, self._types, self._properties, self._is_asked)


def typed(cell: str) -> bool | int | float | str:
    """Return a cell as what it looks like: a truth, a number or a text.

    Examples
    --------
    >>> typed("true"), typed("12"), typed("1.5"), typed("007")
    (True, 12, 1.5, '007')
    """
    if cell.lower() in {"true", "false"}:
        return cell.lower() == "true"
    digits = cell.removeprefix("-")
    if digits.startswith("0") and digits != "0" and not digits.startswith("0."):
        return cell
    if whole(cell):
        return int(cell)
    return float(cell) if number(cell) else cell


def spread(name: str, value: object) -> dict[str, object]:
    """Return the properties that one column says: its value, or those in its JSON object."""
    if name.lower() != PROPERTIES or not (isinstance(value, str) and value.startswith("{")):
        return {name: value}
    try:
        told: dict[str, object] = json.loads(value)
    except (ValueError, RecursionError):
        told = {"": []}
    if any(each is not None and not isinstance(each, bool | int | float | str)
           for each in told.values()):  # fmt: skip
        raise InputError("the properties are no JSON object of numbers, truths and texts")
    return told


def of_attributes(
    attributes: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    weight: str | None,
    relations: str | None,
    properties: Sequence[str] | None,
) -> tuple[StatedTypes | None, tuple[str, ...]]:
    """Return what the attributes of a graph's edges say of them, and sentences on it."""
    named = [name for name in (relations, *(properties or ())) if name not in {None, NOTHING}]
    for name in named:
        if name not in attributes:
            known = ", ".join(sorted(map(str, attributes))) or "none at all"
            raise InputError(f"No edge has the attribute {name!r}; there are {known}.")
    kind = next((name for word in TYPES for name in attributes if name.lower() == word), None)
    kind = kind if relations is None else None if relations == NOTHING else relations
    is_asked, odd = properties is not None, set[str]()
    if properties is None:
        others = _others(attributes, {*_IDLE, weight, kind}) if relations != NOTHING else []
        properties, odd = others[:MOST_FIELDS], set(others[MOST_FIELDS:])
    if kind is None and not properties:
        return None, ()
    found = RelationColumns(is_asked=relations is not None)
    for place, row in enumerate(rows):
        said: dict[str, object] = {}
        for name in properties:
            said |= _of_edge(name, row.get(name), odd, is_asked=is_asked)
        found.add(place, row.get(kind) if kind is not None else None, said)
    names = ", ".join(one_line(str(name), LONGEST_NAME) for name in sorted(odd, key=str)[:9])
    left = f"No numbers, truths or texts, or more than {MOST_FIELDS}, and left out: {names}."
    return found.said, (left,) if odd else ()


def _others(attributes: Sequence[str], idle: set[str | None]) -> list[str]:
    """Return the attributes that are kept by themselves."""
    others = [name for name in attributes if name not in idle]
    return [PROPERTIES] if PROPERTIES in others else others


def _of_edge(name: str, value: object, odd: set[str], *, is_asked: bool) -> dict[str, object]:
    """Return the properties that an attribute says; its name is noted where it cannot be kept."""
    if value is None or value == "":
        return {}
    if value_of(value) is None and not isinstance(value, float | str | np.generic):
        odd.add(name)
        return {}
    try:
        return spread(str(name), value)
    except InputError:
        if is_asked:
            raise
        return {str(name): value}  # one of that name, and no export's
