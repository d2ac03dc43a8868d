"""Commands and queries on ties and groups: follow, befriend, block, mute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle, belongs
from sim.arrays import Bools, Ids
from sim.core.checks import whole_number
from sim.core.threads import Stalled, interruptible
from sim.errors import InputError, UnknownNameError
from sim.jit.words import LOW32
from sim.network.analysis.analysis import Subgraph, subgraph
from sim.network.analysis.reputation import RESTART, reputation
from sim.network.graph.arcs import DroppedArcs, quantised, validated
from sim.network.graph.changes import FRIEND, GAIN, LOSS, AppliedChanges, History
from sim.network.graph.slab import ordered
from sim.network.graph.slab_kernels import ADDED, KNOWN, REMOVED, UNKNOWN
from sim.network.graph.ties import Ties
from sim.network.relations.blocklist import BLOCKED, MUTED, SHUNNED
from sim.network.relations.types import Relation
from sim.platform.platform_view import REPUTATION
from sim.world.base import WorldState
from sim.world.cascades import Stirs
from sim.world.log import noted
from sim.world.phases import fail
from sim.world.seeding import choose_seeds

if TYPE_CHECKING:
    import networkx as nx

Pairs = tuple[Ids, Ids]

_TIES = frozenset({"follow", "befriend"})


def pairs_of(world: WorldState, agents: npt.ArrayLike, others: npt.ArrayLike, does: str) -> Pairs:
    """Return (agents, others) as ids, each pair once, ascending; raise for invalid pairs."""
    who, whom = _known(world, agents, others, does)
    same = np.flatnonzero(who == whom)
    if same.size:
        raise InputError(f"An agent cannot {does} itself: {_named(world, int(who[same[0]]))}.")
    status = world.agents.status
    for ids in (who, whom):
        gone = np.flatnonzero(~belongs(status[ids], "ties"))
        if gone.size:
            at, one = int(gone[0]), int(ids[gone[0]])
            said = Lifecycle(int(status[one])).name.lower()
            raise InputError(
                f"{_named(world, one)} is {said}, so {_named(world, int(who[at]))} cannot "
                f"{does} {_named(world, int(whom[at]))}."
            )
    keys, _ = ordered(who, whom)
    who, whom = (keys >> np.uint64(32)).astype(np.uint32), (keys & LOW32).astype(np.uint32)
    if does in _TIES:
        _refuse_blocked(world, who, whom, does)
    return who, whom


def may(world: WorldState, who: Ids, whom: Ids, does: str) -> Bools:
    """Return which of these pairs :func:`pairs_of` would accept: bool (k,)."""
    status = world.agents.status
    fine: Bools = (who != whom) & belongs(status[who], "ties") & belongs(status[whom], "ties")
    if does in _TIES and world.relationships.blocklist:
        fine &= world.relationships.blocklist.marks(who, whom) & (BLOCKED | SHUNNED) == 0
    return fine


def proposable(world: WorldState, who: Ids, whom: Ids) -> Bools:
    """Return for which pairs the second may be proposed to the first as a friend: bool (k,)."""
    fine = may(world, who, whom, "follow") & belongs(world.agents.status[whom], "proposals")
    fine &= world.ties.find(whom, who) < 0
    if world.relationships.blocklist:
        fine &= world.relationships.blocklist.marks(who, whom) == 0
    return fine


def may_befriend(world: WorldState, who: Ids, whom: Ids) -> Bools:
    """Return which of these pairs may become friends and are not friends yet: bool (k,)."""
    return may(world, who, whom, "befriend") & ~_are_friends(world, who, whom)


def friends_of_each(world: WorldState) -> npt.NDArray[np.int64]:
    """Return the number of friends of each agent, muted ones included: int64 (n,)."""
    found = np.zeros(len(world.agents), np.int64)
    for ties in (
        (world.ties, world.relationships.aside) if world.relationships.has_aside else (world.ties,)
    ):
        if ties.kind.size:
            found += np.bincount(ties.targets[ties.kind == FRIEND], minlength=found.size)
    return found


def _known(world: WorldState, agents: npt.ArrayLike, others: npt.ArrayLike, does: str) -> Pairs:
    """Return both sides as ids of equal length; raise for unknown agents."""
    one, two = np.atleast_1d(np.asarray(agents)), np.atleast_1d(np.asarray(others))
    if one.dtype.kind not in "iu" or two.dtype.kind not in "iu":
        if one.size and two.size:
            raise InputError(f"Who is to {does} whom is said by indices, whole numbers.")
        one, two = one.astype(np.uint32), two.astype(np.uint32)
    try:
        one, two = np.broadcast_arrays(one, two)
    except ValueError:
        raise InputError(
            f"Who is to {does} whom needs as many others as agents, or one for all; got "
            f"{one.size:,} and {two.size:,}."
        ) from None
    if one.ndim > 1:
        raise InputError(f"Who is to {does} whom is said in one row; got a table {one.shape}.")
    count = len(world.agents)
    for ids in (one, two):
        wrong = np.flatnonzero((ids < 0) | (ids >= count))
        if wrong.size:
            raise InputError(
                f"No agent {int(ids[wrong[0]])} to {does}: the world has {count:,} agents, "
                f"counted from 0."
            )
    return one.astype(np.uint32), two.astype(np.uint32)


def _refuse_blocked(world: WorldState, who: Ids, whom: Ids, does: str) -> None:
    marks = world.relationships.blocklist.marks(who, whom) & (BLOCKED | SHUNNED)
    if marks.any():
        at = int(np.argmax(marks > 0))
        one, two = _named(world, int(who[at])), _named(world, int(whom[at]))
        first, second = (one, two) if marks[at] & BLOCKED else (two, one)
        raise InputError(f"{one} cannot {does} {two}: {first} has blocked {second}.")


def _named(world: WorldState, agent: int) -> str:
    return f"agent {world.agents.id(agent)}"


# Each takes checked pairs (who, whom) and returns the result of each pair.


def follow(
    world: WorldState, who: Ids, whom: Ids, kind: int | None = None
) -> npt.NDArray[np.uint8]:
    """Add follows; a follow that a mute suspends stays suspended."""
    fate = np.empty(who.size, np.uint8)
    for ties, own in _ways(world, who, whom):
        if own.any():
            fate[own] = _changed(ties, whom[own], who[own], True, kind)
    return fate


def unfollow(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Remove follows; the other side of a friendship stays as a follow."""
    friends = _are_friends(world, who, whom)
    if friends.any():
        follow(world, whom[friends], who[friends], 0)
    return _cut(world, who, whom)


