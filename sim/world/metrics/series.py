"""Metric series of a world and of single members, tick by tick, thinned as they grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I64
from sim.core.bounds import prefixed, under
from sim.core.checks import whole_number
from sim.core.data_frames import TickSeries
from sim.core.params import Field, Parameters
from sim.core.threads import interruptible
from sim.errors import InputError, UnknownNameError
from sim.platform.acts.kinds import Act
from sim.spread.cascade.faults import is_interruption, said_by
from sim.world.base import Phase, WorldState
from sim.world.metrics.alerts import Alerts
from sim.world.metrics.values import (
    EVERY_TICK,
    METRICS,
    SAMPLED,
    STRUCTURE,
    MetricGroup,
    is_metric_name,
    own_metrics,
    value_of,
)
from sim.world.phases import only_reads
from sim.world.seeding import choose_seeds

MOST_FOLLOWED = 1_000
"""Maximum number of members with series of their own."""

MEMBER_SERIES: dict[str, str] = {
    "followers": "number of followers",
    "follows": "number of members it follows",
    "acts": "actions on the platform in the tick",
    "posts": "posts in the tick",
    "seen": "messages in its feed in the tick",
    "shown": "impressions of its own posts in the tick",
    "reputation": "weight of its word (mean 1)",
}
"""All series of a member: name and meaning."""

_PLACES = {name: place for place, name in enumerate(MEMBER_SERIES)}


class MemberSeries:
    """Values of some members, one row per tick; beyond the limit the oldest rows are dropped."""

    def __init__(self, agents: npt.ArrayLike, rows: int) -> None:
        self.agents = np.unique(np.asarray(agents, np.uint32))
        if self.agents.size > MOST_FOLLOWED:
            raise InputError(
                f"At most {MOST_FOLLOWED:,} members are recorded, got {self.agents.size:,}; "
                f"choose fewer, such as top:20:degree."
            )
        self._rows = rows
        self._taken: dict[int, npt.NDArray[np.float64]] = {}

    def take(self, world: WorldState) -> None:
        """Record the tick that a world has just run."""
        who = self.agents
        found = np.full((who.size, len(_PLACES)), np.nan)
        found[:, _PLACES["followers"]] = world.ties.out_degree[who]
        found[:, _PLACES["follows"]] = world.ties.in_degree[who]
        platform = world.platform
        if platform is not None:
            acts = platform.log.at(world.tick)
            did = acts.act != np.uint8(Act.DO_NOTHING)
            found[:, _PLACES["acts"]] = _counted(who, acts.agent[did])
            found[:, _PLACES["posts"]] = _counted(who, acts.agent[acts.act == np.uint8(Act.POST)])
            found[:, _PLACES["reputation"]] = platform.reputation[who]
            if platform.exposures.taken is None:
                self._take_feeds(world, found)
        self._taken[world.tick] = found
        while len(self._taken) > self._rows:
            del self._taken[next(iter(self._taken))]

    def _take_feeds(self, world: WorldState, found: npt.NDArray[np.float64]) -> None:
        platform = world.platform
        if platform is None:
            return
        seen, shown = np.zeros(self.agents.size), np.zeros(self.agents.size)
        for part in platform.exposures.parts:
            at = np.searchsorted(self.agents, part.viewers).clip(max=self.agents.size - 1)
            ours = self.agents[at] == part.viewers
            np.add.at(seen, at[ours], part.counts[ours])
            shown += _counted(self.agents, platform.posts.author[platform.posts.rows(part.message)])
        found[:, _PLACES["seen"]], found[:, _PLACES["shown"]] = seen, shown

    @property
    def ticks(self) -> npt.NDArray[np.int64]:
        """Recorded ticks, int64 (rows,)."""
        return np.fromiter(self._taken, np.int64, len(self._taken))

    def __len__(self) -> int:
        return len(self._taken)

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """Return a series of every member, float64 (rows, members); NaN where it does not apply."""
        if name not in _PLACES:
            raise UnknownNameError("series of members", name, tuple(_PLACES))
        return self._rows_of()[:, :, _PLACES[name]]

    def table(self) -> Iterator[dict[str, float]]:
        """Yield a row per tick and member: ``tick``, ``agent``, then the values that apply."""
        for tick, found in self._taken.items():
            for agent, row in zip(self.agents.tolist(), found.tolist(), strict=True):
                known = {name: row[place] for name, place in _PLACES.items()}
                known = {name: value for name, value in known.items() if value == value}
                yield {"tick": tick, "agent": agent, **known}

    def _rows_of(self) -> npt.NDArray[np.float64]:
        empty = np.empty((0, self.agents.size, len(_PLACES)))
        return np.stack([*self._taken.values()]) if self._taken else empty

    def dump(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name."""
        return {"agents": self.agents, "ticks": self.ticks, "values": self._rows_of()}

    @classmethod
    def restore(
        cls, columns: Mapping[str, npt.NDArray[Any]], rows: int, people: int
    ) -> MemberSeries:
        """Return the series of :meth:`dump`; ``people``: number of agents."""
        series = cls(columns["agents"], rows)
        ticks, values = columns["ticks"], columns["values"]
        size = (len(ticks), series.agents.size, len(_PLACES))
        rising = ticks.ndim == 1 and bool((np.diff(ticks) > 0).all())
        if not rising or values.shape != size or (series.agents >= people).any():
            raise InputError("The series of members fit neither their ticks nor the agents.")
        for tick, found in zip(ticks.tolist(), values, strict=True):
            series._taken[tick] = np.array(found, np.float64)
        return series


