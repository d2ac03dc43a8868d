"""Dump and restore of a platform's state as (meta, columns)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from sim.core.checks import whole_number
from sim.core.params import Parameters
from sim.core.registry import make
from sim.errors import HubbubError
from sim.platform.acts.log import ActLog
from sim.platform.acts.policy import Policy, RulePolicy
from sim.platform.acts.policy_dispatch import POLICY
from sim.platform.acts.requests import ActRequest
from sim.platform.bounds import require_platform, texts_of
from sim.platform.feed.recommender import Chronological, Recommender
from sim.platform.members import Members
from sim.platform.platform import Platform
from sim.platform.posts.posts import Posts
from sim.platform.settings import PlatformSettings
from sim.platform.tick import with_platform
from sim.world.minds.minds import Minds

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["PlatformSnapshot", "commanded", "dump_platform", "restore_platform"]

_FLAGS = 30
"""The byte of :attr:`~sim.platform.posts.posts.Posts.flags` in a row of ``hot``."""

Columns = dict[str, npt.NDArray[Any]]
Copied = Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]
P = TypeVar("P", bound=Parameters)


def _copy(_name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array(column)


class PlatformSnapshot:
    """What a platform's state was when this was made; the platform may go on.

    Parameters
    ----------
    platform
        Between two ticks.
    copied
        Given a name and an array, returns a copy that nobody writes into. The log only grows, so
        it is shared.
    """

    def __init__(self, platform: Platform, copied: Copied = _copy) -> None:
        self._meta, columns = _without_log(platform)
        self._columns = {name: copied(name, column) for name, column in columns.items()}
        self._log = platform.log.still()

    def dump(self) -> tuple[dict[str, Any], Columns]:
        """Return what the platform's ``dump()`` said then."""
        return self._meta, self._columns | _logged(self._log)

    def commanded(self) -> tuple[str, Columns]:
        """Return what :func:`commanded` said of the platform then."""
        said = self._meta
        flags = self._columns["posts.hot"].view(np.uint8)[:, _FLAGS]
        columns = {"flags": flags, "recommender": self._columns["members.recommender"]}
        if (own := self._columns.get(f"held.{POLICY}")) is not None:
            columns[POLICY] = own
        acts = [said["policy"], *said.get("policies", ())]
        return repr((said["recommenders"], acts, said["waiting"], said.get("minds"))), columns

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Go through what is held, copies and the log."""
        yield from self._columns.values()
        yield from self._log.arrays()


def commanded(platform: Platform | PlatformSnapshot) -> tuple[str, Columns]:
    """Return what commands change of a platform, now or then; the rest only ticks do."""
    if isinstance(platform, PlatformSnapshot):
        return platform.commanded()
    minds = platform.minds.dump() if platform.minds.is_used else None
    ranks = [_said(plugin) for plugin in platform.recommenders]
    acts = [_said(plugin) for plugin in platform.policies]
    waiting = [command.dump() for command in platform.waiting]
    columns = {"flags": platform.posts.flags, "recommender": platform.members.recommender}
    if POLICY in platform.held:
        columns[POLICY] = platform.held[POLICY]
    return repr((ranks, acts, waiting, minds)), columns


def dump_platform(platform: Platform) -> tuple[dict[str, Any], Columns]:
    """Return (what JSON can hold, arrays by name)."""
    meta, columns = _without_log(platform)
    return meta, columns | _logged(platform.log)


def _logged(log: ActLog) -> Columns:
    return {f"log.{name}": column for name, column in log.dump().items()}


def _without_log(platform: Platform) -> tuple[dict[str, Any], Columns]:
    posts_meta, posts = platform.posts.dump()
    meta = {
        "settings": platform.settings.values(),
        "recommenders": [_said(plugin) for plugin in platform.recommenders],
        "policy": _said(platform.policy),
        "posts": posts_meta,
        "injected": sorted(platform.injected.items()),
        "waiting": [command.dump() for command in platform.waiting],
        "written": sorted(platform.written.items()),
        "online_at": platform.online_at,
    }
    if len(platform.policies) > 1:
        meta["policies"] = [_said(plugin) for plugin in platform.policies[1:]]
    if platform.minds.is_used:
        meta["minds"] = platform.minds.dump()
    columns = {f"posts.{name}": column for name, column in posts.items()}
    columns |= {f"members.{name}": column for name, column in platform.members.dump().items()}
    columns |= {f"held.{name}": column for name, column in platform.held.items()}
    return meta, columns | {"trending": platform.trending, "online": platform.online}


def _said(plugin: Parameters) -> dict[str, Any]:
    lost = getattr(plugin, "lost", None)
    return lost or {"name": plugin.plugin_name, "parameters": plugin.values()}


def restore_platform(world: World, meta: dict[str, Any], columns: Columns) -> list[str]:
    """Give a world the platform of :func:`dump_platform`; returns what a person should know."""
    remarks: list[str] = []
    recommenders: list[Recommender] = _plugins("recommender", meta["recommenders"], remarks)
    acts = [meta["policy"], *meta.get("policies", ())]
    policies: list[Policy] = _plugins("policy", acts, remarks)
    platform = Platform(world, PlatformSettings(**meta["settings"]), recommenders, policies[0])
    platform.policies = policies
    platform.posts = Posts.restore(meta["posts"], _under(columns, "posts."))
    platform.members = Members.restore(world.seed, _under(columns, "members."))
    platform.log = ActLog.restore(platform.settings.log_ticks, _under(columns, "log."))
    platform.held = {name: np.array(c) for name, c in _under(columns, "held.").items()}
    platform.trending = np.array(columns["trending"], np.uint32)
    platform.online = np.array(columns["online"])
    platform.online_at = whole_number(meta["online_at"], "The tick of who is online", low=-1)
    platform.injected = {int(cascade): int(number) for cascade, number in meta["injected"]}
    platform.written = texts_of(meta["written"])
    platform.waiting = [ActRequest.restore(said) for said in meta["waiting"]]
    platform.minds = Minds.restore(meta.get("minds"))
    require_platform(platform, world.tick)
    world.platform = platform
    world.phases = with_platform(world.phases)
    return remarks


class _LostRecommender(Chronological):
    """Stands for a recommender that is not here: the newest first, until it is."""

    lost: dict[str, Any]


class _LostPolicy(RulePolicy):
    """Stands for a policy that is not here: the built-in rules, until it is."""

    lost: dict[str, Any]


def _plugins(kind: str, told: Iterable[dict[str, Any]], remarks: list[str]) -> list[Any]:
    """Return the plugins, or what stands for them; says so in ``remarks``."""
    made = []
    for said in told:
        plugin, remark = _plugin(kind, said)
        made.append(plugin)
        remarks += [remark] if remark else []
    return made


def _plugin(kind: str, said: dict[str, Any]) -> tuple[Any, str]:
    """Return the plugin, or what stands for it and a sentence that says so."""
    try:
        return make(said["name"], kind, **said["parameters"]), ""
    except HubbubError as error:
        stands = _LostRecommender if kind == "recommender" else _LostPolicy
        instead = "the newest first" if kind == "recommender" else "the built-in rules"
        return stands(lost=said), (
            f"The {kind} {said['name']!r} cannot be used: {error} Until it is there, {instead} "
            f"stand{'s' * (kind == 'recommender')} in for it; --plugin FILE brings it."
        )


def _under(columns: Columns, prefix: str) -> Columns:
    return {n.removeprefix(prefix): c for n, c in columns.items() if n.startswith(prefix)}
