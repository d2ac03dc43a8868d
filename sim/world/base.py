"""What a world and its platform hold, for the functions that work on them.

:class:`~sim.world.world.World` and :class:`~sim.platform.platform.Platform` add their commands. The
two refer to each other; what either needs from the other is defined here, below both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from sim.agents.character import DERIVED, derived
from sim.agents.columns import Agents
from sim.agents.lifecycle import belongs
from sim.arrays import F32, U8, U64, Array, Ids
from sim.core import rng
from sim.core.registry import make
from sim.core.rng import Stream
from sim.core.scratch import ScratchFiles
from sim.errors import HubbubError, UnknownNameError
from sim.network.graph.changes import AppliedChanges
from sim.network.graph.interactions import Interactions
from sim.network.graph.slab import SlabArrays, read_only
from sim.network.graph.ties import Ties
from sim.network.relations.types import TieRecords
from sim.platform.acts.kinds import Act, ActRequest
from sim.platform.acts.log import ActColumns, ActLog
from sim.platform.acts.policy import Policy
from sim.platform.feed.exposures import Exposures
from sim.platform.feed.recommender import Chronological, FriendRecommender, Recommender
from sim.platform.feed.serving import FeedBuffers
from sim.platform.members import Members, curve_of, factors
from sim.platform.platform_view import REPUTATION
from sim.platform.posts.posts import Flag, InjectedPosts, Posts
from sim.platform.settings import PlatformSettings
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import AgentReader, Contacts, NoContacts, OpenedChannel, Scratch
from sim.spread.cascade.faults import said_by
from sim.spread.channels.channel import Channel
from sim.world.cascades import Cascades, RecordPile
from sim.world.log import Note, Trail
from sim.world.minds.state import Minds
from sim.world.opinions import Opinions
from sim.world.relation_state import Relationships

_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
_PLAIN = ("interests", "activity", "community", "status", "personality", "language")


class AgentColumns:
    """The columns of a world's agents, as ``exposure.viewer.openness`` finds them."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._made: dict[str, npt.NDArray[Any]] = {}
        self._edition = (agents.edition, len(agents))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column over all agents."""
        if name == "proposable":  # not cached: a lifecycle change leaves the edition alone
            return belongs(self._agents.status, "proposals")
        if name in _PLAIN:
            column: npt.NDArray[Any] = getattr(self._agents, name)
            return column
        if name not in _TRAITS and name not in DERIVED:
            raise UnknownNameError(
                "column of agents", name, (*_TRAITS, *DERIVED, *_PLAIN, "proposable")
            )
        edition = (self._agents.edition, len(self._agents))
        if self._edition != edition:
            self._made, self._edition = {}, edition
        if name not in self._made:
            made = self._make(name)
            made.flags.writeable = False
            self._made[name] = made
        return self._made[name]

    def _make(self, name: str) -> npt.NDArray[Any]:
        if name in DERIVED:
            return derived(self._agents, name)
        made: npt.NDArray[Any] = self._agents.personality[:, _TRAITS.index(name)] / np.float64(255)
        return made


Dumped = tuple[dict[str, Any], dict[str, Array]]


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of the tick.

    Attributes
    ----------
    name, says
        Its name, and what it does in one line.
    run
        Called with the :class:`~sim.world.world.World`.
    """

    name: str
    says: str
    run: Callable[[Any], None]


MOOD: Final = "agents.mood"
"""Name of the mood column in :attr:`PlatformState.held`."""
SWAY: Final = 0.25
"""Shift of agreeableness and neuroticism at a mood of 1, as a share of their range."""
_AGREEABLE, _NERVOUS = 3, 4
_NOBODY = np.empty(0, np.uint32)


