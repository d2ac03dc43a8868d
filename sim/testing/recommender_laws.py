"""The laws of recommenders of feeds and of friends.

>>> from hubbub import make
>>> "order" in check_recommender(type(make("hot", "recommender")))
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Array
from sim.core.params import Parameters
from sim.core.registry import make
from sim.core.text import one_line
from sim.errors import PluginError
from sim.platform.feed.recommender import Candidates, FriendRecommender, Recommender
from sim.platform.platform import Platform
from sim.testing.call_watch import hold
from sim.world.world import World

Law = Callable[[type[Any], dict[str, Any]], None]

_AGENTS, _TICKS, _SLOTS, _COUNT = 120, 6, 5, 4
_GIVEN = ("message", "source", "author", "trust", "interest", "likes", "shares", "age", "friends",
          "flags", "bits", "appeal_byte")  # fmt: skip


def lively_world(recommender: Recommender | str = "chronological", seed: int = 7) -> World:
    """Return a small world with a busy platform, not stepped yet."""
    told: dict[str, Any] = {"posting": 0.4, "rhythm": "flat", "slots": _SLOTS}
    world = World.create(_AGENTS, "small-world", 6, seed, trust="uniform:0.2-1", platform=told)
    world.agents.set_community(np.arange(_AGENTS) % 2, ["even", "odd"])
    _platform(world).recommend(recommender)
    return world


def warm() -> None:
    """Import and compile what platforms need, before deadlines start."""
    world = lively_world()
    world.step(2)
    make("adamic-adar", "friend-recommender").suggest(np.arange(3), _platform(world), 2)


def check_recommender(cls: type[Parameters], **parameters: Any) -> tuple[str, ...]:
    """Check a recommender of feeds or friends against the laws; return those satisfied."""
    return hold(cls, LAWS_OF[getattr(cls, "plugin_kind", "")], parameters)


def _platform(world: World) -> Platform:
    platform = world.platform
    if platform is None:
        raise RuntimeError("a lively world has no platform")
    return platform


def _ran(cls: type[Recommender], parameters: dict[str, Any], seed: int = 7) -> World:
    world = lively_world(_made(cls, parameters), seed)
    world.step(_TICKS)
    _refuse_faults(cls, _platform(world))
    return world


def _made(cls: type[Any], parameters: dict[str, Any]) -> Any:
    return cls(**parameters)


def _refuse_faults(cls: type[Any], platform: Platform) -> None:
    for fault in platform.faults:
        reason = one_line(fault).partition("ranks no more: ")[2] or fault
        if "read-only" in reason:
            reason = "writes into a column of candidates; change a copy of it"
        raise PluginError(cls.plugin_name, reason)


def runs(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: it ranks the feeds of a small world."""
    if not len(_platform(_ran(cls, parameters)).exposures):
        raise PluginError(cls.plugin_name, "shows nobody anything; pool() gives no messages")


