"""First-passage models: messages take a random delay along each tie, in continuous time.

Within a tick arrivals are processed in order of time, however many ties a message crosses, so
that the tick length only affects when results become visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import U64, Ids
from sim.core.bounds import Bound
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.jit.claims import FREE, count_ties
from sim.spread.cascade.bounds import ARRIVALS
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, marked
from sim.spread.cascade.model import SLICE, PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.continuous import arrivals_kernels as kernels
from sim.spread.continuous.events_kernels import ListenerRows

_FOREVER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Delay:
    """The delay of a tie.

    Attributes
    ----------
    scale
        In ticks: the mean of the exponential law, the scale of the Weibull law.
    shape
        Of the Weibull law; 1: exponential.
    attempts
        Chances of attempts 1, 2, ..., one per tick: the delay is the first success. Empty: one
        of the laws above.
    """

    scale: float = 1.0
    shape: float = 1.0
    attempts: tuple[float, ...] = field(default=())

    @property
    def law(self) -> int:
        """The number of the law in the kernel."""
        if self.attempts:
            return kernels.ATTEMPTS
        return kernels.EXPONENTIAL if self.shape == 1.0 else kernels.WEIBULL

    @property
    def below(self) -> npt.NDArray[np.float64]:
        """The probability that an attempt up to each succeeded, given that any does, float64."""
        succeeded = 1.0 - np.cumprod(1.0 - np.array(self.attempts, np.float64))
        return np.asarray(succeeded / max(self.sure, 1e-300), np.float64)

    @property
    def sure(self) -> float:
        """The probability that any attempt succeeds; 1 for a law."""
        failed = np.prod(1.0 - np.array(self.attempts, np.float64))
        return float(1.0 - failed) if self.attempts else 1.0


class Arrivals(PropagationModel):
    """A model in which each tie passes a message on once, after a delay of its own.

    Overwrite :meth:`delay`, and :meth:`passes` and :meth:`horizon` where they differ. Draws are
    addressed by the tie: the result is that of shortest paths over the ties that pass.
    """

    bounds: ClassVar[dict[str, Bound]] = ARRIVALS
    progressive: ClassVar[bool] = True
    sequential: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        update="one event at a time in continuous time; each tick settles the arrivals within it; "
        "what is under way arrives though its sender be absent, and is lost on an absent follower",
        ties="the earliest arrival counts; of two at the same instant the source of lower id",
        channels="all; in a feed a tie's delay begins in the tick in which the follower is first "
        "shown the message by that source, and what is under way is lost when it leaves feeds",
        draw_modes="coins: one draw a tie for all its life",
        cost="one visit a tie of each adopter, one look at all that are under way",
        largest="10 million agents on one machine",
    )

    def delay(self) -> Delay:
        """Return the delay of a tie."""
        raise NotImplementedError

    def passes(self) -> float:
        """Return the chance that a tie passes the message on at all."""
        return 1.0

    def by_trust(self) -> bool:
        """Return whether the tie's trust multiplies that chance."""
        return False

    def horizon(self) -> float:
        """Return the ticks after its start for which a message is passed on; 0: no limit."""
        return 0.0

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Process the arrivals of this tick."""
        tick = np.uint64((draws.tick - 1) * kernels.TICK), np.uint64(draws.tick * kernels.TICK)
        closed, moved = cascade.closed, cascade.seeds[:0]
        if "due" not in cascade.held:
            cascade.held["due"] = SparseColumn(cascade.agents, np.uint64)
            cascade.held["by"] = SparseColumn(cascade.agents, np.uint32)
            cascade.held["due"][cascade.seeds] = np.uint64(cascade.started_at * kernels.TICK)
            moved = cascade.seeds
        if contacts.speakers is None:
            moved = np.append(moved, _due(cascade, closed, tick)[0])
            while moved.size:
                moved = self.send(cascade, contacts, draws, moved, tick, closed)
        else:  # in a feed those shown speak, and nobody is reached before the tick
            self.send(cascade, contacts, draws, contacts.speakers, tick, closed, since=tick[0])
        reached, cascade.memo = _due(cascade, closed, tick)
        if not self.delay().attempts:  # attempts take whole ticks
            _write_times(cascade, reached, cascade.held["due"])
        cascade.adopt(reached, cascade.held["by"][reached] - np.uint32(1))

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nothing is on its way."""
        home = cascade.oldest
        if cascade.memo is None and "due" in home.held:
            now = np.uint64((cascade.started_at + len(cascade.new_adopters) - 1) * kernels.TICK)
            cascade.memo = _due(home, _taken(cascade), (now, now))[1]
        return bool(cascade.memo == 0)

    def send(
        self,
        cascade: Cascade,
        contacts: Contacts,
        draws: Draws,
        ids: Ids,
        tick: tuple[np.uint64, np.uint64],
        closed: U64,
        since: np.uint64 | None = None,
    ) -> Ids:
        """Let agents send; return those whose arrival changed and is within this tick.

        Delays start when each sender was reached; or at ``since``, if given.
        """
        wait, span = self.delay(), self.horizon()
        end = min((cascade.started_at + span) * kernels.TICK, _FOREVER) if span else _FOREVER
        due, by, scratch = cascade.held["due"], cascade.held["by"], contacts.scratch
        count = count_ties(contacts.rows, ids, 0, ids.size)
        cascade.contacts_seen += count
        for column in (due, by):
            column.reserve(min(count, cascade.agents))
        left_at = due[ids] if since is None else np.full(ids.size, since)
        count = 0
        trust = contacts.trust if self.by_trust() else contacts.trust[:0]
        heard = ListenerRows(contacts.rows, contacts.targets, trust, closed)
        ties = kernels.Passing(
            self.passes() * wait.sure, wait.law, wait.scale, wait.shape, wait.below
        )
        under_way = kernels.UnderWay(due.keys, due.values, by.keys, by.values)
        for low in range(0, ids.size, SLICE):
            count = kernels.send(
                heard, ids, left_at, low, min(low + SLICE, ids.size), draws.key(Stream.COINS),
                draws.coins, ties, *tick, np.uint64(end), under_way, scratch.claim,
                scratch.touched, count,
            )  # fmt: skip
        moved: Ids = scratch.touched[:count].copy()
        scratch.claim[moved] = FREE
        return moved