class PlatformState:
    """State of a platform and values derived from it; :class:`Platform` adds the commands."""

    def __init__(
        self,
        world: WorldState,
        settings: PlatformSettings,
        recommenders: list[Recommender],
        policy: Policy,
    ) -> None:
        self._world = world
        self.settings = settings
        self.recommenders = recommenders
        self.policies = [policy]
        self.posts = Posts()
        self.members = Members(world.seed, len(world.agents))
        self.log = ActLog(settings.log_ticks)
        self.held: dict[str, Array] = {}
        self.trending = _NOBODY
        self.injected = InjectedPosts()
        self.waiting: list[ActRequest] = []
        self.written: dict[int, str] = {}
        self.faults: list[str] = []
        self.failing: dict[int, BaseException] = {}
        self.minds = Minds()
        self.online = _NOBODY
        self.online_at = -1
        self.exposures = Exposures([])
        self.acted = ActColumns.joined([])
        self.acts_before = 0
        self.feed_buffers = FeedBuffers(settings.slots, settings.candidates)
        self._curve = curve_of(settings.rhythm)
        self.via = _NOBODY
        self._stood: tuple[Array, U8] | None = None
        self._bent: tuple[Array, int, U8] | None = None
        self.friends: FriendRecommender | None = None
        if settings.friends:
            try:
                self.friends = make(settings.friends, "friend-recommender")
            except HubbubError as error:
                self.faults.append(f"Nobody proposes friends: {error}")

    @property
    def tick(self) -> int:
        """The world's tick."""
        return self._world.tick

    @property
    def tick_minutes(self) -> float:
        """Simulated minutes in a tick."""
        return self._world.tick_minutes

    @property
    def seed(self) -> int:
        """The world's seed."""
        return self._world.seed

    @property
    def agents(self) -> int:
        """Number of agents."""
        return len(self._world.agents)

    @property
    def people(self) -> AgentReader:
        """Columns of agents by name."""
        return self._world.network().people

    @property
    def hearing(self) -> SlabArrays:
        """Sources that each agent hears: rows of the reversed network."""
        return SlabArrays(*(read_only(column) for column in self._world.ties.reverse.live))

    @property
    def heard_by(self) -> SlabArrays:
        """Listeners of each agent: rows of the network."""
        return SlabArrays(*(read_only(column) for column in self._world.ties.live))

    @property
    def fans(self) -> Ids:
        """Number of listeners of each agent, uint32 (n,)."""
        return self._world.ties.out_degree

    @property
    def reputation(self) -> F32:
        """Reputation of each agent, float32 (n,) with mean 1; see ``reputation_hours``."""
        known = self.held.get(REPUTATION)
        if known is None:
            return np.ones(self.agents, np.float32)
        more = np.zeros(self.agents - known.size, np.float32)  # new agents join at the next tick
        return np.concatenate([known, more]) if more.size else known

    @property
    def standing(self) -> U8:
        """254 r / (1 + r) of each agent's reputation r, uint8 (n,); empty before it is computed."""
        known = self.held.get(REPUTATION)
        if known is None:
            return np.empty(0, np.uint8)
        if self._stood is None or self._stood[0] is not known:
            self._stood = known, (254 * known / (1 + known) + 0.5).astype(np.uint8)
        return self._stood[1]

    @property
    def moods(self) -> F32:
        """Mood of each member in [-1, 1], float32 (n,); 0 for members without one yet."""
        known = self.held.get(MOOD, np.empty(0, np.float32))
        more = np.zeros(self.agents - known.size, np.float32)
        return np.concatenate([known, more]) if more.size else known

    @property
    def effective_personality(self) -> U8:
        """Personality adjusted by mood, uint8 (n, 5) in 1/255; unadjusted without moods."""
        plain: U8 = self.people.column("personality")
        known = self.held.get(MOOD)
        if known is None or not self.settings.mood_hours:
            return plain
        last, edition = self._bent, self._world.agents.edition
        if last is None or last[0] is not known or last[1] != edition or len(last[2]) != len(plain):
            felt = self.moods * np.float32(255 * SWAY)
            bent = plain.copy()
            bent[:, _AGREEABLE] = np.clip(np.rint(plain[:, _AGREEABLE] + felt), 0, 255)
            bent[:, _NERVOUS] = np.clip(np.rint(plain[:, _NERVOUS] - felt), 0, 255)
            last = self._bent = (known, edition, bent)
        return last[2]

    def key(self, stream: Stream) -> np.uint64:
        """Return the key of this tick's draws from a stream."""
        return rng.key(self.seed, stream, self.tick)

    def hourly(self) -> npt.NDArray[np.float64]:
        """Return this tick's factor of activity for each chronotype, float64 (7,)."""
        return factors(self._curve, self.tick, self.tick_minutes)

    def fault(self, which: int, error: BaseException) -> None:
        """Replace a failed recommender by newest-first, and record the fault."""
        failed = self.recommenders[which]
        self.faults.append(
            f"The recommender {failed.plugin_name!r} failed and ranks no more: "
            f"{said_by(error, failed)}"
        )
        self.recommenders[which] = Chronological()

    def note(self, acts: ActColumns) -> None:
        """Add acts of this tick to the log."""
        self.log.add(self.tick, acts)
        self.acted = ActColumns.joined([self.acted, acts])

    def carries(self, cascade: int) -> bool:
        """Return whether an injected message may still be shown, or has not been posted yet."""
        number = self.injected.get(cascade)
        if number is None:
            return True
        row = number - self.posts.first
        return row >= 0 and not self.posts.flags[row] & np.uint8(Flag.HIDDEN)

    if TYPE_CHECKING:  # what parts of a world may call

        def text_of(self, message: int) -> str: ...
        def act(
            self,
            agent: int,
            act: Act | int | str,
            *,
            message: int | None = None,
            other: int | None = None,
            text: str = "",
            group: int | str | None = None,
        ) -> None: ...
        def recommend(self, recommender: Any, members: Any = None, **parameters: Any) -> None: ...
        def behave(self, policy: Any, members: Any = None, **parameters: Any) -> None: ...
        def dump(self) -> Dumped: ...


