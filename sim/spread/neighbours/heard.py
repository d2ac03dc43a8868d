""":class:`Heard`: the base class of models that decide by counts and trust of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U8, U64, Bools, Ids
from sim.core import rng
from sim.core.authors import returned
from sim.core.bounds import Bound
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, PluginError, UnknownNameError
from sim.jit.claims import NOBODY, count_ties
from sim.jit.order import sort_ids
from sim.jit.sparse import VACANT
from sim.jit.words import CODE, EVER
from sim.spread.cascade.bounds import HEARD
from sim.spread.cascade.cascade import Cascade, Message
from sim.spread.cascade.contacts import Contacts, Draws, Scratch, bitmap
from sim.spread.cascade.faults import place_of
from sim.spread.cascade.generations import again_counted, follow_again, open_again
from sim.spread.cascade.model import SLICE, PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments.rules import After, value_of
from sim.spread.exposure.exposures import EndColumns
from sim.spread.neighbours import heard_kernels as kernels
from sim.spread.neighbours.heard_kernels import NONE


class ByState(Mapping[str, F64]):
    """Columns by the name of a heard state, computed on first access."""

    def __init__(self, names: tuple[str, ...], column: Callable[[int], F64]) -> None:
        self._names = names
        self._column = column
        self._made: dict[str, F64] = {}

    def __getitem__(self, name: str) -> F64:
        if name not in self._names:
            raise UnknownNameError("heard state", name, self._names)
        if name not in self._made:
            self._made[name] = self._column(self._names.index(name))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(eq=False, repr=False)
class Hearing:
    """A chunk of agents that hear at least one source; every attribute is a column.

    Attributes
    ----------
    count, share, weight
        By heard state: ``heard.count["infected"]``. The number of an agent's sources in it; that,
        divided by the number of its sources; and their share of its trust (if the model's
        ``by_trust()`` is true; else the same as ``share``). float64.
    lasting
        Whether the values stay the same until an agent hears something new: true until the model
        reads the time or a column of the agents.
    """

    _cascade: Cascade
    _contacts: Contacts
    _draws: Draws
    _sums: Sums
    _ids: Ids
    _heard: tuple[str, ...]
    _states: tuple[str, ...]
    _codes: U8 | None

    def __post_init__(self) -> None:
        self.count = ByState(self._heard, self._count)
        self.share = ByState(self._heard, self._share)
        self.weight = ByState(self._heard, self._weight)
        self.lasting = True

    def __len__(self) -> int:
        return self._ids.size

    @property
    def listener(self) -> EndColumns:
        """Columns of the agents of the chunk, such as ``listener.openness``."""
        self.lasting = False
        return EndColumns(self._contacts.people, self._ids)

    @property
    def message(self) -> Message:
        """The message that is heard."""
        return self._cascade.message

    @property
    def sources(self) -> F64:
        """Number of sources of an agent, at least 1."""
        return np.maximum(self._contacts.degree[self._ids], 1).astype(np.float64)

    @property
    def threshold(self) -> F64:
        """A draw in [0, 1) for each agent, the same in every tick of a cascade."""
        if self._draws.thresholds.size:
            return self._draws.thresholds[self._ids]
        out = np.empty(len(self))
        kernels.uniforms(self._draws.key(Stream.THRESHOLDS), self._ids, out)
        return out

    @property
    def age_ticks(self) -> F64:
        """Ticks since the cascade started, equal in all rows."""
        self.lasting = False
        return np.full(len(self), float(self._draws.tick - self._cascade.started_at))

    def is_in(self, state: str) -> npt.NDArray[np.bool_]:
        """Return which agents are in a state now: for models in which several states listen."""
        if state not in self._states:
            raise UnknownNameError("state", state, self._states)
        if self._codes is None:  # there is only one listening state
            return np.ones(len(self), np.bool_)
        found: npt.NDArray[np.bool_] = self._codes == self._states.index(state)
        return found

    def _count(self, which: int) -> F64:
        out = np.empty(len(self))
        sums = self._sums
        kernels.count_of(sums.keys, sums.rows, self._ids, which, sums.bits, out)
        return out

    def _share(self, which: int) -> F64:
        out, sums = np.empty(len(self)), self._sums
        degree = self._contacts.degree
        kernels.share_of(sums.keys, sums.rows, self._ids, which, sums.bits, degree, out)
        return out

    def _weight(self, which: int) -> F64:
        sums = self._sums
        if not sums.by_trust:
            return self._share(which)
        out = np.empty(len(self))
        kernels.trust_of(sums.keys, sums.rows, self._ids, which, out)
        shares: F64 = out / np.maximum(self._contacts.in_trust[self._ids], 1)
        return np.minimum(shares, 1.0)


_NO_KEYS = np.empty(0, np.uint32)
_NO_VOICE = np.empty(0, np.uint32)
_NO_STATE = np.empty(0, np.uint8)
_LEAST = 256


class Sums:
    """The number of an agent's sources in each heard state, and their total trust.

    A hash table while few agents hear anything, dense otherwise. Can be rebuilt from states at any
    time (:meth:`tell` over all agents), hence never saved.

    Attributes
    ----------
    keys, rows
        In the form of :mod:`sim.spread.neighbours.heard_kernels`.
    bits
        Number of bits of one counter.
    """

    __slots__ = ("_taken", "bits", "by_trust", "contacts", "keys", "rows")

    def __init__(self, contacts: Contacts, heard: int, *, by_trust: bool) -> None:
        self.contacts = contacts
        self.by_trust = by_trust and contacts.trust.size > 0
        self.bits = kernels.BITS // heard
        self.keys = _NO_KEYS
        self.rows = np.empty((0, 1 + heard * self.by_trust), np.uint64)
        self._taken = 0
        self._resize(_LEAST)

    def reserve(self, more: int) -> None:
        """Make room for ``more`` further agents that hear something."""
        if self.keys.size == 0:
            return
        self._taken += more
        if 2 * self._taken <= self.keys.size:
            return
        self._taken = int(np.count_nonzero(self.keys != VACANT)) + more
        if 2 * self._taken > self.keys.size:
            self._resize(1 << (4 * self._taken - 1).bit_length())

    def _resize(self, slots: int) -> None:
        """Move to a table of ``slots`` slots, or to a row for each agent if that is smaller."""
        width, agents = self.rows.shape[1], self.contacts.agents
        keys, size = _NO_KEYS, agents
        if slots * (4 + 8 * width) < agents * 8 * width:
            keys, size = np.full(slots, VACANT), slots
        rows = np.zeros((size, width), np.uint64)
        kernels.rehash_rows(self.keys, self.rows, keys, rows)
        self.keys, self.rows = keys, rows

    def tell(
        self,
        speakers: Ids,
        was: U8,
        now: int,
        key: np.uint64,
        deaf: U64,
        voice: SparseColumn | None,
        state: SparseColumn | None,
        touched: Ids,
        count: int,
    ) -> int:
        """Move ``speakers`` to the heard state ``now``; return the number of touched agents.

        See :func:`sim.spread.neighbours.heard_kernels.tell`; ``voice`` is the state's column of
        voices, if any, ``state`` that of states, if agents that ever adopted need no voice.
        """
        contacts = self.contacts
        trust = contacts.trust if self.by_trust else contacts.trust[:0]
        if self.keys.size or (voice is not None and voice.keys.size):
            room = min(count_ties(contacts.rows, speakers, 0, speakers.size), contacts.agents)
            self.reserve(room)
            if voice is not None:
                voice.reserve(room)
        voices = (_NO_KEYS, _NO_VOICE) if voice is None else (voice.keys, voice.values)
        states = (_NO_KEYS, _NO_STATE) if state is None else (state.keys, state.values)
        rows, targets, bits = contacts.rows, contacts.targets, self.bits
        told = kernels.ToldColumns(self.keys, self.rows, *voices, *states)
        for low in range(0, speakers.size, SLICE):
            high = min(low + SLICE, speakers.size)
            count = kernels.tell(
                rows, targets, trust, speakers, was, now, low, high, bits, key, deaf, told, touched,
                count,
            )  # fmt: skip
        return count

    def fill(self, ids: Ids, numbers: U8, deaf: U64) -> None:
        """Initialise with agents ``ids`` in the heard states ``numbers``."""
        spare = np.empty(self.contacts.agents + 1, np.uint32)
        blank = np.full(ids.size, kernels.NONE)
        for number in np.unique(numbers[numbers != kernels.NONE]):
            chosen = np.sort(ids[numbers == number])
            self.tell(chosen, blank, int(number), np.uint64(0), deaf, None, None, spare, 0)
        kernels.forget(self.rows)


CHUNK = 65_536
"""Agents evaluated at once; their columns stay in the cache."""
_MANY = 16
"""Up to 1/16 of all agents are looked up one by one, more by a scan of all."""
_NOBODY = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class StateKinds:
    """The role of each state, uint8 (states,).

    Attributes
    ----------
    number
        Its index among the heard states, or :data:`sim.spread.neighbours.heard_kernels.NONE`.
    listens, adopting, final
        Whether agents in it react to what they hear, count as adopters, and never listen again.
    fades
        Whether agents leave a state in which they are heard.
    """

    number: U8
    listens: U8
    adopting: U8
    final: U8
    fades: bool


@dataclass(frozen=True, slots=True)
class SpontaneousRules:
    """Spontaneous changes: outcomes ``first[s]:first[s + 1]`` are those of state ``s``."""

    first: npt.NDArray[np.int64]
    below: npt.NDArray[np.float64]
    becomes: U8


def fill_in(cls: type[Heard]) -> None:
    """Fill in the attributes that neither the class nor a base class declares."""
    filled: set[str] = set()

    def complete(name: str, default: object) -> None:
        owner = next(owner for owner in cls.__mro__ if name in vars(owner))
        if not vars(owner)[name] or name in vars(owner).get("filled", ()):
            setattr(cls, name, default)
            filled.add(name)

    complete("seeded", cls.states[1])
    complete("heard", (cls.seeded,))
    complete("listening", cls.states[:1])
    complete("adopting", tuple(dict.fromkeys((cls.seeded, *cls.heard))))
    cls.filled = frozenset(filled)


@lru_cache(maxsize=512)
def kinds(cls: type[Heard]) -> StateKinds:
    """Return the roles of the states of a class."""
    listens = set(cls.listening)
    for _ in cls.states:
        listens |= {rule.state for rule in cls.rules if rule.becomes in listens}
    number = [cls.heard.index(s) if s in cls.heard else int(NONE) for s in cls.states]
    return StateKinds(
        np.array(number, np.uint8),
        np.array([s in cls.listening for s in cls.states], np.uint8),
        np.array([s in cls.adopting for s in cls.states], np.uint8),
        np.array([s not in listens for s in cls.states], np.uint8),
        any(rule.state in cls.heard for rule in cls.rules) or bool(set(cls.heard) & listens),
    )


def alone(model: Heard, rules: Sequence[After], age: int) -> SpontaneousRules:
    """Return the spontaneous changes at the age of ``age`` ticks."""
    first: list[int] = [0]
    below: list[float] = []
    becomes: list[int] = []
    for name in model.states:
        total = 0.0
        for rule in (rule for rule in rules if rule.state == name):
            chance = _chance(model, rule, age)
            if chance > 0.0:
                total += chance
                below.append(total)
                becomes.append(model.states.index(rule.becomes))
        if total > 1.0 + 1e-12:
            raise ParameterError(
                f"{_name(model)}: the chances of leaving {name!r} must sum to at most 1, "
                f"got {total:g}."
            )
        first.append(len(below))
    return SpontaneousRules(
        np.array(first, np.int64), np.array(below, np.float64), np.array(becomes, np.uint8)
    )


def _chance(model: Heard, rule: After, age: int) -> float:
    asked: set[str] = set()

    def named(name: str) -> float:
        asked.add(name)
        return float(age) if name == "age" else getattr(model, name)

    chance = value_of(rule.chance, named, _known(type(model)))
    if "age" in asked:  # a chance that grows with time is capped at 1
        chance = min(chance, 1.0)
    if not 0.0 <= chance <= 1.0:
        raise ParameterError(
            f"{_name(model)}: the chance {rule.chance!r} must be in [0, 1], got {chance:g}."
        )
    return chance


@lru_cache(maxsize=512)  # inspecting a class takes a millisecond
def _known(cls: type[Heard]) -> tuple[str, ...]:
    """Return the names that a chance may use."""
    properties = (name for name in dir(cls) if isinstance(getattr(cls, name), property))
    return (*cls.model_fields, *properties, "age")


def _name(model: Heard) -> str:
    return model.plugin_name or type(model).__name__


@dataclass(slots=True)
class _HeardCache:
    """State of a cascade's model between ticks that can be recomputed."""

    sums: Sums
    deaf: U64  # agents that need no further updates
    absent: U64  # agents that were absent at the last evaluation
    everybody: bool = True  # evaluate all that hear something, not only those with news
    roused: Ids = field(default_factory=lambda: _NOBODY)  # newly listening
    stirred: bool = True  # the last tick left something to hear or to evaluate
    waiting: Ids = field(default_factory=lambda: _NOBODY)  # agents to evaluate even without news
    settled: bool = False  # the waiting will answer as in the last tick, with chance 0


