"""The contract of a propagation model: how hearing a message changes an agent.

:class:`PropagationModel` is the most general form: one ``step`` over arrays. The others are easier:
:class:`~sim.spread.compartments.compartments.Compartments` (declared rules),
:class:`~sim.spread.exposure.exposures.PerExposure` (a chance per exposure) and
:class:`~sim.spread.neighbours.threshold.Threshold` (the sum of what an agent hears).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.bounds import Bound
from sim.core.cards import Card, Setting, Theory
from sim.core.params import Parameters
from sim.core.rng import Stream
from sim.jit import claims
from sim.jit.words import CODE, EVER
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, DrawMode, Draws
from sim.spread.cascade.faults import blame
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.influence.live_edges import LiveEdges

if TYPE_CHECKING:
    from sim.spread.cascade.contacts import Around


SLICE = 32_768
"""Speakers per kernel call: a few milliseconds, so that threads and pauses get their turn."""


NO_NETWORK = 1 << 53
"""More ties than any network has: marks invalidated sums in ``_basis``."""


class PropagationModel(Parameters):
    """A model of propagation; its fields are its parameters.

    Subclasses decide in :meth:`step`. The order of update is synchronous: whatever is decided in a
    tick is seen in the next.

    Attributes
    ----------
    states
        Names of the states that an agent can be in, the first one before it hears of anything.
    draws
        The draw mode when the user names none.
    progressive
        Whether more seeds, with the same draws, never mean fewer adopters.
    well_mixed
        Whether agents meet whomever, ties or not; such a model feels agents without ties.
    by_hours
        Whether parameters are by hours or minutes, whatever ``tick_minutes`` says; of any other
        model a world whose ticks are no hours says that they are per tick.
    bounds
        What its own columns may hold, by name; a file that says otherwise is refused.
    card
        What the model states of itself (:class:`~sim.core.cards.Card`).
    """

    plugin_kind: ClassVar[str] = "propagation"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    states: ClassVar[tuple[str, ...]] = ("inactive", "active")
    draws: ClassVar[DrawMode] = "coins"
    progressive: ClassVar[bool] = False
    by_hours: ClassVar[bool] = False
    well_mixed: ClassVar[bool] = False
    bounds: ClassVar[dict[str, Bound]] = {}
    card: ClassVar[Card] = Card(
        update="synchronous: what is decided in a tick is seen in the next; who is absent when its "
        "turn comes speaks when it is back, and hears nothing meanwhile",
        comparison="a draw in [0, 1) succeeds when it is < the chance",
        includes_self="no",
        direction="along ties: from an agent to its followers",
        ties="among several successes with one follower a fair draw chooses the source",
        time_unit="tick",
        channels="all",
        draw_modes="coins",
    )

    def check(self) -> None:
        """Raise ParameterError for parameters that do not fit together; called at injection.

        Raises
        ------
        ParameterError
            Explains the problem in one sentence.
        """

    def start(self, cascade: Cascade) -> None:
        """Let the seeds adopt; called once, when the cascade starts."""
        cascade.adopt(cascade.seeds)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Advance the cascade by one tick.

        Parameters
        ----------
        cascade
            ``cascade.frontier`` are last tick's adopters, ``cascade.adopt`` records new ones,
            ``cascade.columns`` keeps arrays between ticks.
        contacts
            Who hears whom this tick.
        draws
            The only randomness a model may use.
        """
        raise NotImplementedError

    def suits(self, around: Around) -> None:
        """Raise InputError for a world that the model cannot run in; called at injection.

        Raises
        ------
        InputError
            Explains the problem in one sentence.
        """

    def welcome(self, cascade: Cascade, count: int) -> None:
        """Handle the last ``count`` agents, which just joined; columns are extended by zeros."""

    def unsettle(self, cascade: Cascade) -> None:
        """Invalidate sums over ties: some ties were removed, or their trust changed.

        Called between ticks. The basis of sums, ``_basis``, becomes a value that no network has;
        sums over contacts that a channel chose in earlier ticks stay: they cannot be recomputed.
        """
        known = cascade.held.get("_basis")
        if known is not None and known[0] >= 0:
            cascade.held["_basis"] = np.full_like(cascade.held["_basis"], NO_NETWORK)

    def reweigh(self, cascade: Cascade) -> None:
        """Invalidate sums weighted by trust: the ties are unchanged, but some have another trust.

        Called between ticks. Sums that weight ties equally stay valid.
        """
        known = cascade.held.get("_basis")
        by_trust = known is not None and bool(known[1])
        if by_trust or type(self).unsettle is not PropagationModel.unsettle:
            self.unsettle(cascade)

    def together(self) -> Hashable | None:
        """Return the group whose running cascades are stepped in one call, ``None``: alone.

        Cascades of one class that return equal values form a group: messages that exclude one
        another. Called once a tick.
        """
        return None

    @classmethod
    def step_together(
        cls, cascades: Sequence[Cascade], contacts: Sequence[Contacts], draws: Sequence[Draws]
    ) -> Mapping[Cascade, BaseException] | None:
        """Advance all running cascades of a group by one tick; by default one after the other.

        ``cascade.peers`` are all cascades of the group that have started or wait, quiet or not,
        so that each can see who adopted the others; it is available in :meth:`start` too. Decide
        from the state before the tick, then write. Work for one cascade under
        :class:`~sim.spread.cascade.faults.blame`: an exception in there stops only that cascade,
        and the
        rest of the group is stepped again from the start of the tick. Any other exception
        stops the whole group, and no other cascade.

        Parameters
        ----------
        cascades
            In order of id; at least one.
        contacts, draws
            Those of each cascade, as in :meth:`step`.

        Returns
        -------
        mapping, or None
            The faults that stopped some of them, if the others are done and need no second step.
        """
        for cascade, heard, own in zip(cascades, contacts, draws, strict=True):
            with blame(cascade):
                cascade.model.step(cascade, heard, own)
        return None

    def count(self, cascade: Cascade) -> None:
        """Write the number of agents in each state into ``cascade.tally`` (int64, states)."""
        cascade.tally[:] = 0
        cascade.tally[0] = cascade.agents - cascade.size
        cascade.tally[1] = cascade.size

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return whether nothing can change any more."""
        return cascade.frontier.size == 0

    def codes(self, cascade: Cascade) -> npt.NDArray[np.uint8]:
        """Return the index in :attr:`states` of each agent's state now, uint8 (agents,).

        By default the low seven bits of ``cascade.columns["state"]``; without that column,
        adopters are in the second state.
        """
        state = cascade.held.get("state")
        if state is None:
            found = np.zeros(cascade.agents, np.uint8)
            found[cascade.adopters] = 1
            return found
        values = state.dense() if isinstance(state, SparseColumn) else np.asarray(state)
        return (values & CODE).astype(np.uint8)

    def passing_states(self, cascade: Cascade) -> npt.NDArray[np.bool_] | None:
        """Return the states in which adopters may still convince others, bool (states,).

        None, by default: unknown from the column ``state``.
        """
        del cascade
        return None

    def may_pass_on(self, cascade: Cascade) -> Ids:
        """Return the adopters that may still convince others, uint32: R_t waits for them.

        By default those in :meth:`passing_states`. If these are unknown: the agents whose turn is
        to come, for a cascade that goes quiet once no turn is left; all adopters otherwise, and in
        feeds, which may show what was adopted long ago.
        """
        passes_on = self.passing_states(cascade)
        if passes_on is not None:
            agents, values = cascade.held["state"].items()
            found: Ids = agents[passes_on[values & CODE] & (values >= EVER)]
            return found
        once = type(self).is_quiet is PropagationModel.is_quiet and cascade.is_carried is None
        return cascade.yet_to_speak if once else cascade.adopters

    def tells_adoptions(self, cascade: Cascade) -> bool:
        """Return whether all adoptions are recorded, including repeated ones; by default True.

        If some are not, R_t and the number of adoptions per tick are unknown.
        """
        del cascade
        return True

    def spreading(self, cascade: Cascade) -> int:
        """Return the number of agents in :meth:`may_pass_on`; 0 once the cascade has ended."""
        passes_on = self.passing_states(cascade)
        if not cascade.alive:
            return 0
        if passes_on is None:
            return self.may_pass_on(cascade).size
        return int(cascade.tally[passes_on].sum())

    def metrics(self, cascade: Cascade) -> dict[str, float]:
        """Return model-specific numbers by name: shown beside the message, and in results.

        Called several times a second, outside the tick; it must not change anything.
        """
        return {}

    def panel(self, cascade: Cascade) -> tuple[str, ...]:
        """Return lines of text for the screen, shown unchanged beside the message; data only."""
        return ()

    def live_edges(self) -> LiveEdges | None:
        """Return the live-edge form of the model's final reach; ``None`` if it has none.

        Seed selection for maximum reach needs it.
        """
        return None

    def theory(self, setting: Setting, ticks: int) -> tuple[Theory, ...]:
        """Return the predictions of equations for these parameters; empty if there are none."""
        return ()


def convince(
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    *,
    chance: float,
    scale: Literal["none", "trust", "degree"] = "none",
    speakers: Ids | None = None,
) -> int:
    """Let every speaker try to convince each of its open listeners once; the winners adopt.

    If several succeed with one listener, a fair draw, the hash of each attempt, chooses the
    source.

    Parameters
    ----------
    cascade, contacts, draws
        As in :meth:`PropagationModel.step`.
    chance
        Chance of one attempt, in [0, 1].
    scale
        Factor of the chance: none, the tie's trust, or 1 / the listener's number of sources.
    speakers
        uint32; default ``cascade.frontier``. Each may speak once in a cascade: the coin of a tie
        is drawn once.

    Returns
    -------
    int
        Number of agents that adopted.
    """
    ids = cascade.frontier if speakers is None else speakers
    cascade.contacts_seen += claims.count_ties(contacts.rows, ids, 0, ids.size)
    rows, targets, scratch = contacts.rows, contacts.targets, contacts.scratch
    trust = contacts.trust if scale == "trust" else contacts.trust[:0]
    degree = contacts.degree if scale == "degree" else contacts.degree[:0]
    chances = _chances(contacts, chance, scale) if draws.coins.size else np.empty(0)
    skips = draws.mode == "skips" and not trust.size + degree.size and 0.0 < chance < 1.0
    key, closed, touched = draws.key(Stream.COINS), cascade.closed, 0
    for low in range(0, ids.size, SLICE):
        span = ids, low, min(low + SLICE, ids.size)
        into: tuple[Any, ...] = (closed, scratch.claim, scratch.touched, touched)
        if draws.coins.size:
            touched = claims.claim_given(rows, targets, chances, draws.coins, *span, *into)
        elif skips:
            gaps = claims.gap_scale(chance)
            touched = claims.claim_skips(rows, targets, *span, key, gaps, *into)
        else:
            touched = claims.claim_coins(rows, targets, trust, degree, *span, key, chance, *into)
    cascade.adopt_claims(scratch, touched)
    return touched


def _chances(contacts: Contacts, chance: float, scale: str) -> npt.NDArray[np.float64]:
    """Return the chance of every tie: the simple form, for given coins."""
    full = np.full(contacts.targets.size, chance)
    if scale == "trust" and contacts.trust.size:
        return full * (contacts.trust / 65535.0)
    if scale == "degree":
        return full / np.maximum(contacts.degree[contacts.targets], 1)
    return full
