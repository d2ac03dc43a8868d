"""Tables of labels: a department, a country, any group for each member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.errors import FileError, FormatError
from sim.io.formulas import unguarded
from sim.io.importing.files import TextSource, decoded, opened
from sim.io.importing.sniff import Column, TableLayout, cells, sniff, whole

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class ImportedLabels:
    """A label for each of some members.

    Parameters
    ----------
    of
        The label of each foreign id, both as text.
    prefix
        Said before labels that are bare numbers: ``"department 7"``.
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
            rising order, words in alphabetical order.
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
    """Read a table with an id and a label a line.

    Parameters
    ----------
    path
        Text or gzip; separators, comments and header as in edge lists.
    columns
        Where id and label are, by place from 0 or by name in the header.
    delimiter, header
        None: found out.
    prefix
        Said before labels that are bare numbers.

    Raises
    ------
    FileError, FormatError
        For a file or a line that cannot be used, and a member with two labels.
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
    """Return an id as agents show it: ``007`` is 7."""
    return str(int(member)) if whole(member) else member


def _rank(label: str) -> tuple[bool, int, str]:
    is_word = not whole(label)
    return is_word, 0 if is_word else int(label), label
