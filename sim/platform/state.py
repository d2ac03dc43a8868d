"""Dumps and snapshots of a platform's state as (meta, columns)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.bounds import prefixed
from sim.core.params import Parameters
from sim.platform.acts.policy_dispatch import POLICY
from sim.world.contract import PlatformState
from sim.world.minds.minds import unpacked

_FLAGS = 30
"""The byte of :attr:`~sim.platform.posts.posts.Posts.flags` in a row of ``hot``."""

Columns = dict[str, npt.NDArray[Any]]
Copied = Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]


def _copy(_name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array(column)


class PlatformSnapshot:
    """What a platform's state was when this was made; the platform may go on."""

    def __init__(self, platform: PlatformState, copied: Copied = _copy) -> None:
        self._meta, columns = _without_log(platform)
        self._columns = {name: copied(name, column) for name, column in columns.items()}
        self._log = platform.log.still()
        self._minds: npt.NDArray[np.uint8] | None = None
        if platform.minds.is_used:
            self._minds = copied("minds", np.frombuffer(platform.minds.packed(), np.uint8))

    def dump(self) -> tuple[dict[str, Any], Columns]:
        """Return what the platform's ``dump()`` said then."""
        columns = self._columns | prefixed("log.", self._log.dump())
        return _plain(self._meta, self._unpacked()), columns

    def commanded(self) -> tuple[str, Columns]:
        """Return what :func:`commanded` said of the platform then."""
        said = self._meta
        flags = self._columns["posts.hot"].view(np.uint8)[:, _FLAGS]
        columns = {"flags": flags, "recommender": self._columns["members.recommender"]}
        if (own := self._columns.get(f"held.{POLICY}")) is not None:
            columns[POLICY] = own
        acts = [said["policy"], *said.get("policies", ())]
        return repr((said["recommenders"], acts, said["waiting"], self._unpacked())), columns

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Go through what is held, copies and the log."""
        yield from self._columns.values()
        yield from self._log.arrays()
        if self._minds is not None:
            yield self._minds

    def _unpacked(self) -> dict[str, Any] | None:
        return None if self._minds is None else unpacked(self._minds)


def commanded(platform: PlatformState | PlatformSnapshot) -> tuple[str, Columns]:
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


def dump_platform(platform: PlatformState) -> tuple[dict[str, Any], Columns]:
    """Return (what JSON can hold, arrays by name)."""
    meta, columns = _without_log(platform)
    minds = platform.minds.dump() if platform.minds.is_used else None
    return _plain(meta, minds), columns | prefixed("log.", platform.log.dump())


def _plain(meta: dict[str, Any], minds: dict[str, Any] | None) -> dict[str, Any]:
    """Return what :func:`_without_log` says as JSON holds it, and minds; undo keeps many."""
    plain = {**meta, "injected": sorted(map(list, meta["injected"]))}
    return plain if minds is None else plain | {"minds": minds}


def _without_log(platform: PlatformState) -> tuple[dict[str, Any], Columns]:
    posts_meta, posts = platform.posts.dump()
    meta = {
        "settings": platform.settings.values(),
        "recommenders": [_said(plugin) for plugin in platform.recommenders],
        "policy": _said(platform.policy),
        "posts": posts_meta,
        "injected": platform.injected.so_far(),
        "waiting": [command.dump() for command in platform.waiting],
        "written": sorted(platform.written.items()),
        "online_at": platform.online_at,
    }
    if len(platform.policies) > 1:
        meta["policies"] = [_said(plugin) for plugin in platform.policies[1:]]
    columns = prefixed("posts.", posts) | prefixed("members.", platform.members.dump())
    columns |= prefixed("held.", platform.held)
    return meta, columns | {"trending": platform.trending, "online": platform.online}


def _said(plugin: Parameters) -> dict[str, Any]:
    lost = getattr(plugin, "lost", None)
    return lost or {"name": plugin.plugin_name, "parameters": plugin.values()}
