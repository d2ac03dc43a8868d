"""Channels: who hears whom in a tick, and the randomness of models.

The *broadcast* channel is the classical setting: every listener of every speaker hears it. Any
other channel provides explicit contacts (:meth:`Contacts.listed`); models see no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, U32, U64, Bools, Ids
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.claims import FREE, mark
from sim.network.graph.ties_kernels import tie_between
from sim.network.relations.blocklist_kernels import shut
from sim.spread.neighbours.threshold_kernels import in_trust

DrawMode = Literal["coins", "skips"]
N = TypeVar("N", np.uint8, np.uint16)

_NO_TRUST = np.empty(0, np.uint16)


ALL_OPEN = np.empty(0, np.uint64), np.empty((0, 2), np.uint32), np.empty(0, np.uint32)
"""An empty blocklist."""


def bitmap(agents: int, ids: npt.ArrayLike = ()) -> U64:
    """Return a bitmap with one bit per agent (uint64 words), with the bits of ``ids`` set."""
    words = np.zeros((agents + 63) // 64, np.uint64)
    mark(np.asarray(ids, np.uint32), words)
    return words


def marked(words: U64, ids: Ids) -> Bools:
    """Return whether the bit of each of ``ids`` (uint32) is set in a bitmap."""
    bits = words[ids >> np.uint32(6)] >> (ids & np.uint32(63)).astype(np.uint64)
    found: Bools = (bits & np.uint64(1)) > 0
    return found


class Scratch:
    """Working columns shared by all cascades of a world: 16 bytes an agent, never saved.

    Attributes
    ----------
    touched
        uint32 (agents + 1,), agents that are claimed; kernels write one slot past the last.
    sources
        uint32 (agents,), their sources.
    calendar
        The arrays of :func:`sim.spread.continuous.continuous.calendar_of`, empty, or ``None``.
    """

    def __init__(self, agents: int) -> None:
        self._agents = agents
        self._claim: npt.NDArray[np.uint64] | None = None
        self.touched = np.empty(agents + 1, np.uint32)
        self.sources = np.empty(agents, np.uint32)
        self.calendar: Any = None

    @property
    def claim(self) -> npt.NDArray[np.uint64]:
        """uint64 (agents,), ``FREE`` between ticks (:mod:`sim.jit.claims`)."""
        if self._claim is None:
            self._claim = np.full(self._agents, FREE)
        return self._claim

    @property
    def fits(self) -> int:
        """Number of agents that the columns fit."""
        return self._agents

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        own = self.touched.nbytes + self.sources.nbytes
        own += 0 if self._claim is None else self._claim.nbytes
        return int(own + sum(np.asarray(column).nbytes for column in self.calendar or ()))

    def release(self) -> None:
        """Clear all claims: a model that failed half-way may leave some."""
        if self._claim is not None:
            self._claim.fill(FREE)

    def give_back(self) -> None:
        """Free the memory of claims between ticks; it is allocated again on demand."""
        self._claim = None


_NONE_GIVEN = np.empty(0, np.uint64)
_NO_THRESHOLDS = np.empty(0)


class Draws(NamedTuple):
    """The randomness of one cascade in one tick; every draw has an address.

    Attributes
    ----------
    seed, salt, tick
        The world's seed, the cascade's id, the tick.
    mode
        ``"coins"``: one coin per contact; the same coins and a larger chance give a superset.
        ``"skips"``: geometric gaps; the same distribution, faster for constant chances.
    coins
        uint64 (ties,) bits given by a test instead of drawn, or empty.
    thresholds
        float64 (agents,) given by a test instead of drawn, or empty.
    ahead
        The seed of draws per tick and of coins; None: :attr:`seed`.
    """

    seed: int
    salt: int
    tick: int
    mode: DrawMode
    coins: npt.NDArray[np.uint64] = _NONE_GIVEN
    thresholds: npt.NDArray[np.float64] = _NO_THRESHOLDS
    ahead: int | None = None

    def key(self, stream: Stream) -> np.uint64:
        """Return the key of a cascade's stream.

        For streams that are drawn only once, it is the same in every tick: the coin of a tie, the
        threshold of an agent.
        """
        seed = self.seed
        if self.ahead is not None and (stream.is_ticked or stream is Stream.COINS):
            seed = self.ahead
        return rng.key(seed, stream, self.tick if stream.is_ticked else 0, self.salt + 1)

    def uniforms(
        self, ids: npt.ArrayLike, ids2: npt.ArrayLike | None = None, *, once: bool = False
    ) -> npt.NDArray[np.float64]:
        """Return a float64 in [0, 1) for each id (or pair of ids): the draws of a plain step.

        ``once``: the same in every tick, and independent of the draws per tick.
        """
        return rng.uniforms(self.key(Stream.MODEL_ONCE if once else Stream.MODEL), ids, ids2)


class AgentReader(Protocol):
    """The agent data that a model may read: columns by name."""

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a read-only column over all agents; raise UnknownNameError for unknown names."""
        ...


