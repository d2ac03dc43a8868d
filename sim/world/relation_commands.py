"""Commands on pairs of agents (follow, befriend, block, mute) and on groups, on all records."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import Lifecycle, belongs
from sim.arrays import Bools, Ids
from sim.errors import InputError
from sim.jit.words import LOW32
from sim.network.graph.changes import FRIEND, AppliedChanges
from sim.network.graph.slab import ordered
from sim.network.graph.slab_kernels import ADDED, KNOWN, REMOVED, UNKNOWN
from sim.network.graph.ties import Ties
from sim.network.relations.blocklist import BLOCKED, MUTED, SHUNNED
from sim.world.contract import WorldState

Pairs = tuple[Ids, Ids]

_TIES = frozenset({"follow", "befriend"})


def pairs_of(world: WorldState, agents: npt.ArrayLike, others: npt.ArrayLike, does: str) -> Pairs:
    """Return (agents, others) as ids, each pair once, rising; or refuse them."""
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
    """Return which of these pairs :func:`pairs_of` would take: bool (k,)."""
    status = world.agents.status
    fine: Bools = (who != whom) & belongs(status[who], "ties") & belongs(status[whom], "ties")
    if does in _TIES and world.bonds.ears:
        fine &= world.bonds.ears.marks(who, whom) & (BLOCKED | SHUNNED) == 0
    return fine


def proposable(world: WorldState, who: Ids, whom: Ids) -> Bools:
    """Return to which of these members the other may be proposed as a friend: bool (k,).

    Not whom it hears already, nor whom it muted or who blocked it, nor who is away for longer or
    gone (:data:`sim.agents.lifecycle.PLACES`).
    """
    fine = may(world, who, whom, "follow") & belongs(world.agents.status[whom], "proposals")
    fine &= world.ties.find(whom, who) < 0
    if world.bonds.ears:
        fine &= world.bonds.ears.marks(who, whom) == 0
    return fine


def may_befriend(world: WorldState, who: Ids, whom: Ids) -> Bools:
    """Return which of these pairs may become friends and are none yet: bool (k,)."""
    return may(world, who, whom, "befriend") & ~_are_friends(world, who, whom)


def friends_of_each(world: WorldState) -> npt.NDArray[np.int64]:
    """Return how many friends each agent has, those behind mutes too: int64 (n,)."""
    found = np.zeros(len(world.agents), np.int64)
    for ties in (world.ties, world.bonds.aside) if world.bonds.has_aside else (world.ties,):
        if ties.kind.size:
            found += np.bincount(ties.targets[ties.kind == FRIEND], minlength=found.size)
    return found


def _known(world: WorldState, agents: npt.ArrayLike, others: npt.ArrayLike, does: str) -> Pairs:
    """Return both sides as ids of one length."""
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
    marks = world.bonds.ears.marks(who, whom) & (BLOCKED | SHUNNED)
    if marks.any():
        at = int(np.argmax(marks > 0))
        one, two = _named(world, int(who[at])), _named(world, int(whom[at]))
        first, second = (one, two) if marks[at] & BLOCKED else (two, one)
        raise InputError(f"{one} cannot {does} {two}: {first} has blocked {second}.")


def _named(world: WorldState, agent: int) -> str:
    return f"agent {world.agents.id(agent)}"


# Each takes pairs (who, whom) that were checked, and returns the fate of each.


def follow(
    world: WorldState, who: Ids, whom: Ids, kind: int | None = None
) -> npt.NDArray[np.uint8]:
    """Let agents hear others; what a mute suspends stays suspended."""
    fate = np.empty(who.size, np.uint8)
    for ties, own in _ways(world, who, whom):
        if own.any():
            fate[own] = _changed(ties, whom[own], who[own], True, kind)
    return fate


def unfollow(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Let agents hear others no more; of a friendship the other side stays as a follow."""
    friends = _are_friends(world, who, whom)
    if friends.any():
        follow(world, whom[friends], who[friends], 0)
    return _cut(world, who, whom)


