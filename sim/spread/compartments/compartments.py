"""Declarative compartmental models: states, contact rules, spontaneous changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import PrivateAttr

from sim.arrays import F64, I64, U64, Ids
from sim.core import rng
from sim.core.bounds import Bound
from sim.core.cards import Card, Setting, Theory
from sim.core.rng import Stream
from sim.core.threads import BoundedCache
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.jit.claims import BATCH, BLOCK, FREE, NOBODY
from sim.jit.mix import K1
from sim.jit.order import merge_ids, sort_ids
from sim.jit.words import CODE, EVER, LOW32, S11, S32, S40
from sim.spread.cascade.bounds import STATES
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, DrawMode, Draws, Scratch
from sim.spread.cascade.generations import AdopterStates, again_counted, follow_again, open_again
from sim.spread.cascade.model import SLICE, PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments import table_kernels as kernels
from sim.spread.compartments.conditions import MAY, ConditionRows, RuleCondition
from sim.spread.compartments.rules import (
    KEEP,
    After,
    Chance,
    Contact,
    RuleTable,
    factors_of_trust,
    lives_of,
    tabulate,
    value_of,
)
from sim.spread.theory.theories import curves

ROOM = 65_536
"""Maximum number of contacts listed at once."""
_SKIPS = 2


def _meet_where(rows: ConditionRows, draws: Draws, table: RuleTable) -> int:
    """Let the live agents speak under conditions; return the number of agents claimed."""
    cascade, contacts, live = rows.cascade, rows.contacts, rows.listener
    state, key, touched = cascade.held["state"], draws.key(Stream.CONTACTS), 0
    how, length = table.mode[state[live] & CODE], contacts.rows[live, 1].astype(np.int64)
    tries = np.where(how > _SKIPS, np.minimum(length, 1) * (how - 3), length * (how > 0))
    cascade.contacts_seen += int(tries.sum())
    batch, drawn = np.empty((2, BATCH + 1), np.uint64)
    tossed = np.empty(BLOCK, np.uint64)
    i, at, k = 0, 0, 0
    while i < live.size:
        picked: list[U64] = []
        while i < live.size and len(picked) * BATCH < ROOM:
            size, i, at, k = kernels.pick(
                contacts.rows, contacts.targets, live, i, live.size, at, k, key, state.keys,
                state.values, table.contacts, tossed, batch, drawn,
            )  # fmt: skip
            picked.append(np.stack([batch[:size], drawn[:size]]))
        tried, bits = np.concatenate(picked, axis=1)
        touched = _claim_where(rows, table, tried, bits, touched)
    return touched


def _claim_where(rows: ConditionRows, table: RuleTable, tried: U64, bits: U64, touched: int) -> int:
    """Apply outcomes whose conditions hold to contacts, ``speaker << 32 | place in its row``."""
    contacts, scratch = rows.contacts, rows.contacts.scratch
    speaker = (tried >> S32).astype(np.uint32)
    tie = contacts.rows[speaker, 0] + (tried & LOW32).astype(np.int64)
    here = np.flatnonzero(rows.cascade.is_present(contacts.targets[tie]))
    speaker, tie, bits = speaker[here], tie[here], bits[here]
    scene = replace(rows, listener=contacts.targets[tie], speaker=speaker, tie=tie)
    row, codes = _row_of(scene, table), rows.cascade.held["state"][speaker] & CODE
    skipped = _share(rng.mixed(bits + K1)) * table.ceiling[codes]
    share = np.where(table.mode[codes] == _SKIPS, skipped, _share(bits))
    if contacts.trust.size:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(table.trusted[row], share / (contacts.trust[tie] / 65535.0), share)
    chosen = _chosen(table.off, table.part, table.when, row, share, scene)
    ends = (scene.listener, speaker, table.listener), (speaker, scene.listener, table.speaker)
    for ids, others, becomes in ends:
        new = np.append(becomes, np.uint8(KEEP))[chosen]
        at = new != KEEP
        claims = (bits[at] << S40) | (new[at].astype(np.uint64) << S32) | others[at]
        touched = _put(scratch, ids[at], claims, touched)
    return touched


def _row_of(scene: ConditionRows, table: RuleTable) -> I64:
    """Return the table row of each contact."""
    state, size = scene.cascade.held["state"], np.int64(table.mode.size)
    found: I64 = (state[scene.speaker] & CODE) * size + (state[scene.listener] & CODE)
    return found


def _share(bits: U64) -> F64:
    return (bits >> S11).astype(np.float64) * 2.0**-53


def _put(scratch: Scratch, ids: Ids, claims: U64, touched: int) -> int:
    """Lower the claims on agents; return the new number of touched agents."""
    fresh = np.unique(ids[scratch.claim[ids] == FREE])
    np.minimum.at(scratch.claim, ids, claims)
    scratch.touched[touched : touched + fresh.size] = fresh
    return touched + fresh.size


def _befall_where(
    rows: ConditionRows, draws: Draws, table: RuleTable, touched: int
) -> tuple[int, int, Ids]:
    """Apply conditional changes to live agents; return (kept, touched, changed without a claim)."""
    live, scratch, cascade = rows.listener, rows.contacts.scratch, rows.cascade
    ids = live[scratch.claim[live] == FREE]
    code = cascade.held["state"][ids]
    bits, old = rng.words(draws.key(Stream.SPONTANEOUS), ids), (code & CODE).astype(np.int64)
    scene = replace(rows, listener=ids)
    chosen = _chosen(table.soff, table.spart, table.swhen, old, _share(bits), scene)
    new = np.where(chosen < 0, old, np.append(table.snew, np.uint8(0))[chosen])
    fresh = (chosen >= 0) & (table.adopting[new] > 0) & (code < EVER)
    claims = (bits << S40) | (new.astype(np.uint64) << S32) | np.uint64(NOBODY)
    touched = _put(scratch, ids[fresh], claims[fresh], touched)
    moved = ~fresh & (new != old)
    cascade.held["state"][ids[moved]] = (code[moved] & EVER) | new[moved].astype(np.uint8)
    size = table.mode.size
    cascade.tally += np.bincount(new[moved], minlength=size)
    cascade.tally -= np.bincount(old[moved], minlength=size)
    kept = ids[~fresh & _restless(table)[new]]
    live[: kept.size] = kept
    return kept.size, touched, ids[moved]


def _chosen(
    off: I64,
    part: F64,
    when: tuple[RuleCondition | None, ...],
    row: I64,
    share: F64,
    scene: ConditionRows,
) -> I64:
    """Return the index of the outcome of each row, -1 for none.

    Chances of the outcomes whose condition holds are accumulated in the order of the rules; the
    first sum above the share decides.
    """
    chosen = np.full(row.size, -1, np.int64)
    for number in np.unique(row).tolist():
        at = np.flatnonzero(row == number)
        seen, below = scene.part(at), np.zeros(at.size)
        for outcome in range(off[number], off[number + 1]):
            condition = when[outcome]
            holds = np.ones(at.size, np.bool_) if condition is None else condition.holds(seen)
            below = below + np.where(holds, part[outcome], 0.0)
            hit = holds & (chosen[at] < 0) & (share[at] < below)
            chosen[at[hit]] = outcome
    return chosen


def could_change(rows: ConditionRows, table: RuleTable) -> bool:
    """Return whether the live agents have any change left whose condition may still hold."""
    contacts, cascade = rows.contacts, rows.cascade
    codes = (cascade.held["state"][rows.listener] & CODE).astype(np.int64)
    if _may(table.soff, table.swhen, codes, rows):
        return True
    for low in range(0, codes.size, BATCH):
        start, length = contacts.rows[rows.listener[low : low + BATCH]].astype(np.int64).T
        tie = np.arange(length.sum()) + np.repeat(start + length - np.cumsum(length), length)
        speaker = np.repeat(rows.listener[low : low + BATCH], length)
        here = np.flatnonzero(cascade.is_present(contacts.targets[tie]))
        listener, speaker, tie = contacts.targets[tie[here]], speaker[here], tie[here]
        scene = replace(rows, listener=listener, speaker=speaker, tie=tie)
        if _may(table.off, table.when, _row_of(scene, table), scene):
            return True
    return False


def _may(off: I64, when: tuple[RuleCondition | None, ...], row: I64, scene: ConditionRows) -> bool:
    """Return whether any outcome of any row may happen."""
    for number in np.unique(row).tolist():
        seen = scene.part(np.flatnonzero(row == number))
        for condition in when[off[number] : off[number + 1]]:
            if condition is None or condition.over(seen)[MAY].any():
                return True
    return False


def note_entries(cascade: Cascade, moved: Ids, scratch: Scratch, touched: int, tick: int) -> None:
    """Record the entry tick of agents that change state: spontaneously, or by a claim."""
    ids = scratch.touched[:touched]
    old = cascade.held["state"][ids] & CODE
    new = (scratch.claim[ids] >> np.uint64(32)).astype(np.uint8)
    now = np.int32(tick - cascade.started_at)
    cascade.held["since"][moved] = now
    cascade.held["since"][ids[old != new]] = now


_MOST_TABLES = 1000
_tables: BoundedCache[RuleTable] = BoundedCache(_MOST_TABLES)
_lives: BoundedCache[AdopterStates] = BoundedCache(_MOST_TABLES)


class Compartments(PropagationModel):
    """A model of states and rules; six lines cover most of the epidemic and rumour models.

    Synchronous: a tick's contacts read the states that it began with; a speaker attempts before it
    changes by itself; an agent changes at most once a tick, and a contact goes before a change by
    itself. Among several contacts of one agent a fair draw decides.

    Attributes
    ----------
    states
        Names, the first one before the message; at most 64.
    seeded
        The state of seeds.
    rules
        Made by :func:`~sim.spread.compartments.rules.contact` and
        :func:`~sim.spread.compartments.rules.after`.
    by_hours
        Whether chances depend on how long a tick is, through properties that read
        :attr:`tick_hours`: parameters are then by the hour, whatever ``tick_minutes`` says.
    adopting
        States whose first entry counts as adoption; default: the seeds' state, and those that a
        contact leads to from the first state.
    contacts
        ``"every tie"``, or how many of its ties, drawn at random, a speaker uses in a tick.
    in_rates
        Whether the rules hold rates in continuous time.
    """

    bounds: ClassVar[dict[str, Bound]] = STATES
    draws: ClassVar[DrawMode] = "skips"
    seeded: ClassVar[str] = ""
    rules: ClassVar[tuple[Contact | After, ...]] = ()
    adopting: ClassVar[tuple[str, ...]] = ()
    _tick_hours: float = PrivateAttr(1.0)
    contacts: ClassVar[Literal["every tie"] | int] = "every tie"
    in_rates: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        update="synchronous: contacts read the states a tick began with; a speaker attempts before "
        "it changes by itself; an agent changes at most once a tick, a contact before by itself",
        ties="among several contacts of one agent a fair draw decides, whatever their chances; "
        "outcomes of one contact share one draw",
        draw_modes="coins, skips; by default skips where one chance allows it",
        cost="the ties of agents that speak, and a draw for each that may change by itself",
        largest="10 million agents with 200 million ties",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the declaration when the class is made."""
        super().__pydantic_init_subclass__(**kwargs)
        _check_kinds(cls)
        if cls.rules:
            check_declaration(cls)

    def check(self) -> None:
        """Raise for chances outside [0, 1] and rows that sum to more than 1."""
        if not self.rules:
            said = "has no rules; write rules = (contact(listener, becomes, by=..., chance=...),)"
            raise ParameterError(f"{self.plugin_name or type(self).__name__}: it {said}.")
        self.table("coins")

    @property
    def tick_hours(self) -> float:
        """Simulated hours per tick, for properties of models with hourly rates."""
        return self._tick_hours

    def in_world(self, cascade: Cascade) -> None:
        """Take the tick length from a cascade's world, if :attr:`by_hours`."""
        if self.by_hours:
            self._tick_hours = cascade.tick_minutes / 60.0

    def start(self, cascade: Cascade) -> None:
        """Put the seeds in their state."""
        self.in_world(cascade)
        first = self.states.index(self.seeded)
        state = cascade.held["state"] = SparseColumn(cascade.agents, np.uint8)
        state[cascade.seeds] = np.uint8(first) | EVER
        cascade.tally[:] = 0
        cascade.tally[0] = cascade.agents - cascade.seeds.size
        cascade.tally[first] += cascade.seeds.size
        if self.table(cascade.draws_mode).is_timed:
            cascade.held["since"] = SparseColumn(cascade.agents, np.int32)
        cascade.enter(cascade.seeds, np.full(cascade.seeds.size, NOBODY))
        if self.counts_again(cascade.draws_mode):
            open_again(cascade)

    def counts_again(self, mode: DrawMode) -> bool:
        """Return whether agents can adopt again and each adoption is counted."""
        return self.lives(mode).re_enters and not self.in_rates

    def for_seeds(self, cascade: Cascade) -> Self:
        """Return the model whose parameters apply to seeds as speakers; by default itself.

        Called each tick if speakers use every tie and rules have no conditions. The result may
        differ only in the chances of contacts; the addresses of draws are the same either way.
        """
        return self

    def lives(self, mode: DrawMode) -> AdopterStates:
        """Return the roles of the states for adopters; cached, as :meth:`table`."""
        key = (type(self), mode, tuple(vars(self).items()), self._tick_hours)
        return _lives.get(key, lambda: lives_of(self.table(mode), self.changes_beside()))

    def changes_beside(self) -> Sequence[tuple[int, int]]:
        """Return changes of state outside the rules, (from, to)."""
        return ()

    def passing_states(self, cascade: Cascade) -> npt.NDArray[np.bool_]:
        """Return the states that speak, or may come to speak spontaneously."""
        return self.lives(cascade.draws_mode).passes_on

    def tells_adoptions(self, cascade: Cascade) -> bool:
        """Return whether all adoptions are recorded: repeated ones in continuous time are not."""
        return not (self.in_rates and self.lives(cascade.draws_mode).re_enters)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Apply contacts, then spontaneous changes, then commit the winning claims."""
        live, count, table = self._remembered(cascade)
        away = live[:0]
        if cascade.absent.size:
            live, count, away = _part(cascade, live, count)
        scratch, state = contacts.scratch, cascade.held["state"]
        rows = ConditionRows(cascade, contacts, draws.tick, live[:count])
        if table.is_gated:
            touched = self._due(rows, _meet_where(rows, draws, table))
            kept, touched, moved = _befall_where(rows, draws, table, touched)
        else:
            touched = self._due(rows, self._meet(rows, draws, table))
            kept, touched = kernels.table_spontaneous(
                live, count, draws.key(Stream.SPONTANEOUS), state.keys, state.values,
                scratch.claim, scratch.touched, touched, table.soff, table.scum, table.snew,
                table.mode, table.adopting, cascade.tally,
            )  # fmt: skip
        sort_ids(scratch.touched, touched, scratch.sources)
        state.reserve(touched)
        changed = scratch.touched[:touched].copy()
        if "since" in cascade.held:
            note_entries(cascade, moved, scratch, touched, draws.tick)
        if self.counts_again(cascade.draws_mode) or again_counted(cascade):
            lives, claims = self.lives(cascade.draws_mode), scratch.claim[changed]
            follow_again(cascade, changed, claims, lives.adopts, lives.course, draws.tick)
        adopted = np.empty(touched, np.uint32)
        roused, fresh = kernels.table_commit(
            scratch.touched, touched, state.keys, state.values, scratch.claim, table.soff,
            table.mode, table.adopting, cascade.tally, adopted, scratch.sources,
        )  # fmt: skip
        _settle(cascade, scratch, table, live, kept, roused, away)
        cascade.enter(adopted[:fresh], scratch.sources[:fresh])
        self._entered(cascade, changed, draws)

    def _due(self, rows: ConditionRows, touched: int) -> int:
        """Claim agents whose time in their state is over; return the number of agents claimed."""
        return touched

    def _entered(self, cascade: Cascade, agents: Ids, draws: Draws) -> None:
        """Handle the new states of agents that were claimed in this tick."""

    def _meet(self, rows: ConditionRows, draws: Draws, table: RuleTable) -> int:
        """Let the live agents speak; return the number of agents claimed."""
        cascade, ids = rows.cascade, rows.listener
        seeding = self.for_seeds(cascade)
        if seeding is self:
            return _claim(rows, draws, table, 0)
        own, by_seed = seeding.table(cascade.draws_mode), np.isin(ids, cascade.seeds)
        touched = _claim(replace(rows, listener=ids[by_seed]), draws, own, 0)
        return _claim(replace(rows, listener=ids[~by_seed]), draws, table, touched)

    def count(self, cascade: Cascade) -> None:
        """Do nothing: the kernels maintain the tally."""

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nobody speaks or changes any more, or no tie is left to spread over."""
        contacts = contacts.whole  # the channel may choose other contacts in another tick
        live, count, table = self._remembered(cascade)
        state, absent = cascade.held["state"], cascade.absent.size > 0
        if absent:
            live = cascade.present(live[:count])
            count = live.size
        if count == 0:
            return True
        if cascade.stirred:
            return False
        if table.is_gated:
            tick = cascade.started_at + len(cascade.history)
            return not could_change(ConditionRows(cascade, contacts, tick, live[:count]), table)
        restless = np.diff(table.soff) > 0
        if (restless[state[live] & CODE] if absent else cascade.tally[restless] > 0).any():
            return False
        return not kernels.any_contact_left(
            contacts.rows, contacts.targets, live, count, state.keys, state.values,
            cascade.absent, table.total, len(self.states),
        )  # fmt: skip

    def is_spent(self, cascade: Cascade) -> bool:
        """Return whether no agent, nor any that joins, is in a state that speaks or changes."""
        self.in_world(cascade)
        restless = _restless(self.table(cascade.draws_mode))
        return not restless[0] and not cascade.tally[restless].any()

    def _remembered(self, cascade: Cascade) -> tuple[Ids, int, RuleTable]:
        """Return the live agents in a buffer, their number, and the rules as arrays."""
        self.in_world(cascade)
        if cascade.memo is None:
            table = self.table(cascade.draws_mode)
            live = _live(cascade.held["state"], table)
            cascade.memo = (live, live.size, table)
        found: tuple[Ids, int, RuleTable] = cascade.memo
        return found

    def table(self, mode: DrawMode) -> RuleTable:
        """Return the rules as arrays, cached for each set of parameters and draw mode."""
        key = (type(self), mode, tuple(vars(self).items()), self._tick_hours)
        return _tables.get(key, lambda: self._tabulated(mode))

    def _tabulated(self, mode: DrawMode) -> RuleTable:
        known = [*type(self).model_fields, *properties(type(self)), "trust"]

        def evaluate(chance: Chance) -> float:
            return value_of(chance, lambda n: 1.0 if n == "trust" else getattr(self, n), known)

        return tabulate(
            self.plugin_name or type(self).__name__,
            self.states,
            self.rules,
            evaluate,
            adopting=self.adopting or _reached(type(self)),
            skips=mode == "skips" and not self.in_rates,
            contacts=None if self.contacts == "every tie" else int(self.contacts),
            rates=self.in_rates,
        )

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the equations' predictions, most accurate first; none for conditional rules."""
        table = self.table(self.draws)
        if table.is_gated:
            return ()
        return curves(table, self.states, self.seeded, setting, ticks, in_rates=self.in_rates)


