"""Metrics of a world, built-in and of plugins: names, meaning and values, grouped by cost."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle
from sim.arrays import F64
from sim.core import rng
from sim.core.params import Parameters
from sim.core.plugin_files import API_VERSION
from sim.core.registry import names, spec
from sim.core.rng import Stream
from sim.errors import InputError
from sim.network.analysis import analysis
from sim.platform.acts.kinds import Act
from sim.world.base import WorldState
from sim.world.metrics import sums_kernels as kernels

if TYPE_CHECKING:
    from sim.spread.cascade.cascade import Cascade

SAMPLE = 4096
"""Number of agents whose ties are sampled, and of draws for clustering."""

_NAN = float("nan")


def gini(values: npt.ArrayLike) -> float:
    """Return the inequality of values in [0, 1): 0 if all are equal.

    Sample Gini coefficient, sum (2 i - n - 1) x_i / (n sum x) of the values in ascending order; NaN
    if they sum to 0.

    Examples
    --------
    >>> gini([1, 1, 1]), gini([0, 0, 4])
    (0.0, 0.6666666666666666)
    """
    ordered = np.sort(np.asarray(values, np.float64))
    total = float(ordered.sum())
    if not total > 0:
        return _NAN
    weights = 2.0 * np.arange(1, ordered.size + 1) - ordered.size - 1
    return float(weights @ ordered) / (ordered.size * total)


def bimodality(values: npt.ArrayLike) -> float:
    """Return Sarle's bimodality coefficient in (0, 1]; two camps above 5/9, the uniform value.

    With sample skewness g and excess kurtosis k, (g^2 + 1) / (k + 3 (n-1)^2 / ((n-2)(n-3))); NaN
    for fewer than four values or if all are equal (Pfister et al., Front. Psychol. 2013).

    Examples
    --------
    >>> round(bimodality([-1, 1] * 500), 2), round(bimodality(np.linspace(0, 1, 1000)), 2)
    (1.0, 0.55)
    """
    x = np.asarray(values, np.float64)
    x = x[~np.isnan(x)]
    n = x.size
    spread = float(x.std()) if n > 3 else 0.0
    if not spread > 0:
        return _NAN
    z = (x - x.mean()) / spread
    skew = float((z**3).mean()) * np.sqrt(n * (n - 1)) / (n - 2)
    flat = float((z**4).mean()) - 3
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * flat + 6)
    return float((skew**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def opinion_measures(opinions: F64, span: tuple[float, float]) -> dict[str, float]:
    """Return the variance, polarisation and bimodality of opinions, ignoring NaN."""
    known = opinions[~np.isnan(opinions)]
    if not known.size:
        return {}
    variance, width = float(known.var()), span[1] - span[0]
    return {
        "opinion_mean": float(known.mean()),
        "variance": variance,
        "polarisation": 4 * variance / width**2,
        "bimodality": bimodality(known),
    }


def tie_mixing(world: WorldState, label: npt.NDArray[np.int32]) -> tuple[float, float]:
    """Return the share of ties between equal labels, and its standard error."""
    n = len(world.agents)
    chosen = np.arange(n, dtype=np.uint32)
    if n > SAMPLE:
        drawn = rng.words(rng.key(world.seed, Stream.MIXING, world.tick), np.arange(SAMPLE))
        chosen = (drawn % np.uint64(n)).astype(np.uint32)
    live = world.ties.live
    total, within = np.empty((2, chosen.size), np.int64)
    kernels.mixed(live.rows, live.ids, label, chosen, total, within)
    if not total.any():
        return _NAN, _NAN
    share = float(within.sum()) / float(total.sum())
    if n <= SAMPLE:
        return share, 0.0
    off = within - share * total
    spread = np.sqrt(float((off**2).sum()) / (chosen.size * (chosen.size - 1)))
    return share, float(spread / total.mean())


Found = dict[str, float]

SEARCHES = 64
"""Number of agents from which path lengths are measured."""
REACHED = 0.01
"""Minimum share of all agents for a message to count as a success."""
_FOLLOWED = 16
"""Number of the newest running messages used for R."""
_ENOUGH = 5
"""Minimum number of ended messages for a success rate."""


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """Metrics that are measured together."""

    names: dict[str, str]  # name and meaning of each metric
    take: Callable[[WorldState], Found]  # returns values by name, without those that do not apply


# Each tick


def _of_world(world: WorldState) -> Found:
    agents, n = world.agents, len(world.agents)
    active = int(np.count_nonzero(agents.status == np.uint8(Lifecycle.ACTIVE)))
    pairs = max(n * (n - 1), 1)
    return {
        "active": active,
        "ties": world.ties.count,
        "mean_degree": world.ties.count / max(n, 1),
        "density": world.ties.count / pairs,
        "tick_ms": 1000 * sum(world.phase_seconds.values()),
        "cpu_ms": 1000 * world.cpu_seconds,
    }


def _of_cascades(world: WorldState) -> Found:
    loose = world.cascades.loose
    running = [cascade for cascade in loose if cascade.status == "running"]
    fresh = [newest(cascade) for cascade in loose if _moved(world, cascade)]
    ended = world.cascades.at_rest
    found: Found = {
        "running": len(running),
        "adopted": sum(fresh),
        "spread": max(fresh, default=0) / max(len(world.agents), 1),
        "speed": max((cascade.speed for cascade in running), default=0.0),
    }
    if len(ended) >= _ENOUGH:
        least = REACHED * len(world.agents)
        found["success"] = int(np.count_nonzero(ended >= least)) / len(ended)
    return found


def _moved(world: WorldState, cascade: Cascade) -> bool:
    """Return whether the last row of its record is this tick's."""
    rows = len(cascade.new_adopters)
    return rows > 0 and cascade.started_at + rows - 1 == world.tick


