"""Outcome measures of a run: scalars of the whole run, and time series by tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.arrays import F64
from sim.platform.acts.kinds import Act

if TYPE_CHECKING:
    from sim.lab.recommenders.exposure_sums import ExposureSums
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


Measure = Callable[["World"], float]

MEASURES = {
    "size": "agents that ever took it up; of several messages in sum",
    "share": "size by the number of agents; of several messages the mean",
    "depth": "links of the longest chain of who told whom",
    "breadth": "most adopters at one distance from the first holders",
    "virality": "structural virality of the largest message (Goel et al. 2016)",
    "r": "adoptions caused by each seed, on average; empty while any may cause more",
    "peak": "most new adopters in a tick, first holders left out",
    "peak_tick": "ticks after the start when that was, the first time",
    "quiet_after": "ticks until nothing could change any more; empty: it still could",
    "largest": "of several messages: agents that ever took up the largest",
    "failed": "messages that stopped because their model failed",
}
"""What is measured of each replicate, and what it means.

Of several messages depth and breadth are the largest, peak is of their sum, and r is the mean of
those that have one; up to twelve of them also have their own numbers, as ``size:0``, ``size:1`` by
their place.
"""

SERIES = {
    "ever": "agents that took it up by then; of several messages in sum",
    "new": "agents that took it up in this tick, first holders included",
    "now": "agents that hold it now",
    "running": "messages under way",
    "in_STATE": "agents in a state of the message's model",
    "active": "agents that take part",
    "ties": "ties of the network",
    "online": "members online",
    "exposures": "messages shown",
    "acts": "acts of members",
    "opinion_TOPIC": "mean opinion about a topic, within its own span",
    "opinion_spread_TOPIC": "standard deviation of opinions about a topic",
    "feed_inequality": "Gini of how often messages were shown so far, 0 all alike, 1 one",
    "feed_variety": "1 - mean shared tags of two messages in one feed, so far",
    "feed_outside": "share of what was shown so far that another community wrote",
    "feed_engagement": "likes, shares and replies for each message shown so far",
    "metric_NAME": "the newest value of a metric, where the world takes metrics",
}
"""What is measured after each tick, and what it means; tick 0 is before the first.

