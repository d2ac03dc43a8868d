"""The laws of policies, interventions and metrics.

>>> from hubbub import make
>>> "order" in check_acting(type(make("rule", "policy")))
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.params import Parameters
from sim.core.registry import register
from sim.errors import InputError, PluginError
from sim.platform.acts.kinds import Act
from sim.platform.acts.policy import Policy
from sim.platform.feed.exposures import ExposurePart, Exposures
from sim.testing.call_watch import hold
from sim.testing.recommender_laws import lively_world, refuse_unlike
from sim.world.interventions.kinds import KINDS, Intervention
from sim.world.metrics.values import METRICS, Metric, metric_name
from sim.world.phases import only_reads
from sim.world.world import World

_TICKS = 6
_AT = 2
_OF_VIEWER = ("counts",)
_OF_EXPOSURE = ("message", "source", "score", "trust", "interest", "age", "friends", "appeal",
                "flags")  # fmt: skip
Law = Callable[[type[Any], dict[str, Any]], None]


def check_acting(cls: type[Parameters], **parameters: Any) -> tuple[str, ...]:
    """Check a policy, an intervention or a metric against the laws; return those satisfied."""
    return hold(cls, ACTING_LAWS[getattr(cls, "plugin_kind", "")], parameters)


# Policies


def acts(cls: type[Policy], parameters: dict[str, Any]) -> None:
    """Demand: it decides on the feeds of a small world's members, and does not fail."""
    _ruled(cls, parameters)


def deterministic(cls: type[Policy], parameters: dict[str, Any]) -> None:
    """Demand: the same seed, the same acts."""
    one, two = (_ruled(cls, parameters) for _ in range(2))
    says = "let members act in two ways for one seed; draw from nothing of its own"
    refuse_unlike(cls, one, two, says)


