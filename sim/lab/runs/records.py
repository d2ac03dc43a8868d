"""The records of an experiment: one row a replicate, and one a replicate and tick."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.errors import InputError, UnknownNameError
from sim.lab.runs.measures import at_rest_value
from sim.lab.runs.replicate import Replicate
from sim.lab.runs.results_file import Key, read_replicates, refusing
from sim.lab.tables import Result, Table

UNITS = {
    "size": "agents",
    "largest": "agents",
    "depth": "links",
    "breadth": "agents",
    "peak": "agents a tick",
    "peak_tick": "ticks",
    "quiet_after": "ticks",
    "ever": "agents",
    "new": "agents a tick",
    "now": "agents",
    "running": "messages",
    "online": "members",
}
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Records(Result):
    """What came of an experiment, in order of program, replicate and tick.

    Attributes
    ----------
    programs
        Names, in order.
    seeds
        Of the replicates, in order.
    agents
        Of the base world.
    found
        By (program's place, replicate); some may be missing where it was looked at early.
    networks
        Which network each replicate began from; empty: all from one.
    """

    programs: tuple[str, ...]
    seeds: tuple[int, ...]
    agents: int
    found: dict[tuple[int, int], Replicate]
    networks: tuple[int, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> Records:
        """Return what a results file holds, finished or not.

        Raises
        ------
        FileError
            When it is none, is damaged, or is being written.
        """
        with refusing(Path(path)):
            return records_of(*read_replicates(Path(path)))

    @property
    def finished(self) -> int:
        """How many replicates there are."""
        return len(self.found)

    @property
    def where(self) -> str:
        """On how many networks replicates ran: what an interval of them is of."""
        many = len(set(self.networks))
        return (
            f"on {many:,} networks" if many > 1 else "on one network (nothing follows for others)"
        )

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables ``runs`` and ``curves``."""
        return {"runs": self.runs, "curves": self.curves}

    @cached_property
    def runs(self) -> Table:
        """One row a program and replicate: program, replicate, seed, ticks, and each measure.

        What does not apply to a replicate is NaN.
        """
        keys = sorted(self.found)
        every = [self.found[key] for key in keys]
        named = dict.fromkeys(name for each in every for name in each.measured)
        columns: Columns = {
            "program": np.array([self.programs[program] for program, _ in keys], dtype=object),
            "replicate": np.array([number for _, number in keys], np.int64),
            "seed": np.array([self.seeds[number] for _, number in keys], np.int64),
            "ticks": np.array([each.ticks for each in every], np.int64),
        }
        columns |= {
            name: np.array([each.measured.get(name, np.nan) for each in every], np.float64)
            for name in named
        }
        return Table(columns, units=_known(UNITS, columns))

    @cached_property
    def curves(self) -> Table:
        """One row a program, replicate and tick: program, replicate, seed, tick, and each series.

        Tick 0 is before the first; a run that came to rest has no rows after that.
        """
        keys = sorted(self.found)
        every = [self.found[key] for key in keys]
        named = dict.fromkeys(name for each in every for name in each.series)
        rows = np.array([each.ticks + 1 for each in every], np.int64)
        columns: Columns = {
            "program": _names([self.programs[program] for program, _ in keys], rows),
            "replicate": np.repeat(np.array([number for _, number in keys], np.int64), rows),
            "seed": np.repeat(np.array([self.seeds[n] for _, n in keys], np.int64), rows),
            "tick": _joined([np.arange(each.ticks + 1) for each in every], np.int64),
        }
        columns |= {
            name: _joined([_series(each, name) for each in every], np.float64) for name in named
        }
        return Table(columns, units=_known(UNITS, columns))

    def values(self, measure: str, program: str | None = None) -> F64:
        """Return a measure, float64 (replicates,) in order of the replicates that there are.

        Parameters
        ----------
        measure
            A name of :attr:`runs`.
        program
            None: the only one.

        Raises
        ------
        UnknownNameError, InputError
            For other names.
        """
        place = self._place(program)
        found = [each for (own, _), each in sorted(self.found.items()) if own == place]
        if found and not any(measure in each.measured for each in found):
            raise UnknownNameError("measure", measure, found[0].measured)
        return np.array([each.measured.get(measure, np.nan) for each in found])

    def curve(self, series: str, program: str | None = None, *, held: bool = True) -> F64:
        """Return a series, float64 (replicates, ticks + 1).

        Parameters
        ----------
        series
            A name of :attr:`curves`.
        program
            None: the only one.
        held
            What comes after a run has come to rest: True: how it stayed, and 0 of what is counted
            by the tick; False: NaN. NaN all along in a run without it.

        Raises
        ------
        UnknownNameError, InputError
            For other names.
        """
        place = self._place(program)
        found = [each for (own, _), each in sorted(self.found.items()) if own == place]
        if found and not any(series in each.series for each in self.found.values()):
            raise UnknownNameError("series", series, found[0].series)
        rows = np.full((len(found), max((each.ticks for each in found), default=-1) + 1), np.nan)
        for row, each in zip(rows, found, strict=True):
            if series not in each.series:  # another program's worlds alone have it
                continue
            own = _series(each, series)
            row[: own.size] = own
            if held:
                row[own.size :] = at_rest_value(series, float(own[-1]))
        return rows

    def _place(self, program: str | None) -> int:
        if program is None:
            if len(self.programs) != 1:
                raise InputError(f"Name one of the programs: {', '.join(self.programs)}.")
            return 0
        if program not in self.programs:
            raise UnknownNameError("program", program, self.programs)
        return self.programs.index(program)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know, each sentence once, in order of the replicates."""
        every = (self.found[key].remarks for key in sorted(self.found))
        return tuple(dict.fromkeys(line for lines in every for line in lines))


def records_of(study: Mapping[str, Any], rows: Iterable[tuple[Key, bytes]]) -> Records:
    """Return the records of what a results file says and holds."""
    names = tuple(name for name, _ in study["programs"])
    found = {key: Replicate.unpacked(data) for key, data in rows}
    agents = int(study.get("notes", {}).get("agents", 0))
    world, seeds = study.get("world", ""), tuple(study["seeds"])
    networks = () if isinstance(world, str) else in_turn(world, len(seeds))
    return Records(names, seeds, agents, found, networks)


def in_turn(bases: Iterable[Sequence[Any]], replicates: int) -> tuple[int, ...]:
    """Return which network each replicate begins from, given those of each program."""
    many = max(map(len, bases))
    return tuple(number % many for number in range(replicates)) if many > 1 else ()


def _known(units: Mapping[str, str], columns: Columns) -> dict[str, str]:
    return {name: unit for name, unit in units.items() if name in columns}


def _series(each: Replicate, name: str) -> F64:
    own = each.series.get(name)
    return np.full(each.ticks + 1, np.nan) if own is None else own


def _names(names: Sequence[str], rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return np.repeat(np.array(names, dtype=object), rows)


def _joined(parts: Iterable[npt.NDArray[Any]], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind, copy=False)