def _counted(who: npt.NDArray[np.uint32], ids: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return how often each of some members, ascending, occurs in ids."""
    at = np.searchsorted(who, ids).clip(max=max(who.size - 1, 0))
    ours = at[who[at] == ids] if who.size else np.empty(0, np.int64)
    return np.bincount(ours, minlength=who.size).astype(np.float64)


_LARGE = 5_000_000
MOST_METRICS = 1_000
"""Maximum number of metrics, including those of plugins in a saved world."""


class MetricSettings(Parameters):
    """How often metrics are taken, and how many rows are kept; immutable, saved with the world."""

    plugin_name: ClassVar[str] = "metrics"

    every: int = Field(
        6, ge=1, le=1_000_000, description="how often metrics of feeds are taken",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip
    structure: int = Field(
        240, ge=0, le=1_000_000,
        description="how often the network is measured; 0: never",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip
    large: bool = Field(False, description="measure networks of over 5,000,000 ties too")
    rows: int = Field(
        2048,
        ge=16,
        le=1_000_000,
        description="rows kept; neighbours are merged when there are more",
    )
    members: str = Field(
        "",
        max_length=4096,
        description="members whose series are recorded: ids, or an expression as for seeds",
    )


class Metrics(TickSeries):
    """Series of a world's metrics, one row per span of ticks.

    When the rows are full, pairs of adjacent rows are merged into their mean, which doubles the
    ticks per row. Metrics that are taken less often are NaN in between.

    Attributes
    ----------
    settings
        Settings it was opened with.
    alerts
        Alert rules and alerts (:class:`~sim.world.metrics.alerts.Alerts`).
    latest
        Latest value of each metric.
    taken
        Tick of each of :attr:`latest`.
    span
        Ticks per row.
    faults
        A sentence for each plugin metric that failed.
    members
        Series of single members (:class:`~sim.world.metrics.series.MemberSeries`), or None.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=500, seed=7)
    >>> metrics = world.open_metrics(every=1)
    >>> story = world.inject("The bridge is closed.", seeds=[0], model="si", beta=0.3)
    >>> world.step(3)
    >>> metrics.ticks.tolist(), int(metrics["adopted"].sum()) == story.size - 1
    ([1, 2, 3], True)
    """

    def __init__(self, settings: MetricSettings) -> None:
        self.settings = settings
        self.alerts = Alerts()
        self.latest: dict[str, float] = {}
        self.taken: dict[str, int] = {}
        self.span = 1
        self._own = {name: cls() for name, cls in own_metrics(METRICS).items()}
        self._places = {name: place for place, name in enumerate((*METRICS, *self._own))}
        self.faults: list[str] = []
        self._rows = np.full((16, len(self._places)), np.nan)
        self._ticks = np.zeros(16, np.int64)
        self._count = 0
        self._open: list[F64] = []
        self.members: MemberSeries | None = None

    def take(self, world: WorldState) -> None:
        """Record the tick that a world has just run, and check the alert rules."""
        found: dict[str, float] = {}
        for gauge in self._due(world):
            found |= gauge.take(world)
        found |= self._taken_by_plugins(world)
        row = np.full(len(self._places), np.nan)
        for name, value in found.items():
            row[self._places[name]] = value
            if value == value:
                self.latest[name], self.taken[name] = float(value), world.tick
        self._add(world.tick, row)
        if self.members is not None:
            self.members.take(world)
        self.alerts.look(world.tick, found)

    def _taken_by_plugins(self, world: WorldState) -> dict[str, float]:
        """Measure plugin metrics; report one that fails, and stop measuring it."""
        found: dict[str, float] = {}
        for name, metric in list(self._own.items()):
            if world.tick % max(metric.every, 1):
                continue
            try:
                with only_reads(world, f"the metric {name!r}"), interruptible():
                    found[name] = value_of(metric, world)
            except BaseException as error:  # plugin code
                if is_interruption(error):
                    raise
                self._own.pop(name, None)
                said = said_by(error).rstrip(".")
                self.faults.append(f"Metric {name!r} failed and is taken no more: {said}.")
        return found

    def _due(self, world: WorldState) -> Iterator[MetricGroup]:
        yield from EVERY_TICK
        if world.tick % self.settings.every == 0:
            yield from SAMPLED
        often = self.settings.structure
        fits = self.settings.large or world.ties.count <= _LARGE
        if often and fits and (world.tick % often == 0 or not self.taken):
            yield from STRUCTURE

    def _add(self, tick: int, row: F64) -> None:
        self._open.append(row)
        if len(self._open) < self.span:
            return
        if self._count == self.settings.rows:
            self._thin()
            return
        if self._count == len(self._rows):
            longer = min(2 * self._count, self.settings.rows)
            self._rows.resize((longer, len(self._places)), refcheck=False)
            self._ticks.resize(longer, refcheck=False)
        self._rows[self._count], self._ticks[self._count] = _mean(self._open), tick
        self._count += 1
        self._open = []

    def _thin(self) -> None:
        """Merge pairs of rows; the newest wait until a span is complete."""
        pairs = self._count // 2
        waiting = [*self._rows[2 * pairs : self._count], *self._open]
        merged = [_mean(list(self._rows[2 * k : 2 * k + 2])) for k in range(pairs)]
        self._rows[:pairs], self._ticks[:pairs] = merged, self._ticks[1 : 2 * pairs : 2]
        self._count, self._open, self.span = pairs, waiting, 2 * self.span

    # Reading

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all metrics measured so far, in order."""
        return tuple(name for name in self._places if name in self.taken)

    @property
    def ticks(self) -> I64:
        """Last tick of each row, int64 (rows,)."""
        return self._ticks[: self._count].copy()

    def __getitem__(self, name: str) -> F64:
        """Return the series of a metric, float64 (rows,); NaN where it was not measured."""
        if name not in self._places:
            raise UnknownNameError("metric", name, tuple(self._places))
        return self._rows[: self._count, self._places[name]].copy()

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        last = f" to tick {self._ticks[self._count - 1]:,}" if self._count else ""
        return f"<Metrics: {len(self.names)} series, {self._count:,} rows{last}>"

    def by_tick(self) -> dict[str, npt.NDArray[Any]]:
        """Return ``tick``, int64 (rows,), then each metric measured so far, float64 (rows,)."""
        return {"tick": self.ticks} | {name: self[name] for name in self.names}

    def table(self) -> Iterator[dict[str, float]]:
        """Yield each row as a mapping: ``tick``, then the values measured."""
        for tick, row in zip(self.ticks.tolist(), self._rows[: self._count], strict=True):
            known = {name: float(row[self._places[name]]) for name in self.names}
            yield {"tick": tick} | {name: value for name, value in known.items() if value == value}

    # Saving

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return (JSON data, arrays by name)."""
        names = list(self.names)
        places = [self._places[name] for name in names]
        pending = np.array(self._open).reshape(len(self._open), len(self._places))
        meta = {
            "settings": self.settings.values(),
            "alerts": self.alerts.dump(),
            "latest": [[name, self.latest[name], self.taken[name]] for name in names],
            "span": self.span,
        }
        rows = np.ascontiguousarray(self._rows[: self._count, places])
        columns = {"rows": rows, "ticks": self.ticks, "open": pending[:, places].copy()}
        if self.members is not None:
            columns |= prefixed("members.", self.members.dump())
        return meta, columns

    @classmethod
    def restore(cls, meta: Mapping[str, Any], columns: Mapping[str, Any], people: int) -> Metrics:
        """Return the metrics of :meth:`dump`; if a plugin is missing, its past values remain.

        ``people`` is the number of agents.
        """
        metrics = cls(MetricSettings(**meta["settings"]))
        metrics.alerts = Alerts.restore(meta["alerts"])
        metrics.span = whole_number(meta["span"], "The span of metrics", low=1)
        for name, *_ in meta["latest"]:
            if is_metric_name(name) and len(metrics._places) < MOST_METRICS:
                metrics._places.setdefault(name, len(metrics._places))
        wide = len(metrics._places)
        known = [(k, *said) for k, said in enumerate(meta["latest"]) if said[0] in metrics._places]
        places, kept = [metrics._places[name] for _, name, *_ in known], [k for k, *_ in known]
        metrics.latest = {name: float(value) for _, name, value, _ in known}
        metrics.taken = {name: int(tick) for _, name, _, tick in known}
        rows, waiting = np.asarray(columns["rows"]), np.asarray(columns["open"])
        metrics._count = len(rows)
        metrics._rows = np.full((max(16, len(rows)), wide), np.nan)
        metrics._rows[: len(rows), places] = rows[:, kept]
        metrics._ticks = np.zeros(max(16, len(rows)), np.int64)
        metrics._ticks[: len(rows)] = columns["ticks"]
        for old in waiting:
            row = np.full(wide, np.nan)
            row[places] = old[kept]
            metrics._open.append(row)
        if own := under("members.", columns):
            metrics.members = MemberSeries.restore(own, metrics.settings.rows, people)
        return metrics

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        own = 0 if self.members is None else sum(c.nbytes for c in self.members.dump().values())
        return int(self._rows.nbytes + self._ticks.nbytes) + own


def _mean(rows: list[F64]) -> F64:
    if len(rows) == 1:
        return rows[0]
    both = np.array(rows)
    there = ~np.isnan(both)
    count = there.sum(axis=0)
    mean: F64 = np.where(there, both, 0).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def watch(world: WorldState) -> None:
    """Record the tick's metrics; raise and end alerts."""
    if world.metrics is not None:
        world.metrics.take(world)


WATCH = Phase("watch", "metrics are taken, alerts raised", watch)


def opened_metrics(world: WorldState, settings: MetricSettings) -> Metrics:
    """Start recording metrics at the next tick; see :meth:`World.open_metrics`."""
    if world.metrics is not None:
        raise InputError("This world takes metrics already.")
    metrics = Metrics(settings)
    if settings.members:
        metrics.members = MemberSeries(choose_seeds(world, settings.members), settings.rows)
    give(world, metrics)
    return metrics


def give(world: WorldState, metrics: Metrics) -> None:
    """Attach metrics to a world."""
    world.metrics = metrics
    if all(phase.name != WATCH.name for phase in world.phases):
        world.phases.append(WATCH)