class WorldState:
    """State of a world, for functions that work on it; :class:`World` documents each field."""

    seed: int
    tick: int
    tick_minutes: float
    agents: Agents
    relationships: Relationships
    opinions: Opinions
    interactions: Interactions | None
    tie_records: TieRecords
    cascades: Cascades
    made: int
    max_running: int
    rested_as: str
    trail: Trail
    phases: list[Phase]
    phase_seconds: dict[str, float]
    cpu_seconds: float
    remarks: tuple[str, ...]
    is_ticking: bool
    exposed: list[tuple[Cascade, Contacts]]
    spill: ScratchFiles
    pile: RecordPile

    platform: PlatformState | None
    metrics: Any
    interventions: Any

    if TYPE_CHECKING:  # what parts of a world may call

        @property
        def ties(self) -> Ties: ...
        def settle(self) -> None: ...
        @property
        def groups(self) -> Any: ...
        def network(self) -> Contacts: ...
        def people(self) -> AgentColumns: ...
        def silence(self) -> NoContacts: ...
        def scratch(self) -> Scratch: ...
        def absent(self) -> U64: ...
        def channel(self, named: str | Channel) -> OpenedChannel: ...
        def reopened(self, channel: OpenedChannel) -> OpenedChannel: ...
        def doing(
            self, kind: str, args: tuple[Any, ...] = (), said: Mapping[str, Any] | None = None
        ) -> AbstractContextManager[Note]: ...
        def wake(self, *, anyway: bool = False) -> None: ...
        def unsettle(self, *, trust_only: bool = False) -> None: ...
        def before_change(self) -> None: ...
        def take_in(self, count: int) -> range: ...
        def create_agents(self, count: int) -> range: ...
        def inject(self, text: str, *, seeds: Any, model: str, **more: Any) -> Cascade: ...
        def befriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges: ...
        def remove_ties(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> AppliedChanges: ...
        def reputation(self) -> npt.NDArray[np.float64]: ...
        def open_platform(self, settings: Any = None, **more: Any) -> PlatformState: ...