def _claim(rows: ConditionRows, draws: Draws, table: RuleTable, touched: int) -> int:
    """Add the claims of speakers to the existing ones; return the number of agents claimed."""
    cascade, contacts, live = rows.cascade, rows.contacts, rows.listener
    scratch, state, key = contacts.scratch, cascade.held["state"], draws.key(Stream.CONTACTS)
    for low in range(0, live.size, SLICE):
        touched, attempts = kernels.table_contacts(
            contacts.rows, contacts.targets, contacts.trust, live, low, min(low + SLICE, live.size),
            key, state.keys, state.values, cascade.absent, scratch.claim, scratch.touched, touched,
            table.contacts,
        )  # fmt: skip
        cascade.contacts_seen += attempts
    return touched


def _live(state: SparseColumn, table: RuleTable) -> Ids:
    """Return the agents whose state speaks or decays, ascending."""
    restless = _restless(table)
    if restless[0]:
        state.make_dense()
        return np.flatnonzero(restless[state.values & CODE]).astype(np.uint32)
    agents, values = state.items()
    live: Ids = agents[restless[values & CODE]]
    return live


def _restless(table: RuleTable) -> npt.NDArray[np.bool_]:
    """Return whether each state speaks or decays, bool (states,)."""
    found: npt.NDArray[np.bool_] = (table.mode > 0) | (np.diff(table.soff) > 0)
    return found