def newest(cascade: Cascade) -> int:
    """Return the number of new adopters in a cascade's last tick."""
    new = cascade.new_adopters
    return int(new[-1]) if new.size else 0


def _of_platform(world: WorldState) -> Found:
    platform = world.platform
    if platform is None:
        return {}
    counts = {act: platform.log.count(world.tick, act) for act in Act if act is not Act.DO_NOTHING}
    found: Found = {_name(act): count for act, count in counts.items()}
    done, seconds = sum(counts.values()), sum(world.phase_seconds.values())
    return found | {
        "online": platform.online.size,
        "exposures": len(platform.exposures),
        "acts": done,
        "interactions_s": done / seconds if seconds > 0 else _NAN,
    }


_WRONG = ("malformed", "refused", "failed")
"""Counters that are errors of decisions."""


def _of_minds(world: WorldState) -> Found:
    minds = None if world.platform is None else world.platform.minds
    if minds is None or not (minds.members.size or minds.counts):
        return {}
    counts = minds.counts
    errors = sum(counts.get(name, 0) for name in _WRONG)
    requests, tokens, nano = minds.spent
    return {
        "minds_model": counts.get("model", 0),
        "minds_rule": counts.get("rule", 0),
        "minds_errors": errors,
        "minds_requests": requests,
        "minds_tokens": tokens,
        "minds_dollars": nano / 1e9,
    }


def _name(act: Act) -> str:
    return f"act_{act.name.lower()}"