def settle_rivals(
    cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
) -> None:
    """Process a tick of mutually exclusive messages: the first arrival of any counts.

    For ``step_together`` of an :class:`Arrivals` whose rivals have the same parameters. A tie has
    one delay for all messages. The oldest message stores the pending arrivals.

    Parameters
    ----------
    cascades, contacts, draws
        As ``step_together`` receives them; of one channel, each with its own contacts in a feed.
    """
    home, closed = cascades[0].oldest, _taken(cascades[0])
    now = draws[0].tick
    tick = np.uint64((now - 1) * kernels.TICK), np.uint64(now * kernels.TICK)
    moved = cascades[0].seeds[:0]
    if "due" not in home.held:
        home.held["due"] = SparseColumn(home.agents, np.uint64)
        home.held["by"] = SparseColumn(home.agents, np.uint32)
    due, by = home.held["due"], home.held["by"]
    for cascade in cascades:
        if "_sent" not in cascade.held:
            cascade.held["_sent"] = np.ones(1, np.uint8)
            due[cascade.seeds] = np.uint64(cascade.started_at * kernels.TICK)
            moved = np.append(moved, cascade.seeds)
    again = _resent(home, cascades[0].peers, tick[0])
    seen = home.contacts_seen
    moved = np.concatenate([moved, again, _due(home, closed, tick)[0]])
    _send_on(home, contacts, home.draws(now), moved, tick, closed)
    cascades[0].contacts_seen += home.contacts_seen - seen if home is not cascades[0] else 0
    home.contacts_seen = seen if home is not cascades[0] else home.contacts_seen
    reached, later = _due(home, closed, tick)
    sources = by[reached] - np.uint32(1)
    roots = np.empty(reached.size, np.uint32)
    kernels.roots(reached, sources.copy(), contacts[0].scratch.claim, roots)
    for cascade in cascades:
        cascade.memo = later
        mine = marked(cascade.marks(), roots)
        _write_times(cascade, reached[mine], due)
        cascade.adopt(reached[mine], sources[mine])


def _send_on(
    home: Cascade,
    contacts: Sequence[Contacts],
    draws: Draws,
    moved: Ids,
    tick: tuple[np.uint64, np.uint64],
    closed: U64,
) -> None:
    """Let reached agents send, and those they reach in the tick; in feeds, those shown."""
    model: Any = home.model
    if contacts[0].speakers is None:
        while moved.size:
            moved = model.send(home, contacts[0], draws, moved, tick, closed)
        return
    for heard in contacts:
        shown = moved[:0] if heard.speakers is None else heard.speakers
        model.send(home, heard, draws, shown, tick, closed, since=tick[0])


def _resent(home: Cascade, peers: Sequence[Cascade], now: np.uint64) -> Ids:
    """Drop pending arrivals of stopped messages; return the agents that send again."""
    stopped = np.array([one.id for one in peers if one.status in {"cancelled", "failed"}], np.int64)
    known = home.held.get("_stopped", stopped[:0])
    if np.array_equal(known, stopped):
        return home.seeds[:0]
    home.held["_stopped"] = stopped
    due, by = home.held["due"], home.held["by"]
    ids, times = due.items()
    due[ids[times > now]] = by[ids[times > now]] = 0
    going = [one.adopters for one in peers if "_sent" in one.held and one.id not in stopped]
    return np.concatenate([home.seeds[:0], *going])


def _taken(cascade: Cascade) -> U64:
    """Return the agents that adopted the message or a rival, or are absent."""
    closed = cascade.closed.copy()
    for rival in cascade.peers:
        closed |= rival.marks()
    return closed


def _write_times(cascade: Cascade, reached: Ids, due: SparseColumn) -> None:
    """Record the exact times at which agents were reached, for ``exact_times``."""
    if "time" not in cascade.held:
        cascade.held["time"] = SparseColumn(cascade.agents, np.float64)
        cascade.held["time"][cascade.seeds] = float(cascade.started_at)
    cascade.held["time"][reached] = due[reached] / kernels.TICK


def _due(cascade: Cascade, closed: U64, tick: tuple[np.uint64, np.uint64]) -> tuple[Ids, int]:
    """Return the agents reached in this tick, ascending, and the number reached later."""
    due = cascade.held["due"]
    ids = np.empty(due.values.size + 1, np.uint32)
    count, later = kernels.due_between(due.keys, due.values, closed, *tick, ids)
    return np.sort(ids[:count]), later