def _with_room(live: Ids, count: int, room: int) -> Ids:
    """Return the list with room for more agents."""
    if live.size >= room:
        return live
    larger = np.empty(room + room // 2, np.uint32)
    larger[:count] = live[:count]
    return larger


def _settle(
    cascade: Cascade, scratch: Scratch, table: RuleTable, live: Ids, kept: int, roused: int,
    away: Ids,
) -> None:  # fmt: skip
    """Store the live agents: those kept, those activated (first in ``touched``), and the absent."""
    live = _with_room(live, kept, kept + roused + away.size)
    merge_ids(live, kept, scratch.touched, roused)
    merge_ids(live, kept + roused, away, away.size)
    cascade.memo = (live, kept + roused + away.size, table)


def _part(cascade: Cascade, live: Ids, count: int) -> tuple[Ids, int, Ids]:
    """Separate the absent: return (live, number of present agents, absent agents)."""
    ids = live[:count]
    here = cascade.is_present(ids)
    present, away = ids[here], ids[~here]
    live[: present.size] = present
    return live, present.size, away


def _reached(cls: type[Compartments]) -> tuple[str, ...]:
    """Return the adopting states: that of seeds, and those that contacts lead to from the first."""
    found = {cls.seeded}
    for rule in cls.rules:
        if isinstance(rule, Contact) and rule.listener == cls.states[0]:
            found |= {becomes for becomes, _ in rule.outcomes if becomes}
    return tuple(sorted(found))


_MOST_STATES = 64


def _check_kinds(cls: type[Compartments]) -> None:
    """Raise for a single value where a sequence is needed, and for fewer than 1 contacts."""
    for name in ("states", "rules", "adopting"):
        if isinstance(said := getattr(cls, name), str | Contact | After):
            raise InputError(
                f"{cls.__name__}: {name} is one {type(said).__name__}; write {name} = (...,), with "
                "a comma."
            )
    if isinstance(cls.contacts, int) and cls.contacts < 1:
        raise InputError(
            f"{cls.__name__}: contacts must be at least 1 or 'every tie', got {cls.contacts}."
        )


def check_declaration(cls: type[Compartments]) -> None:
    """Raise for unknown states in rules, misplaced trust, and invalid conditions."""
    _check_trust(cls.__name__, cls.rules)
    known = [*cls.model_fields, *properties(cls)]
    for rule in cls.rules:
        if rule.when is not None:
            alone = isinstance(rule, After)
            _check_condition(rule.when, cls.__name__, cls.states, known, alone=alone)
    if not cls.seeded:
        raise InputError(
            f"{cls.__name__} does not say in which state a message starts; write seeded = "
            f"{cls.states[-1 if len(cls.states) < 2 else 1]!r}, or another of its states."
        )
    named = {cls.seeded, *cls.adopting}
    for rule in cls.rules:
        if isinstance(rule, After):
            named |= {rule.state, rule.becomes}
        else:
            named |= {rule.listener, *rule.speakers, rule.speaker_becomes or rule.listener}
            named |= {becomes or rule.listener for becomes, _ in rule.outcomes}
    for name in sorted(named - set(cls.states)):
        raise UnknownNameError(f"state of {cls.__name__}", name, cls.states)
    if len(cls.states) > _MOST_STATES:
        raise InputError(f"{cls.__name__} has {len(cls.states)} states; at most {_MOST_STATES}.")


def properties(cls: type[Compartments]) -> list[str]:
    """Return the names of computed parameters that rules may use."""
    return [name for name in dir(cls) if isinstance(getattr(cls, name, None), property)]


def _check_trust(owner: str, rules: Sequence[Contact | After]) -> None:
    """Raise if ``trust`` is not a factor of the whole chance of a contact, or of a row."""
    rows: dict[tuple[str, str], set[bool]] = {}
    for rule in rules:
        if isinstance(rule, After):
            if factors_of_trust(rule.chance) != 0:
                raise InputError(
                    f"{owner}: the chance {rule.chance!r} names trust, which only a contact has; "
                    "leave it out of after()."
                )
            continue
        for _, chance in rule.outcomes:
            found = factors_of_trust(chance)
            if found not in {0, 1}:
                raise InputError(
                    f"{owner}: in the chance {chance!r} trust is no plain factor of the whole; "
                    "write it as a product, such as 'beta * trust'."
                )
            for speaker in rule.speakers:
                rows.setdefault((speaker, rule.listener), set()).add(found == 1)
    for (speaker, listener), kinds in rows.items():
        if len(kinds) > 1:
            raise InputError(
                f"{owner}: trust is a factor of some chances of {listener!r} hearing {speaker!r} "
                "but not of all; let it multiply all of them or none."
            )


def _check_condition(
    condition: RuleCondition, owner: str, states: tuple[str, ...], known: list[str], *, alone: bool
) -> None:
    """Raise for a condition that names something the model does not have."""
    for one in condition.comparisons():
        if isinstance(one.right, str) and one.right not in known:
            raise UnknownNameError(f"parameter of {owner}", one.right, known)
        for side in one.quantities():
            if alone and (side.is_tie or side.of == "speaker"):
                raise InputError(
                    f"{owner}: after() happens to an agent alone; its condition cannot ask for a "
                    f"tie or a speaker."
                )
            for name in side.states:
                if name not in states:
                    raise UnknownNameError(f"state of {owner}", name, states)