def befriend(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Add friendships: two ties each, of kind friend."""
    new = ~_are_friends(world, who, whom)
    follow(world, np.append(who, whom), np.append(whom, who), FRIEND)
    return np.where(new, np.uint8(ADDED), np.uint8(KNOWN))


def unfriend(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Remove friendships, both ties of each."""
    friends = _are_friends(world, who, whom)
    _cut(world, np.append(who[friends], whom[friends]), np.append(whom[friends], who[friends]))
    return np.where(friends, np.uint8(REMOVED), np.uint8(UNKNOWN))


def block(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Remove all ties of each pair; neither hears the other afterwards."""
    new = world.relationships.blocklist.set(who, whom, BLOCKED, on=True)
    world.relationships.blocklist.set(whom, who, SHUNNED, on=True)
    _cut(world, np.append(who, whom), np.append(whom, who))
    return np.where(new, np.uint8(ADDED), np.uint8(KNOWN))


def unblock(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Lift blocks; removed ties are not restored."""
    gone = world.relationships.blocklist.set(who, whom, BLOCKED, on=False)
    world.relationships.blocklist.set(whom, who, SHUNNED, on=False)
    return np.where(gone, np.uint8(REMOVED), np.uint8(UNKNOWN))


def mute(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Mute others; follows are suspended, and only the listener knows."""
    new = world.relationships.blocklist.set(who, whom, MUTED, on=True)
    _move(world.ties, world.relationships.aside, whom, who)
    return np.where(new, np.uint8(ADDED), np.uint8(KNOWN))


def unmute(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Lift mutes; suspended follows resume with their kind and trust."""
    gone = world.relationships.blocklist.set(who, whom, MUTED, on=False)
    if world.relationships.has_aside:
        _move(world.relationships.aside, world.ties, whom, who)
    return np.where(gone, np.uint8(REMOVED), np.uint8(UNKNOWN))


DOES = {
    "follow": follow,
    "unfollow": unfollow,
    "befriend": befriend,
    "unfriend": unfriend,
    "block": block,
    "unblock": unblock,
    "mute": mute,
    "unmute": unmute,
}


def admitted(
    world: WorldState, sources: Ids, targets: Ids, trust: npt.NDArray[np.uint16] | None
) -> tuple[Ids, Ids, npt.NDArray[np.uint16] | None]:
    """Return the new ties that are allowed; those under a mute are stored as suspended."""
    fine = belongs(world.agents.status[sources], "network")
    fine &= belongs(world.agents.status[targets], "network")
    if not fine.all():
        sources, targets = sources[fine], targets[fine]
        trust = None if trust is None else trust[fine]
    if not world.relationships.blocklist:
        return sources, targets, trust
    marks = world.relationships.blocklist.marks(targets, sources)
    muted, closed = marks == MUTED, marks & (BLOCKED | SHUNNED) > 0
    own = None if trust is None else trust[muted]
    world.relationships.aside.change(sources[muted], targets[muted], True, trust=own)
    is_open = ~(muted | closed)
    rest = None if trust is None else trust[is_open]
    return sources[is_open], targets[is_open], rest


def _ways(world: WorldState, who: Ids, whom: Ids) -> Iterable[tuple[Ties, Bools]]:
    """Yield (ties, mask of their pairs): the active ties, and those suspended by mutes."""
    if not world.relationships.blocklist:
        yield world.ties, np.ones(who.size, np.bool_)
        return
    muted: Bools = world.relationships.blocklist.marks(who, whom) & MUTED > 0
    yield world.ties, ~muted
    yield world.relationships.aside, muted


def _changed(
    ties: Ties, sources: Ids, targets: Ids, adds: bool, kind: int | None = None
) -> npt.NDArray[np.uint8]:
    """Change ties; return the result of each pair in the given order."""
    done: AppliedChanges = ties.change(sources, targets, adds, kinds=kind)
    fate = np.zeros(sources.size, np.uint8)
    fate[done.order] = done.fate
    return fate


def _cut(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Remove ties, active or suspended."""
    fate = np.empty(who.size, np.uint8)
    for ties, own in _ways(world, who, whom):
        if own.any():
            fate[own] = _changed(ties, whom[own], who[own], False)
    return fate


def _are_friends(world: WorldState, who: Ids, whom: Ids) -> Bools:
    found = np.zeros(who.size, np.bool_)
    for ties, own in _ways(world, who, whom):
        kind = ties.live.kind
        if own.any() and kind.size:
            at = ties.find(whom[own], who[own])
            found[own] = (at >= 0) & (kind[at] == FRIEND)
    return found


def _move(origin: Ties, goal: Ties, sources: Ids, targets: Ids) -> None:
    """Move the existing ones of these ties, with kind and trust."""
    live, at = origin.live, origin.find(sources, targets)
    there = at >= 0
    if not there.any():
        return
    kind = live.kind[at[there]] if live.kind.size else None
    trust = live.trust[at[there]] if live.trust.size else None
    ends = sources[there], targets[there]
    goal.change(*ends, True, kinds=kind, trust=trust)
    origin.remove(*ends)


class Groups:
    """Groups that members join and leave; an agent may be in several.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=10, mean_degree=4, seed=7)
    >>> group = world.groups.create("gardeners", limit=3)
    >>> world.groups.join([4, 7], "gardeners")
    2
    >>> world.groups.members("gardeners")
    array([4, 7], dtype=uint32)
    """

    def __init__(self, world: WorldState) -> None:
        self._world = world
        self._held = world.relationships.groups

    def __len__(self) -> int:
        return len(self._held)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups; the index is the group's number."""
        return tuple(self._held.names)

    def limit(self, group: int | str) -> int:
        """Return the maximum number of members of a group."""
        return self._held.limits[self._held.number(group)]

    def members(self, group: int | str) -> Ids:
        """Return the members of a group: uint32, ascending."""
        return self._held.members(group)

    def of(self, agent: int) -> Ids:
        """Return the numbers of an agent's groups: uint32, ascending."""
        return self._held.of(agent)

    def create(self, name: str, limit: int | None = None) -> int:
        """Create an empty group; return its number."""
        with self._world.doing("create_group", (name, limit), {}) as note:
            number = self._held.create(name, limit)
            note.result = f"group {number}"
        return number

    def join(self, agents: npt.ArrayLike, group: int | str) -> int:
        """Add agents to a group; return how many joined."""
        with self._world.doing("join_group", (agents, group), {}) as note:
            number, ids = self._held.number(group), self._known(agents)
            status = self._world.agents.status[ids]
            gone = np.flatnonzero(~belongs(status, "ties"))
            if gone.size:
                said = Lifecycle(int(status[gone[0]])).name.lower()
                raise InputError(
                    f"Agent {self._world.agents.id(int(ids[gone[0]]))} is {said} and cannot join "
                    f"the group {self._held.names[number]!r}."
                )
            count = int(self._held.join(ids, np.full(ids.size, number, np.uint32)).sum())
            note.result = f"{count:,} joined"
        return count

    def leave(self, agents: npt.ArrayLike, group: int | str) -> int:
        """Remove agents from a group; return how many were members."""
        with self._world.doing("leave_group", (agents, group), {}) as note:
            number, ids = self._held.number(group), self._known(agents)
            count = int(self._held.leave(ids, np.full(ids.size, number, np.uint32)).sum())
            note.result = f"{count:,} left"
        return count

    def _known(self, agents: npt.ArrayLike) -> Ids:
        ids = np.atleast_1d(np.asarray(agents))
        if not ids.size:
            return np.empty(0, np.uint32)
        count = len(self._world.agents)
        if ids.dtype.kind not in "iu" or ids.ndim != 1:
            raise InputError("Members of a group are agents' indices, whole numbers.")
        wrong = np.flatnonzero((ids < 0) | (ids >= count))
        if wrong.size:
            raise InputError(
                f"No agent {int(ids[wrong[0]])}: the world has {count:,} agents, counted from 0."
            )
        return np.unique(ids).astype(np.uint32)


def remove_destroyed(world: WorldState, ties: Ties) -> None:
    """Remove destroyed agents from the network (:mod:`sim.agents.lifecycle`).

    Their ties, mutes, blocks and suspended follows end, on both sides; they leave their groups
    and community and lose their reputation. Messages recompute sums over the remaining ties.
    Nothing is done if no agent was destroyed since the last call.
    """
    gone = removed_of(world)
    fresh = np.setdiff1d(gone, ties.gone, assume_unique=True)
    if not fresh.size:
        return
    sources, targets = ties.retire(gone)
    world.relationships.log.note(world.tick, "unfollow", targets, sources)
    held = world.relationships.retire(gone)
    _leave_community(world, fresh)
    _lose_reputation(world, fresh)
    if sources.size or held:
        world.unsettle()


def removed_of(world: WorldState) -> Ids:
    """Return the agents that left the network, uint32 (k,), ascending."""
    return np.flatnonzero(~belongs(world.agents.status, "network")).astype(np.uint32)


def _leave_community(world: WorldState, gone: Ids) -> None:
    agents = world.agents
    if (agents.community[gone] >= 0).any():
        labels = agents.community.copy()
        labels[gone] = -1
        agents.set_community(labels, agents.communities)


def _lose_reputation(world: WorldState, gone: Ids) -> None:
    held = {} if world.platform is None else world.platform.held
    known = held.get(REPUTATION, np.empty(0, np.float32))
    inside = gone[gone < known.size]
    if known[inside].any():
        known = known.copy()  # caches of derived values are keyed by the old array
        known[inside] = 0.0
        held[REPUTATION] = known


NEIGHBOURS = ("follows", "followers", "friends", "muted", "blocked", "blocked by")
"""Kinds of neighbours that :func:`neighbours` returns."""

TYPED = ("follows", "followers", "friends")
"""The kinds that are ties, which have a type and properties."""

_MARKS = {"muted": MUTED, "blocked": BLOCKED, "blocked by": SHUNNED}


def on_pairs(
    world: WorldState, does: str, agents: npt.ArrayLike, others: npt.ArrayLike
) -> AppliedChanges:
    """Carry out one of :data:`~sim.world.ties.DOES` on pairs of agents."""
    with world.doing(does, (agents, others)) as note:
        who, whom = pairs_of(world, agents, others, does)
        fate = DOES[does](world, who, whom)
        changed = (fate == ADDED) | (fate == REMOVED)
        world.relationships.log.note(world.tick, does, who[changed], whom[changed])
        order = np.arange(who.size, dtype=np.uint32)
        done = AppliedChanges(whom, who, fate, order)
        note.result = str(done)
    if changed.any():
        world.unsettle()
    return done


def _check(world: WorldState, agent: int) -> None:
    if not 0 <= agent < len(world.agents):
        raise InputError(
            f"No agent {agent}: the world has {len(world.agents):,} agents, counted from 0."
        )


def _ends(ties: Ties, agent: int, kind: str) -> Ids:
    """Return an agent's sources, its listeners, or the friends among its sources."""
    if kind == "followers":
        return ties.listeners(agent)
    live: Any = ties.reverse.live
    start, length = (int(x) for x in live.rows[agent])
    part = slice(start, start + length)
    found: Ids = live.ids[part].copy()
    if kind == "friends":
        return found[live.kind[part] == FRIEND] if live.kind.size else found[:0]
    return found


class TieCommands(WorldState):
    """A world's commands and queries on ties."""

    def relation(self, source: int, target: int) -> Relation | None:
        """Return the type and properties of a tie.

        Parameters
        ----------
        source, target
            Agents by index: the target hears the source.

        Returns
        -------
        None if there is no such tie, or it has neither. For all ties of a type see
        ``world.tie_records.pairs(type)``.

        Raises
        ------
        InputError
            For an unknown agent.
        """
        for one in (source, target):
            _check(self, one)
        is_tied = bool(self.ties.find(np.array([source]), np.array([target]))[0] >= 0)
        return self.tie_records.find(source, target) if is_tied else None

    def follow(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Make each agent follow (hear) the other one of its pair.

        Parameters
        ----------
        agents, others
            Indices, one or as many as on the other side. A repeated pair counts once.

        Returns
        -------
        AppliedChanges
            Result of each pair: a tie other -> agent was added, or existed. The follow of a muted
            agent is stored, and begins when the mute ends.

        Raises
        ------
        InputError
            For unknown, banned and destroyed agents, for an agent that would follow itself, and if
            one of the two blocked the other; nothing changes.
        """
        return on_pairs(self, "follow", agents, others)

    def unfollow(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Make each agent unfollow the other; an unfollowed friend keeps following."""
        return on_pairs(self, "unfollow", agents, others)

    def befriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Make pairs friends: both hear each other, through two ties of kind friend."""
        return on_pairs(self, "befriend", agents, others)

    def unfriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """End friendships, removing both ties."""
        return on_pairs(self, "unfriend", agents, others)

    def block(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Remove all ties of each pair; neither hears the other from now on."""
        return on_pairs(self, "block", agents, others)

    def unblock(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Lift blocks; the ties that they removed are not restored."""
        return on_pairs(self, "unblock", agents, others)

    def mute(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Mute others: the agent hears nothing from them; a follow is suspended, not removed.

        In a network with times or signs, the suspended tie is restored without them.
        """
        return on_pairs(self, "mute", agents, others)

    def unmute(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> AppliedChanges:
        """Lift mutes; suspended follows resume with their kind and trust."""
        return on_pairs(self, "unmute", agents, others)

    @noted("add_ties")
    def add_ties(
        self, sources: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike | None = None
    ) -> DroppedArcs:
        """Add ties ``sources[i] -> targets[i]``; return the loops and duplicates left out.

        Ties that a block forbids and ties of destroyed agents are left out too; ties under a mute
        are stored as suspended.
        """
        if self.relationships.blocklist or self.ties.gone.size:
            heard, hearing, _ = validated(sources, targets, len(self.agents))
            weights = None if trust is None else quantised(trust, heard.size)
            sources, targets, trust = admitted(self, heard, hearing, weights)
        dropped = self.ties.add(sources, targets, trust=trust)
        self.unsettle()
        return dropped

    @noted("remove_ties")
    def remove_ties(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> AppliedChanges:
        """Remove ties ``sources[i] -> targets[i]``, active or suspended, whatever the status."""
        done = self.ties.remove(sources, targets)
        if self.relationships.has_aside:
            self.relationships.aside.remove(sources, targets)
        self.unsettle()
        return done

    @noted("set_relations")
    def set_relations(
        self,
        sources: npt.ArrayLike,
        targets: npt.ArrayLike,
        kind: str | None = None,
        properties: Mapping[str, object] | None = None,
    ) -> int:
        """Set the type and properties of ties ``sources[i] -> targets[i]``.

        Parameters
        ----------
        sources, targets
            Indices: each target hears its source. A removed tie keeps its record.
        kind
            The type, such as ``"colleague"``; ``""``: none; None: unchanged.
        properties
            Numbers, booleans and texts by name, added to existing ones; None removes one.

        Returns
        -------
        int
            Number of ties.

        Raises
        ------
        InputError
            For a missing tie, and for too many types or properties; nothing changes.

        Examples
        --------
        >>> from hubbub import World
        >>> world = World.from_edges([0, 1], [1, 2])
        >>> world.set_relations([0, 1], [1, 2], "colleague", {"since": 2019})
        2
        >>> world.relation(0, 1), world.neighbours(1, "followers", "colleague").tolist()
        (Relation(type='colleague', properties={'since': 2019}), [2])
        """
        pairs = np.atleast_1d(sources), np.atleast_1d(targets)
        heard, hearing, _ = validated(*pairs, len(self.agents))
        keys, _ = ordered(heard, hearing)
        one, two = (keys >> np.uint64(32)).astype(np.uint32), keys.astype(np.uint32)
        there = self.ties.find(one, two) >= 0
        if self.relationships.has_aside:
            there |= self.relationships.aside.find(one, two) >= 0
        if not there.all():
            at = int(np.argmin(there))
            source, target = (self.agents.id(int(ids[at])) for ids in (one, two))
            raise InputError(
                f"Agent {target} does not follow agent {source}, so no tie can be set."
            )
        self.tie_records = self.tie_records.changed(one, two, kind, properties)
        return int(one.size)

    @noted("learn")
    def learn(
        self,
        agents: npt.ArrayLike,
        others: npt.ArrayLike,
        good: npt.ArrayLike,
        gain: float = GAIN,
        loss: float = LOSS,
    ) -> int:
        """Update agents' trust in those they follow, by outcomes in the given order.

        Parameters
        ----------
        agents, others
            Indices: each agent had an outcome with the other one of its pair.
        good
            bool, one per outcome or one for all.
        gain, loss
            As :meth:`sim.network.graph.ties.Ties.learn`, which states the rule.

        Returns
        -------
        int
            Number of outcomes that updated a tie's trust; those without a tie are left out.

        Raises
        ------
        InputError
            For agents, outcomes and steps that are not allowed; nothing changes.
        """
        who, whom = np.broadcast_arrays(np.atleast_1d(agents), np.atleast_1d(others))
        self.before_change()
        found = self.ties.learn(whom, who, good, gain=gain, loss=loss)
        self.unsettle()
        return int(found.sum())

    def reputation(
        self, trusted: npt.ArrayLike | str | None = None, *, restart: float = RESTART
    ) -> npt.NDArray[np.float64]:
        """Return every agent's reputation, float64 (n,), sum 1: EigenTrust on these ties.

        See :func:`sim.network.analysis.reputation.reputation`; cached until ties change. The
        pre-trusted agents can be given as an expression of seeds, such as ``"top:100:pagerank"``;
        by default they are derived from the network
        (:func:`~sim.network.analysis.reputation.founders`).
        """
        if isinstance(trusted, str):
            trusted = choose_seeds(self, trusted)
        key = ("reputation", None if trusted is None else np.asarray(trusted).tobytes(), restart)
        memo = self.ties.memo
        if key not in memo:
            memo[key] = reputation(self.ties, trusted, restart=restart)
        found: npt.NDArray[np.float64] = memo[key]
        return found

    def unsettle(self, *, trust_only: bool = False) -> None:
        """Tell messages that ties changed: sums over ties are reset, quiet messages may wake.

        ``trust_only``: only trust changed, and only sums by trust are reset.
        """
        self.cascades.rouse(Stirs.SUMS)
        for cascade in self.cascades.loose:
            try:
                with interruptible():
                    if trust_only:
                        cascade.model.reweigh(cascade)
                    else:
                        cascade.model.unsettle(cascade)
            except Stalled as error:
                fail(self, cascade, error)
        self.wake(anyway=True)

    def neighbours(self, agent: int, kind: str = "follows", relation: str | None = None) -> Ids:
        """Return the neighbours of an agent: uint32, ascending.

        Parameters
        ----------
        agent
            Its index.
        kind
            ``"follows"`` (agents it follows, muted ones too), ``"followers"``, ``"friends"``,
            ``"muted"``, ``"blocked"`` or ``"blocked by"``.
        relation
            Only neighbours by ties of this type; None: all.

        Raises
        ------
        InputError, UnknownNameError
            For an unknown agent or kind.
        """
        _check(self, agent)
        if relation is not None and kind not in TYPED:
            raise UnknownNameError("kind of typed neighbour", kind, TYPED)
        if kind in _MARKS:
            return self.relationships.blocklist.of(agent, _MARKS[kind])
        if kind not in NEIGHBOURS:
            raise UnknownNameError("kind of neighbour", kind, NEIGHBOURS)
        parts = [_ends(self.ties, agent, kind)]
        if self.relationships.has_aside:
            parts.append(_ends(self.relationships.aside, agent, kind))
        found: Ids = np.union1d(*parts) if len(parts) > 1 else parts[0]
        if relation is None:
            return found
        one, two = (agent, found) if kind == "followers" else (found, agent)
        own: Ids = found[self.tie_records.are(one, two, relation)]
        return own

    def subgraph(self, agent: int, radius: int = 1, most: int = 10_000) -> Subgraph:
        """Return the agents within ``radius`` ties of one, in either direction, and their ties.

        Raises
        ------
        InputError
            For an unknown agent, and a radius or bound that is not a whole number.
        """
        _check(self, agent)
        steps = whole_number(radius, "The radius of a subgraph", low=0)
        return subgraph(self.ties, agent, steps, whole_number(most, "most", low=1))

    def to_networkx(self) -> nx.DiGraph:
        """Return members and ties as a networkx graph, readable by :func:`sim.io.from_networkx`.

        An arc goes from source to listener. A node is a member's id, with ``name`` and
        ``community``; an arc has its trust in [0, 1] as ``weight``, its ``type`` and properties.
        It takes about 1 KB per tie: for networks of up to a few million ties.

        Examples
        --------
        >>> from hubbub import World, io
        >>> world = World.from_edges([0, 1], [1, 2], trust=[0.5, 1.0])
        >>> graph = world.to_networkx()
        >>> sorted(graph.edges)
        [(0, 1), (1, 2)]
        >>> io.from_networkx(graph).ties.count
        2
        """
        import networkx as nx

        agents, ties, records = self.agents, self.ties, self.tie_records
        ids = [agents.id(index) for index in range(len(agents))]
        communities = dict(enumerate(agents.communities))
        graph = nx.DiGraph()
        graph.add_nodes_from(
            (each, {"name": agents.name(index), "community": communities.get(place, place)})
            for index, (each, place) in enumerate(zip(ids, agents.community.tolist(), strict=True))
        )
        sources = np.repeat(np.arange(ties.agents, dtype=np.uint32), ties.out_degree)
        weights = np.ones(ties.count) if not ties.trust.size else ties.trust / 65_535
        rows = zip(sources.tolist(), ties.targets.tolist(), weights.tolist(), strict=True)
        graph.add_edges_from(
            (ids[source], ids[target], {"weight": weight}) for source, target, weight in rows
        )
        for place in np.flatnonzero(ties.find(*records.ends) >= 0).tolist():
            source, target = (ids[int(ends[place])] for ends in records.ends)
            relation = records[place]
            kind = {"type": relation.type} if relation.type else {}
            graph.edges[source, target].update(dict(relation.properties) | kind)
        return graph

    def tie_history(self, agent: int, other: int | None = None) -> History:
        """Return the recorded tie changes of an agent or of a pair, oldest first.

        Starts and ends of follows, friendships, blocks and mutes: the world's newest million.
        """
        _check(self, agent)
        if other is not None:
            _check(self, other)
        return self.relationships.log.about(agent, other)

    @property
    def groups(self) -> Groups:
        """The groups of this world (:class:`~sim.world.ties.Groups`)."""
        self.settle()
        return Groups(self)
