"""The results of an experiment: the file that replicates are appended to, and their records.

The file is an SQLite database with one writer, the driver, so that a run can be resumed. It
records the study that it belongs to; a file of another study is not changed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from sim.arrays import F64
from sim.core.text import one_line, plural
from sim.errors import FileError, HubbubError, InputError, UnknownNameError
from sim.lab.runs.measures import at_rest_value
from sim.lab.runs.replicate import Replicate
from sim.lab.tables import Result, Table

Key = tuple[int, int]
"""A replicate: the index of its program, and its own number."""

APPLICATION = 0x48554252  # HUBR
FORMAT = 1

_TABLES = (
    "create table study (name text primary key, value text not null) without rowid",
    "create table replicates (program integer not null, replicate integer not null, "
    "data blob not null, sum text not null, primary key (program, replicate))",
)

_SAID_APART = {
    "world": "was made of another world",
    "programs": "holds other messages or changes",
    "plugins": "holds runs of plugins that are not here, or have changed",
    "ticks": "holds runs of another length",
    "measures": "holds other measures",
    "versions": "was written by another version of Hubbub",
}
"""Parts of a study, and what to say if they differ."""


class ResultsFile:
    """Finished replicates in a file, or only in memory."""

    def __init__(
        self,
        path: Path | None,
        study: Mapping[str, Any],
        *,
        resume: bool = False,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path
        where = Path(":memory:") if path is None else path
        is_there = path is not None and path.exists()
        if path is not None and not is_there and not path.parent.is_dir():
            raise FileError(path, f"there is no folder {path.parent}")
        with refusing(where):
            self._file = _connected(where)
            try:
                own = {"notes": dict(notes or {})}
                is_empty = not self._file.execute("pragma page_count").fetchone()[0]
                if is_there and not (is_empty and resume):  # empty: killed as it began
                    self._go_on(where, study, resume=resume)
                    self._note(own)
                else:
                    self._begin({**study, **own})
            except BaseException:
                self._file.close()
                raise

    def _begin(self, study: Mapping[str, Any]) -> None:
        """Write everything that comes before the first replicate, or nothing."""
        with self._file:
            self._file.execute("begin immediate")
            for table in _TABLES:
                self._file.execute(table)
            self._file.execute(f"pragma application_id = {APPLICATION}")
            self._file.execute(f"pragma user_version = {FORMAT}")
            self._put(study)

    def _note(self, study: Mapping[str, Any]) -> None:
        with self._file:
            self._put(study)

    def _put(self, study: Mapping[str, Any]) -> None:
        self._file.executemany(
            "insert or replace into study values (?, ?)",
            [(name, _json(value)) for name, value in study.items()],
        )

    def _go_on(self, path: Path, study: Mapping[str, Any], *, resume: bool) -> None:
        known = _study(self._file, path)
        (done,) = self._file.execute("select count(*) from replicates").fetchone()
        if not done:  # nothing was finished: there is nothing to lose
            self._note(study)
            return
        if not resume:
            raise FileError(
                path,
                f"holds {plural(done, 'finished replicate')}; use --resume (resume=True) to run "
                "the rest, or another name to start over",
            )
        for name, said in _SAID_APART.items():
            if known.get(name) != json.loads(_json(study[name])):
                raise FileError(path, f"{said}; use another file to start over")
        old, new = list(known["seeds"]), list(study["seeds"])
        shared = min(len(old), len(new))
        if old[:shared] != new[:shared]:
            raise FileError(path, "holds runs of other seeds; use another file to start over")
        if len(new) > len(old):
            self._note({"seeds": new})

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was kept stays."""
        with suppress(sqlite3.Error):
            self._file.execute("pragma journal_mode = delete")  # one file, without companions
        self._file.close()

    def keep(self, found: Iterable[tuple[Key, bytes]]) -> None:
        """Store finished replicates; they are on disk when this returns."""
        rows = [(*key, data, xxhash.xxh3_64_hexdigest(data)) for key, data in found]
        where = self.path or Path(":memory:")
        with refusing(where), self._file:
            self._file.executemany("insert or replace into replicates values (?, ?, ?, ?)", rows)

    def done(self) -> set[Key]:
        """Return the keys of the finished replicates."""
        with refusing(self.path or Path(":memory:")):
            return set(self._file.execute("select program, replicate from replicates"))

    def replicates(self, programs: int, replicates: int) -> Iterator[tuple[Key, bytes]]:
        """Yield the finished replicates, in order of program and number."""
        where = self.path or Path(":memory:")
        with refusing(where), closing(self._file.cursor()) as cursor:
            cursor.execute(
                "select program, replicate, data, sum from replicates "
                "where program < ? and replicate < ? order by program, replicate",
                (programs, replicates),
            )
            yield from _whole(where, cursor)