def befriend(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Make friendships: two ties each, of the kind friend."""
    new = ~_are_friends(world, who, whom)
    follow(world, np.append(who, whom), np.append(whom, who), FRIEND)
    return np.where(new, np.uint8(ADDED), np.uint8(KNOWN))


def unfriend(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """End friendships, both ties of each."""
    friends = _are_friends(world, who, whom)
    _cut(world, np.append(who[friends], whom[friends]), np.append(whom[friends], who[friends]))
    return np.where(friends, np.uint8(REMOVED), np.uint8(UNKNOWN))


def block(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Cut every tie of two agents, and close the ears of both."""
    new = world.bonds.ears.set(who, whom, BLOCKED, on=True)
    world.bonds.ears.set(whom, who, SHUNNED, on=True)
    _cut(world, np.append(who, whom), np.append(whom, who))
    return np.where(new, np.uint8(ADDED), np.uint8(KNOWN))


def unblock(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Lift blocks; ties do not come back by themselves."""
    gone = world.bonds.ears.set(who, whom, BLOCKED, on=False)
    world.bonds.ears.set(whom, who, SHUNNED, on=False)
    return np.where(gone, np.uint8(REMOVED), np.uint8(UNKNOWN))


def mute(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Close ears; follows are suspended, and nobody but the listener knows."""
    new = world.bonds.ears.set(who, whom, MUTED, on=True)
    _move(world.ties, world.bonds.aside, whom, who)
    return np.where(new, np.uint8(ADDED), np.uint8(KNOWN))


def unmute(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Open ears again; the follows behind them go on with their kind and trust."""
    gone = world.bonds.ears.set(who, whom, MUTED, on=False)
    if world.bonds.has_aside:
        _move(world.bonds.aside, world.ties, whom, who)
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
    """Return which new ties may be: those behind mutes are set aside, the destroyed have none."""
    fine = belongs(world.agents.status[sources], "network")
    fine &= belongs(world.agents.status[targets], "network")
    if not fine.all():
        sources, targets = sources[fine], targets[fine]
        trust = None if trust is None else trust[fine]
    if not world.bonds.ears:
        return sources, targets, trust
    marks = world.bonds.ears.marks(targets, sources)
    muted, closed = marks == MUTED, marks & (BLOCKED | SHUNNED) > 0
    own = None if trust is None else trust[muted]
    world.bonds.aside.change(sources[muted], targets[muted], True, trust=own)
    is_open = ~(muted | closed)
    rest = None if trust is None else trust[is_open]
    return sources[is_open], targets[is_open], rest


def _ways(world: WorldState, who: Ids, whom: Ids) -> Iterable[tuple[Ties, Bools]]:
    """Yield the ties to change and which pairs are theirs: those in use, those behind mutes."""
    if not world.bonds.ears:
        yield world.ties, np.ones(who.size, np.bool_)
        return
    muted: Bools = world.bonds.ears.marks(who, whom) & MUTED > 0
    yield world.ties, ~muted
    yield world.bonds.aside, muted


def _changed(
    ties: Ties, sources: Ids, targets: Ids, adds: bool, kind: int | None = None
) -> npt.NDArray[np.uint8]:
    """Change ties; returns the fate of each pair in the order given."""
    done: AppliedChanges = ties.change(sources, targets, adds, kinds=kind)
    fate = np.zeros(sources.size, np.uint8)
    fate[done.order] = done.fate
    return fate


def _cut(world: WorldState, who: Ids, whom: Ids) -> npt.NDArray[np.uint8]:
    """Remove ties, in use or suspended."""
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
    """Move those of the ties that there are, with kind and trust."""
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
    >>> from sim import World
    >>> world = World.create(agents=10, mean_degree=4, seed=7)
    >>> group = world.groups.create("gardeners", limit=3)
    >>> world.groups.join([4, 7], "gardeners")
    2
    >>> world.groups.members("gardeners")
    array([4, 7], dtype=uint32)
    """

    def __init__(self, world: WorldState) -> None:
        self._world = world
        self._held = world.bonds.groups

    def __len__(self) -> int:
        return len(self._held)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each group; its number is its place here."""
        return tuple(self._held.names)

    def limit(self, group: int | str) -> int:
        """Return how many members a group takes at most."""
        return self._held.limits[self._held.number(group)]

    def members(self, group: int | str) -> Ids:
        """Return who is in a group: uint32, rising."""
        return self._held.members(group)

    def of(self, agent: int) -> Ids:
        """Return the numbers of an agent's groups: uint32, rising."""
        return self._held.of(agent)

    def create(self, name: str, limit: int | None = None) -> int:
        """Make an empty group; returns its number."""
        with self._world.doing("create_group", (name, limit), {}) as note:
            number = self._held.create(name, limit)
            note.result = f"group {number}"
        return number

    def join(self, agents: npt.ArrayLike, group: int | str) -> int:
        """Let agents into a group; returns how many are new there."""
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
        """Let agents out of a group; returns how many were in."""
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