class Heard(PropagationModel):
    """What an agent does depends on how many of those it hears are in which state.

    Write :meth:`adopts` (who changes now) or :meth:`chance` (how likely each is to). Synchronous:
    what is heard are the states before the tick; a change by hearing goes before one by itself. Who
    is absent does not change, and is still heard as it was.

    Attributes
    ----------
    states
        Names, the first one before the message.
    seeded
        The state of seeds; default: the second one.
    heard
        The states that others hear; default: the seeds'. At most four.
    listening
        The states in which an agent minds what it hears; default: the first.
    adopting
        States whose first entry counts as adoption; default: the seeds', and the heard ones.
    rules
        What happens by itself: ``after(state, becomes, chance=...)``. A chance may name parameters,
        properties and ``age``, the ticks since the message started.
    restless
        Whether :meth:`adopts` is asked of everybody in every tick, not only where something new was
        heard: for what depends on time. :meth:`chance` always is.
    filled
        Which of these followed from the rest.
    """

    bounds: ClassVar[dict[str, Bound]] = HEARD
    seeded: ClassVar[str] = ""
    heard: ClassVar[tuple[str, ...]] = ()
    listening: ClassVar[tuple[str, ...]] = ()
    adopting: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[After, ...]] = ()
    restless: ClassVar[bool] = False
    filled: ClassVar[frozenset[str]] = frozenset()
    card: ClassVar[Card] = Card(
        update="synchronous: what is decided in a tick is seen in the next; who is absent does not "
        "change, is still heard as it was, and is asked on its return",
        comparison="a chance succeeds when a draw in [0, 1) is < it; thresholds as stated",
        ties="the source is one of those whose change was heard last, by a fair draw",
        draw_modes="coins: one draw an agent and tick",
        cost="one visit a tie of each agent that changed, one question an agent that hears news",
        largest="10 million agents on one machine",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Fill in what the declaration leaves out, and check it."""
        super().__pydantic_init_subclass__(**kwargs)
        fill_in(cls)
        named = {cls.seeded, *cls.heard, *cls.listening, *cls.adopting}
        named |= {end for rule in cls.rules for end in (rule.state, rule.becomes)}
        for name in sorted(named - set(cls.states)):
            raise UnknownNameError(f"state of {cls.__name__}", name, cls.states)
        if any(rule.when is not None for rule in cls.rules):
            raise InputError(f"{cls.__name__}: rules with when= or ticks= are for Compartments.")
        if len(cls.heard) > kernels.MOST:
            said = f"{cls.__name__} hears {len(cls.heard)} states; at most {kernels.MOST}."
            raise InputError(said)

    # Methods for authors of models

    def adopts(self, heard: Hearing) -> Bools | Mapping[str, Bools]:
        """Return who changes now, one bool per agent: to the seeds' state, or by state.

        Write it without ``if`` on columns. If several states are given, the first one wins.
        """
        raise NotImplementedError

    def chance(self, heard: Hearing) -> F64 | Mapping[str, F64]:
        """Return the chance of changing to the seeds' state, or to each of several states.

        float64, one per agent; clipped to [0, 1]. NaN, infinity or another shape stops the cascade.
        """
        raise NotImplementedError

    def by_trust(self) -> bool:
        """Return whether ``heard.weight`` sums trust; otherwise it is the share of sources."""
        return False

    def forced(self, cascade: Cascade, tick: int) -> Mapping[str, Ids]:
        """Return the agents that time alone changes this tick: distinct uint32 by new state."""
        return {}

    # Methods called by the world

    def check(self) -> None:
        """Raise for rules with invalid chances."""
        self._alone(0)

    def start(self, cascade: Cascade) -> None:
        """Put the seeds in their state."""
        first, seeds = self.states.index(self.seeded), cascade.seeds
        state = cascade.held["state"] = SparseColumn(cascade.agents, np.uint8)
        state[seeds] = np.uint8(first) | (EVER * (self.seeded in self.adopting))
        cascade.tally[:] = 0
        cascade.tally[0] = cascade.agents - seeds.size
        cascade.tally[first] += seeds.size
        cascade.enter(seeds, np.full(seeds.size, NOBODY))
        fresh = seeds if self.seeded in self.heard else seeds[:0]
        cascade.held["_changed"] = np.stack([fresh, np.full_like(fresh, kernels.NONE)])

        if self._counts_again:
            open_again(cascade)

    @property
    def _counts_again(self) -> bool:
        """Whether agents can leave the adopting states and come back."""
        kind = kinds(type(self))
        return not kind.final[kind.adopting > 0].all()

    def passing_states(self, cascade: Cascade) -> npt.NDArray[np.bool_]:
        """Return the adopting states that are heard."""
        del cascade
        kind = kinds(type(self))
        speaks: npt.NDArray[np.bool_] = (kind.adopting > 0) & (kind.number != kernels.NONE)
        return speaks

    def place(self, cascade: Cascade, name: str, share: float) -> None:
        """Move each agent of the first state to ``name``, an unheard state, with some chance.

        For :meth:`start`, after ``super().start(cascade)``.

        Parameters
        ----------
        cascade, name
            The cascade, and the state.
        share
            The chance for each agent, in [0, 1].
        """
        state, code = cascade.held["state"], self.states.index(name)
        everybody = np.arange(cascade.agents, dtype=np.uint32)
        key = cascade.draws(cascade.started_at).key(Stream.PLACED)
        draw = rng.uniforms(key, everybody, code)
        chosen = everybody[draw < share]
        chosen = chosen[state[chosen] & CODE == 0]
        state[chosen] = np.uint8(code)
        cascade.tally[0] -= chosen.size
        cascade.tally[code] += chosen.size

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Add up changes, evaluate the listeners, apply spontaneous changes, commit."""
        ears, kind = self._ears(cascade, contacts.crowd), kinds(type(self))
        asked = self._listeners(cascade, draws, ears, kind)
        answers = self._answers(cascade, contacts, draws, ears, asked)
        moved = self.forced(cascade, draws.tick)
        scratch, state, touched = contacts.scratch, cascade.held["state"], 0
        for name, ids in moved.items():
            answers.append((self.states.index(name), cascade.present(ids)))
        for code, ids in answers:
            voice = self._voice(cascade, code)
            touched = kernels.propose(
                ids, code, voice.keys, voice.values, scratch.claim, scratch.touched, touched
            )
        free = self._alone(draws.tick - cascade.started_at)
        if free.becomes.size:
            if free.first[1]:
                state.make_dense()
            voice = self._voice(cascade, 0)
            touched = kernels.alone(
                state.keys, state.values, free.first, free.below, free.becomes,
                draws.key(Stream.SPONTANEOUS), cascade.absent, voice.keys, voice.values,
                scratch.claim, scratch.touched, touched,
            )  # fmt: skip
        if kind.fades:
            self._find_sources(cascade, ears.sums.contacts, draws, scratch, touched)
        self._commit(cascade, scratch, ears, kind, touched)

    def _find_sources(
        self, cascade: Cascade, contacts: Contacts, draws: Draws, scratch: Scratch, touched: int
    ) -> None:
        """Let no adoption have a source that left the state in which it was heard."""
        state, kind = cascade.held["state"], kinds(type(self))
        heard = [self.states.index(name) for name in self.heard]
        voiced = np.array(
            [code if code in heard else heard[0] for code in range(len(self.states))], np.uint8
        )
        found, sources = np.empty((2, touched + 1), np.uint32)
        count = kernels.lost(
            scratch.touched, touched, scratch.claim, state.keys, state.values, kind.adopting,
            voiced, found, sources,
        )  # fmt: skip
        if not count:
            return
        ids, codes = state.items()
        key = draws.key(Stream.CONTACTS)
        for code in heard:
            speakers = np.sort(ids[codes & CODE == code])
            kernels.find_again(
                contacts.rows, contacts.targets, speakers, code, voiced, key, scratch.claim
            )
        kernels.unmark(found[:count], sources[:count], scratch.claim)

    def count(self, cascade: Cascade) -> None:
        """Do nothing: :meth:`step` maintains the tally."""

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nobody speaks, reacts or changes any more."""
        leaves = np.diff(self._alone(len(cascade.new_adopters)).first) > 0
        if (cascade.tally[leaves] > 0).any():
            return False
        if contacts.is_silent:
            return True  # nobody hears anything new, whatever the sums hold
        ears: _HeardCache | None = cascade.memo
        if ears is None or ears.sums.contacts is not contacts:
            return False  # new ties must be added up first
        if ears.stirred or not np.array_equal(ears.absent, cascade.absent):
            return False
        return ears.waiting.size == 0 or ears.settled

    # Implementation

    @classmethod
    def _asks_all(cls) -> bool:
        """Whether all agents that hear something are evaluated in every tick."""
        return cls.restless or cls.chance is not Heard.chance

    def _alone(self, age: int) -> SpontaneousRules:
        return alone(self, self.rules, age)

    def _voice(self, cascade: Cascade, code: int) -> SparseColumn:
        """Return the last speaker heard in a state, plus one; unheard states use the first one."""
        name = self.states[code]
        name = f"voice of {name if name in self.heard else self.heard[0]}"
        if name not in cascade.held:
            cascade.held[name] = SparseColumn(cascade.agents, np.uint32)
        column: SparseColumn = cascade.held[name]
        return column

    def _ears(self, cascade: Cascade, contacts: Contacts) -> _HeardCache:
        """Return the sums before the last changes, rebuilt if the ties are others."""
        kept: _HeardCache | None = cascade.memo
        if kept is not None and kept.sums.contacts is contacts:
            return kept
        sums = Sums(contacts, len(self.heard), by_trust=self.by_trust())
        if int(contacts.degree.max(initial=0)) >> sums.bits:
            raise PluginError(
                self.plugin_name,
                f"hears {len(self.heard)} states; then no agent may have more than "
                f"{(1 << sums.bits) - 1:,} sources",
            )
        kind = kinds(type(self))
        ids, values = cascade.held["state"].items()
        deaf = bitmap(cascade.agents, ids[kind.final[values & CODE] > 0])
        told = ~np.isin(ids, cascade.held["_changed"][0])
        who = np.concatenate([ids[told], cascade.held["_changed"][0]])
        where = [kind.number[values[told] & CODE], cascade.held["_changed"][1].astype(np.uint8)]
        sums.fill(who, np.concatenate(where), deaf)
        cascade.memo = _HeardCache(sums, deaf, cascade.absent)
        ears: _HeardCache = cascade.memo
        return ears

    def _listeners(
        self, cascade: Cascade, draws: Draws, ears: _HeardCache, kind: StateKinds
    ) -> Ids:
        """Add the changes of the last tick to the sums; return the agents to evaluate."""
        sums, (ids, was) = ears.sums, cascade.held["_changed"]
        state = cascade.held["state"]
        now = kind.number[state[ids] & CODE]
        ties = count_ties(sums.contacts.rows, ids, 0, ids.size)
        cascade.contacts_seen += ties
        heard = np.empty(min(ties, cascade.agents) + 1, np.uint32)
        key, count = draws.key(Stream.CONTACTS), 0
        known = None if kind.final[kind.adopting > 0].all() else state  # else those are deaf
        for number in np.unique(now):
            chosen = now == number
            voice = None
            if number != kernels.NONE:
                voice = self._voice(cascade, self.states.index(self.heard[number]))
            count = sums.tell(
                ids[chosen], was[chosen].astype(np.uint8), int(number), key, ears.deaf, voice,
                known, heard, count,
            )  # fmt: skip
        about = (sums.keys, sums.rows, state.keys, state.values, kind.listens, cascade.absent)
        more = count + ears.waiting.size + ears.roused.size
        many = ears.waiting.size > 0 and more * _MANY > len(sums.rows)
        if many or ears.everybody or not np.array_equal(ears.absent, cascade.absent):
            heard = np.empty(len(sums.rows) + 1, np.uint32)
            found = heard[: kernels.audience(*about, heard)]
        else:
            some = np.empty(more + 1, np.uint32)
            some[:count] = heard[:count]
            for again in (ears.waiting, ears.roused):
                count = kernels.remind(again, sums.keys, sums.rows, some, count)
            found = some[: kernels.listed(some, count, *about)]
        ears.everybody, ears.absent = False, cascade.absent
        return found

    def _answers(
        self, cascade: Cascade, contacts: Contacts, draws: Draws, ears: _HeardCache, asked: Ids
    ) -> list[tuple[int, Ids]]:
        """Evaluate the model for chunks of agents; return (state, agents that enter it)."""
        answers: list[tuple[int, Ids]] = []
        state, key = cascade.held["state"], draws.key(Stream.OUTCOMES)
        who, what = np.empty(CHUNK + 1, np.uint32), np.empty(CHUNK + 1, np.uint8)
        ears.settled, again = not (self.restless or cascade.absent.size), [_NOBODY]
        for low in range(0, asked.size, CHUNK):
            ids = asked[low : low + CHUNK]
            codes = state[ids] & CODE if len(self.listening) > 1 else None
            heard = Hearing(
                cascade, contacts, draws, ears.sums, ids, self.heard, self.states, codes
            )
            names, columns = self._columns(heard)
            open_still = (columns > 0).any(axis=0)
            again.append(ids[open_still] if self._may_rest(cascade, heard) else ids)
            ears.settled = ears.settled and heard.lasting and not open_still.any()
            count = kernels.drawn(ids, columns, key, who, what)
            for number, name in enumerate(names):
                chosen = who[:count][what[:count] == number]
                if chosen.size:
                    answers.append((self.states.index(name), chosen))
        ears.waiting = np.concatenate(again) if self._asks_all() else _NOBODY
        return answers

    def _may_rest(self, cascade: Cascade, heard: Hearing) -> bool:
        """Return whether answers hold until something new is heard; not if own states matter."""
        calm = heard.lasting and not (self.restless or cascade.absent.size)
        return calm and len(self.listening) == 1

    def _columns(self, heard: Hearing) -> tuple[tuple[str, ...], F64]:
        """Return the model's answers as chances, float64 (states, agents); raise if invalid."""
        method = "chance" if type(self).chance is not Heard.chance else "adopts"
        try:
            said = getattr(self, method)(heard)
        except ValueError as error:
            if "truth value" not in str(error):
                raise
            raise PluginError(
                self.plugin_name,
                f"{method}() branches on a column{place_of(error)}; choose by numpy.where instead",
            ) from error
        named = said if isinstance(said, Mapping) else {self.seeded: said}
        rows = np.empty((len(named), len(heard)))
        for row, (name, column) in zip(rows, named.items(), strict=True):
            if name not in self.states:
                raise UnknownNameError(f"state of {self.plugin_name}", name, self.states)
            answers = np.asarray(column)
            if method == "adopts" and answers.dtype.kind == "f":
                raise PluginError(
                    self.plugin_name,
                    "adopts() must return one bool an agent, got "
                    f"{answers.dtype}; compare, as in > 0.5, or write chance() instead",
                )
            if answers.dtype.kind not in "biuf":
                raise PluginError(
                    self.plugin_name,
                    f"{method}() must return real numbers, got {returned(column, answers)}",
                )
            given = answers.astype(np.float64, copy=False)
            if given.shape not in {(), row.shape}:
                said = f"must return one value an agent, shape {row.shape}, got {given.shape}"
                raise PluginError(self.plugin_name, f"{method}() {said}")
            # This first check allocates no array.
            if not (np.isfinite(given.sum()) or np.isfinite(given).all()):
                said = "returned NaN or infinity; check for a division by 0"
                raise PluginError(self.plugin_name, f"{method}() {said}")
            row[:] = given
        return tuple(named), rows

    def _commit(
        self, cascade: Cascade, scratch: Scratch, ears: _HeardCache, kind: StateKinds, touched: int
    ) -> None:
        """Turn claims into states, and record the changes to be heard in the next tick."""
        state = cascade.held["state"]
        sort_ids(scratch.touched, touched, scratch.sources)
        state.reserve(touched)
        adopted, roused = np.empty((2, touched + 1), np.uint32)
        was = np.empty(touched + 1, np.uint8)
        if self._counts_again or again_counted(cascade):
            ids, holds = scratch.touched[:touched], kind.adopting > 0
            tick = cascade.started_at + len(cascade.history)
            follow_again(cascade, ids, scratch.claim[ids], holds, holds, tick)
        fresh, changed, awake = kernels.commit(
            scratch.touched, touched, state.keys, state.values, scratch.claim, kind.adopting,
            kind.number, kind.final, ears.deaf, cascade.tally, adopted, scratch.sources, was,
            kind.listens, roused,
        )  # fmt: skip
        cascade.enter(adopted[:fresh], scratch.sources[:fresh])
        cascade.held["_changed"] = np.stack(
            [scratch.touched[:changed], was[:changed].astype(np.uint32)]
        )
        ears.roused = roused[:awake]
        ears.stirred = bool(changed or awake)
