""":class:`AgentRecords`: sparse data of single agents: cold records, own hours, stage moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from sim.agents.cold_records import ColdRecords
from sim.agents.hours import Hours
from sim.agents.moves import MoveLog

__all__ = ["AgentRecords"]

Columns = dict[str, npt.NDArray[Any]]


class AgentRecords:
    """Cold records, hours of one's own, and moves between stages of life.

    Attributes
    ----------
    cold
        Names, biographies, personas and histories that were told
        (:class:`~sim.agents.cold_records.ColdRecords`).
        A world dumps them; :meth:`dump` here leaves them out, so that nothing that looks at agents
        often reads them.
    hours
        :class:`~sim.agents.hours.Hours`.
    moves
        :class:`~sim.agents.moves.MoveLog`; no part of a world's digest.
    """

    def __init__(self) -> None:
        self.cold = ColdRecords()
        self.hours = Hours()
        self.moves = MoveLog()

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.cold.nbytes + self.hours.nbytes + self.moves.nbytes

    def copied(self) -> AgentRecords:
        """Return lore that does not change with this."""
        twin = AgentRecords()
        twin.cold, twin.hours = self.cold.copied(), self.hours.copied()
        twin.moves = self.moves.copied()
        return twin

    def dump(self) -> Columns:
        """Return hours and moves as columns."""
        columns = {f"hours.{name}": part for name, part in self.hours.dump().items()}
        return columns | {f"moves.{name}": part for name, part in self.moves.dump().items()}

    @classmethod
    def restore(cls, columns: Mapping[str, npt.NDArray[Any]], agents: int) -> AgentRecords:
        """Return the lore of :meth:`dump`; InputError for columns that do not fit."""
        lore = cls()
        lore.hours = Hours.restore(_under(columns, "hours."), agents)
        lore.moves = MoveLog.restore(_under(columns, "moves."), agents)
        return lore


def _under(columns: Mapping[str, npt.NDArray[Any]], prefix: str) -> Columns:
    return {n.removeprefix(prefix): c for n, c in columns.items() if n.startswith(prefix)}