def _whole(path: Path, rows: Iterable[tuple[int, int, bytes, str]]) -> Iterator[tuple[Key, bytes]]:
    for program, replicate, data, known in rows:
        if xxhash.xxh3_64_hexdigest(data) != known:
            raise FileError(path, f"replicate {replicate} of it is damaged")
        yield (program, replicate), data


def read_replicates(path: Path) -> tuple[dict[str, Any], list[tuple[Key, bytes]]]:
    """Return the study of a results file and its finished replicates; repair it after a kill."""
    if not path.is_file():
        raise FileError(path, "there is no such file")
    with refusing(path), closing(_connected(path)) as file:
        study = _study(file, path)
        rows = file.execute(
            "select program, replicate, data, sum from replicates order by program, replicate"
        )
        return study, list(_whole(path, rows))


def finished_in(path: Path) -> int:
    """Return the number of finished replicates in a file, repaired after a kill; 0: no file."""
    if not path.is_file() or not path.stat().st_size:
        return 0
    with refusing(path), closing(_connected(path)) as file:
        _study(file, path)
        return int(file.execute("select count(*) from replicates").fetchone()[0])


def _connected(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False, timeout=0.5)
    file.execute("pragma locking_mode = exclusive")
    file.execute("pragma application_id").fetchone()  # fails here unless it is a database
    return file