EVERY_TICK = (
    MetricGroup(
        {
            "active": "active accounts",
            "ties": "ties",
            "density": "ties as a share of all ordered pairs",
            "tick_ms": "wall-clock time per tick (ms)",
            "mean_degree": "average number of followers",
            "cpu_ms": "CPU time of the last tick in all threads (ms)",
        },
        _of_world,
    ),
    MetricGroup(
        {
            "running": "messages still spreading",
            "adopted": "first adoptions in the tick, all messages",
            "spread": "largest share of members that one message gained in the tick",
            "speed": "first adoptions per tick (10-tick mean) of the fastest message",
            "success": f"share of finished messages that reached {REACHED:.0%} of members",
        },
        _of_cascades,
    ),
    MetricGroup(
        {
            "online": "members online",
            "exposures": "impressions",
            "acts": "actions of members",
            "interactions_s": "actions per wall-clock second",
            **{_name(act): f"actions: {act.says}" for act in Act if act is not Act.DO_NOTHING},
        },
        _of_platform,
    ),
    MetricGroup(
        {
            "minds_model": "decisions by language models, total",
            "minds_rule": "decisions by rules for members with language models, total",
            "minds_errors": "failed model decisions (malformed, refused, failed), total",
            "minds_requests": "language model requests, total",
            "minds_tokens": "tokens of these requests, total",
            "minds_dollars": "cost of these requests, total",
        },
        _of_minds,
    ),
)
"""Metrics that take microseconds at any size of world, except for one pass over statuses."""


# Regularly: cost proportional to impressions


def _of_feeds(world: WorldState) -> Found:
    platform = world.platform
    if platform is None or platform.exposures.taken is not None or not len(platform.exposures):
        return {}
    parts, posts = platform.exposures.parts, platform.posts
    rows = posts.rows(platform.exposures.message)
    author, topic = posts.author[rows], posts.topic[rows]
    counts = np.concatenate([part.counts for part in parts])
    varied = np.empty(counts.size)
    kernels.variety(counts, np.ascontiguousarray(topic), np.zeros(256, np.int64), varied)
    shown = np.bincount(author, minlength=len(world.agents))
    found = {
        "attention_gini": gini(shown),
        "diversity": float(np.nanmean(varied)) if not np.isnan(varied).all() else _NAN,
        "strangers": float(np.mean(~platform.exposures.followed)),
    }
    community = world.agents.community
    viewers, authors = community[platform.exposures.viewer], community[author]
    both = (viewers >= 0) & (authors >= 0)
    if both.any():
        found["feed_ei"] = 1.0 - 2.0 * float(np.mean((viewers == authors)[both]))
    return found


def _of_reach(world: WorldState) -> Found:
    running = [c for c in world.cascades.loose if c.status == "running"][-_FOLLOWED:]
    read = [value for c in running if (value := c.r_newest) == value]
    return {"r": max(read)} if read else {}


def _of_responses(world: WorldState) -> Found:
    running = [c for c in world.cascades.loose if c.status == "running"]
    rows = [c.new_adopters[1:] for c in running]
    counts = np.zeros(max((row.size for row in rows), default=0), np.int64)
    for row in rows:
        counts[: row.size] += row
    total = int(counts.sum())
    if not total:
        return {}
    below, ticks = np.cumsum(counts), np.arange(1, counts.size + 1)
    return {"propagation_ticks": float(counts @ ticks) / total} | {
        name: float(ticks[np.searchsorted(below, share * total)])
        for name, share in (("response_p50", 0.5), ("response_p90", 0.9))
    }


def _of_opinions(world: WorldState) -> Found:
    for topic in world.opinions:
        opinions, span = world.opinions[topic], world.opinions.span(topic)
        found = opinion_measures(opinions, span)
        middle = (span[0] + span[1]) / 2
        side = np.where(np.isnan(opinions), -1, opinions > middle).astype(np.int32)
        share, error = tie_mixing(world, side)
        return found | {"opinion_ei": 1 - 2 * share, "opinion_ei_error": 2 * error}
    return {}


