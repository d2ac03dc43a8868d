"""The platform of a world, on which members wake, post, read feeds and act; its state.

It costs nothing in worlds without one. :meth:`World.open_platform` opens it; its phases are in
:mod:`sim.platform.tick`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.rhythm_kernels import expected
from sim.arrays import Array, Ids
from sim.core.bounds import prefixed
from sim.core.params import Parameters
from sim.errors import UnknownNameError
from sim.platform.acts.commands import checked_command, found_people, found_posts, letters
from sim.platform.acts.kinds import Act, ActRequest
from sim.platform.acts.policy import Policy
from sim.platform.acts.policy_dispatch import (
    POLICY,
    decide_by,
    members_of,
    policy_of,
    rank_by,
    recommender_of,
)
from sim.platform.feed.recommender import Recommender
from sim.platform.feed.why import Why, why
from sim.platform.members import factors
from sim.platform.posts.posts import Flag
from sim.platform.posts.texts import replies, text_of
from sim.world.base import PlatformState
from sim.world.minds.state import unpacked

_FLAGS_BYTE = 30
"""Offset of :attr:`~sim.platform.posts.posts.Posts.flags` in a row of ``hot``, in bytes."""

Columns = dict[str, npt.NDArray[Any]]
Copied = Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]


def _copy(_name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array(column)


class PlatformSnapshot:
    """Snapshot of a platform's state; the platform may change afterwards."""

    def __init__(self, platform: PlatformState, copied: Copied = _copy) -> None:
        self._meta, columns = _without_log(platform)
        self._columns = {name: copied(name, column) for name, column in columns.items()}
        self._log = platform.log.still()
        self._minds: npt.NDArray[np.uint8] | None = None
        if platform.minds.is_used:
            self._minds = copied("minds", np.frombuffer(platform.minds.packed(), np.uint8))

    def dump(self) -> tuple[dict[str, Any], Columns]:
        """Return what the platform's ``dump()`` returned at that time."""
        columns = self._columns | prefixed("log.", self._log.dump())
        return _plain(self._meta, self._unpacked()), columns

    def commanded(self) -> tuple[str, Columns]:
        """Return what :func:`commanded` returned for the platform at that time."""
        said = self._meta
        flags = self._columns["posts.hot"].view(np.uint8)[:, _FLAGS_BYTE]
        columns = {"flags": flags, "recommender": self._columns["members.recommender"]}
        if (own := self._columns.get(f"held.{POLICY}")) is not None:
            columns[POLICY] = own
        acts = [said["policy"], *said.get("policies", ())]
        return repr((said["recommenders"], acts, said["waiting"], self._unpacked())), columns

    def arrays(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the arrays of the snapshot, those of the log included."""
        yield from self._columns.values()
        yield from self._log.arrays()
        if self._minds is not None:
            yield self._minds

    def _unpacked(self) -> dict[str, Any] | None:
        return None if self._minds is None else unpacked(self._minds)


def commanded(platform: PlatformState | PlatformSnapshot) -> tuple[str, Columns]:
    """Return the state of a platform or snapshot that commands change; ticks change the rest."""
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
    """Return (JSON data, arrays by name)."""
    meta, columns = _without_log(platform)
    minds = platform.minds.dump() if platform.minds.is_used else None
    return _plain(meta, minds), columns | prefixed("log.", platform.log.dump())


def _plain(meta: dict[str, Any], minds: dict[str, Any] | None) -> dict[str, Any]:
    """Return the metadata of :func:`_without_log` as plain JSON data, with minds."""
    plain = {**meta, "injected": sorted(map(list, meta["injected"]))}
    return plain if minds is None else plain | {"minds": minds}


def _without_log(platform: PlatformState) -> tuple[dict[str, Any], Columns]:
    posts_meta, posts = platform.posts.dump()
    meta = {
        "settings": platform.settings.values(),
        "recommenders": [_said(plugin) for plugin in platform.recommenders],
        "policy": _said(platform.policies[0]),
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


_FLAGS = {flag.name.lower(): flag for flag in Flag if flag.name and flag is not Flag.INJECTED}


class Platform(PlatformState):
    """Posts, feeds and acts of a world, tick by tick.

    Attributes
    ----------
    settings
        Its settings (:class:`~sim.platform.settings.PlatformSettings`).
    posts
        The messages that feeds choose from (:class:`~sim.platform.posts.posts.Posts`).
    members
        Rings, seen messages, chronotypes, recommenders (:class:`~sim.platform.members.Members`).
    log
        Acts of members (:class:`~sim.platform.acts.log.ActLog`).
    held
        Recommenders' own arrays by name, saved with the world.
    recommenders, policies
        The plugins that rank and that choose acts; ``members.recommender`` is each member's
        recommender, and :func:`~sim.platform.acts.policy_dispatch.ruled_by` each member's policy.
    online, online_at
        Members online, uint32, ascending, and the tick of that list; -1: not known yet.
    exposures
        Exposures of this tick (:class:`~sim.platform.feed.exposures.Exposures`).
    acted
        Acts of this tick (:class:`~sim.platform.acts.log.ActColumns`).
    acts_before
        Number of these acts before this tick's feeds.
    trending
        Trending messages, uint32, the highest first.
    injected
        The post of each injected message
        (:class:`~sim.platform.posts.posts.InjectedPosts`).
    waiting
        Manual acts that the next tick carries out.
    written
        Texts of posts that were written, injected messages included, by number.
    minds
        Members with minds (:class:`~sim.world.minds.state.Minds`).
    via, friends
        The source of each of ``acted``; the recommender of friends, or None.
    faults, failing
        Faults of plugins, a sentence each; policies that failed in this tick, by index; not part
        of the state.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=1000, seed=7)
    >>> platform = world.open_platform(recommender="popularity", slots=5)
    >>> world.step(24)
    >>> platform.exposures.viewer.size > 0, platform.log.count(24, Act.LIKE) > 0
    (True, True)
    """

    @property
    def policy(self) -> Policy:
        """The default policy; setting it makes it the policy of all members."""
        return self.policies[0]

    @policy.setter
    def policy(self, chosen: Policy) -> None:
        decide_by(self, chosen, None)

    def law(self, tick: int) -> float:
        """Return the expected number of members online in a tick."""
        agents = self._world.agents
        curve = factors(self._curve, tick, self.tick_minutes)
        kinds = self.members.chronotype
        return float(expected(agents.activity, agents.status, 1, kinds, curve))

    def act(
        self,
        agent: int,
        act: Act | int | str,
        *,
        message: int | None = None,
        other: int | None = None,
        text: str = "",
        group: int | str | None = None,
    ) -> None:
        """Schedule an act of a member in the next tick, before feeds are made.

        Parameters
        ----------
        agent
            The acting member.
        act
            The act: ``Act.LIKE`` or ``"like"``.
        message
            Number of the message it concerns.
        other
            The other member it concerns.
        text
            Text of a post, quote, reply or direct message; search text; a new group's name.
        group
            The group to join, leave or write to, by number or name.

        Raises
        ------
        InputError, UnknownNameError
            One sentence if the act is not possible; nothing changes.
        """
        given = ActRequest(agent, Act.DO_NOTHING, message, other, text, 0, group)
        said = {"message": message, "other": other, "text": text, "group": group}
        with self._world.doing("act", (agent, act), said):
            self.waiting.append(checked_command(self._world, self, given, act))

    def recommend(
        self,
        recommender: Recommender | str,
        members: npt.ArrayLike | None = None,
        **parameters: Any,
    ) -> None:
        """Change the recommender that ranks the feeds of all, or of some members.

        Parameters
        ----------
        recommender
            A name, with ``parameters``; or an instance.
        members
            Indices of agents; None: everybody.

        Raises
        ------
        InputError, ParameterError, UnknownNameError
            One sentence; nothing is changed.
        """
        chosen = recommender_of(recommender, parameters)
        with self._world.doing("recommend", (recommender, members), parameters):
            rank_by(self, chosen, members_of(self._world, self, members))

    def behave(
        self, policy: Policy | str, members: npt.ArrayLike | None = None, **parameters: Any
    ) -> None:
        """Change the policy that decides what all, or some members, do with their feeds.

        Parameters and errors are those of :meth:`recommend`; members that join later get the first
        of :attr:`policies`.
        """
        chosen = policy_of(policy, parameters)
        with self._world.doing("behave", (policy, members), parameters):
            decide_by(self, chosen, members_of(self._world, self, members))

    def flag(self, message: int, flag: str, *, on: bool = True) -> None:
        """Set or clear a flag of a message, as a moderator.

        Parameters
        ----------
        message
            Its number.
        flag
            ``"labelled"``, ``"hidden"``, ``"downranked"``, ``"pinned"`` or ``"ad"``.
        on
            False clears it.

        Raises
        ------
        InputError, UnknownNameError
            For a message that is not in feeds, or an unknown flag.
        """
        if flag not in _FLAGS:
            raise UnknownNameError("flag", flag, tuple(_FLAGS))
        with self._world.doing("flag", (message, flag), {"on": on}):
            self.posts.mark(message, _FLAGS[flag], on=on)

    def inbox(self, agent: int) -> list[tuple[int, int, str]]:
        """Return messages to a member and to its groups: (tick, sender, text), the oldest first.

        From the ticks whose acts are kept; without senders that are muted or blocked.
        """
        return letters(self._world, self, agent)

    def replies_to(self, message: int) -> Ids:
        """Return the replies to a message that are still in the table, the oldest first."""
        return replies(self.posts, message)

    def sold(self, message: int) -> int:
        """Return the number of purchases from a message, in the ticks whose acts are kept."""
        return sum(
            int(((a.act == Act.PURCHASE) & (a.message == message)).sum()) for _, a in self.log
        )

    def search_posts(self, text: str) -> Ids:
        """Return messages about a text's interests or containing it, most liked first."""
        return found_posts(self._world, self, text)

    def search_people(self, text: str) -> Ids:
        """Return active members with the interests that a text names, most heard first."""
        return found_people(self._world, self, text)

    def why(self, viewer: int, message: int, tick: int | None = None) -> Why:
        """Return why a member was shown a message (:class:`~sim.platform.feed.why.Why`).

        Raises
        ------
        InputError
            If it was not, or the tick is not the last one.
        """
        return why(self, viewer, message, tick)

    def text_of(self, message: int) -> str:
        """Return the text of a message, written or generated by rules.

        An injected message has its text for as long as the world keeps the message.

        Raises
        ------
        InputError
            If there is no message with that number, or its text is no longer known.
        """
        return text_of(self._world, self, message)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        parts = (self.posts, self.members, self.log, self.feed_buffers)
        own = sum(part.nbytes for part in parts)
        return int(own + sum(column.nbytes for column in self.held.values()))

    def __deepcopy__(self, memo: dict[int, Any]) -> PlatformSnapshot:
        """Return a snapshot of :meth:`dump`, for saving while the world continues."""
        return PlatformSnapshot(self)

    def dump(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return (JSON data, arrays by name)."""
        return dump_platform(self)
