"""Attempts whose chance differs by tie: the base class of independent cascades.

:func:`~sim.spread.cascade.model.convince` knows constant chances, trust and degree;
:func:`convince_by` takes a rule: :class:`Levels`, :class:`Novelty`, :class:`Border` or
:class:`Embeddedness`.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from sim.arrays import I32, Ids
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, Scratch
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.exposure import attempts_kernels as kernels
from sim.spread.exposure.exposures_kernels import count_heard
from sim.spread.exposure.masks_kernels import mask_all, ranked

_NO_LEVELS = np.empty(0)
_NO_LABELS = np.empty(0, np.int32)
_NO_LABELS.flags.writeable = False  # as the column of communities: one type, one compilation
_MOST = 255
_MANY = 8
"""So many times fewer ties than agents have listeners whose masks are worth making at once."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Each tie has one of these chances, by a draw of its own: the same in every cascade.

    Attributes
    ----------
    levels
        In [0, 1], equally likely.
    """

    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Novelty:
    """What is left to a listener that heard the message in earlier ticks.

    Attributes
    ----------
    left
        ``left[k]`` in [0, 1] after k hearings; the last one holds from then on (at most 256).
    """

    left: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Border:
    """Within a community the whole chance, between two a share of it.

    Attributes
    ----------
    across
        The share, in [0, 1]. An agent of no community shares none with anybody.
    """

    across: float


@dataclass(frozen=True, slots=True)
class Embeddedness:
    """Within a community the overlap of two agents' listeners, c / (d_u + d_v - c).

    Attributes
    ----------
    across
        The share between two communities; ``None``: the speaker's least overlap with a listener.
    """

    across: float | None = None


Rule = Levels | Novelty | Border | Embeddedness
_NO_RANKS, _NO_MASKS = np.empty(0, np.uint8), np.empty(0, np.uint64)


def convince_by(
    rule: Rule,
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    *,
    chance: float = 1.0,
    speakers: Ids | None = None,
) -> int:
    """Let every speaker try to convince each of its open listeners once, by ``chance`` x rule.

    As :func:`~sim.spread.cascade.model.convince`; always with a coin for each tie.

    Parameters
    ----------
    rule
        What multiplies the chance.
    cascade, contacts, draws
        As in :meth:`~sim.spread.cascade.model.PropagationModel.step`.
    chance
        In [0, 1].
    speakers
        uint32; default ``cascade.frontier``.

    Returns
    -------
    int
        How many adopted.
    """
    ids = cascade.frontier if speakers is None else speakers
    ties = count_ties(contacts.rows, ids, 0, ids.size)
    cascade.contacts_seen += ties
    shares = _shares_of(rule, cascade, contacts, draws, ties)
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


def _shares_of(
    rule: Rule, cascade: Cascade, contacts: Contacts, draws: Draws, ties: int
) -> kernels.TieShares:
    """Return a rule as the kernel takes it."""
    tie_key = rng.key(draws.seed, Stream.LEVELS)
    empty, bare = SparseColumn(0, np.uint8), (_NO_RANKS, _NO_MASKS, _NO_MASKS)
    if isinstance(rule, Levels):
        levels = np.array(rule.levels, np.float64)
        rest = levels, empty.keys, empty.values, _NO_LABELS, 0.0, *bare
        return kernels.TieShares(kernels.LEVELS, tie_key, *rest)
    if isinstance(rule, Novelty):
        levels, heard = np.array(rule.left, np.float64), _hearings(cascade)
        rest = levels, heard.keys, heard.values, _NO_LABELS, 0.0, *bare
        return kernels.TieShares(kernels.NOVELTY, tie_key, *rest)
    labels: I32 = contacts.people.column("community")
    share = -1.0 if rule.across is None else rule.across
    about = tie_key, _NO_LEVELS, empty.keys, empty.values, labels, share
    if isinstance(rule, Border):
        return kernels.TieShares(kernels.BORDER, *about, *bare)
    kept = _circles.get(contacts.scratch)
    if kept is None or not kept.knows(contacts, labels):
        kept = _Circles(contacts, labels)
        if contacts.whole is contacts:
            _circles[contacts.scratch] = kept
    kept.prepare(ties)
    return kernels.TieShares(kernels.EMBEDDED, *about, kept.rank, kept.masks, kept.guests)


class _Circles:
    """Who is which member of a small community, and which of them hear whom, as that is found out.

    Kept for all cascades of a world until ties or communities are others; the contacts that a
    channel chooses serve one tick.
    """

    def __init__(self, contacts: Contacts, labels: I32) -> None:
        self._rows, self._targets = contacts.rows, contacts.targets  # contacts hold their own key
        self._labels = labels.copy()
        self._whole = False
        self.rank = np.full(labels.size, 255, np.uint8)
        self.masks = np.zeros(labels.size, np.uint64)
        self.guests = _NO_MASKS
        kinds = int(labels.max(initial=-1)) + 1
        if kinds <= labels.size:
            ranked(labels, np.zeros(kinds + 1, np.int64), self.rank)

    def prepare(self, ties: int) -> None:
        """Make all masks at once, where so many ties are looked at that most are needed soon."""
        if ties * _MANY >= self.rank.size and not self._whole:
            self.guests = np.empty_like(self.masks)
            about = self._labels, self.rank, self.masks, self.guests
            mask_all(self._rows, self._targets, *about)
            self._whole = True

    def knows(self, contacts: Contacts, labels: I32) -> bool:
        """Return whether ties and communities are still those."""
        same = self._rows is contacts.rows and self._targets is contacts.targets
        return same and np.array_equal(self._labels, labels)


_circles: WeakKeyDictionary[Scratch, _Circles] = WeakKeyDictionary()


def _hearings(cascade: Cascade) -> SparseColumn:
    """Return how often each agent heard the message in earlier ticks, uint8."""
    if "hearings" not in cascade.held:
        cascade.held["hearings"] = SparseColumn(cascade.agents, np.uint8)
    column: SparseColumn = cascade.held["hearings"]
    return column