Feeds are measured where futures differ by who ranks them or by what members do.
"""

_HELD = frozenset({"ever", "now", "active", "ties"})
_HELD_OF = ("in_", "opinion_", "feed_")
_HAD_BLANKS = ("in ", "opinion ", "feed ", "metric ")
_NOUGHT = frozenset({"new", "running"})

OF_CLOCK = frozenset({"tick_ms", "cpu_ms", "interactions_s"})
"""Metrics that a clock tells: they differ from run to run and are no part of a result."""

_APART = 12
"""So many messages have numbers of their own."""
_PER_MESSAGE = ("size", "depth", "breadth", "virality", "r", "peak", "peak_tick")


def column_name(*words: str) -> str:
    """Return words as the name of a column, which has no blanks.

    Examples
    --------
    >>> column_name("mean", "opinion_local news")
    'mean_opinion_local_news'
    """
    return "_".join(words).replace(" ", "_")


def series_name(kept: str) -> str:
    """Return the name of a series that a file keeps; ours had blanks once."""
    return column_name(kept) if kept.startswith(_HAD_BLANKS) else kept


def at_rest_value(series: str, last: float) -> float:
    """Return what a series is once a run has come to rest; NaN where nobody knows.

    Examples
    --------
    >>> at_rest_value("ever", 30.0), at_rest_value("new", 2.0), at_rest_value("nowhere", 1.0)
    (30.0, 0.0, nan)
    """
    if stays(series):
        return last
    return 0.0 if series in _NOUGHT else math.nan


def stays(series: str) -> bool:
    """Return whether a series stays as it is once a run has come to rest."""
    return series in _HELD or series.startswith(_HELD_OF)


class RunObserver:
    """Watches one run."""

    def __init__(
        self, world: World, measures: Mapping[str, Measure], series: Mapping[str, Measure]
    ) -> None:
        self._world = world
        self._start, self._made = world.tick, world.made
        self._under_way = {cascade.id for cascade in world.cascades.loose if cascade.alive}
        self._measures, self._series = measures, series
        self._rows: list[dict[str, float]] = []
        self._now: dict[int, int] = {}
        self._watched: Sequence[int] | None = None
        self._feeds: ExposureSums | None = None

    def watch_feeds(self) -> None:
        """Measure what members are shown, where there is a platform."""
        if self._world.platform is not None:
            from sim.lab.recommenders.exposure_sums import ExposureSums

            self._feeds = ExposureSums(self._world, np.array(self._world.agents.community))

    def watch(self, messages: Sequence[int]) -> None:
        """Measure these messages, by their ids, whatever else is sent."""
        self._watched = messages

    def look(self) -> None:
        """Take what only this moment shows."""
        world = self._world
        for cascade in world.cascades.loose:
            self._now[cascade.id] = cascade.now
        running = sum(cascade.status == "running" for cascade in world.cascades.loose)
        row = {"running": float(running), **_of_world(world)}
        if self._feeds is not None and self._rows:
            row |= _of_feeds(self._feeds)
        row |= {name: float(take(world)) for name, take in self._series.items()}
        chosen = self._chosen()
        row["now"] = float(sum(self._now.get(number, 0) for number in chosen))
        self._rows.append(row)

    def _chosen(self) -> Sequence[int]:
        if self._watched is not None:
            return self._watched
        if self._world.made > self._made:
            return range(self._made, self._world.made)
        return sorted(self._under_way)

    @property
    def ticks(self) -> int:
        """How many ticks it has seen pass."""
        return len(self._rows) - 1

    def _messages(self) -> list[Cascade]:
        chosen = set(self._chosen())
        return [cascade for cascade in self._world.cascades if cascade.id in chosen]

    def measured(self) -> dict[str, float]:
        """Return the numbers of the whole run, :data:`MEASURES` first."""
        messages = self._messages()
        found = self._of_all(messages)
        if len(messages) > 1:
            found["largest"] = float(max(cascade.size for cascade in messages))
        if 1 < len(messages) <= _APART:
            each = [self._of_one(cascade) for cascade in messages]
            for name in _PER_MESSAGE:
                found |= {f"{name}:{place}": own[name] for place, own in enumerate(each)}
        return found | {name: float(take(self._world)) for name, take in self._measures.items()}

    def _of_one(self, cascade: Cascade) -> dict[str, float]:
        at = cascade.started_at - self._start
        new = _without_first(cascade)[max(-at, 0) :]  # of a message under way: from the fork on
        r = cascade.r
        return {
            "size": float(cascade.size),
            "depth": float(cascade.depth),
            "breadth": float(cascade.breadth),
            "virality": float(cascade.virality),
            "r": float(r[0]) if r.size else math.nan,
            "peak": float(new.max(initial=0)),
            "peak_tick": float(max(at, 0) + new.argmax()) if new.any() else math.nan,
        }

    def _of_all(self, messages: Sequence[Cascade]) -> dict[str, float]:
        if not messages:
            nothing = dict.fromkeys(MEASURES, math.nan) | {"failed": 0.0}
            del nothing["largest"]
            return nothing
        each = [self._of_one(cascade) for cascade in messages]
        size = sum(own["size"] for own in each)
        new = self._summed(messages, _without_first)
        known = [own["r"] for own in each if own["r"] == own["r"]]
        return {
            "size": size,
            "share": size / max(len(self._world.agents) * len(messages), 1),
            "depth": max(own["depth"] for own in each),
            "breadth": max(own["breadth"] for own in each),
            "virality": max(each, key=lambda own: own["size"])["virality"],
            "r": math.fsum(known) / len(known) if known else math.nan,
            "peak": float(new.max()),
            "peak_tick": float(new.argmax()) if new.any() else math.nan,
            "quiet_after": self._quiet_after(messages),
            "failed": float(sum(cascade.status == "failed" for cascade in messages)),
        }

    def _quiet_after(self, messages: Sequence[Cascade]) -> float:
        if any(cascade.alive for cascade in messages):
            return math.nan
        running = [row["running"] for row in self._rows]
        return float(max((tick for tick, many in enumerate(running) if many), default=-1) + 1)

    def series(self) -> dict[str, F64]:
        """Return each series, float64 (ticks + 1,), :data:`SERIES` first."""
        messages = self._messages()
        new = self._summed(messages, lambda cascade: cascade.new_adopters)
        before = sum(self._before(cascade) for cascade in messages)
        found = {"ever": before + new.cumsum(), "new": new}
        taken = {
            name: self._column(name) for name in dict.fromkeys(n for r in self._rows for n in r)
        }
        found |= {name: taken.pop(name) for name in ("now", "running")}
        for state in dict.fromkeys(state for cascade in messages for state in cascade.states):
            found[column_name("in", state)] = self._in_state(messages, state)
        return found | taken

    def _column(self, name: str) -> F64:
        return np.array([row.get(name, math.nan) for row in self._rows])

    def _before(self, cascade: Cascade) -> int:
        """Return who had taken up before the run began."""
        rows = self._start - cascade.started_at if cascade.started_at >= 0 else 0
        return int(cascade.new_adopters[: max(rows, 0)].sum())

    def _summed(
        self, messages: Sequence[Cascade], rows: Callable[[Cascade], npt.NDArray[np.int64]]
    ) -> F64:
        total = np.zeros(self.ticks + 1)
        for cascade in messages:
            if cascade.started_at >= 0:
                own, at = rows(cascade), cascade.started_at - self._start
                own, at = own[max(-at, 0) :], max(at, 0)
                own = own[: total.size - at]
                total[at : at + own.size] += own
        return total

    def _in_state(self, messages: Sequence[Cascade], state: str) -> F64:
        total = np.zeros(self.ticks + 1)
        for cascade in messages:
            if state not in cascade.states or not len(cascade.history):
                continue
            place = cascade.states.index(state)
            own = cascade.history[:, place]
            rows = np.arange(total.size) + self._start - cascade.started_at
            held = own[np.clip(rows, 0, len(own) - 1)].astype(np.float64)
            held[rows < 0] = cascade.agents if place == 0 else 0.0
            total += held
        return total


def _without_first(cascade: Cascade) -> npt.NDArray[np.int64]:
    new = np.array(cascade.new_adopters)
    new[:1] = 0
    return new


def _of_feeds(feeds: ExposureSums) -> dict[str, float]:
    feeds.look(asks=False)
    found = feeds.measures()
    found["outside"] = (1 - found["separation"]) / 2
    names = ("inequality", "variety", "outside", "engagement")
    return {column_name("feed", name): found[name] for name in names}


def _of_world(world: World) -> dict[str, float]:
    active = np.count_nonzero(world.agents.status == np.uint8(Lifecycle.ACTIVE))
    found = {"active": float(active), "ties": float(world.ties.count)}
    platform = world.platform
    if platform is not None:
        acts = (act for act in Act if act is not Act.DO_NOTHING)
        found["online"] = float(platform.online.size)
        found["exposures"] = float(len(platform.exposures))
        found["acts"] = float(sum(platform.log.count(world.tick, act) for act in acts))
    for topic in world.opinions:
        values = np.asarray(world.opinions[topic], np.float64)
        found[column_name("opinion", topic)] = float(values.mean())
        found[column_name("opinion_spread", topic)] = float(values.std())
    if world.metrics is not None:
        for name, value in world.metrics.latest.items():
            if name not in OF_CLOCK:
                found[column_name("metric", name)] = float(value)
    return found
