"""The contract of a world and its platform: what functions over them read, change and call.

:class:`~sim.world.world.World` and :class:`~sim.platform.platform.Platform` fulfil it, and stand
above whatever takes it: a module that works on a world need not know what is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sim.agents.character import DERIVED, derived
from sim.agents.columns import Agents
from sim.agents.lifecycle import belongs
from sim.arrays import U64, Array, Ids
from sim.core.rng import Stream
from sim.core.scratch import ScratchFiles
from sim.errors import UnknownNameError
from sim.network.graph.changes import AppliedChanges
from sim.network.graph.interactions import Interactions
from sim.network.graph.ties import Ties
from sim.network.relations.types import TieRecords
from sim.platform.acts.kinds import Act, ActRequest
from sim.platform.acts.log import ActColumns
from sim.platform.acts.policy import Policy
from sim.platform.feed.exposures import ExposurePart, Exposures
from sim.platform.feed.recommender import FriendRecommender, Recommender
from sim.platform.feed.serving import FeedBuffers
from sim.platform.members import Members
from sim.platform.platform_view import PlatformView
from sim.platform.posts.posts import InjectedPosts
from sim.platform.settings import PlatformSettings
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, NoContacts, OpenedChannel, Scratch
from sim.spread.channels.channel import Channel
from sim.world.cascades import Cascades, RecordPile
from sim.world.log import Note, Trail
from sim.world.opinions import Opinions
from sim.world.relation_state import Relationships

_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
_PLAIN = ("interests", "activity", "community", "status", "personality")


class AgentColumns:
    """The columns of a world's agents, as ``exposure.viewer.openness`` finds them."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._made: dict[str, npt.NDArray[Any]] = {}
        self._edition = (agents.edition, len(agents))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column over all agents."""
        if name == "proposable":  # made anew: a stage of life changes no edition
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


class MindsState(Protocol):
    """Who of a platform's members decides by itself (:class:`sim.world.minds.minds.Minds`)."""

    members: Ids
    kinds: dict[int, str]
    goals: dict[int, str]
    memories: dict[int, list[list[Any]]]
    plans: dict[int, dict[str, Any]]
    letters: dict[int, list[list[Any]]]
    counts: dict[str, int]
    spent: list[int]
    awake: bool
    unheard: bool

    @property
    def is_used(self) -> bool: ...
    def give(
        self,
        members: npt.ArrayLike,
        kind: str,
        goal: str,
        languages: Sequence[str],
        options: Mapping[str, Any],
    ) -> int: ...
    def take(self, members: npt.ArrayLike) -> int: ...
    def spare(self, online: Ids) -> Ids: ...
    def hush(self, part: ExposurePart, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]: ...
    def dump(self) -> dict[str, Any]: ...
    def packed(self) -> bytes: ...


class PlatformState(PlatformView, Protocol):
    """A platform (:class:`sim.platform.platform.Platform`), which says what each of these is."""

    settings: PlatformSettings
    members: Members
    recommenders: list[Recommender]
    policies: list[Policy]
    trending: Ids
    online: Ids
    online_at: int
    exposures: Exposures
    acted: ActColumns
    acts_before: int
    injected: InjectedPosts
    waiting: list[ActRequest]
    written: dict[int, str]
    via: Ids
    friends: FriendRecommender | None
    faults: list[str]
    failing: dict[int, BaseException]
    shelf: FeedBuffers
    stood: tuple[Array, npt.NDArray[np.uint8]] | None
    swayed: tuple[Array, int, npt.NDArray[np.uint8]] | None

    @property
    def minds(self) -> MindsState: ...
    @property
    def policy(self) -> Policy: ...
    def key(self, stream: Stream) -> np.uint64: ...
    def hourly(self) -> npt.NDArray[np.float64]: ...
    def joined(self) -> range: ...
    def note(self, acts: ActColumns) -> None: ...
    def fault(self, which: int, error: BaseException) -> None: ...
    def carries(self, cascade: int) -> bool: ...
    def text_of(self, message: int) -> str: ...
    def flag(self, message: int, flag: str, *, on: bool = True) -> None: ...
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


class MetricsContract(Protocol):
    """What is measured of a world (:class:`sim.world.metrics.series.Metrics`)."""

    latest: dict[str, float]

    def take(self, world: Any) -> None: ...
    def dump(self) -> Dumped: ...


class Plans(Protocol):
    """What is to be done to a world (:class:`sim.world.interventions.plan.Interventions`)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def later(
        self, at: int, number: int, agents: Ids, activity: npt.NDArray[np.float32]
    ) -> None: ...
    def dump(self) -> tuple[list[dict[str, Any]], dict[str, Array]]: ...


class GroupCommands(Protocol):
    """A world's commands on groups (:class:`sim.world.ties.Groups`)."""

    @property
    def names(self) -> tuple[str, ...]: ...
    def limit(self, group: int | str) -> int: ...
    def members(self, group: int | str) -> Ids: ...
    def of(self, agent: int) -> Ids: ...
    def create(self, name: str, limit: int | None = None) -> int: ...
    def join(self, agents: npt.ArrayLike, group: int | str) -> int: ...
    def leave(self, agents: npt.ArrayLike, group: int | str) -> int: ...


class WorldState(Protocol):
    """A world (:class:`sim.world.world.World`), which says what each of these is."""

    seed: int
    tick: int
    tick_minutes: float
    agents: Agents
    bonds: Relationships
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

    @property
    def ties(self) -> Ties: ...
    @property
    def platform(self) -> PlatformState | None: ...
    @property
    def metrics(self) -> MetricsContract | None: ...
    @property
    def interventions(self) -> Plans: ...
    @property
    def groups(self) -> GroupCommands: ...

    # What of it is made on demand

    def network(self) -> Contacts: ...
    def people(self) -> AgentColumns: ...
    def silence(self) -> NoContacts: ...
    def scratch(self) -> Scratch: ...
    def absent(self) -> U64: ...
    def channel(self, named: str | Channel) -> OpenedChannel: ...
    def reopened(self, channel: OpenedChannel) -> OpenedChannel: ...

    # What is done to it

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


class WorldParts(WorldState, Protocol):
    """A world whose parts are being put in: opened, restored, turned back."""

    platform: Any
    metrics: Any
    interventions: Any