SAMPLED = (
    MetricGroup(
        {
            "attention_gini": "Gini coefficient of impressions per author",
            "diversity": "probability that two messages in a feed differ in topic, mean of feeds",
            "strangers": "share of impressions from members who are not followed",
            "feed_ei": "E-I index of impressions: -1 all from the own community, 1 none",
        },
        _of_feeds,
    ),
    MetricGroup(
        {"r": "largest mean adoptions per member of the newest complete generation"}, _of_reach
    ),
    MetricGroup(
        {
            "propagation_ticks": "mean ticks from seeding to adoption, running messages",
            "response_p50": "ticks to half of these adoptions",
            "response_p90": "ticks to 90 % of these adoptions",
        },
        _of_responses,
    ),
    MetricGroup(
        {
            "opinion_mean": "mean opinion on the first topic",
            "variance": "variance of the opinions",
            "polarisation": "variance of opinions as a share of the maximum",
            "bimodality": "Sarle's coefficient; above 5/9 in two camps",
            "opinion_ei": "E-I index of ties between the two sides: -1 all within",
            "opinion_ei_error": "its standard error",
        },
        _of_opinions,
    ),
)


# Rarely: cost proportional to the network


def _of_communities(world: WorldState) -> Found:
    label = world.agents.community
    if not (label >= 0).any() or not world.ties.count:
        return {}
    share, error = tie_mixing(world, label)
    known, ties = label >= 0, float(world.ties.count)
    out, heard = world.ties.out_degree.astype(np.float64), world.ties.in_degree.astype(np.float64)
    speaks = np.bincount(label[known], out[known])
    hears = np.bincount(label[known], heard[known])
    alone = float(out[~known] @ heard[~known])
    by_chance = (float(speaks @ hears) + alone) / ties**2
    return {
        "modularity": share - by_chance,
        "modularity_error": error,
        "ties_ei": 1 - 2 * share,
        "ties_ei_error": 2 * error,
    }


def _of_structure(world: WorldState) -> Found:
    if not world.ties.count:
        return {}
    closed = analysis.clustering(world.ties, SAMPLE, seed=world.seed)
    far = analysis.path_length(world.ties, SEARCHES, seed=world.seed)
    return {
        "clustering": closed.value,
        "clustering_error": closed.error,
        "path_length": far.value,
        "path_length_error": far.error,
    }


