"""Attempts whose chance differs by tie, as in variants of the independent cascade.

:func:`~sim.spread.cascade.model.convince` handles constant chances, trust and degree;
:func:`convince_by` takes a rule: :class:`Levels`, :class:`Novelty`, :class:`Border` or
:class:`Embeddedness`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.arrays import I32, Ids
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure import attempts_kernels as kernels
from sim.spread.exposure.exposures_kernels import count_heard

_NO_LEVELS = np.empty(0)
_NO_LABELS = np.empty(0, np.int32)
_NO_LABELS.flags.writeable = False  # read-only as the community column: one type, one compilation
_MOST = 255


@dataclass(frozen=True, slots=True)
class Levels:
    """Each tie has one of these chances, drawn once per tie: the same in every cascade.

    Attributes
    ----------
    levels
        In [0, 1], equally likely.
    """

    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Novelty:
    """Decreasing chances for a listener that heard the message in earlier ticks.

    Attributes
    ----------
    left
        ``left[k]`` in [0, 1] after k hearings; the last value applies from then on (at most 256).
    """

    left: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Border:
    """The whole chance within a community, a share of it between two.

    Attributes
    ----------
    across
        The share, in [0, 1]. An agent without a community has none in common with others.
    """

    across: float


@dataclass(frozen=True, slots=True)
class Embeddedness:
    """Within a community the overlap of two agents' listeners, c / (d_u + d_v - c).

    Attributes
    ----------
    across
        The share between two communities; ``None``: the speaker's smallest overlap with a listener.
    """

    across: float | None = None


Rule = Levels | Novelty | Border | Embeddedness


def convince_by(
    rule: Rule,
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    *,
    chance: float = 1.0,
    speakers: Ids | None = None,
) -> int:
    """Let every speaker try to convince each of its open listeners once, with ``chance`` x rule.

    As :func:`~sim.spread.cascade.model.convince`; always with a coin per tie.

    Parameters
    ----------
    rule
        The factor of the chance.
    cascade, contacts, draws
        As in :meth:`~sim.spread.cascade.model.PropagationModel.step`.
    chance
        In [0, 1].
    speakers
        uint32; default ``cascade.frontier``.

    Returns
    -------
    int
        Number of agents that adopted.
    """
    ids = cascade.frontier if speakers is None else speakers
    ties = count_ties(contacts.rows, ids, 0, ids.size)
    cascade.contacts_seen += ties
    shares = _shares_of(rule, cascade, contacts, draws)
    closed, scratch = cascade.closed, contacts.scratch
    key = draws.key(Stream.COINS)
    touched = 0
    for low in range(0, ids.size, SLICE):
        touched = kernels.claim_shares(
            contacts.rows, contacts.targets, ids, low, min(low + SLICE, ids.size), key,
            draws.coins, chance, shares, closed, scratch.claim, scratch.touched, touched,
        )  # fmt: skip
    if isinstance(rule, Novelty):
        column = _hearings(cascade)
        column.reserve(min(ties, cascade.agents))
        count_heard(contacts.rows, contacts.targets, ids, closed, _MOST, column.keys, column.values)
    cascade.adopt_claims(scratch, touched)
    return touched


def _shares_of(rule: Rule, cascade: Cascade, contacts: Contacts, draws: Draws) -> kernels.TieShares:
    """Return a rule in the form that the kernel takes."""
    tie_key = rng.key(draws.seed, Stream.LEVELS)
    empty = SparseColumn(0, np.uint8)
    if isinstance(rule, Levels):
        levels = np.array(rule.levels, np.float64)
        rest = levels, empty.keys, empty.values, _NO_LABELS, 0.0
        return kernels.TieShares(kernels.LEVELS, tie_key, *rest)
    if isinstance(rule, Novelty):
        levels, heard = np.array(rule.left, np.float64), _hearings(cascade)
        rest = levels, heard.keys, heard.values, _NO_LABELS, 0.0
        return kernels.TieShares(kernels.NOVELTY, tie_key, *rest)
    labels: I32 = contacts.people.column("community")
    share = -1.0 if rule.across is None else rule.across
    kind = kernels.BORDER if isinstance(rule, Border) else kernels.EMBEDDED
    return kernels.TieShares(kind, tie_key, _NO_LEVELS, empty.keys, empty.values, labels, share)


def _hearings(cascade: Cascade) -> SparseColumn:
    """Return the number of times each agent heard the message in earlier ticks, uint8."""
    if "hearings" not in cascade.held:
        cascade.held["hearings"] = SparseColumn(cascade.agents, np.uint8)
    column: SparseColumn = cascade.held["hearings"]
    return column
