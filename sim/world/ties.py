"""Tie commands of ``World``: add, change, remove and query ties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from sim.core.checks import whole_number
from sim.errors import InputError, UnknownNameError
from sim.network.analysis.neighbourhood import Subgraph, subgraph
from sim.network.analysis.reputation import RESTART, reputation
from sim.network.graph.arcs import quantised, vetted
from sim.network.graph.changes import GAIN, LOSS, Changed
from sim.network.graph.log import History
from sim.network.graph.slab_kernels import ADDED, REMOVED
from sim.network.graph.ties import FRIEND, DroppedArcs, Ties
from sim.network.relations.blocklist import BLOCKED, MUTED, SHUNNED
from sim.world.groups import Groups
from sim.world.log import noted
from sim.world.relation_commands import DOES, admitted, pairs_of
from sim.world.seeding import choose_seeds
from sim.world.shared_state import SharedState

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["NEIGHBOURS", "TieCommands"]

Ids = npt.NDArray[np.uint32]

NEIGHBOURS = ("follows", "followers", "friends", "muted", "blocked", "blocked by")
"""Whom :meth:`TieCommands.neighbours` can name."""

_MARKS = {"muted": MUTED, "blocked": BLOCKED, "blocked by": SHUNNED}


class TieCommands(SharedState):
    """A world whose members follow, befriend, block and mute each other."""

    def follow(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Let each agent follow (hear) the other of its pair.

        Parameters
        ----------
        agents, others
            Indices, one or as many as of the other side. A pair that is named twice counts once.

        Returns
        -------
        Changed
            What became of each pair: a tie other -> agent was added, or there already. A follow of
            somebody whom the agent muted is noted, and begins with the end of the mute.

        Raises
        ------
        InputError
            For somebody unknown, banned or destroyed, for an agent that would follow itself, and
            where one of the two blocked the other; nothing is changed.
        """
        return self._do("follow", agents, others)

    def unfollow(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Let each agent hear the other no more; a friend who is left goes on following."""
        return self._do("unfollow", agents, others)

    def befriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Make friends: both hear each other, by two ties that are of the kind friend."""
        return self._do("befriend", agents, others)

    def unfriend(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """End friendships, with both their ties."""
        return self._do("unfriend", agents, others)

    def block(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Cut what ties the two of each pair, and let neither hear the other from now on."""
        return self._do("block", agents, others)

    def unblock(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Lift blocks; the ties that they cut do not come back."""
        return self._do("unblock", agents, others)

    def mute(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Close ears: nothing of the other is heard; a follow is suspended, not ended.

        Of a network with times or signs the suspended tie comes back without them.
        """
        return self._do("mute", agents, others)

    def unmute(self, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        """Open ears again; suspended follows go on with their kind and trust."""
        return self._do("unmute", agents, others)

    def _do(self, does: str, agents: npt.ArrayLike, others: npt.ArrayLike) -> Changed:
        world = cast("World", self)
        with self.trail.doing(world, does, (agents, others), {}) as note:
            who, whom = pairs_of(world, agents, others, does)
            fate = DOES[does](world, who, whom)
            changed = (fate == ADDED) | (fate == REMOVED)
            self.bonds.log.note(world.tick, does, who[changed], whom[changed])
            order = np.arange(who.size, dtype=np.uint32)
            done = Changed(whom, who, fate, order)
            note.result = str(done)
        if changed.any():
            self.unsettle()
        return done

    @noted("add_ties")
    def add_ties(
        self, sources: npt.ArrayLike, targets: npt.ArrayLike, trust: npt.ArrayLike | None = None
    ) -> DroppedArcs:
        """Add ties ``sources[i] -> targets[i]``; returns the loops and duplicates left out.

        What a block forbids is left out too, as are ties of the destroyed, and what a mute suspends
        is set aside.
        """
        if self.bonds.ears or self.ties.gone.size:
            heard, hearing, _ = vetted(sources, targets, len(self.agents))
            weights = None if trust is None else quantised(trust, heard.size)
            sources, targets, trust = admitted(cast("World", self), heard, hearing, weights)
        dropped = self.ties.add(sources, targets, trust=trust)
        self.unsettle()
        return dropped

    @noted("remove_ties")
    def remove_ties(self, sources: npt.ArrayLike, targets: npt.ArrayLike) -> Changed:
        """Cut ties ``sources[i] -> targets[i]``, whoever they are; in use or suspended."""
        done = self.ties.remove(sources, targets)
        if self.bonds.has_aside:
            self.bonds.aside.remove(sources, targets)
        self.unsettle()
        return done

    @noted("learn")
    def learn(
        self,
        agents: npt.ArrayLike,
        others: npt.ArrayLike,
        good: npt.ArrayLike,
        gain: float = GAIN,
        loss: float = LOSS,
    ) -> int:
        """Let agents trust those they follow more or less, by outcomes in the order given.

        Parameters
        ----------
        agents, others
            Indices: each agent met an outcome with the other of its pair.
        good
            bool, one an outcome or one for all.
        gain, loss
            As :meth:`sim.network.graph.ties.Ties.learn`, which states the rule.

        Returns
        -------
        int
            Outcomes that moved a tie's trust; those without a tie are left out.

        Raises
        ------
        InputError
            For agents, outcomes and steps that are not allowed; nothing is changed.
        """
        who, whom = np.broadcast_arrays(np.atleast_1d(agents), np.atleast_1d(others))
        self.before_change()
        found = self.ties.learn(whom, who, good, gain=gain, loss=loss)
        self.unsettle()
        return int(found.sum())

    def reputation(
        self, trusted: npt.ArrayLike | str | None = None, *, restart: float = RESTART
    ) -> npt.NDArray[np.float64]:
        """Return every agent's reputation, float64 (n,) in sum 1: EigenTrust on these ties.

        See :func:`sim.network.analysis.reputation.reputation`; kept until ties change. Whom it
        trusts
        beforehand can be named as seeds are, such as ``"top:100:pagerank"``; by default it is
        whom the network shows (:func:`~sim.network.analysis.reputation.founders`).
        """
        if isinstance(trusted, str):
            trusted = choose_seeds(cast("World", self), trusted)
        key = ("reputation", None if trusted is None else np.asarray(trusted).tobytes(), restart)
        memo = self.ties.memo
        if key not in memo:
            memo[key] = reputation(self.ties, trusted, restart=restart)
        found: npt.NDArray[np.float64] = memo[key]
        return found

    @property
    def groups(self) -> Groups:
        """The groups of this world (:class:`~sim.world.groups.Groups`)."""
        cast("World", self).settle()
        return Groups(cast("World", self))

    def unsettle(self, *, trust_only: bool = False) -> None:
        """Let messages know that ties changed: sums over ties begin anew, resting ones may wake.

        ``trust_only``: ties are the same, and only sums by trust begin anew.
        """
        world = cast("World", self)
        for cascade in world.cascades.loose:
            if trust_only:
                cascade.model.reweigh(cascade)
            else:
                cascade.model.unsettle(cascade)
        world.wake(anyway=True)

    # What is asked

    def neighbours(self, agent: int, kind: str = "follows") -> Ids:
        """Return the agents that are tied to one: uint32, rising.

        Parameters
        ----------
        agent
            Its index.
        kind
            ``"follows"`` (whom it follows, muted ones too), ``"followers"``, ``"friends"``,
            ``"muted"``, ``"blocked"`` or ``"blocked by"``.

        Raises
        ------
        InputError, UnknownNameError
            For an agent or a kind that there is not.
        """
        self._check(agent)
        if kind in _MARKS:
            return self.bonds.ears.of(agent, _MARKS[kind])
        if kind not in NEIGHBOURS:
            raise UnknownNameError("kind of neighbour", kind, NEIGHBOURS)
        parts = [_ends(self.ties, agent, kind)]
        if self.bonds.has_aside:
            parts.append(_ends(self.bonds.aside, agent, kind))
        found: Ids = np.union1d(*parts) if len(parts) > 1 else parts[0]
        return found

    def subgraph(self, agent: int, radius: int = 1, most: int = 10_000) -> Subgraph:
        """Return the agents within some steps of one, either way along ties, and their ties.

        Raises
        ------
        InputError
            For an agent that there is not, and a radius or bound that is no whole number.
        """
        self._check(agent)
        steps = whole_number(radius, "The radius of a subgraph", low=0)
        return subgraph(self.ties, agent, steps, whole_number(most, "most", low=1))

    def tie_history(self, agent: int, other: int | None = None) -> History:
        """Return what is remembered of an agent's changes of ties, or of a pair's, oldest first.

        Follows, friendships, blocks and mutes and their ends, the newest million of the world.
        """
        self._check(agent)
        if other is not None:
            self._check(other)
        return self.bonds.log.about(agent, other)

    def _check(self, agent: int) -> None:
        if not 0 <= agent < len(self.agents):
            raise InputError(
                f"No agent {agent}: the world has {len(self.agents):,} agents, counted from 0."
            )


def _ends(ties: Ties, agent: int, kind: str) -> Ids:
    """Return whom an agent hears, who hears it, or its friends among the former."""
    if kind == "followers":
        return ties.listeners(agent)
    live: Any = ties.reverse.live
    start, length = (int(x) for x in live.rows[agent])
    part = slice(start, start + length)
    found: Ids = live.ids[part].copy()
    if kind == "friends":
        return found[live.kind[part] == FRIEND] if live.kind.size else found[:0]
    return found
