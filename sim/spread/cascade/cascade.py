""":class:`Cascade`: one message under one model: states, adoptions, and its tick."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Hashable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import U64, Bools, Ids
from sim.core.bounds import under
from sim.core.checks import LAST_TICK, whole_number
from sim.core.data_frames import TickSeries
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
    from sim.spread.cascade.model import PropagationModel
    from sim.spread.opinions.around import Around


Status = Literal["queued", "running", "quiet", "failed", "cancelled"]
Column = npt.NDArray[np.generic]


class Cascade(Adoption, TickSeries):
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
        ``"coins"`` or ``"skips"`` (:class:`sim.spread.cascade.contacts.Draws`).
    rested
        What the world was like when it came to rest; a change may wake it.
    asked_at
        The tick at which it was asked last, at rest, whether a change gave it work.
    ahead
        The seed of what it draws from now on (:meth:`redraw`); None: of :attr:`seed`.
    shown
        Who speaks in this tick, where the channel says so; else None.
    around
        The world that it runs in, for models that share columns of it.
    company
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

    # What it is

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
        if group is None or self.siblings is None:
            return ()
        found: tuple[Cascade, ...] = self.siblings.peers_of(group)
        return found

    @property
    def oldest(self) -> Cascade:
        """The oldest of its :attr:`peers`; itself without any."""
        return next(iter(self.peers), self)

    @property
    def group(self) -> Hashable | None:
        """Its model's class and what :meth:`~PropagationModel.together` says; ``None``: alone."""
        group = self.model.together()
        return None if group is None else (type(self.model), group)

    @property
    def now(self) -> int:
        """How many hold it now; :attr:`size` counts whoever ever did.

        Where adopters leave it again (recover, forget, stifle) those that have not; else all.
        -1 where the model's plugin is missing, so that nobody can say.
        """
        return self.model.holding(self)

    @property
    def adoptions(self) -> npt.NDArray[np.int64]:
        """Adoptions in each tick since the start, first and later ones, int64 (ticks + 1,).

        Of a model that lets agents adopt again more than :attr:`new_adopters`. -1 where later ones
        are not on record: in continuous time, and in saves from before they were counted.
        """
        return counts_of(self._generations[0])

    @property
    def r(self) -> npt.NDArray[np.float64]:
        """R_t: adoptions caused by those who adopted at t, per adoption, float64 (ticks + 1,).

        From ``started_at``; first and later adoptions count. NaN where nobody adopted, while any
        of them may still cause more, and for models in continuous time that let agents adopt
        again: of these only first adoptions are on record.
        """
        return r_of(*self._generations)

    @property
    def r_newest(self) -> float:
        """R_t of the newest generation that is whole, as are all before it; NaN without one.

        The seeds' is none, and of a message that spreads no more there is none.
        """
        return newest_r(self)[0]

    @property
    def _generations(self) -> tuple[npt.NDArray[np.int64], ...]:
        return generations(self)

    @property
    def yet_to_speak(self) -> Ids:
        """Whose one turn is still to come, absent ones too, where each adopter has one."""
        turn: Ids = self._log.agents[slice(*self._turn)]
        late = self.held.get("_waiting")
        return turn if late is None else np.union1d(late, turn)

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes in a tick of its world; 60 without one."""
        return float(getattr(self.around, "tick_minutes", 60.0))

    @property
    def state_now(self) -> npt.NDArray[np.uint8]:
        """The state of each agent now, by its place in :attr:`states`: uint8 (agents,)."""
        if not self._history.count:
            return np.zeros(self.agents, np.uint8)
        return self.model.codes(self)

    def in_state(self, name: str) -> Ids:
        """Return who is in a state now, uint32, rising.

        Raises
        ------
        UnknownNameError
            For no state of this model.

        Examples
        --------
        >>> from sim import World
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
        """How many agents are in each state now."""
        return dict(zip(self.states, self.tally.tolist(), strict=True))

    def by_tick(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return a number of agents a tick since it began, each int64 (ticks + 1,).

        ``tick``; ``new``, who adopted in it; ``ever``, who had by then; ``in_STATE``, who was in a
        state of the model at its end.

        Examples
        --------
        >>> from sim import World
        >>> world = World.from_edges([0, 1], [1, 2], 3)
        >>> story = world.inject("x", seeds=[0], model="si", beta=1.0)
        >>> world.step(2)
        >>> {name: column.tolist() for name, column in story.by_tick().items()}
        {'tick': [0, 1, 2], 'new': [1, 1, 1], 'ever': [1, 2, 3], 'in_susceptible': [2, 1, 0], \
'in_infected': [1, 2, 3]}
        """
        new, history = np.asarray(self.new_adopters, np.int64), self.history
        ticks = np.arange(new.size)
        rows = np.minimum(ticks, max(len(history) - 1, 0))  # at rest no more are written
        states = {
            f"in_{state}".replace(" ", "_"): history[rows, place]
            for place, state in enumerate(self.states)
        }
        return {"tick": self.started_at + ticks, "new": new, "ever": new.cumsum()} | states

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
        """Let it draw what lies ahead from another seed: each tick's draws, and coins.

        What was drawn once and has worked since stays, such as an agent's threshold: who did not
        adopt would else, given another, adopt at once. So it follows the law of this message from
        here on, given what has happened. Coins of ties are tossed when they are first told, and
        those are still ahead.

        Parameters
        ----------
        seed
            As of a world.
        """
        self.ahead = None if seed == self.seed else seed

    def audience(self, spread: float) -> float:
        """Return how well listeners of its seeds are reached: lognormal, of mean 1 over messages.

        Drawn once a message and addressed by its id; the same for all its seeds, in every tick.

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
        >>> from sim import World
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

    def advance(self, tick: int, absent: U64) -> None:
        """Say that the step of ``tick`` begins, without the agents of the bitmap ``absent``."""
        self._now = tick
        self.take_up()
        self.catch_up(tick)
        self.absent = absent
        self._speakers, self._measured = None, False
        self._set_mark()

    def set_contacts(self, contacts: Contacts) -> None:
        """Say which contacts this tick's step has; sums over a channel's former ties begin anew.

        A fault of the model stops it in the step that follows, as any other.
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
        """Whether its channel says that nobody will hear anybody any more (``is_over(tick)``)."""
        asked = getattr(self.channel, "is_over", None)
        return self.is_carried is False or (asked is not None and bool(asked(self._now)))

    @property
    def is_carried(self) -> bool | None:
        """Whether its channel may still bring it to somebody; None: the model alone says."""
        carries = getattr(self.channel, "carries", None)
        return None if carries is None else bool(carries(self.id))

    def is_at_rest(self, contacts: Contacts) -> bool:
        """Return whether nothing about it can change any more.

        Parameters
        ----------
        contacts
            Who could hear whom; silence once :attr:`is_over`: what happens by itself goes on, while
            a model that mixes everybody with everybody has nothing left.
        """
        if not self.is_over:
            is_spent = getattr(self.model, "is_spent", None)
            if is_spent is not None and getattr(self.channel, "is_beyond", False):
                return bool(is_spent(self))  # no tie says whom it could reach
            return not self.is_carried and self.model.is_quiet(self, contacts)
        self.shown = contacts.speakers
        return self.model.well_mixed or self.model.is_quiet(self, contacts)

    def catch_up(self, tick: int) -> None:
        """Give the record a row for each tick before ``tick`` that the cascade rested."""
        while self.started_at + self._history.count < tick:
            self._history.append(self.tally)
            self._new.append(0)

    def measure(self, contacts: Contacts) -> None:
        """Close a tick: count states and new adopters; rest when nothing can change.

        ``contacts`` are this tick's, or silence once :attr:`is_over`.
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
        self.model = checked(self.model.revised(**changes))
        self.memo = None
        if self.status == "quiet":
            self.status = "running"
        if self.siblings is not None:
            self.siblings.take_up(self)  # it may have been packed away

    def lay_by(self, keep: Keep) -> None:
        """Once it has ended: let its record lie where ``keep`` puts arrays, and drop what follows.

        Everything reads as before, and it goes on as before if something wakes it.
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
        """Yield its record's arrays and its model's, as they lie."""
        yield from (self._log.agents, self._log.ticks, self._log.sources)
        for _, column in sorted(self._held.items()):
            yield from (
                (column.keys, column.values) if isinstance(column, SparseColumn) else (column,)
            )

    @property
    def nbytes(self) -> int:
        """Bytes of memory held by its record and its model's columns; those laid by take none."""
        if self.laid:
            return 8 * len(self._new)
        own = sum(getattr(column, "nbytes", 0) for column in self._held.values())
        return int(own + self._log.nbytes + self._history.nbytes + 32 * len(self._new))

    # What a snapshot keeps

    def still(self, copied: Callable[[str, Column], Column]) -> Cascade:
        """Return a twin that later ticks do not change, to be dumped; see ``snapshot``.

        ``copied(name, array)`` copies what ticks write into; what only grows is shared.
        """
        twin = copy(self)
        rows, log = self._history.so_far(), self._log.so_far()
        vars(twin).update(_log=log, _history=rows, _new=self._new[:], tally=self.tally.copy())
        if self.laid and self.group is None:  # nobody writes into it where it lies
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
        """Return what changes with it, whatever changes."""
        return tuple(getattr(self, name) for name in _TOLD_BY)

    def is_as(self, twin: Cascade) -> bool:
        """Whether it is at rest, and no tick or command changed it since its twin was taken."""
        return (
            not self.alive
            and self.group is None  # its peers may write into its columns
            and self.fingerprint() == twin.fingerprint()
            and self.model is twin.model
            and self.laid is twin.laid
            and self._history.count == twin._history.count
        )

    def dump(self) -> tuple[dict[str, Any], dict[str, Column]]:
        """Return (what JSON can hold, arrays by name)."""
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
        """Return the cascade of :meth:`dump`.

        Raises
        ------
        InputError
            When it says what no dump would.
        """
        _require_sound(meta, agents)
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
"""Of the ties that a channel keeps: what they were when the message last ran over them."""

_STATUSES = ("queued", "running", "quiet", "failed", "cancelled")
_TEXTS = ("text", "kind", "model", "channel", "seed", "rested")
_WIDE = 2**63 - 1


def _require_sound(meta: dict[str, Any], agents: int) -> None:
    """Refuse what a file says of a message and no world would."""
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
    """Return what models have that do not care who joins."""
    from sim.spread.cascade.model import PropagationModel  # which knows cascades

    return PropagationModel.welcome


_TOLD_BY = ("status", "error", "rested", "size", "agents", "contacts_seen")


def _kept(keep: Keep, column: Any) -> Any:
    """Keep an array; an author may have left something else, at which a save is at fault."""
    return keep(column) if isinstance(column, np.ndarray) else column


def _under(copied: Callable[[str, Column], Column], name: str, part: str, column: Column) -> Column:
    return copied(name + part, column)


@dataclass(frozen=True, slots=True)
class Message:
    """Something injected or written.

    Attributes
    ----------
    id
        0, 1, 2, ... in the order of creation.
    text
        Clean text (:func:`sim.core.text.clean`).
    author
        The agent that wrote it, -1 for nobody in this world.
    tags
        Its interests, a 64-bit mask over the world's vocabulary.
    kind
        ``"post"`` or another word of the user's.
    created
        The tick of its creation.
    """

    id: int
    text: str
    author: int = -1
    tags: int = 0
    kind: str = "post"
    created: int = 0
