""":class:`Adoption`: writes a tick's adopters into log and columns, with rollback on a fault."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from sim.arrays import U64, Ids
from sim.errors import PluginError
from sim.jit.claims import NOBODY, commit_once, first_marked, mark, unmark
from sim.jit.order import sort_ids
from sim.spread.cascade.adoption_log import CascadeRecord
from sim.spread.cascade.contacts import Scratch, bitmap
from sim.spread.cascade.sparse_column import SparseColumn

_Mark = tuple[int, int, int, list[int], tuple[int, int], Ids | None]


class Adoption(CascadeRecord):
    """The record of a cascade while it grows, with the columns that its model keeps.

    Parameters
    ----------
    agents, states
        As in :class:`~sim.spread.cascade.adoption_log.CascadeRecord`.
    name
        The model's name, for errors.

    Attributes
    ----------
    laid
        Whether it has ended and its record lies in scratch files (:meth:`Cascade.lay_by`).
    seal
        A digest of what was laid by, with what it holds for; by whoever asks for one.
    contacts_seen
        Contacts weighed so far, for rates.
    absent
        Bitmap of agents that are not active now and take no part, or empty.
    memo
        Whatever the model wants to keep and can make again; never saved.
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
        """:attr:`columns` without the copy that lets a failed tick be taken back.

        For forms that call no author's code once they write.
        """
        if self._owed:
            self.take_up()
            self._held, self._owed = self.longer(), 0
        return self._held

    @held.setter
    def held(self, columns: dict[str, Any]) -> None:
        self._held, self._owed = columns, 0

    def longer(self) -> dict[str, Any]:
        """Return :attr:`held` with room for those who joined since it was laid by; a copy."""
        return self._with_room(self._owed) if self._owed else self._held

    def _with_room(self, count: int) -> dict[str, Any]:
        """Return the columns with zeros for the last ``count`` agents."""
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
        """Bring what was laid by back into memory, to be written into."""
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
        stays as it is, however long. The first look in a tick copies them: if the model fails, the
        tick is taken back.
        """
        self.take_up()
        if self._mark is not None and self._before is None:
            self._before, self._copied = deepcopy(self.held), self.size
        return self.held

    @property
    def done(self) -> U64:
        """Bitmap of agents that the message has no more to say to: adopters, at first.

        uint64 (words,), one bit an agent; a model may close more.
        """
        self.marks()
        bits: U64 = self.columns["done"]
        return bits

    def marks(self) -> U64:
        """Return :attr:`done` for those that only read it, or mark adopters."""
        held = self.held
        if "done" in held:
            bits: U64 = held["done"]
            return bits
        bits = bitmap(self.agents, self._log.agents)
        if not self.laid:
            held["done"] = bits
        return bits

    def closes_adopters_only(self) -> bool:
        """Whether :attr:`done` follows from the log, and need not be saved."""
        return np.array_equal(self.marks(), bitmap(self.agents, self._log.agents))

    @property
    def closed(self) -> U64:
        """Bitmap of agents that cannot be reached this tick: :attr:`done`, and the absent."""
        done = self.marks()
        return done | self.absent if self.absent.size else done

    def adopt(self, agents: Ids, sources: Ids | None = None) -> None:
        """Record first adoptions of this tick; each call's in order of agent, behind the last's.

        Parameters
        ----------
        agents
            uint32, distinct, none of which adopted before.
        sources
            uint32, who convinced each; ``None``: nobody.

        Raises
        ------
        PluginError
            For an agent that does not exist, is named twice or adopted before; for a source that
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
        """Let the winners of this tick's claims adopt: the models in which agents adopt once."""
        sort_ids(scratch.touched, touched, scratch.sources)
        agents, sources = scratch.touched[:touched], scratch.sources[:touched]
        commit_once(agents, touched, self.marks(), scratch.claim, sources)
        self._log.append(agents, self._now, sources)

    def adopt_won(self, agents: Ids, sources: Ids) -> None:
        """As :meth:`adopt` for kernels that keep its promises; ascending, nothing is checked."""
        self._log.append(agents, self._now, sources)
        mark(agents, self.marks())

    def record(self, agents: Ids, sources: Ids | None = None) -> None:
        """As :meth:`adopt` for models that keep their own states; leaves :attr:`done` alone."""
        ids, by = self._checked(agents, sources)
        if self._adopted is None:
            self._adopted = bitmap(self.agents, self._log.agents)
        if first_marked(ids, self._adopted) >= 0:
            self._refuse_adopted(ids)
        self._log.append(ids, self._now, by)
        mark(ids, self._adopted)

    def enter(self, agents: Ids, sources: Ids) -> None:
        """As :meth:`record` for kernels that keep its promises; ascending, nothing is checked."""
        self._log.append(agents, self._now, sources)

    def _checked(self, agents: Ids, sources: Ids | None) -> tuple[Ids, Ids]:
        """Return adopters, ascending, with their sources; kernels trust what the log holds."""
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
        """Return ids as uint32, all of them agents of this world."""
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
        """Note where the tick began."""
        rows = self._history.count
        late = self.held.get("_waiting")
        self._mark = (
            self.size, rows, self.contacts_seen, self.tally.tolist(), self._turn, late
        )  # fmt: skip
        self._before = None

    def roll_back(self) -> None:
        """Return to where the tick began: what a model that failed half-way did is undone."""
        if self._mark is None:
            return
        size, rows, seen, tally, self._turn, late = self._mark
        marked = self._log.agents[size:]
        if self._before is not None:
            self.held, self._before = self._before, None
            marked = marked[: max(self._copied - size, 0)]  # by the time of the copy
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
