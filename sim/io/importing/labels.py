"""Labels of members (a department, a country, any group); types and properties of ties."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import FileError, FormatError, InputError
from sim.io.importing.files import TextSource, decoded, opened
from sim.io.importing.sniff import Column, TableLayout, cells, number, sniff, unguarded, whole
from sim.network.relations.types import (
    LONGEST_NAME,
    MOST_FIELDS,
    StatedTypes,
    packed,
    type_of,
    value_of,
)

NOTHING = "none"
"""In place of a column: types are not read."""
TYPES = ("type", "relation", "kind", "label")
"""Names by which the column of types is detected."""
PROPERTIES = "properties"
"""A column of this name may contain a JSON object of all properties, as in exports."""
_IDLE = {"id", "weight"}


class RelationColumns:
    """Types and properties of arcs as they are read; ``is_asked`` as in :class:`StatedTypes`."""

    def __init__(self, *, is_asked: bool = True) -> None:
        self._is_asked = is_asked
        self._places: list[int] = []
        self._types: list[str] = []
        self._properties: list[str] = []

    def add(self, place: int, kind: object, properties: Mapping[str, object]) -> None:
        """Add the type and properties of an arc, if it has any."""
        name, text = type_of(kind), packed(properties)
        if name or text:
            self._places.append(place)
            self._types.append(name)
            self._properties.append(text)

    @property
    def said(self) -> StatedTypes | None:
        """All of them; None if there are none."""
        if not self._places:
            return None
        places = np.array(self._places, np.int64)
        return StatedTypes(places, self._types, self._properties, self._is_asked)


def typed(cell: str) -> bool | int | float | str:
    """Return a cell as the type that it looks like: a boolean, a number or a text.

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
    """Return the properties in one column: its value, or the fields of its JSON object."""
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
    """Return types and properties from the attributes of a graph's edges, and notes."""
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
    """Return the other attributes, which are kept as properties."""
    others = [name for name in attributes if name not in idle]
    return [PROPERTIES] if PROPERTIES in others else others


def _of_edge(name: str, value: object, odd: set[str], *, is_asked: bool) -> dict[str, object]:
    """Return the properties in an attribute; the names of unusable ones are added to ``odd``."""
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
        return {str(name): value}  # an attribute of that name that is not an export's


_LONGEST = 80


@dataclass(frozen=True, slots=True)
class ImportedLabels:
    """A label for each of some members.

    Parameters
    ----------
    of
        The label of each foreign id, both as text.
    prefix
        Prefix for labels that are only numbers: ``"department 7"``.
    """

    of: Mapping[str, str]
    prefix: str = "community"

    def community(self, ids: Iterable[object]) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Return the communities of members in the order of their ids.

        Parameters
        ----------
        ids
            Foreign ids, one for each agent.

        Returns
        -------
        labels, names
            int32 (n,), -1 for members without a label; and the name of each community, numbers in
            ascending order, words in alphabetical order.
        """
        known = sorted(set(self.of.values()), key=_rank)
        place = {label: at for at, label in enumerate(known)}
        found = (self.of.get(str(each)) for each in ids)
        labels = np.array([-1 if label is None else place[label] for label in found], np.int32)
        return labels, [self._name(label) for label in known]

    def _name(self, label: str) -> str:
        text = f"{self.prefix} {label}" if whole(label) and self.prefix else label
        return one_line(text, _LONGEST)


def read_labels(
    path: str | PathLike[str],
    *,
    columns: tuple[Column, Column] = (0, 1),
    delimiter: str | None = None,
    header: bool | None = None,
    prefix: str = "community",
) -> ImportedLabels:
    """Read a table with an id and a label per line.

    Parameters
    ----------
    path
        Text or gzip; separators, comments and header as in edge lists.
    columns
        The columns of id and label, by index from 0 or by name in the header.
    delimiter, header
        None: detected.
    prefix
        Prefix for labels that are only numbers.

    Raises
    ------
    FileError, FormatError
        For a file or a line that cannot be used, or a member with two labels.
    """
    named = any(isinstance(column, str) and not column.isdigit() for column in columns)
    with opened(path) as source:
        layout = sniff(
            source.head,
            source.path,
            delimiter=delimiter,
            header=True if named and header is None else header,
        )
        found = _labels(source, layout, columns)
    if not found:
        raise FileError(Path(path), "holds no labels")
    return ImportedLabels(found, prefix)


def _labels(
    source: TextSource, layout: TableLayout, columns: tuple[Column, Column]
) -> dict[str, str]:
    who, what = (layout.place(column, source.path) for column in columns)
    found: dict[str, str] = {}
    line = layout.lines
    for block in source.blocks(layout.start):
        for raw in block.split(b"\n")[:-1]:
            line += 1
            text = decoded(raw, source.path, line)
            if not text or layout.skips(text):
                continue
            row = cells(text, layout.delimiter)
            if len(row) <= max(who, what) or not row[who] or not row[what]:
                raise FormatError(source.path, line, text, "a line needs an id and a label")
            member, label = _plain(row[who]), row[what]
            if layout.delimiter == ",":
                member, label = unguarded(member), unguarded(label)
            if found.setdefault(member, label) != label:
                raise FormatError(
                    source.path, line, text, f"{member} had the label {found[member]}"
                )
    return found


def _plain(member: str) -> str:
    """Return an id in the form that agents have: ``007`` is 7."""
    return str(int(member)) if whole(member) else member


def _rank(label: str) -> tuple[bool, int, str]:
    is_word = not whole(label)
    return is_word, 0 if is_word else int(label), label
