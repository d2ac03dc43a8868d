""":class:`Cascade`: one message under one model: states, adoptions, and its tick."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Hashable, Iterator
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import U64, Bools, Ids
from sim.core.bounds import under
from sim.core.checks import LAST_TICK, whole_number
from sim.core.data_frames import TickSeries
from sim.core.pictures import checked_picture
from sim.core.rng import Stream, uniforms
from sim.core.text import one_line
from sim.core.threads import Stalled, interruptible
from sim.errors import InputError, UnknownNameError
from sim.spread.cascade.adoption import Adoption, GrowingRows, Keep, Log
from sim.spread.cascade.bounds import require_agents, require_bounds, require_ticks
from sim.spread.cascade.contacts import Broadcast, Contacts, DrawMode, Draws, OpenedChannel, marked
from sim.spread.cascade.faults import checked, said_by
from sim.spread.cascade.generations import counts_of, generations, newest_r, r_of
from sim.spread.cascade.sparse_column import SparseColumn

if TYPE_CHECKING:
    from sim.spread.cascade.contacts import Around
    from sim.spread.cascade.model import PropagationModel


Status = Literal["queued", "running", "quiet", "failed", "cancelled"]
Column = npt.NDArray[np.generic]


class Cascade(Adoption, TickSeries):
    """One message and its spread; created by ``world.inject``.

    Attributes
    ----------
    id, message, model, seeds
        Its number, the message, the model that decides, and the agents that have it first.
    status
        ``"queued"``, ``"running"``, ``"quiet"`` (nothing can change any more), ``"failed"`` (the
        plugin failed; ``error`` says why) or ``"cancelled"``.
    priority, starts_at, started_at
        Of queued cascades the highest priority starts first, not before tick ``starts_at``;
        ``started_at`` is the tick at which the seeds adopted, -1 while queued.
    draws_mode
        ``"coins"`` or ``"skips"`` (:class:`sim.spread.cascade.contacts.Draws`).
    rested
        State of the world when the cascade went quiet; a change may wake it.
    asked_at
        The last tick at which it was checked, while quiet, for new work after a change.
    ahead
        The seed of future draws (:meth:`redraw`); None: :attr:`seed`.
    shown
        The speakers of this tick, if the channel determines them; else None.
    around
        The world it runs in, for models that share columns of it.
    siblings
        The cascades of its world, or ``None``.
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
        channel: OpenedChannel | None = None,
    ) -> None:
        super().__init__(agents, len(model.states), model.plugin_name or type(model).__name__)
        self.id = number
        self.message = message
        self.model = model
        self.seeds = seeds
        self.seed = seed
        self.ahead: int | None = None
        self.priority = priority
        self.starts_at = starts_at
        self.draws_mode: DrawMode = draws_mode
        self.channel: OpenedChannel = channel or Broadcast()
        self.status: Status = "queued"
        self.error: str | None = None
        self.siblings: Any = None
        self.around: Around | None = None
        self.rested, self.asked_at = "", 0
        self.shown: Ids | None = None
        self.given_coins: U64 = np.empty(0, np.uint64)
        self.given_thresholds: npt.NDArray[np.float64] = np.empty(0)

    # Description

    def __repr__(self) -> str:
        return (
            f"<Cascade {self.id}: {self.model_name}, {self.status}, "
            f"{self.size:,} of {self.agents:,} agents>"
        )

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
        """The names of the states of an agent, as declared by the model."""
        return self.model.states

    @property
    def alive(self) -> bool:
        """Whether it may still change: queued or running."""
        return self.status in {"queued", "running"}

    # Results derived from the record

    @property
    def peers(self) -> tuple[Cascade, ...]:
        """The cascades of its group (:meth:`PropagationModel.together`), including this one.

        Whatever their status, in order of id; empty for a model that is stepped alone.
        """
        group = self.group
        if group is None or self.siblings is None:
            return ()
        found: tuple[Cascade, ...] = self.siblings.peers_of(group)
        return found

    @property
    def oldest(self) -> Cascade:
        """The oldest of its :attr:`peers`; itself if it has none."""
        return next(iter(self.peers), self)

    @property
    def group(self) -> Hashable | None:
        """Its model's class and the value of :meth:`~PropagationModel.together`; or ``None``."""
        group = self.model.together()
        return None if group is None else (type(self.model), group)

    @property
    def now(self) -> int:
        """Number of adopters that spread it now; :attr:`size` counts all that ever adopted.

        Those that may still convince others (:meth:`PropagationModel.may_pass_on`), none once it
        has ended. -1 if the model's plugin is missing, so that the number is unknown.
        """
        return self.model.spreading(self)

    @property
    def adoptions(self) -> npt.NDArray[np.int64]:
        """Adoptions in each tick since the start, first and repeated, int64 (ticks + 1,).

        More than :attr:`new_adopters` if the model lets agents adopt again. -1 where repeated ones
        are not recorded: in continuous time, and in saves from before they were counted.
        """
        return counts_of(self._generations[0])

    @property
    def r(self) -> npt.NDArray[np.float64]:
        """R_t: adoptions caused by those who adopted at t, per adoption, float64 (ticks + 1,).

        From ``started_at``; first and repeated adoptions count. NaN if nobody adopted, while any
        of them may still cause more, and for models in continuous time that let agents adopt
        again: for these only first adoptions are recorded.
        """
        return r_of(*self._generations)

    @property
    def r_newest(self) -> float:
        """R_t of the newest complete generation with only complete ones before it; NaN if none.

        The seeds' generation does not count, and a message that no longer spreads has none.
        """
        return newest_r(self)[0]

    @property
    def _generations(self) -> tuple[npt.NDArray[np.int64], ...]:
        return generations(self)

    @property
    def yet_to_speak(self) -> Ids:
        """Agents whose single turn to speak is still to come, including absent ones."""
        turn: Ids = self._log.agents[slice(*self._turn)]
        late = self.held.get("_waiting")
        return turn if late is None else np.union1d(late, turn)

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes per tick in its world; 60 without a world."""
        return float(getattr(self.around, "tick_minutes", 60.0))

    @property
    def state_now(self) -> npt.NDArray[np.uint8]:
        """The state of each agent now, as an index into :attr:`states`: uint8 (agents,)."""
        if not self._history.count:
            return np.zeros(self.agents, np.uint8)
        return self.model.codes(self)

    def in_state(self, name: str) -> Ids:
        """Return the agents that are in a state now, uint32, ascending.

        Raises
        ------
        UnknownNameError
            For a state that the model does not have.

        Examples
        --------
        >>> from hubbub import World
        >>> world = World.from_edges([0, 1], [1, 2], 4)
        >>> story = world.inject("x", seeds=[0, 2], model="sir", beta=0.0, gamma=0.0)
        >>> story.in_state("infected").tolist(), story.state_now.tolist()
        ([0, 2], [1, 0, 1, 0])
        """
        if name not in self.states:
            raise UnknownNameError(f"state of {self.model_name}", name, self.states)
        return np.flatnonzero(self.state_now == self.states.index(name)).astype(np.uint32)

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of agents in each state now."""
        return dict(zip(self.states, self.tally.tolist(), strict=True))

    def by_tick(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return numbers of agents per tick since the start, each int64 (ticks + 1,).

        ``tick``; ``new``, adopted in it; ``ever``, adopted by then; ``in_STATE``, in a
        state of the model at its end.

        Examples
        --------
        >>> from hubbub import World
        >>> world = World.from_edges([0, 1], [1, 2], 3)
        >>> story = world.inject("x", seeds=[0], model="si", beta=1.0)
        >>> world.step(2)
        >>> {name: column.tolist() for name, column in story.by_tick().items()}
        {'tick': [0, 1, 2], 'new': [1, 1, 1], 'ever': [1, 2, 3], 'in_susceptible': [2, 1, 0], \
'in_infected': [1, 2, 3]}
        """
        new, history = np.asarray(self.new_adopters, np.int64), self.history
        ticks = np.arange(new.size)
        rows = np.minimum(ticks, max(len(history) - 1, 0))  # while quiet no rows are written
        states = {
            f"in_{state}".replace(" ", "_"): history[rows, place]
            for place, state in enumerate(self.states)
        }
        return {"tick": self.started_at + ticks, "new": new, "ever": new.cumsum()} | states

    # Interface for models

    @property
    def frontier(self) -> Ids:
        """The speakers if each adopter speaks once: those whose turn it is, uint32 as recorded.

        The adopters of the last tick that are not absent, and agents that were absent on their turn
        and are back. An agent that misses a message while absent does not hear it later.
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
        """Return the speakers if adopters speak for ``ticks`` ticks, uint32 by (tick, agent).

        One tick is the :attr:`frontier`; a longer span keeps running while an agent is absent.
        """
        if ticks == 1 or self.shown is not None:
            return self.frontier
        spoken = sum(self._new[-ticks:]) if ticks > 0 else 0
        return self.present(self._log.agents[self.size - spoken :])

    def present(self, ids: Ids) -> Ids:
        """Return those of ``ids`` (uint32) that are not absent."""
        return ids[self.is_present(ids)] if self.absent.size else ids

    def is_present(self, ids: Ids) -> Bools:
        """Return which of ``ids`` (uint32) are not absent."""
        return ~marked(self.absent, ids) if self.absent.size else np.ones(ids.size, np.bool_)

    def draws(self, tick: int) -> Draws:
        """Return the randomness of one tick."""
        return Draws(
            self.seed, self.id, tick, self.draws_mode, self.given_coins, self.given_thresholds,
            self.ahead,
        )  # fmt: skip

    def redraw(self, seed: int) -> None:
        """Use another seed for future draws: those of each tick, and coins.

        Values that were drawn once and are in use stay, such as an agent's threshold: with a new
        one, it might adopt at once. So the cascade follows the law of this message from here on,
        given its history. The coin of a tie is tossed when the tie first carries the message, so
        those are future draws.

        Parameters
        ----------
        seed
            A seed as for a world.
        """
        self.ahead = None if seed == self.seed else seed

    def audience(self, spread: float) -> float:
        """Return how well listeners of its seeds are reached: lognormal, mean 1 over messages.

        Drawn once per message, addressed by its id; equal for all its seeds and in every tick.

        Parameters
        ----------
        spread
            Standard deviation of the factor's logarithm, at least 0; 0: the factor is 1.

        Returns
        -------
        float
            ``exp(spread * z - spread**2 / 2)`` with z standard normal, above 0.

        Examples
        --------
        >>> from hubbub import World
        >>> world = World.from_edges([0], [1], seed=7)
        >>> story = world.inject("x", seeds=[0], model="viral")
        >>> story.audience(0.0), round(story.audience(0.9), 3)
        (1.0, 0.694)
        """
        if spread == 0.0:
            return 1.0
        one, two = uniforms(self.draws(0).key(Stream.AUDIENCES), [0, 1]).tolist()
        normal = math.sqrt(-2.0 * math.log1p(-one)) * math.cos(2.0 * math.pi * two)
        return math.exp(spread * normal - spread * spread / 2.0)

    # Interface for the world

    def begin(self, tick: int) -> None:
        """Start the cascade: the seeds adopt at ``tick``."""
        self.status = "running"
        self.started_at = self._now = tick
        self._set_mark()
        self.model.start(self)
        if self._log.size == 0:
            self.adopt(self.seeds)
        self._measure()
        self._mark = None

    def advance(self, tick: int, absent: U64) -> None:
        """Begin the step of ``tick``; agents in the bitmap ``absent`` take no part."""
        self._now = tick
        self.take_up()
        self.catch_up(tick)
        self.absent = absent
        self._speakers, self._measured = None, False
        self._set_mark()

    def set_contacts(self, contacts: Contacts) -> None:
        """Set the contacts of this tick; if the channel's ties changed, invalidate sums over them.

        If the model fails here, the following step stops it like any other fault.
        """
        self.shown = contacts.speakers
        known = self.held.get(_SEAL)
        if contacts.seal == (0 if known is None else int(known[0])):
            return
        if known is not None:
            self.model.unsettle(self)
        self.held[_SEAL] = np.array([contacts.seal], np.uint64)

    @property
    def is_over(self) -> bool:
        """Whether its channel has ended, so that nobody hears it any more (``is_over(tick)``)."""
        asked = getattr(self.channel, "is_over", None)
        return self.is_carried is False or (asked is not None and bool(asked(self._now)))

    @property
    def is_carried(self) -> bool | None:
        """Whether its channel may still deliver it to someone; None: only the model decides."""
        carries = getattr(self.channel, "carries", None)
        return None if carries is None else bool(carries(self.id))

    def is_at_rest(self, contacts: Contacts) -> bool:
        """Return whether nothing about it can change any more.

        Parameters
        ----------
        contacts
            The possible contacts; none once :attr:`is_over`: spontaneous changes continue, while
            a well-mixed model has nothing left to do.
        """
        if not self.is_over:
            is_spent = getattr(self.model, "is_spent", None)
            if is_spent is not None and getattr(self.channel, "is_beyond", False):
                return bool(is_spent(self))  # contacts are not limited to ties
            return not self.is_carried and self.model.is_quiet(self, contacts)
        self.shown = contacts.speakers
        return self.model.well_mixed or self.model.is_quiet(self, contacts)

    def catch_up(self, tick: int) -> None:
        """Append a row to the record for each quiet tick before ``tick``."""
        while self.started_at + self._history.count < tick:
            self._history.append(self.tally)
            self._new.append(0)

    def measure(self, contacts: Contacts) -> None:
        """Close a tick: count states and new adopters; go quiet if nothing can change.

        ``contacts`` are this tick's, or none once :attr:`is_over`.
        """
        self._measure()
        if self.is_at_rest(contacts):
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
        if not self.laid or type(self.model).welcome is not _nobody_asks():
            self.take_up()
        self.agents += count
        self.tally[0] += count
        self._owed += count
        if not self.laid:
            self.memo = self._adopted = None
            try:
                with interruptible():
                    self.model.welcome(self, count)
            except Stalled as error:
                self.fail(f"{self.model_name}: {said_by(error)}")

    def fail(self, reason: str) -> None:
        """Stop because the plugin failed. Roll back the current tick and sanitise the reason."""
        self.roll_back()
        self._mark = self._before = None
        self.status = "failed"
        self.error = one_line(reason)

    def cancel(self) -> None:
        """Stop at the user's request; the record so far stays."""
        if self.alive:
            self.status = "cancelled"

    def revise(self, **changes: Any) -> None:
        """Change parameters of the model from the next tick on; they are validated like new ones.

        A quiet cascade runs again: what could not change before may change now.
        """
        self.model = checked(self.model.revised(**changes))
        self.memo = None
        if self.status == "quiet":
            self.status = "running"
        if self.siblings is not None:
            self.siblings.take_up(self)  # its record may be in scratch files

    def lay_by(self, keep: Keep) -> None:
        """Store the record of an ended cascade where ``keep`` puts arrays, and drop its caches.

        Everything reads as before, and it resumes as before if something wakes it.
        """
        self.memo = self._adopted = self._speakers = self._mark = self._before = None
        self.absent = np.empty(0, np.uint64)
        held = self.held
        if "done" in held and self.closes_adopters_only():
            del held["done"]
        self.held = {
            name: column.still(lambda _, part: keep(part))
            if isinstance(column, SparseColumn)
            else _kept(keep, column)
            for name, column in held.items()
        }
        self.seeds = keep(self.seeds)
        self._history.moved(keep)
        self._log.moved(keep)
        self._new = array("q", self._new)
        self.laid, self.seal = True, None

    def arrays(self) -> Iterator[Column]:
        """Yield the arrays of its record and its model, wherever they are stored."""
        yield from (self._log.agents, self._log.ticks, self._log.sources)
        for _, column in sorted(self._held.items()):
            yield from (
                (column.keys, column.values) if isinstance(column, SparseColumn) else (column,)
            )

    @property
    def nbytes(self) -> int:
        """Bytes of memory held by its record and its model's columns; excludes scratch files."""
        if self.laid:
            return 8 * len(self._new)
        own = sum(getattr(column, "nbytes", 0) for column in self._held.values())
        return int(own + self._log.nbytes + self._history.nbytes + 32 * len(self._new))

    # Snapshots

    def still(self, copied: Callable[[str, Column], Column]) -> Cascade:
        """Return a copy that later ticks do not change, for dumping; see ``snapshot``.

        ``copied(name, array)`` copies what ticks write to; append-only data is shared.
        """
        twin = copy(self)
        rows, log = self._history.so_far(), self._log.so_far()
        vars(twin).update(_log=log, _history=rows, _new=self._new[:], tally=self.tally.copy())
        if self.laid and self.group is None:  # stored arrays are never written to
            vars(twin)["_held"] = dict(self._held)
            return twin
        twin.held = {
            name: column.still(partial(_under, copied, name))
            if isinstance(column, SparseColumn)
            else copied(name, column)
            for name, column in self.held.items()
        }
        twin.laid = False
        return twin

    def fingerprint(self) -> tuple[object, ...]:
        """Return values that differ after any change of the cascade."""
        return tuple(getattr(self, name) for name in _TOLD_BY)

    def is_as(self, twin: Cascade) -> bool:
        """Return whether it is quiet or ended, and unchanged since a copy of it was taken."""
        return (
            not self.alive
            and self.group is None  # its peers may write to its columns
            and self.fingerprint() == twin.fingerprint()
            and self.model is twin.model
            and self.laid is twin.laid
            and self._history.count == twin._history.count
        )

    def dump(self) -> tuple[dict[str, Any], dict[str, Column]]:
        """Return (JSON-able values, arrays by name)."""
        held = self.longer()
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
            **({} if self.ahead is None else {"ahead": str(self.ahead)}),
            "sparse": sorted(n for n, column in held.items() if isinstance(column, SparseColumn)),
        }
        columns: dict[str, Column] = {
            "seeds": self.seeds,
            "tally": self.tally,
            "history": self.history,
            "new": self.new_adopters,
            **self._log.dump(),
        }
        if self.message.image:
            columns["image"] = np.frombuffer(self.message.image.encode(), np.uint8)
        for name, column in sorted(held.items()):
            parts = column.dump() if isinstance(column, SparseColumn) else {"": column}
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
        channel: OpenedChannel | None = None,
    ) -> Cascade:
        """Restore a cascade from :meth:`dump`.

        Raises
        ------
        InputError
            If it contains values that no dump would.
        """
        _require_sound(meta, agents)
        message = Message(
            meta["id"], meta["text"], meta["author"], meta["tags"], meta["kind"], meta["created"],
            checked_picture(columns["image"].tobytes().decode("latin-1"))
            if "image" in columns
            else "",
        )  # fmt: skip
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
        require_ticks(columns, meta["started_at"])
        cascade.status = meta["status"]
        cascade.error = meta["error"]
        cascade.started_at = meta["started_at"]
        cascade.contacts_seen = meta["contacts_seen"]
        cascade.rested = meta.get("rested", "")
        cascade.ahead = int(meta["ahead"]) if "ahead" in meta else None
        cascade._log = Log.restore(columns)
        cascade._ticked = cascade._log.size
        cascade._new = columns["new"].tolist()
        cascade._turn = (cascade.size - sum(cascade._new[-1:]), cascade.size)
        cascade._history = GrowingRows.of(columns["history"])
        cascade.tally = columns["tally"].astype(np.int64)
        cascade._now = max(cascade.started_at + cascade._history.count - 1, 0)
        own = under("own.", columns)
        cascade.held = {name: SparseColumn.taken(name, own, agents) for name in meta["sparse"]}
        cascade.held |= {name: np.array(column) for name, column in own.items()}
        require_bounds(cascade)
        return cascade