class OpenedChannel(Protocol):
    """A channel in one world: decides which possible contacts take place."""

    @property
    def name(self) -> str:
        """Its name, saved with a world."""
        ...

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return this tick's contacts for a message, given the whole network."""
        ...


class Broadcast:
    """Every listener of every speaker hears it: the classical setting."""

    name = "broadcast"

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Return the whole network."""
        return network


class Contacts:
    """Who hears whom this tick, as rows of listeners: row ``u`` lists the listeners of agent ``u``.

    Attributes
    ----------
    rows
        uint32 (agents, 2): start and length of each agent's row.
    targets
        uint32 (contacts,): the listeners.
    trust
        uint16 (contacts,) / 65535, or empty: all 1.0.
    kind
        uint8 (contacts,), or empty: all "follow".
    scratch
        The world's working columns.
    people
        Readable columns of agents.
    tick_minutes
        Simulated minutes per tick, for models with a clock.
    count
        Number of contacts; the columns may be longer, with unused places between the rows.
    closed
        The blocklist, for contacts without ties: the first arguments of
        :func:`sim.network.relations.blocklist_kernels.shut`.
    state
        Equal for equal networks of one world between two changes of trust.
    seal
        A digest of contacts that a channel keeps from tick to tick; 0 for all others.
    """

    __slots__ = (
        "_degree", "_in_trust", "_whole", "closed", "count", "kind", "people", "rows", "scratch",
        "seal", "state", "targets", "tick_minutes", "trust",
    )  # fmt: skip

    def __init__(
        self,
        rows: npt.NDArray[np.uint32],
        targets: Ids,
        *,
        degree: Ids | Callable[[], Ids],
        scratch: Scratch,
        people: AgentReader,
        trust: npt.NDArray[np.uint16] | None = None,
        kind: npt.NDArray[np.uint8] | None = None,
        tick_minutes: float = 60.0,
        whole: Contacts | None = None,
        count: int | None = None,
        closed: tuple[U64, Ids, Ids] = ALL_OPEN,
        state: object = None,
        seal: int = 0,
    ) -> None:
        self.state, self.seal = state, seal
        self.count = targets.size if count is None else count
        self.closed = closed
        self.rows = rows
        self.targets = targets
        self.trust = _NO_TRUST if trust is None else trust
        self.kind = np.empty(0, np.uint8) if kind is None else kind
        self._degree = degree
        self.scratch = scratch
        self.people = people
        self.tick_minutes = tick_minutes
        self._in_trust: npt.NDArray[np.int64] | None = None
        self._whole = whole

    @property
    def agents(self) -> int:
        """Number of agents."""
        return len(self.rows)

    @property
    def degree(self) -> Ids:
        """Number of sources of each agent in the whole network, uint32 (agents,).

        Computed on first access.
        """
        if not isinstance(self._degree, np.ndarray):
            self._degree = self._degree()
        return self._degree

    @property
    def speakers(self) -> Ids | None:
        """The speakers of this tick, uint32, ascending, if set by the channel; else None."""
        return None

    @property
    def is_silent(self) -> bool:
        """Whether nobody can hear the message any more, with or without a tie."""
        return False

    @property
    def crowd(self) -> Contacts:
        """These contacts; or, in a feed, all contacts of the viewers that are shown the message."""
        return self

    def release(self) -> None:
        """Return the buffer lent for :attr:`rows`; called after each step of a cascade."""

    @property
    def whole(self) -> Contacts:
        """The whole network: itself, unless a channel selected contacts from it."""
        return self if self._whole is None else self._whole

    @property
    def in_trust(self) -> npt.NDArray[np.int64]:
        """The total trust (in 1/65535) that each agent gives its sources, int64 (agents,).

        For the whole network, as :attr:`degree`.
        """
        if self._whole is not None:
            return self._whole.in_trust
        if self._in_trust is None:
            self._in_trust = np.zeros(self.agents, np.int64)
            in_trust(self.rows, self.targets, self.trust, self._in_trust)
        return self._in_trust

    def listed(self, viewers: Ids, sources: Ids) -> Contacts:
        """Return explicit contacts: ``viewers[i]`` hears ``sources[i]``, over ties of this network.

        Parameters
        ----------
        viewers, sources
            uint32 (contacts,); a pair without a tie has trust 1.0, duplicate pairs count once, and
            pairs that the blocklist forbids are dropped.
        """
        viewers, sources = self._open(viewers, sources)
        order = np.lexsort((viewers, sources))
        targets = np.asarray(viewers, np.uint32)[order]
        speakers = np.asarray(sources, np.uint32)[order]
        again = (targets[1:] == targets[:-1]) & (speakers[1:] == speakers[:-1])
        if again.any():
            first = np.append(True, ~again)
            targets, speakers = targets[first], speakers[first]
        rows = np.zeros((self.agents, 2), np.uint32)
        lengths = np.bincount(speakers, minlength=self.agents)
        rows[:, 1] = lengths
        rows[1:, 0] = np.cumsum(lengths)[:-1]
        trust, kind = self.between(speakers, targets)
        return Contacts(
            rows,
            targets,
            degree=self._degree,
            scratch=self.scratch,
            people=self.people,
            trust=trust,
            kind=kind,
            tick_minutes=self.tick_minutes,
            whole=self.whole,
        )

    def _open(self, viewers: Ids, sources: Ids) -> tuple[Ids, Ids]:
        """Return the pairs that are not muted or blocked."""
        if not self.closed[0].size:
            return viewers, sources
        pairs = np.ascontiguousarray(viewers, np.uint32), np.ascontiguousarray(sources, np.uint32)
        forbidden = np.zeros(pairs[0].size, np.uint8)
        shut(*self.closed, *pairs, forbidden)
        return pairs[0][forbidden == 0], pairs[1][forbidden == 0]

    def between(
        self, sources: Ids, targets: Ids
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
        """Return trust and kind of each pair's tie, 65535 and 0 if there is none.

        Either is empty if all ties are alike.
        """
        found = np.full(len(sources), -1, np.int64)
        if self.trust.size + self.kind.size:
            tie_between(self.rows, self.targets, sources, targets, found)
        return _picked(self.trust, found, 65535), _picked(self.kind, found, 0)


class NoContacts(Contacts):
    """The contacts of a message that nobody can hear any more: no ties, no speakers.

    Spontaneous changes continue over these. They keep the number of sources in the whole network,
    and do not change with its ties, so that sums over them stay valid.
    """

    __slots__ = ()

    def __init__(self, agents: int, **shared: Any) -> None:
        super().__init__(np.zeros((agents, 2), np.uint32), np.empty(0, np.uint32), **shared)

    @property
    def is_silent(self) -> bool:
        """True."""
        return True

    @property
    def speakers(self) -> Ids:
        """Empty."""
        return self.targets


def _picked(column: npt.NDArray[N], at: npt.NDArray[np.int64], default: int) -> npt.NDArray[N]:
    """Return the column's values at positions ``at``, or the default if there is none."""
    if not column.size:
        return column
    return np.where(at >= 0, column[at], column.dtype.type(default))


