"""Positions of communities: near those they are tied to, apart from the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream

__all__ = ["positions"]

Floats = npt.NDArray[np.float64]

_ROUNDS = 150


def positions(links: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> Floats:
    """Return places for groups in the unit square.

    Forces of Fruchterman & Reingold, "Graph drawing by force-directed placement", Software:
    Practice and Experience 1991; larger groups push further.

    Parameters
    ----------
    links
        int64 (c, c): ties from group to group.
    sizes
        int64 (c,): members.

    Returns
    -------
    float64 (c, 2) in [0, 1], the same for the same input
    """
    count = len(sizes)
    if count < 2:
        return np.full((count, 2), 0.5)
    pull = _attraction(links, sizes)
    room = np.sqrt(sizes / max(int(sizes.max()), 1)) + 0.3
    push = np.add.outer(room, room) / 2
    places = rng.uniforms(rng.key(0, Stream.LAYOUT), np.arange(2 * count)).reshape(count, 2)
    for heat in np.linspace(0.1, 0.002, _ROUNDS):
        places += _move(places, pull, push, heat)
    return _fitted(places)


def _attraction(links: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> Floats:
    """Return how strongly each pair belongs together, in [0, 1]: ties against what chance gives."""
    both = (links + links.T).astype(np.float64)
    np.fill_diagonal(both, 0.0)
    members = np.maximum(sizes, 1).astype(np.float64)
    density = both / np.sqrt(np.outer(members, members))
    scaled: Floats = np.sqrt(density / max(float(density.max()), 1e-12))
    return scaled


def _move(places: Floats, pull: Floats, push: Floats, heat: float) -> Floats:
    apart = places[:, None, :] - places[None, :, :]
    distance = np.sqrt((apart**2).sum(axis=2)) + 1e-9
    ideal = 1.0 / np.sqrt(len(places))
    force = (ideal * push) ** 2 / distance - pull * distance**2 / ideal
    np.fill_diagonal(force, 0.0)
    step: Floats = ((force / distance)[:, :, None] * apart).sum(axis=1)
    step -= 0.5 * (places - places.mean(axis=0))  # a pull to the middle keeps strangers in sight
    step *= np.minimum(1.0, heat / (np.sqrt((step**2).sum(axis=1, keepdims=True)) + 1e-12))
    return step


def _fitted(places: Floats) -> Floats:
    low, high = places.min(axis=0), places.max(axis=0)
    fitted: Floats = (places - low) / np.maximum(high - low, 1e-9)
    return fitted
