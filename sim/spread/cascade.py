"""A cascade: all adoptions of one message under one model, with who-from-whom."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.spread.adoption import Adoption
from sim.spread.bounds import require_agents, require_bounds
from sim.spread.contacts import Bits, Broadcast, Channel, Contacts, DrawMode, Draws, Ids
from sim.spread.log import Log, Rows
from sim.spread.messages import Message
from sim.spread.sparse import Sparse

if TYPE_CHECKING:
    from sim.spread.model import PropagationModel
    from sim.spread.opinion_world import Around

__all__ = ["Cascade", "Status"]

Status = Literal["queued", "running", "quiet", "failed", "cancelled"]
Column = npt.NDArray[np.generic]


class Cascade(Adoption):
    """One message under way; ``world.inject`` makes it.

    Attributes
    ----------
    id, message, model, seeds
        Its number, what travels, the plugin that decides, and the agents that hold it first.
    status
        ``"queued"``, ``"running"``, ``"quiet"`` (nothing can change any more), ``"failed"`` (the
        plugin did; ``error`` says why) or ``"cancelled"``.
    priority, starts_at, started_at
        Among queued ones the highest priority starts first, not before tick ``starts_at``;
        ``started_at`` is the tick at which the seeds adopted, -1 while queued.
    draws_mode
        ``"coins"`` or ``"skips"`` (:class:`sim.spread.contacts.Draws`).
    rested
        What the world was like when it came to rest; a change may wake it.
    shown
        Who speaks in this tick, where the channel says so; else None.
    around
        The world that it runs in, for models that share columns of it.
    company
        The cascades of its world.
    """

    def __init__(
        self,
        number: int,
        message: Message,
        model: PropagationModel,
        seeds: Ids,
        *,
        agents: int,
        seed: int,
        priority: int = 0,
        starts_at: int = 0,
        draws_mode: DrawMode = "coins",
        channel: Channel | None = None,
    ) -> None:
        super().__init__(agents, len(model.states), model.plugin_name or type(model).__name__)
        self.id = number
        self.message = message
        self.model = model
        self.seeds = seeds
        self.seed = seed
        self.priority = priority
        self.starts_at = starts_at
        self.draws_mode: DrawMode = draws_mode
        self.channel: Channel = channel or Broadcast()
        self.status: Status = "queued"
        self.error: str | None = None
        self.company: Sequence[Cascade] = ()
        self.around: Around | None = None
        self.rested = ""
        self.shown: Ids | None = None
        self.given_coins: Bits = np.empty(0, np.uint64)
        self.given_thresholds: npt.NDArray[np.float64] = np.empty(0)

    # What it is

    @property
    def text(self) -> str:
        """The message's text."""
        return self.message.text

    @property
    def model_name(self) -> str:
        """The registered name of its model."""
        return self.model.plugin_name or type(self.model).__name__

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states an agent can be in, as the model declares them."""
        return self.model.states

    @property
    def alive(self) -> bool:
        """Whether it may still change: queued or running."""
        return self.status in {"queued", "running"}

    # What happened, beside the record

    @property
    def peers(self) -> tuple[Cascade, ...]:
        """The cascades of its group (:meth:`PropagationModel.together`), itself among them.

        Whatever their status, in order of id; none for a model that is stepped alone.
        """
        group = self.group
        if group is None:
            return ()
        return tuple(cascade for cascade in self.company if cascade.group == group)

    @property
    def group(self) -> Hashable | None:
        """Its model's class and what :meth:`~PropagationModel.together` says; ``None``: alone."""
        group = self.model.together()
        return None if group is None else (type(self.model), group)

    @property
    def counts(self) -> dict[str, int]:
        """How many agents are in each state now."""
        return dict(zip(self.states, self.tally.tolist(), strict=True))

    # What models do with it

    @property
    def frontier(self) -> Ids:
        """Who speaks where each adopter speaks once: those whose turn it is, uint32 as recorded.

        The adopters of the last tick, without who is absent; and who was absent when its turn came
        and is back. Whoever hears nothing while absent is not told again.
        """
        if self.shown is not None:
            return self.shown
        if self._speakers is not None:
            return self._speakers
        turn: Ids = self._log.agents[slice(*self._turn)]
        late = self.held.get("_waiting")
        if late is None and not self.absent.size:
            return turn
        everybody = turn if late is None else np.union1d(late, turn)
        present = self.present(everybody)
        if self._mark is not None and not self._measured:
            self.held["_waiting"] = np.setdiff1d(everybody, present)
            if not self.held["_waiting"].size:
                del self.held["_waiting"]
            self._speakers = present
        return present

    def recent(self, ticks: int) -> Ids:
        """Return who speaks where adopters speak for ``ticks`` ticks, uint32 by (tick, agent).

        One tick is the :attr:`frontier`; a longer span runs on while an agent is absent.
        """
        if ticks == 1 or self.shown is not None:
            return self.frontier
        spoken = sum(self._new[-ticks:]) if ticks > 0 else 0
        return self.present(self._log.agents[self.size - spoken :])

    def present(self, ids: Ids) -> Ids:
        """Return those of ``ids`` (uint32) that are not absent."""
        if not self.absent.size:
            return ids
        bits = self.absent[ids >> np.uint32(6)] >> (ids & np.uint32(63)).astype(np.uint64)
        present: Ids = ids[(bits & np.uint64(1)) == 0]
        return present

    def draws(self, tick: int) -> Draws:
        """Return the randomness of one tick."""
        return Draws(
            self.seed, self.id, tick, self.draws_mode, self.given_coins, self.given_thresholds
        )

    # How the world drives it

    def begin(self, tick: int) -> None:
        """Start: the seeds adopt at ``tick``."""
        self.status = "running"
        self.started_at = self._now = tick
        self._set_mark()
        self.model.start(self)
        if self._log.size == 0:
            self.adopt(self.seeds)
        self._measure()
        self._mark = None

    def advance(self, tick: int, absent: Bits) -> None:
        """Say that the step of ``tick`` begins, without the agents of the bitmap ``absent``."""
        self._now = tick
        self.catch_up(tick)
        self.absent = absent
        self._speakers, self._measured = None, False
        self._set_mark()

    @property
    def is_over(self) -> bool:
        """Whether its channel says that nobody will hear anybody any more (``is_over(tick)``)."""
        asked = getattr(self.channel, "is_over", None)
        return self.is_carried is False or (asked is not None and bool(asked(self._now)))

    @property
    def is_carried(self) -> bool | None:
        """Whether its channel may still bring it to somebody; None: the model alone says."""
        carries = getattr(self.channel, "carries", None)
        return None if carries is None else bool(carries(self.id))

    def catch_up(self, tick: int) -> None:
        """Give the record a row for each tick before ``tick`` that the cascade rested."""
        while self.started_at + self._history.count < tick:
            self._history.append(self.tally)
            self._new.append(0)

    def measure(self, contacts: Contacts) -> None:
        """Close a tick: count states and new adopters; rest when nothing can change."""
        self._measure()
        if self.is_over or (not self.is_carried and self.model.is_quiet(self, contacts)):
            self.status = "quiet"
        self._mark = self._before = None

    def _measure(self) -> None:
        self._new.append(self.size - self._ticked)
        self._turn = (self._ticked, self.size)
        self._ticked, self._speakers, self._measured = self.size, None, True
        self.model.count(self)
        self._history.append(self.tally)

    def grow(self, count: int) -> None:
        """Make room for agents that joined the world; they count as not reached."""
        before, self.agents = self.agents, self.agents + count
        for name, column in self.held.items():
            if isinstance(column, Sparse):
                column.grow(count)
            elif name == "done" or (len(column) == before and not name.startswith("_")):
                length = (self.agents + 63) // 64 if name == "done" else self.agents
                longer = np.zeros((length, *column.shape[1:]), column.dtype)
                longer[: len(column)] = column
                self.held[name] = longer
        self.memo = self._adopted = None
        self.tally[0] += count
        self.model.welcome(self, count)

    def fail(self, reason: str) -> None:
        """Stop: the plugin failed. The tick under way is taken back, the reason made harmless."""
        self.roll_back()
        self._mark = self._before = None
        self.status = "failed"
        self.error = one_line(reason)

    def cancel(self) -> None:
        """Stop at the user's wish; what happened stays."""
        if self.alive:
            self.status = "cancelled"

    def revise(self, **changes: Any) -> None:
        """Change parameters of the model from the next tick on; checked like new ones.

        A cascade that had come to rest runs on: what could not change may change now.
        """
        revised = self.model.revised(**changes)
        revised.check()
        self.model = revised
        self.memo = None
        if self.status == "quiet":
            self.status = "running"

    @property
    def nbytes(self) -> int:
        """Bytes held by its record and its model's columns."""
        own = sum(column.nbytes for column in self.held.values())
        return int(own + self._log.nbytes + self._history.nbytes + 32 * len(self._new))

    # What a snapshot keeps

    def still(self, copied: Callable[[str, Column], Column]) -> Cascade:
        """Return a twin that later ticks do not change, to be dumped; see :mod:`sim.world.still`.

        ``copied(name, array)`` copies what ticks write into; what only grows is shared.
        """
        twin = copy(self)
        rows, log = self._history.so_far(), self._log.so_far()
        vars(twin).update(_log=log, _history=rows, _new=list(self._new), tally=self.tally.copy())
        twin.held = {
            name: column.still(partial(_under, copied, name))
            if isinstance(column, Sparse)
            else copied(name, column)
            for name, column in self.held.items()
        }
        return twin

    def is_as(self, twin: Cascade) -> bool:
        """Whether it is at rest, and no tick or command changed it since its twin was taken."""
        return (
            not self.alive
            and self.group is None  # its peers may write into its columns
            and all(getattr(self, name) == getattr(twin, name) for name in _TOLD_BY)
            and self.model is twin.model
            and self._history.count == twin._history.count
        )

    def dump(self) -> tuple[dict[str, Any], dict[str, Column]]:
        """Return (what JSON can hold, arrays by name)."""
        meta = {
            "id": self.id,
            "text": self.text,
            "author": self.message.author,
            "tags": self.message.tags,
            "kind": self.message.kind,
            "created": self.message.created,
            "model": self.model_name,
            "parameters": self.model.values(),
            "status": self.status,
            "error": self.error,
            "priority": self.priority,
            "starts_at": self.starts_at,
            "started_at": self.started_at,
            "draws": self.draws_mode,
            "seed": str(self.seed),
            "channel": self.channel.name,
            "size": self.size,
            "contacts_seen": self.contacts_seen,
            "rested": self.rested,
            "sparse": sorted(n for n, column in self.held.items() if isinstance(column, Sparse)),
        }
        columns: dict[str, Column] = {
            "seeds": self.seeds,
            "tally": self.tally,
            "history": self.history,
            "new": self.new_adopters,
            **self._log.dump(),
        }
        for name, column in sorted(self.held.items()):
            parts = column.dump() if isinstance(column, Sparse) else {"": column}
            columns |= {f"own.{name}{part}": array for part, array in parts.items()}
        if "own.done" in columns and self.closes_adopters_only():
            del columns["own.done"]
        return meta, columns

    @classmethod
    def restore(
        cls,
        meta: dict[str, Any],
        columns: dict[str, Column],
        *,
        model: PropagationModel,
        agents: int,
        channel: Channel | None = None,
    ) -> Cascade:
        """Return the cascade of :meth:`dump`."""
        message = Message(
            meta["id"], meta["text"], meta["author"], meta["tags"], meta["kind"], meta["created"]
        )
        cascade = cls(
            meta["id"],
            message,
            model,
            columns["seeds"].astype(np.uint32),
            agents=agents,
            seed=int(meta["seed"]),
            priority=meta["priority"],
            starts_at=meta["starts_at"],
            draws_mode=meta["draws"],
            channel=channel,
        )
        require_agents(columns, agents)
        cascade.status = meta["status"]
        cascade.error = meta["error"]
        cascade.started_at = meta["started_at"]
        cascade.contacts_seen = meta["contacts_seen"]
        cascade.rested = meta.get("rested", "")
        cascade._log = Log.restore(columns)
        cascade._ticked = cascade._log.size
        cascade._new = columns["new"].tolist()
        cascade._turn = (cascade.size - sum(cascade._new[-1:]), cascade.size)
        cascade._history = Rows.of(columns["history"])
        cascade.tally = columns["tally"].astype(np.int64)
        own = {n.removeprefix("own."): c for n, c in columns.items() if n.startswith("own.")}
        cascade.held = {name: Sparse.taken(name, own, agents) for name in meta["sparse"]}
        cascade.held |= {name: np.array(column) for name, column in own.items()}
        require_bounds(cascade)
        return cascade


_TOLD_BY = ("status", "error", "rested", "size", "agents", "contacts_seen")


def _under(copied: Callable[[str, Column], Column], name: str, part: str, column: Column) -> Column:
    return copied(name + part, column)
