"""The experiments of this session as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tui.draw.rows import TableColumn
from tui.draw.table import ColumnTable
from tui.figures import count
from tui.safe_text import line

if TYPE_CHECKING:
    from tui.experiments import Experiment


_COLUMNS = (
    TableColumn("no.", 4, numeric=True, rank=0, descending=True),
    TableColumn("runs", 7, numeric=True, least=5, rank=1, descending=True),
    TableColumn("from tick", 9, numeric=True, rank=3),
    TableColumn("state", 26, least=16, rank=1),
    TableColumn("what", 80, least=16, rank=2),
)


@dataclass(frozen=True, eq=False)
class ExperimentRows:
    """Experiments as rows, the newest first.

    Attributes
    ----------
    experiments
        In the order in which they began.
    said
        How far each of them is.
    """

    experiments: Sequence[Experiment]
    said: tuple[tuple[object, ...], ...]

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""
        return _COLUMNS

    def __len__(self) -> int:
        return len(self.said)

    def cells(self, column: int, rows: NDArray[np.int64]) -> Sequence[str]:
        """Return what to write in a column for some rows."""
        return [str(self.said[-1 - row][column]) for row in rows.tolist()]

    def keys(self, column: int) -> NDArray[Any]:
        """Return what a column is sorted by."""
        if column == 0:
            return np.array([each.number for each in reversed(self.experiments)])
        if column in {1, 2}:
            name = ("total", "tick")[column - 1]
            return np.array([getattr(each, name) for each in reversed(self.experiments)])
        return np.array([str(row[column]).casefold() for row in reversed(self.said)], np.str_)


def _row(each: Experiment) -> tuple[object, ...]:
    what = each.problem or each.plan.title
    return each.number, count(each.total), count(each.tick), each.how_far, line(what, 200)


class ExperimentTable(ColumnTable):
    """Each experiment of this session, and how far it is."""

    HELP = (
        "The experiments of this session, the newest first: how many runs, from which tick, how "
        "far it is, and the message. " + ColumnTable.HELP
    )

    def __init__(self, *, id: str) -> None:  # noqa: A002 - the word Textual uses
        super().__init__(id=id)
        self.placeholder = "No experiment yet."
        self._said: tuple[tuple[object, ...], ...] = ()
        self._experiments: tuple[Experiment, ...] = ()

    def list_experiments(self, experiments: Sequence[Experiment]) -> None:
        """Show experiments; the cursor follows a new one, and stays on its own otherwise."""
        said = tuple(_row(each) for each in experiments)
        if said == self._said:
            return
        chosen, is_new = self.chosen, len(said) > len(self._said)
        self._said, self._experiments = said, tuple(experiments)
        self.fill(ExperimentRows(self._experiments, said))
        self.select(0 if is_new or chosen is None else len(said) - chosen.number)

    @property
    def chosen(self) -> Experiment | None:
        """The one under the cursor."""
        if not self._experiments:
            return None
        return self._experiments[-1 - min(self.selected, len(self._experiments) - 1)]