_SEAL = "_channel"
"""Digest of the ties that a channel keeps, from when the message last ran over them."""

_STATUSES = ("queued", "running", "quiet", "failed", "cancelled")
_TEXTS = ("text", "kind", "model", "channel", "seed", "rested")
_WIDE = 2**63 - 1


def _require_sound(meta: dict[str, Any], agents: int) -> None:
    """Raise InputError for message data in a file that no world would write."""
    for name in _TEXTS:
        if not isinstance(meta.get(name, ""), str):
            raise InputError(f"Of a message, {name} is a text, got {meta[name]!r:.40}.")
    for name, low, high in (
        ("id", 0, LAST_TICK), ("author", -1, agents - 1), ("tags", 0, 2**64 - 1),
        ("created", 0, LAST_TICK), ("priority", -_WIDE - 1, _WIDE), ("starts_at", 0, LAST_TICK),
        ("started_at", -1, LAST_TICK), ("contacts_seen", 0, _WIDE),
    ):  # fmt: skip
        whole_number(meta[name], f"Of a message, {name}", low=low, high=high)
    if meta["status"] not in _STATUSES or meta["draws"] not in (None, "coins", "skips"):
        raise InputError(f"A message cannot be {meta['status']!r:.40}, {meta['draws']!r:.40}.")
    if not isinstance(meta["error"], str | None):
        raise InputError(f"What failed in a message is a text, got {meta['error']!r:.40}.")


@cache
def _nobody_asks() -> object:
    """Return the ``welcome`` of models that do nothing when agents join."""
    from sim.spread.cascade.model import PropagationModel  # imports cascades itself

    return PropagationModel.welcome


_TOLD_BY = ("status", "error", "rested", "size", "agents", "contacts_seen")


def _kept(keep: Keep, column: Any) -> Any:
    """Keep an array; a plugin may have left something else, which fails on saving."""
    return keep(column) if isinstance(column, np.ndarray) else column


def _under(copied: Callable[[str, Column], Column], name: str, part: str, column: Column) -> Column:
    return copied(name + part, column)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was injected or written."""

    id: int  # 0, 1, 2, ... in the order of creation
    text: str  # clean text (:func:`sim.core.text.clean`)
    author: int = -1  # the agent that wrote it, -1 if none in this world
    tags: int = 0  # its interests, a 64-bit mask over the world's vocabulary
    kind: str = "post"  # ``"post"`` or another word chosen by the user
    created: int = 0  # the tick of its creation
    image: str = field(default="", repr=False)  # its picture as a data URL; empty: none