def deterministic(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: the same seed, the same feeds."""
    one, two = (_ran(cls, parameters) for _ in range(2))
    says = "ranked feeds in two ways for one seed; draw only from the column draw"
    refuse_unlike(cls, one, two, says)


def refuse_unlike(cls: type[Parameters], one: World, two: World, says: str) -> None:
    """Refuse a plugin that made two worlds of what should be one."""
    if one.digest() != two.digest():
        raise PluginError(cls.plugin_name, says)


def resumes(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: a world saved in the middle continues as if it had not been."""
    world, parted = (lively_world(_made(cls, parameters)) for _ in range(2))
    world.step(_TICKS)
    parted.step(_TICKS // 2)
    again = World.restore(*parted.dump())
    again.step(_TICKS - _TICKS // 2)
    says = "did not go on as it was after a save; keep what it learns in platform.held"
    refuse_unlike(cls, again, world, says)


def order(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: a feed does not depend on which other feeds are made in the same call."""
    _watched(cls, parameters, _alone)


def finite(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: scores are finite numbers."""
    _watched(cls, parameters, _finite)


def explains(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: the parts of a score in an explanation sum to the score."""
    _watched(cls, parameters, _explained)


def untouched(cls: type[Recommender], parameters: dict[str, Any]) -> None:
    """Demand: calls change nothing but its own columns in ``held``."""
    world = lively_world()
    world.step(_TICKS)
    platform, asked = _platform(world), _made(cls, parameters)
    before = _state(world)
    asked.prepare(platform)
    asked.pool(platform)
    changed = [name for name, was in before.items() if not np.array_equal(was, _state(world)[name])]
    if changed:
        raise PluginError(
            cls.plugin_name,
            f"wrote into the world ({changed[0]}); read it, and keep what is learned in "
            "platform.held",
        )


def _state(world: World) -> dict[str, Array]:
    """Return copies of what a recommender must not change."""
    columns = world.dump()[1]
    return {name: np.array(c) for name, c in columns.items() if ".held." not in name}


Look = Callable[[Recommender, Candidates, npt.NDArray[np.float32]], str]


def _watched(cls: type[Recommender], parameters: dict[str, Any], look: Look) -> None:
    """Run it with all calls watched; raise with the first finding."""
    asked, said = _made(cls, parameters), list[str]()

    class WatchedRecommender(Recommender):
        """What is tried, and somebody who looks on."""

        def prepare(self, platform: Any) -> None:
            asked.prepare(platform)

        def pool(self, platform: Any) -> npt.NDArray[np.uint32] | None:
            found: npt.NDArray[np.uint32] | None = asked.pool(platform)
            return found

        def score(self, candidates: Candidates) -> Array:
            scores: npt.NDArray[np.float32] = asked.scores_of(candidates, _SLOTS)
            if not said and len(candidates):
                said.extend(filter(None, [look(asked, candidates, scores)]))
            return scores

    world = lively_world(WatchedRecommender())
    world.step(_TICKS)
    _refuse_faults(cls, _platform(world))
    if said:
        raise PluginError(cls.plugin_name, said[0])


def _finite(_: Recommender, candidates: Candidates, scores: npt.NDArray[np.float32]) -> str:
    if np.isfinite(scores).all():
        return ""
    return f"gave an infinite score to one of {len(candidates):,}; check for division by 0"


def _alone(asked: Recommender, candidates: Candidates, scores: npt.NDArray[np.float32]) -> str:
    """Repeat the call for some viewers alone."""
    for which in range(0, candidates.viewers.size, 5):
        own = np.arange(*candidates.stops[which : which + 2])
        again = asked.scores_of(_chosen(candidates, which, own), _SLOTS)
        if not np.array_equal(again, scores[own]):
            return (
                "ranks a member's feed in another way when it is asked for it alone; a score may "
                "look only at its own viewer's candidates"
            )
    return ""


def _explained(asked: Recommender, candidates: Candidates, scores: npt.NDArray[np.float32]) -> str:
    """Request the parts for some viewers' exposures alone, as an explanation does."""
    draw = candidates.bits & np.uint64(0xFFFFFFFF)
    for which in range(0, candidates.viewers.size, 5):
        own = np.arange(*candidates.stops[which : which + 2])
        shown = own[np.lexsort((draw[own], scores[own]))[::-1][:_SLOTS]]
        parts = asked.parts(_chosen(candidates, which, shown))
        whole = np.zeros(shown.size) + sum(parts.values())
        wrong = ~np.isclose(whole, scores[shown], rtol=1e-4, atol=1e-4)
        if wrong.any():
            return (
                f"explains a score of {scores[shown][wrong][0]:.6g} by parts that sum to "
                f"{whole[wrong][0]:.6g}; parts() must return the terms of score()"
            )
    return ""


def _chosen(candidates: Candidates, which: int, places: Array) -> Candidates:
    """Return some candidates of one viewer as if they were the only ones."""
    columns = {name: getattr(candidates, name)[places] for name in _GIVEN}
    columns["stops"] = np.array([0, places.size], np.int64)
    return Candidates(candidates.around, candidates.viewers[which : which + 1], columns)


# Friends


def proposes(cls: type[FriendRecommender], parameters: dict[str, Any]) -> None:
    """Demand: at most ``count`` each, never the viewer or its follows, and finite scores."""
    world, platform = _rested()
    viewers = np.arange(0, _AGENTS, 3, dtype=np.uint32)
    who, others, scores = _made(cls, parameters).suggest(viewers, platform, _COUNT)
    name = cls.plugin_name
    if not len(who) == len(others) == len(scores):
        raise PluginError(name, "suggest() must return three columns of one length")
    if not np.isin(who, viewers).all() or np.bincount(who, minlength=1).max(initial=0) > _COUNT:
        raise PluginError(
            name, f"suggests more than the {_COUNT} asked for, or to nobody who asked"
        )
    if not np.isfinite(scores).all():
        raise PluginError(name, "gave a score that is no finite number; check for division by 0")
    for one, other in zip(who.tolist(), others.tolist(), strict=True):
        if one == other or one in world.ties.listeners(other):
            raise PluginError(
                name, "suggests a member to itself, or whom it follows already; leave those out"
            )


def steady(cls: type[FriendRecommender], parameters: dict[str, Any]) -> None:
    """Demand: a repeated call gives the same answer."""
    if _answers(cls, parameters, [range(_AGENTS)]) != _answers(cls, parameters, [range(_AGENTS)]):
        raise PluginError(
            cls.plugin_name, "proposed others when it was asked again; draw by seed, tick and agent"
        )


def apart(cls: type[FriendRecommender], parameters: dict[str, Any]) -> None:
    """Demand: the same answer for a member alone as among others."""
    together = _answers(cls, parameters, [range(_AGENTS)])
    if _answers(cls, parameters, [[k] for k in range(_AGENTS)]) != together:
        raise PluginError(cls.plugin_name, "proposes others to a member that is asked about alone")


def harmless(cls: type[FriendRecommender], parameters: dict[str, Any]) -> None:
    """Demand: calls change nothing."""
    world, platform = _rested()
    before = _state(world)
    _made(cls, parameters).suggest(np.arange(_AGENTS, dtype=np.uint32), platform, _COUNT)
    if not all(np.array_equal(was, _state(world)[name]) for name, was in before.items()):
        raise PluginError(cls.plugin_name, "wrote into the world; read it")


def _rested() -> tuple[World, Platform]:
    world = lively_world()
    world.step(2)
    return world, _platform(world)


def _answers(
    cls: type[FriendRecommender], parameters: dict[str, Any], groups: list[Any]
) -> dict[int, list[tuple[int, float]]]:
    _, platform = _rested()
    asked, found = _made(cls, parameters), dict[int, list[tuple[int, float]]]()
    for group in groups:
        said = asked.suggest(np.array(group, np.uint32), platform, _COUNT)
        for viewer, other, score in zip(*(column.tolist() for column in said), strict=True):
            found.setdefault(viewer, []).append((other, score))
    return found


LAWS_OF: dict[str, dict[str, Law]] = {
    "recommender": {
        "runs": runs,
        "finite": finite,
        "deterministic": deterministic,
        "order": order,
        "explains": explains,
        "resumes": resumes,
        "untouched": untouched,
    },
    "friend-recommender": {
        "runs": proposes,
        "deterministic": steady,
        "order": apart,
        "untouched": harmless,
    },
}
"""Laws by kind and name."""