Heard = Callable[[Ids], tuple[Ids, Ids]]


class FeedContacts(Contacts):
    """The contacts of one message in one tick; its rows are borrowed while they are read.

    A thousand messages spread at once and few are shown to many: rows over all agents are built for
    one message at a time, and returned by :meth:`release`. Pairs without a tie have
    trust 1.0, as in :meth:`~sim.spread.cascade.contacts.Contacts.listed`.
    """

    __slots__ = (
        "_agents", "_all_heard", "_crowd", "_lent", "_pairs", "_spans", "_spare", "_speakers",
    )  # fmt: skip

    def __init__(
        self,
        network: Contacts,
        viewers: Ids,
        sources: Ids,
        spare: list[U32],
        all_heard: Heard | None = None,
    ) -> None:
        order = np.lexsort((viewers, sources))
        heard, hearing = sources[order], viewers[order]
        speakers, starts, lengths = np.unique(heard, return_index=True, return_counts=True)
        self._speakers: Ids = speakers
        self._spans: U32 = np.stack([starts, lengths], axis=1).astype(np.uint32)
        self._agents = network.agents
        self._spare = spare
        self._lent: U32 | None = None
        self._pairs, self._all_heard = (viewers, sources), all_heard
        self._crowd: FeedContacts | None = None
        trust, kind = network.between(heard, hearing)
        super().__init__(
            np.empty((0, 2), np.uint32),
            hearing,
            degree=lambda: network.degree,
            scratch=network.scratch,
            people=network.people,
            trust=trust,
            kind=kind,
            tick_minutes=network.tick_minutes,
            whole=network.whole,
        )

    @property
    def speakers(self) -> Ids:
        """The agents that shared what is shown, uint32, ascending."""
        return self._speakers

    @property
    def agents(self) -> int:
        """Number of agents."""
        return self._agents

    @property
    def rows(self) -> U32:
        """uint32 (agents, 2): start and length of each agent's row."""
        if self._lent is None:
            fits = self._spare and len(self._spare[-1]) == self._agents
            self._lent = self._spare.pop() if fits else np.zeros((self._agents, 2), np.uint32)
            self._lent[self._speakers] = self._spans
        return self._lent

    @rows.setter
    def rows(self, rows: U32) -> None:
        """Ignore the rows: they are borrowed."""

    @property
    def crowd(self) -> Contacts:
        """All contacts of the viewers: the ties of each, and posts shown from outside its network.

        For models that sum up what an agent hears: in a feed an agent decides when the message is
        shown to it, and then counts all that it follows, as with any other channel.
        """
        if self._all_heard is None:
            return self
        if self._crowd is None:
            viewers, sources = self._pairs
            more = self._all_heard(np.unique(viewers))
            pairs = np.stack([np.append(viewers, more[0]), np.append(sources, more[1])])
            known: U32 = np.unique(pairs, axis=1)
            self._crowd = FeedContacts(self.whole, known[0], known[1], self._spare)
        return self._crowd

    def release(self) -> None:
        """Return the rows; they are built again on the next access."""
        if self._crowd is not None:
            self._crowd.release()
        if self._lent is not None:
            self._lent[self._speakers] = 0
            self._spare.append(self._lent)
            self._lent = None


Span = tuple[float, float]


class Topics(Protocol):
    """Opinions that several messages share, by topic."""

    def __contains__(self, topic: object) -> bool: ...
    def __getitem__(self, topic: str) -> F64: ...

    def span(self, topic: str) -> Span:
        """Return the range of opinions on a topic."""
        ...

    def hold(self, topic: str, values: npt.ArrayLike, *, span: Span = ...) -> None:
        """Set the opinions of agents, float64 (agents,)."""
        ...

    def write(self, topic: str, values: F64) -> None:
        """Replace opinions by an array, which is not copied."""
        ...


class Around(Protocol):
    """The world as a model may read it; arrays must not be written to."""

    @property
    def opinions(self) -> Topics:
        """The opinions of agents, by topic."""
        ...

    @property
    def ties(self) -> Any:
        """The network."""
        ...

    def people(self) -> AgentReader:
        """Return the columns of agents."""
        ...