def _of_reputation(world: WorldState) -> Found:
    own = None if world.platform is None else world.platform.reputation
    known = own is not None and bool((own != own[:1]).any())
    held = np.asarray(own if known else world.reputation(), np.float64)
    total = float(held.sum())
    if not total > 0:
        return {}
    scaled = held * (held.size / total)
    middle, high = np.percentile(scaled, (50, 99)).tolist()
    top = np.sort(scaled)[-max(1, scaled.size // 100) :]
    return {
        "reputation_gini": gini(scaled),
        "reputation_p50": middle,
        "reputation_p99": high,
        "reputation_top": float(top.sum()) / scaled.size,
    }


STRUCTURE = (
    MetricGroup(
        {
            "modularity": "ties within communities beyond chance (Leicht & Newman 2008)",
            "modularity_error": "its standard error",
            "ties_ei": "E-I index of ties between communities: -1 all within, 1 all between",
            "ties_ei_error": "its standard error",
        },
        _of_communities,
    ),
    MetricGroup(
        {
            "clustering": "mean share of a member's pairs of neighbours that are tied",
            "clustering_error": "its standard error",
            "path_length": "mean length of shortest paths, from 64 members",
            "path_length_error": "its standard error",
        },
        _of_structure,
    ),
    MetricGroup(
        {
            "reputation_gini": "Gini coefficient of reputation",
            "reputation_p50": "median reputation (mean = 1)",
            "reputation_p99": "99th percentile of reputation (mean = 1)",
            "reputation_top": "share of reputation held by the top 1 %",
        },
        _of_reputation,
    ),
)


# Metrics of one message

OF_MESSAGES: dict[str, tuple[str, Callable[[WorldState, Cascade], float]]] = {
    "size": ("members who ever adopted it", lambda _world, c: float(c.size)),
    "share": ("their share of all members", lambda _world, c: c.size / max(c.agents, 1)),
    "new": (
        "first adoptions in the last tick",
        lambda world, c: float(newest(c)) if _moved(world, c) else 0.0,
    ),
    "speed": ("first adoptions per tick (10-tick mean)", lambda _world, c: float(c.speed)),
    "r": ("R_t of the newest complete generation after the seeds", lambda _world, c: c.r_newest),
    "depth": ("the longest chain from a seed", lambda _world, c: float(c.depth)),
    "likes": ("likes of its post", lambda world, c: _counted(world, c, "likes")),
    "shown": ("impressions of its post", lambda world, c: _counted(world, c, "shown")),
    "over": ("1 once it has died out", lambda _world, c: float(not c.alive)),
}
"""Metrics of a single message: meaning and function."""


def _counted(world: WorldState, cascade: Cascade, column: str) -> float:
    """Return a counter of a message's post; NaN if it has none, or it is too old."""
    platform = world.platform
    post = -1 if platform is None else platform.injected.get(cascade.id, -1)
    if platform is None or post < platform.posts.first:
        return _NAN
    return float(getattr(platform.posts, column)[platform.posts.row(post)])


def cascade_of(world: WorldState, number: int) -> Cascade:
    """Return the message with a number."""
    if (found := world.cascades.find(number)) is not None:
        return found
    known = f"they are numbered up to {world.made - 1:,}" if world.made else "there is none yet"
    raise InputError(f"No message {number}; {known}.")


METRICS: dict[str, str] = {
    name: says
    for gauges in (EVERY_TICK, SAMPLED, STRUCTURE)
    for gauge in gauges
    for name, says in gauge.names.items()
}
"""All built-in metrics of a world: name and meaning."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Metric(Parameters):
    """A number that describes a world, taken again and again while its metrics are open.

    Its name among the metrics is its registered one with ``_`` for ``-``; it is drawn, written,
    exported, alarming and waited for as the built-in ones are. Its fields take their defaults.

    Examples
    --------
    >>> from hubbub import Metric, World, register
    >>> @register("hubs")
    ... class Hubs(Metric):
    ...     says = "agents with more than 100 listeners"
    ...
    ...     def take(self, world):
    ...         return (world.ties.out_degree > 100).sum()
    >>> world = World.create(agents=2_000, mean_degree=20, seed=1)
    >>> metrics = world.open_metrics()
    >>> world.step()
    >>> bool(metrics.latest["hubs"] == (world.ties.out_degree > 100).sum())
    True
    """

    plugin_kind: ClassVar[str] = "metric"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = API_VERSION
    requires: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = ""
    """Short description of its meaning."""
    unit: ClassVar[str] = ""
    """Unit of its values."""
    every: ClassVar[int] = 1
    """Ticks between two measurements; expensive metrics are measured rarely."""

    def take(self, world: Any) -> Any:
        """Return a number; NaN where it does not apply. The world is read-only."""
        raise NotImplementedError


def metric_name(name: str) -> str:
    """Return the name of a registered metric among the metrics."""
    return name.replace("-", "_")


def is_metric_name(name: object) -> bool:
    """Return whether a file may use this name for a metric."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def own_metrics(taken: Iterable[str] = ()) -> dict[str, type[Metric]]:
    """Return the metrics of plugins by name, without names in ``taken``."""
    found: dict[str, type[Metric]] = {}
    for name in names("metric"):
        cls = spec(name, "metric").cls
        if issubclass(cls, Metric) and metric_name(name) not in {*taken}:
            found[metric_name(name)] = cls
    return found


def value_of(metric: Metric, world: WorldState) -> float:
    """Return the value of a metric as a finite number or NaN."""
    value = float(metric.take(world))
    return value if math.isfinite(value) else math.nan


def known_metrics() -> dict[str, str]:
    """Return all metrics with their meaning: built-in ones, then those of plugins."""
    return METRICS | {name: cls.says or name for name, cls in own_metrics(METRICS).items()}
