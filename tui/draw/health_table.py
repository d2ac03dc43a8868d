"""The checks of a running world as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tui.draw.rows import TableColumn
from tui.draw.sparkline import sparkline
from tui.draw.table import ColumnTable
from tui.figures import bytes_of, short

if TYPE_CHECKING:
    from sim.runtime import Health, Reading


COURSE = 12
"""Cells of the line that shows the last minutes."""

_COLUMNS = (
    TableColumn("check", 13, least=10, rank=0),
    TableColumn("level", 8, rank=1, descending=True),
    TableColumn("value", 20, least=9, rank=3, descending=True),
    TableColumn("so far", COURSE, rank=4),
    TableColumn("says", 60, least=36, rank=2),
)
_LEVELS = {"ok": "ok", "warning": "! warn", "critical": "!! grave"}
_ORDER = tuple(_LEVELS)


@dataclass(frozen=True, slots=True, eq=False)
class HealthRows:
    """Checks as rows of a table.

    Attributes
    ----------
    readings
        One a row.
    ascii_only
        Whether the course is drawn in ASCII.
    """

    readings: Sequence[Reading]
    ascii_only: bool = False

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.readings)

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return what to write in a column for some rows."""
        return [self._cell(column, self.readings[row]) for row in rows.tolist()]

    def _cell(self, column: int, reading: Reading) -> str:
        if column == 3:
            values = np.array(reading.history, dtype=np.float64)
            return sparkline(values, COURSE, ascii_only=self.ascii_only)
        value = f"{short(reading.value)} {reading.unit}".rstrip()
        if reading.unit == "MB":
            value = bytes_of(reading.value * 2**20)
        return (reading.name, _LEVELS[reading.level], value, "", reading.sentence)[column]

    def keys(self, column: int) -> NDArray[Any]:
        """Return what a column is sorted by."""
        if column == 1:
            return np.array([_ORDER.index(each.level) for each in self.readings])
        if column in {2, 3}:
            return np.array([each.value for each in self.readings], dtype=np.float64)
        texts = [each.name if column == 0 else each.sentence for each in self.readings]
        return np.array([text.casefold() for text in texts], dtype=np.str_)


class HealthTable(ColumnTable):
    """Each check with its level, its number, how that went, and one sentence."""

    HELP = (
        "Each check of the running world: whether it is well, the number behind that, how it went "
        "in the last minutes, and what it means. " + ColumnTable.HELP
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "Nothing was looked at yet."
        self._health: Health | None = None

    def list_checks(self, health: Health, *, ascii_only: bool = False) -> None:
        """Show checks; nothing is drawn anew when these very ones are shown already."""
        if health is not self._health:
            self._health = health
            self.fill(HealthRows(health.readings, ascii_only))