def _study(file: sqlite3.Connection, path: Path) -> dict[str, Any]:
    marks = [
        file.execute(f"pragma {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if marks[0] != APPLICATION:
        raise FileError(path, "is no results file of Hubbub; name another file")
    if marks[1] != FORMAT:
        raise FileError(
            path, f"has format {marks[1]}, this Hubbub writes {FORMAT}; name another file"
        )
    return {name: json.loads(value) for name, value in file.execute("select * from study")}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn database errors into one sentence on why the file cannot be used."""
    try:
        yield
    except HubbubError:
        raise
    except sqlite3.OperationalError as error:
        raise FileError(path, _why(error)) from None
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(
            path, f"is no results file, or damaged ({one_line(str(error))}); name another file"
        ) from None


def _why(error: sqlite3.OperationalError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full; finished runs are kept, free some space and use --resume"
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "another run is writing it; wait for it to end, or use another file"
    return f"cannot be written ({error}); finished runs are kept"


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
    """The results of an experiment, in order of program, replicate and tick.

    Attributes
    ----------
    programs
        Names, in order.
    seeds
        Seeds of the replicates, in order.
    agents
        Number of agents in the base world.
    found
        Replicates by (program index, number); some may be missing while the experiment runs.
    networks
        The network that each replicate started from; empty: all from one.
    """

    programs: tuple[str, ...]
    seeds: tuple[int, ...]
    agents: int
    found: dict[tuple[int, int], Replicate]
    networks: tuple[int, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> Records:
        """Return the records of a results file, finished or not.

        Raises
        ------
        FileError
            If it is not a results file, is damaged, or is being written.
        """
        with refusing(Path(path)):
            return records_of(*read_replicates(Path(path)))

    @property
    def finished(self) -> int:
        """Number of finished replicates."""
        return len(self.found)

    @cached_property
    def complete(self) -> Records:
        """The replicates that are finished under every program, which can be compared in pairs."""
        arms = range(len(self.programs))
        whole = [
            number
            for number in range(len(self.seeds))
            if all((arm, number) in self.found for arm in arms)
        ]
        found = {(arm, new): self.found[arm, old] for new, old in enumerate(whole) for arm in arms}
        seeds = tuple(self.seeds[number] for number in whole)
        networks = tuple(self.networks[number] for number in whole if self.networks)
        return Records(self.programs, seeds, self.agents, found, networks)

    @property
    def strata(self) -> npt.NDArray[np.int64] | None:
        """The network of each replicate, in the form that intervals take; None: all from one."""
        return np.array(self.networks) if self.networks else None

    @property
    def where(self) -> str:
        """Clause on the number of networks that replicates ran on, which intervals refer to."""
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
        """One row per program and replicate: program, replicate, seed, ticks, and each measure.

        Measures that do not apply to a replicate are NaN.
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
        """One row per program, replicate and tick: program, replicate, seed, tick, and each series.

        Tick 0 is before the first tick; a run has no rows after its end.
        """
        keys = sorted(self.found)
        every = [self.found[key] for key in keys]
        named = dict.fromkeys(name for each in every for name in each.series)
        rows = np.array([each.ticks + 1 for each in every], np.int64)
        columns: Columns = {
            "program": np.repeat(np.array([self.programs[p] for p, _ in keys], dtype=object), rows),
            "replicate": np.repeat(np.array([number for _, number in keys], np.int64), rows),
            "seed": np.repeat(np.array([self.seeds[n] for _, n in keys], np.int64), rows),
            "tick": _joined([np.arange(each.ticks + 1) for each in every], np.int64),
        }
        columns |= {
            name: _joined([_series(each, name) for each in every], np.float64) for name in named
        }
        return Table(columns, units=_known(UNITS, columns))

    def values(self, measure: str, program: str | None = None) -> F64:
        """Return a measure, float64 (replicates,), in order of the available replicates.

        Parameters
        ----------
        measure
            A name of :attr:`runs`.
        program
            None: the only one.

        Raises
        ------
        UnknownNameError, InputError
            For unknown names.
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
            Values after the end of a run: True: the last value, or 0 for counts per
            tick; False: NaN. A run without the series is NaN throughout.

        Raises
        ------
        UnknownNameError, InputError
            For unknown names.
        """
        place = self._place(program)
        found = [each for (own, _), each in sorted(self.found.items()) if own == place]
        if found and not any(series in each.series for each in self.found.values()):
            raise UnknownNameError("series", series, found[0].series)
        rows = np.full((len(found), max((each.ticks for each in found), default=-1) + 1), np.nan)
        for row, each in zip(rows, found, strict=True):
            if series not in each.series:  # only the worlds of another program have it
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
        """Remarks for the user, each sentence once, in order of the replicates."""
        every = (self.found[key].remarks for key in sorted(self.found))
        return tuple(dict.fromkeys(line for lines in every for line in lines))


def records_of(study: Mapping[str, Any], rows: Iterable[tuple[Key, bytes]]) -> Records:
    """Return the records of a results file from its contents."""
    names = tuple(name for name, _ in study["programs"])
    found = {key: Replicate.unpacked(data) for key, data in rows}
    agents = int(study.get("notes", {}).get("agents", 0))
    world, seeds = study.get("world", ""), tuple(study["seeds"])
    networks = () if isinstance(world, str) else in_turn(world, len(seeds))
    return Records(names, seeds, agents, found, networks)


def in_turn(bases: Iterable[Sequence[Any]], replicates: int) -> tuple[int, ...]:
    """Return the network that each replicate starts from, given those of each program."""
    many = max(map(len, bases))
    return tuple(number % many for number in range(replicates)) if many > 1 else ()


def _known(units: Mapping[str, str], columns: Columns) -> dict[str, str]:
    return {name: unit for name, unit in units.items() if name in columns}


def _series(each: Replicate, name: str) -> F64:
    own = each.series.get(name)
    return np.full(each.ticks + 1, np.nan) if own is None else own


def _joined(parts: Iterable[npt.NDArray[Any]], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind, copy=False)
