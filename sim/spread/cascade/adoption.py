"""A cascade's log of adopter, tick and source, and how a tick's adopters enter it."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from copy import copy, deepcopy
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from sim.arrays import U64, Ids
from sim.errors import PluginError
from sim.jit.claims import NOBODY, commit_once, first_marked, mark, unmark
from sim.jit.order import sort_ids
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.contacts import Scratch, bitmap
from sim.spread.cascade.sparse_column import SparseColumn

T = TypeVar("T", bound=np.generic)
Keep = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""Returns a copy of an array where it should be stored, or the array itself."""

_PART = 8
"""Above 1/8 of all agents, allocate room for all: unwritten memory costs nothing."""


def _grown(
    columns: tuple[npt.NDArray[np.generic], ...], size: int, most: int
) -> npt.NDArray[np.uint32]:
    """Return columns with room for ``size`` entries, or for all ``most`` if many are used."""
    room = max(size, 16, columns[0].size + columns[0].size // 2)
    larger = np.empty((len(columns), max(room, most) if room * _PART > most else room), np.uint32)
    for row, column in zip(larger, columns, strict=True):
        row[: column.size] = column.view(np.uint32)
    return larger


def _frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    view = array.view()
    view.flags.writeable = False
    return view


class Log:
    """Append-only columns in order of (tick, agent).

    Attributes
    ----------
    size
        Number of adopters listed.
    """

    __slots__ = ("_agents", "_is_filed", "_lent", "_most", "_sources", "_ticks", "size")

    def __init__(self, agents: int = 0) -> None:
        self._lent = 0
        self._is_filed = False
        self._most = agents
        self._agents = np.empty(0, np.uint32)
        self._ticks = np.empty(0, np.int32)
        self._sources = np.empty(0, np.uint32)
        self.size = 0

    @property
    def agents(self) -> npt.NDArray[np.uint32]:
        """The adopters, uint32 (size,), a read-only view."""
        return _frozen(self._agents[: self.size])

    @property
    def ticks(self) -> npt.NDArray[np.int32]:
        """The world's tick of each adoption, int32 (size,), a read-only view."""
        return _frozen(self._ticks[: self.size])

    @property
    def sources(self) -> npt.NDArray[np.uint32]:
        """The source of each adoption, uint32 (size,); 0xFFFFFFFF for none. A read-only view."""
        return _frozen(self._sources[: self.size])

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, including spare capacity; 0 if moved to a file."""
        own = self._agents.nbytes + self._ticks.nbytes + self._sources.nbytes
        return 0 if self._is_filed else own

    def append(
        self, agents: npt.NDArray[np.uint32], tick: int, sources: npt.NDArray[np.uint32]
    ) -> None:
        """Append the adopters of one tick, ascending, with their sources."""
        if not agents.size:
            return
        stop = self.size + agents.size
        if stop > self._agents.size:
            columns = self._agents, self._ticks, self._sources
            self._agents, ticks, self._sources = _grown(columns, stop, self._most)
            self._ticks, self._is_filed = ticks.view(np.int32), False
        self._agents[self.size : stop] = agents
        self._ticks[self.size : stop] = tick
        self._sources[self.size : stop] = sources
        self.size = stop

    def cut(self, size: int) -> None:
        """Drop every entry after the first ``size``."""
        self.size = min(size, self.size)
        if size < self._lent:
            self._agents, self._ticks = self._agents.copy(), self._ticks.copy()
            self._sources, self._lent, self._is_filed = self._sources.copy(), 0, False

    def moved(self, keep: Keep, *, whole: bool = True) -> None:
        """Store the columns where ``keep`` puts arrays; if ``whole``, without spare capacity."""
        stop = self.size if whole else None
        self._agents, self._ticks = keep(self._agents[:stop]), keep(self._ticks[:stop])
        self._sources, self._is_filed = keep(self._sources[:stop]), True

    def so_far(self) -> Log:
        """Return an immutable log of the current entries; it shares their memory."""
        self._lent = self.size
        return copy(self)

    def dump(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the columns by name."""
        return {
            "log.agents": np.ascontiguousarray(self.agents),
            "log.ticks": np.ascontiguousarray(self.ticks),
            "log.sources": np.ascontiguousarray(self.sources),
        }

    @classmethod
    def restore(cls, columns: dict[str, npt.NDArray[np.generic]]) -> Log:
        """Restore the log from the columns of :meth:`dump`."""
        log = cls()
        log._agents = columns["log.agents"].astype(np.uint32)
        log._ticks = columns["log.ticks"].astype(np.int32)
        log._sources = columns["log.sources"].astype(np.uint32)
        log.size = log._agents.size
        return log


class GrowingRows:
    """Append-only rows of integers; views copy nothing.

    Attributes
    ----------
    count
        Number of rows.
    """

    __slots__ = ("_lent", "_rows", "count")

    def __init__(self, width: int) -> None:
        self._lent = 0
        self._rows = np.zeros((8, width), np.int64)
        self.count = 0

    @property
    def view(self) -> npt.NDArray[np.int64]:
        """The rows, int64 (count, width), read-only; rows added later are not included."""
        return _frozen(self._rows[: self.count])

    @property
    def nbytes(self) -> int:
        """Bytes held, including spare capacity."""
        return self._rows.nbytes

    def append(self, row: npt.NDArray[np.int64]) -> None:
        """Append a row."""
        if self.count == len(self._rows):
            larger = np.zeros((max(2 * self.count, 8), self._rows.shape[1]), np.int64)
            larger[: self.count] = self._rows
            self._rows = larger
        self._rows[self.count] = row
        self.count += 1

    def cut(self, count: int) -> None:
        """Drop every row after the first ``count``."""
        self.count = min(count, self.count)
        if count < self._lent:
            self._rows, self._lent = self._rows.copy(), 0

    def moved(self, keep: Keep) -> None:
        """Store the rows where ``keep`` puts arrays, without spare capacity."""
        self._rows = keep(self._rows[: self.count])

    def so_far(self) -> GrowingRows:
        """Return an immutable view of the current rows; it shares their memory."""
        self._lent = self.count
        return copy(self)

    @classmethod
    def of(cls, rows: npt.NDArray[np.generic]) -> GrowingRows:
        """Return rows that start with those given, (count, width)."""
        made = cls(rows.shape[1])
        made.count = len(rows)
        made._rows = np.array(rows, np.int64) if len(rows) else made._rows
        return made


class CascadeRecord:
    """The adoptions of one message; arrays over all agents are built on demand.

    Parameters
    ----------
    agents
        Number of agents.
    states
        Number of states an agent can be in.

    Attributes
    ----------
    started_at
        The tick at which the seeds adopted, -1 before the start.
    tally
        Agents in each state now, int64 (states,): all in the first state before the start.
    """

    def __init__(self, agents: int, states: int) -> None:
        self.agents = agents
        self.started_at = -1
        self.tally = np.zeros(states, np.int64)
        self.tally[0] = agents
        self._log = Log(agents)
        self._new: MutableSequence[int] = []
        self._history = GrowingRows(states)

    @property
    def size(self) -> int:
        """Number of agents that ever adopted."""
        return self._log.size

    @property
    def log(self) -> Log:
        """Adopters, ticks and sources in order of (tick, agent)."""
        return self._log

    @property
    def adopters(self) -> Ids:
        """The adopters, uint32 in order of (tick, agent); a read-only view."""
        return self._log.agents

    @property
    def adopted_at(self) -> npt.NDArray[np.int32]:
        """The tick of each agent's first adoption, int32 (agents,), -1 for never; on demand."""
        return self._columns()[0]

    @property
    def source(self) -> npt.NDArray[np.int64]:
        """Who convinced each agent, int64 (agents,), -1 for seeds and non-adopters; on demand."""
        return self._columns()[1]

    def _columns(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        adopted_at = np.full(self.agents, -1, np.int32)
        source = np.full(self.agents, -1, np.int64)
        log = self._log
        trees.fill_columns(log.agents, log.ticks, log.sources, adopted_at, source)
        return adopted_at, source

    @property
    def history(self) -> npt.NDArray[np.int64]:
        """Agents in each state, int64 (ticks + 1, states): a row at the start and one per tick."""
        return self._history.view

    @property
    def stirred(self) -> bool:
        """Whether the last tick changed any agent's state, or there was no tick yet."""
        last = self._history.view[-2:]
        return len(last) < 2 or last[0].tolist() != last[1].tolist()

    @property
    def new_adopters(self) -> npt.NDArray[np.int64]:
        """First adoptions in each tick since the start, int64 (ticks + 1,); row 0 counts seeds."""
        return np.array(self._new, np.int64)

    @property
    def speed(self) -> float:
        """First adoptions per tick over the last ten ticks."""
        recent = self._new[1:][-10:]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def depths(self) -> npt.NDArray[np.int32]:
        """Distance of each adopter from its seed, int32 (size,), in the order of ``adopters``."""
        out = np.empty(self.size, np.int32)
        place = np.full(self.agents, -1, np.int32)
        trees.depths(self._log.agents, self._log.sources, place, out)
        return out

    @property
    def depth(self) -> int:
        """The longest chain from a seed."""
        return int(self.depths.max(initial=0))

    @property
    def breadth(self) -> int:
        """The largest number of adopters at one distance from the seeds."""
        return int(np.bincount(self.depths).max(initial=0)) if self.size else 0

    @property
    def virality(self) -> float:
        """Structural virality: mean distance between two adopters of one tree.

        Goel, Anderson, Hofman & Watts, "The structural virality of online diffusion", Management
        Science 2016. 0.0 if no tree has two members.
        """
        place = np.full(self.agents, -1, np.int32)
        scratch = np.empty(self.size, np.int64)
        paths, pairs = trees.wiener(self._log.agents, self._log.sources, place, scratch)
        return float(paths / pairs) if pairs else 0.0


_Mark = tuple[int, int, int, list[int], tuple[int, int], Ids | None]


class Adoption(CascadeRecord):
    """The record of a running cascade, with the columns that its model keeps.

    Parameters
    ----------
    agents, states
        As in :class:`~sim.spread.cascade.adoption.CascadeRecord`.
    name
        The model's name, for errors.

    Attributes
    ----------
    laid
        Whether it has ended and its record is in scratch files (:meth:`Cascade.lay_by`).
    seal
        A digest of the record in scratch files, with what it is valid for; set by its user.
    contacts_seen
        Contacts evaluated so far, for rates.
    absent
        Bitmap of agents that are currently not active and take no part, or empty.
    memo
        Anything the model wants to cache and can recompute; never saved.
    """

    def __init__(self, agents: int, states: int, name: str) -> None:
        super().__init__(agents, states)
        self.laid = False
        self.seal: tuple[tuple[object, ...], bytes] | None = None
        self._held: dict[str, Any] = {}
        self._owed = 0
        self.contacts_seen = 0
        self.absent: U64 = np.empty(0, np.uint64)
        self.memo: Any = None
        self._name = name
        self._now = 0
        self._ticked = 0
        self._turn = (0, 0)
        self._speakers: Ids | None = None
        self._measured = False
        self._mark: _Mark | None = None
        self._before: dict[str, Any] | None = None
        self._copied = 0
        self._adopted: U64 | None = None

    @property
    def held(self) -> dict[str, Any]:
        """:attr:`columns` without the backup copy for rolling back a failed tick.

        For model forms that call no plugin code once they write.
        """
        if self._owed:
            self.take_up()
            self._held, self._owed = self.longer(), 0
        return self._held

    @held.setter
    def held(self, columns: dict[str, Any]) -> None:
        self._held, self._owed = columns, 0

    def longer(self) -> dict[str, Any]:
        """Return :attr:`held` extended for agents that joined since it was spilled; a copy."""
        return self._with_room(self._owed) if self._owed else self._held

    def _with_room(self, count: int) -> dict[str, Any]:
        """Return the columns extended by zeros for the last ``count`` agents."""
        before, found = self.agents - count, dict(self._held)
        for name, column in found.items():
            if isinstance(column, SparseColumn):
                found[name] = copy(column)
                found[name].grow(count)
            elif name == "done" or (len(column) == before and not name.startswith("_")):
                length = (self.agents + 63) // 64 if name == "done" else self.agents
                longer = np.zeros((length, *column.shape[1:]), column.dtype)
                longer[: len(column)] = column
                found[name] = longer
        return found

    def take_up(self) -> None:
        """Load the columns from scratch files back into memory, writable."""
        if self.laid:
            own = self.longer().items()
            self.held = {
                n: c.still(_taken) if isinstance(c, SparseColumn) else c.copy() for n, c in own
            }
            self.laid = False

    @property
    def columns(self) -> dict[str, Any]:
        """Arrays that the model keeps between ticks, saved with the world.

        An array with a row for each agent grows with the world; one whose name begins with ``_``
        keeps its length. The first access in a tick makes a backup: if the model fails, the
        tick is rolled back.
        """
        self.take_up()
        if self._mark is not None and self._before is None:
            self._before, self._copied = deepcopy(self.held), self.size
        return self.held

    @property
    def done(self) -> U64:
        """Bitmap of agents that the message cannot reach any more: adopters, and those closed."""
        self.marks()
        bits: U64 = self.columns["done"]
        return bits

    def marks(self) -> U64:
        """Return :attr:`done` for callers that only read it, or mark adopters."""
        held = self.held
        if "done" in held:
            bits: U64 = held["done"]
            return bits
        bits = bitmap(self.agents, self._log.agents)
        if not self.laid:
            held["done"] = bits
        return bits

    def closes_adopters_only(self) -> bool:
        """Return whether :attr:`done` follows from the log and need not be saved."""
        return np.array_equal(self.marks(), bitmap(self.agents, self._log.agents))

    @property
    def closed(self) -> U64:
        """Bitmap of agents that cannot be reached this tick: :attr:`done` and the absent."""
        done = self.marks()
        return done | self.absent if self.absent.size else done

    def adopt(self, agents: Ids, sources: Ids | None = None) -> None:
        """Record first adoptions of this tick, sorted by agent, after those of earlier calls.

        Parameters
        ----------
        agents
            uint32, distinct, none of which has adopted before.
        sources
            uint32, the source of each; ``None``: no source.

        Raises
        ------
        PluginError
            For an agent that does not exist, is given twice or adopted before; for a source that
            does not exist.
        """
        ids, by = self._checked(agents, sources)
        done = self.marks()
        if first_marked(ids, done) >= 0:
            self._refuse_adopted(ids)
            done = self.done
        self._log.append(ids, self._now, by)
        mark(ids, done)

    def adopt_claims(self, scratch: Scratch, touched: int) -> None:
        """Record the winners of this tick's claims: for models in which agents adopt only once."""
        sort_ids(scratch.touched, touched, scratch.sources)
        agents, sources = scratch.touched[:touched], scratch.sources[:touched]
        commit_once(agents, touched, self.marks(), scratch.claim, sources)
        self._log.append(agents, self._now, sources)

    def adopt_won(self, agents: Ids, sources: Ids) -> None:
        """As :meth:`adopt` for kernels that guarantee valid, ascending input; no checks."""
        self._log.append(agents, self._now, sources)
        mark(agents, self.marks())

    def record(self, agents: Ids, sources: Ids | None = None) -> None:
        """As :meth:`adopt` for models that keep their own states; does not change :attr:`done`."""
        ids, by = self._checked(agents, sources)
        if self._adopted is None:
            self._adopted = bitmap(self.agents, self._log.agents)
        if first_marked(ids, self._adopted) >= 0:
            self._refuse_adopted(ids)
        self._log.append(ids, self._now, by)
        mark(ids, self._adopted)

    def enter(self, agents: Ids, sources: Ids) -> None:
        """As :meth:`record` for kernels that guarantee valid, ascending input; no checks."""
        self._log.append(agents, self._now, sources)

    def _checked(self, agents: Ids, sources: Ids | None) -> tuple[Ids, Ids]:
        """Return adopters, ascending, with their sources; kernels rely on valid log entries."""
        ids = self._known(agents, "let agent {} adopt")
        given = np.full(ids.size, -1) if sources is None else np.asarray(sources).reshape(-1)
        if given.size != ids.size:
            self._refuse(f"let {ids.size} agents adopt from {given.size} sources; name one each")
        by = self._known(given[(given != -1) & (given != NOBODY)], "named agent {} as a source")
        named = np.full(ids.size, NOBODY)
        named[(given != -1) & (given != NOBODY)] = by
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        twice = ids[1:][ids[1:] == ids[:-1]]
        if twice.size:
            self._refuse(f"let agent {twice[0]} adopt twice in one tick")
        return ids, named[order]

    def _known(self, agents: npt.ArrayLike, did: str) -> Ids:
        """Return ids as uint32; raise PluginError unless all are agents of this world."""
        ids = np.asarray(agents).reshape(-1)
        if ids.size and ids.dtype.kind not in "iu":
            self._refuse(did.format(ids[0]) + f"; agents are whole numbers, not {ids.dtype}")
        wrong = ids[(ids < 0) | (ids >= self.agents)]
        if wrong.size:
            self._refuse(did.format(wrong[0]) + f"; this world has agents 0 to {self.agents - 1}")
        return ids.astype(np.uint32)

    def _refuse_adopted(self, ids: Ids) -> None:
        again = ids[np.isin(ids, self._log.agents)]
        if again.size:
            self._refuse(f"let agent {again[0]} adopt twice; see cascade.done")

    def _refuse(self, what: str) -> NoReturn:
        raise PluginError(self._name, what)

    def _set_mark(self) -> None:
        """Record the state at the start of the tick, for :meth:`roll_back`."""
        rows = self._history.count
        late = self.held.get("_waiting")
        self._mark = (
            self.size, rows, self.contacts_seen, self.tally.tolist(), self._turn, late
        )  # fmt: skip
        self._before = None

    def roll_back(self) -> None:
        """Restore the state at the start of the tick, undoing the work of a model that failed."""
        if self._mark is None:
            return
        size, rows, seen, tally, self._turn, late = self._mark
        marked = self._log.agents[size:]
        if self._before is not None:
            self.held, self._before = self._before, None
            marked = marked[: max(self._copied - size, 0)]  # marked before the backup
        self.held.pop("_waiting", None)
        if late is not None:
            self.held["_waiting"] = late
        if "done" in self.held:
            unmark(marked, self.held["done"])
        self._log.cut(size)
        self._ticked = size
        self._history.cut(rows)
        del self._new[rows:]
        self.contacts_seen = seen
        self.tally[:] = tally
        self.memo = self._adopted = self._speakers = None
        self._measured = False


def _taken(_name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return column.copy()