def resumes(cls: type[Policy], parameters: dict[str, Any]) -> None:
    """Demand: a world saved in the middle continues as if it had not been."""
    world = _ruled(cls, parameters)
    parted = _ruled(cls, parameters, _TICKS // 2)
    again = World.restore(*parted.dump())
    again.step(_TICKS - _TICKS // 2)
    says = "did not go on as it was after a save; keep nothing between ticks"
    refuse_unlike(cls, again, world, says)


def apart(cls: type[Policy], parameters: dict[str, Any]) -> None:
    """Demand: a member's acts do not depend on which others are in the same call."""
    _watched(cls, parameters, _alone)


def chances(cls: type[Policy], parameters: dict[str, Any]) -> None:
    """Demand: probabilities are in [0, 1], for acts that concern exposures."""
    if cls.probabilities is Policy.probabilities:
        return  # it has its own compiled pass
    _watched(cls, parameters, _sound)


def untouched(cls: type[Policy], parameters: dict[str, Any]) -> None:
    """Demand: deciding changes nothing."""
    _watched(cls, parameters, _harmless)


Look = Callable[[Policy, ExposurePart, Any, np.uint64, npt.NDArray[np.uint8]], str]


def _ruled(cls: type[Policy], parameters: dict[str, Any], ticks: int = _TICKS) -> World:
    return _run(cls.plugin_name, cls(**parameters), ticks)


def _run(name: str, policy: Policy, ticks: int = _TICKS) -> World:
    world = lively_world()
    platform = world.platform
    if platform is None:
        raise RuntimeError("a lively world has no platform")
    platform.behave(policy)
    world.step(ticks)
    for fault in platform.faults:
        said = fault.partition("decides no more: ")[2] or fault
        if "read-only" in said:
            said = "writes into a column of exposures; change a copy of it"
        raise PluginError(name, said.rstrip("."))
    return world


def _watched(cls: type[Policy], parameters: dict[str, Any], look: Look) -> None:
    """Run it with all calls watched; raise with the first finding."""
    asked, said = cls(**parameters), list[str]()

    class WatchedPolicy(Policy):
        """What is tried, and somebody who looks on."""

        def codes(self, part: ExposurePart, platform: Any, key: np.uint64) -> npt.NDArray[np.uint8]:
            found = asked.codes(part, platform, key)
            if not said and part.message.size:
                said.extend(filter(None, [look(asked, part, platform, key, found)]))
            return found

    _run(cls.plugin_name, WatchedPolicy())
    if said:
        raise PluginError(cls.plugin_name, said[0])


def _alone(
    asked: Policy, part: ExposurePart, platform: Any, key: np.uint64, found: npt.NDArray[np.uint8]
) -> str:
    """Repeat the call for some viewers alone."""
    stops = np.concatenate([[0], np.cumsum(part.counts.astype(np.int64))])
    for which in range(0, part.viewers.size, 5):
        own = slice(int(stops[which]), int(stops[which + 1]))
        one = {name: getattr(part, name)[own] for name in _OF_EXPOSURE}
        one |= {name: getattr(part, name)[which : which + 1] for name in ("viewers", *_OF_VIEWER)}
        if not np.array_equal(asked.codes(part._replace(**one), platform, key), found[own]):
            return (
                "lets a member act in another way when it is asked for it alone; a chance may look "
                "only at its own exposure"
            )
    return ""


def _sound(
    asked: Policy, part: ExposurePart, platform: Any, _key: np.uint64, _found: npt.NDArray[np.uint8]
) -> str:
    said = asked.probabilities(Exposures([part], platform.tick, around=platform), platform)
    for act, chance in said.items():
        if not isinstance(act, Act):
            return f"gives a chance of {act!r}, which is no sim.Act"
        values = np.asarray(chance, np.float64)
        if not np.isfinite(values).all() or (values < 0).any() or (values > 1).any():
            worst = values.reshape(-1)[np.argmax(np.abs(np.nan_to_num(values - 0.5, nan=9)))]
            return f"gives {act.says} a chance of {worst:.6g}; chances are numbers in [0, 1]"
    return ""


def _harmless(
    asked: Policy, part: ExposurePart, platform: Any, key: np.uint64, _found: npt.NDArray[np.uint8]
) -> str:
    """Compare its inputs before and after another call."""
    columns: list[npt.NDArray[Any]] = [getattr(part, name) for name in _OF_EXPOSURE]
    before = [np.array(column) for column in columns]
    held = {name: np.array(column) for name, column in platform.held.items()}
    posts = np.array(platform.posts.likes)
    asked.codes(part, platform, key)
    same = all(np.array_equal(a, b) for a, b in zip(before, columns, strict=True))
    same = same and {*held} == {*platform.held}
    same = same and all(np.array_equal(platform.held[name], was) for name, was in held.items())
    if same and np.array_equal(posts, platform.posts.likes):
        return ""
    return "writes into what it is shown; a policy reads, and the world carries out its acts"


# Interventions


def does(cls: type[Intervention], parameters: dict[str, Any]) -> None:
    """Demand: when planned in a small world it is carried out, with a result of one line."""
    if cls.plugin_name in KINDS and KINDS[cls.plugin_name] is not cls:
        raise PluginError(
            cls.plugin_name, "has the name of a built-in intervention; choose another"
        )
    done = _done(cls, parameters).interventions[0]
    if done.failed:
        raise PluginError(cls.plugin_name, done.result.rstrip("."))
    if not done.result.strip():
        raise PluginError(cls.plugin_name, "tells nothing; do() returns in a line what came of it")


def same(cls: type[Intervention], parameters: dict[str, Any]) -> None:
    """Demand: the same seed, the same world afterwards."""
    one, two = (_done(cls, parameters) for _ in range(2))
    says = "did two things for one seed; draw from sim.Lots(world.seed, name, world.tick)"
    refuse_unlike(cls, one, two, says)


def kept(cls: type[Intervention], parameters: dict[str, Any]) -> None:
    """Demand: a world saved before or after it continues as if it had not been."""
    whole = _done(cls, parameters)
    for ticks in (1, _AT + 1):
        again = World.restore(*_done(cls, parameters, ticks).dump())
        again.step(_TICKS - ticks)
        says = "did not go on as it was after a save; keep nothing of its own"
        refuse_unlike(cls, again, whole, says)


def _done(cls: type[Intervention], parameters: dict[str, Any], ticks: int = _TICKS) -> World:
    world = lively_world()
    world.inject("The bridge is closed.", seeds=[0, 5, 11], model="sir", beta=0.2)
    register(cls.plugin_name)(cls)
    world.at(_AT, cls.plugin_name, **parameters)
    world.step(ticks)
    return world


# Metrics


def measures(cls: type[Metric], parameters: dict[str, Any]) -> None:
    """Demand: it returns a number or NaN for worlds with and without a platform."""
    if metric_name(cls.plugin_name) in METRICS:
        raise PluginError(cls.plugin_name, "has the name of a built-in metric; choose another")
    for world in (
        lively_world(),
        World.create(agents=30, mean_degree=4),
        World.from_edges([], [], 1),
    ):
        world.step(2)
        found = _looked(cls, world, cls(**parameters))
        if np.ndim(found) or isinstance(found, str) or np.isinf(float(found)):
            raise PluginError(
                cls.plugin_name, f"gives {found!r:.40}; take() returns one number, NaN for none"
            )


def _looked(cls: type[Metric], world: World, metric: Metric) -> Any:
    """Measure a metric on a read-only world."""
    try:
        with only_reads(world, "it"):
            return metric.take(world)
    except InputError as error:
        raise PluginError(cls.plugin_name, str(error).rstrip(".")) from None


def reads(cls: type[Metric], parameters: dict[str, Any]) -> None:
    """Demand: measuring changes nothing, and gives the same value again."""
    world = lively_world()
    world.step(2)
    before, metric = world.digest(), cls(**parameters)
    one, two = (float(_looked(cls, world, metric)) for _ in range(2))
    if world.digest() != before:
        raise PluginError(cls.plugin_name, "changes the world; a metric only reads")
    if not np.array_equal(one, two, equal_nan=True):
        raise PluginError(cls.plugin_name, "gives two numbers for one world; draw nothing")


ACTING_LAWS: dict[str, dict[str, Law]] = {
    "policy": {
        "runs": acts,
        "chances": chances,
        "deterministic": deterministic,
        "order": apart,
        "resumes": resumes,
        "untouched": untouched,
    },
    "intervention": {"runs": does, "deterministic": same, "resumes": kept},
    "metric": {"runs": measures, "untouched": reads},
}
"""Laws by kind and name."""
