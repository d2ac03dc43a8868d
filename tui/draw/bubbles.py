"""Geometry and pixels of community bubbles, as arrays: radii, overlaps, blending.

Pixels are half a cell high and a cell wide, so nearly square: (2 * rows, columns).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FILL = 0.2
"""Share of the area that all bubbles cover together, before the largest are held back."""
STEPS = 4
"""Levels of transparency along a rim; few, so that cells repeat and redraws stay cheap."""
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Disc:
    """One bubble cut to the pixels that can be seen.

    Attributes
    ----------
    rows, columns
        The part of the pixel plane it lies in.
    body, rim
        Opacity of the whole and of its outline, float64 (rows, columns), in [0, 1].
    """

    rows: slice
    columns: slice
    body: NDArray[np.float64]
    rim: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BubbleLayout:
    """Where everything lies at one size and zoom.

    Attributes
    ----------
    centres, radii
        float64 (c, 2) and (c,): in pixels.
    dots, strength
        bool (4 * rows, columns) and float64 (rows, columns): the lines.
    """

    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    dots: NDArray[np.bool_]
    strength: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BubbleLines:
    """Lines between bubbles, strongest last.

    Attributes
    ----------
    a, b
        int64 (edges,): which bubbles.
    strength
        float64 (edges,): in (0, 1].
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    strength: NDArray[np.float64]


def size_radii(sizes: NDArray[np.int64], height: int, width: int) -> NDArray[np.float64]:
    """Return radii in pixels, areas as the sizes, float64 (c,)."""
    members = np.maximum(sizes, 0).astype(np.float64)
    total = float(members.sum())
    if total <= 0:
        return np.full(len(sizes), 0.7)
    radii = np.sqrt(members / total * height * width * FILL / np.pi)
    bounded: NDArray[np.float64] = radii.clip(0.7, max(0.7, 0.2 * min(height, width)))
    return bounded


def separate(
    places: NDArray[np.float64], radii: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Bring places of the unit square onto the plane and push bubbles apart that overlap."""
    margin = np.minimum(radii[:, None] + 1, np.array([width, height]) / 2)
    room = np.array([width, height], dtype=np.float64)
    centres: NDArray[np.float64] = margin + np.nan_to_num(places, nan=0.5).clip(0, 1) * (
        room - 2 * margin
    )
    reach = radii[:, None] + radii[None, :] + 1.5
    np.fill_diagonal(reach, 0.0)
    for _ in range(_ROUNDS):
        gap = centres[:, None, :] - centres[None, :, :]
        distance = np.sqrt((gap**2).sum(axis=2)) + 1e-6
        overlap = np.maximum(reach - distance, 0.0)
        if overlap.max(initial=0.0) < 0.5:
            break
        # Two in the very same place have no direction of their own: the order decides.
        gap[..., 0] += 1e-3 * np.sign(np.subtract.outer(radii, radii))
        centres += 0.4 * (gap / distance[..., None] * overlap[..., None]).sum(axis=1)
        centres = centres.clip(margin, room - margin)
    return centres


def strongest(links: NDArray[np.int64], most: int = 160) -> BubbleLines:
    """Choose the ties worth drawing: for each community those with its closest others."""
    both = (links + links.T).astype(np.float64)
    np.fill_diagonal(both, 0.0)
    count = len(both)
    if count < 2 or both.max() <= 0:
        none = np.zeros(0, dtype=np.int64)
        return BubbleLines(none, none, np.zeros(0))
    near = np.argsort(-both, axis=1, kind="stable")[:, : 2 if count <= 60 else 1]
    a = np.repeat(np.arange(count), near.shape[1])
    b = near.ravel()
    pairs = np.unique(np.minimum(a, b) * count + np.maximum(a, b))
    a, b = pairs // count, pairs % count
    weight = both[a, b]
    order = np.argsort(weight, kind="stable")[-most:]
    order = order[weight[order] > 0]
    return BubbleLines(a[order], b[order], np.sqrt(weight[order] / both.max()))


def edge_dots(
    edges: BubbleLines, centres: NDArray[np.float64], rows: int, width: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Draw lines in dots, 4 x 2 a cell."""
    dots = np.zeros((4 * rows, 2 * width), dtype=np.bool_)
    strength = np.zeros((rows, width))
    if not len(edges.a):
        return dots, strength
    start, stop = 2 * centres[edges.a], 2 * centres[edges.b]
    steps = int(np.ceil(min(np.abs(stop - start).max(), 8.0 * (2 * rows + width)))) + 2
    along = np.linspace(0, 1, steps)[None, :, None]
    points = np.floor(start[:, None] * (1 - along) + stop[:, None] * along).astype(np.int64)
    x, y = points[..., 0], points[..., 1]
    seen = (x >= 0) & (x < 2 * width) & (y >= 0) & (y < 4 * rows)
    shade = np.broadcast_to(edges.strength[:, None], seen.shape)[seen]
    x, y = x[seen], y[seen]
    dots[y, x] = True
    np.maximum.at(strength, (y // 4, x // 2), shade)
    return dots, strength


def discs(
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    height: int,
    width: int,
    chosen: int = -1,
) -> list[Disc | None]:
    """Cut the bubbles out of the plane; None for one that cannot be seen."""
    return [
        _disc(float(x), float(y), float(r), height, width, 2.0 if i == chosen and r >= 4 else 1.0)
        for i, ((x, y), r) in enumerate(zip(centres, radii, strict=True))
    ]


def _disc(x: float, y: float, r: float, height: int, width: int, line: float) -> Disc | None:
    top, bottom = max(0, int(y - r - 1)), min(height, int(y + r + 2))
    left, right = max(0, int(x - r - 1)), min(width, int(x + r + 2))
    if top >= bottom or left >= right:
        return None
    dy = np.arange(top, bottom)[:, None] + 0.5 - y
    dx = np.arange(left, right)[None, :] + 0.5 - x
    depth = r - np.sqrt(dx * dx + dy * dy) + 0.5
    body = _stepped(depth)
    return Disc(slice(top, bottom), slice(left, right), body, body - _stepped(depth - line))


def _stepped(opacity: NDArray[np.float64]) -> NDArray[np.float64]:
    stepped: NDArray[np.float64] = np.rint(opacity.clip(0, 1) * STEPS) / STEPS
    return stepped


def nearest(places: NDArray[np.float64], start: int, right: int, down: int) -> int:
    """Return the next bubble in a direction, or `start` when there is none."""
    gap = places - places[start]
    ahead = gap[:, 0] * right + gap[:, 1] * down
    aside = np.abs(gap[:, 0] * down) + np.abs(gap[:, 1] * right)
    cost = np.where(ahead > 1e-9, ahead + 2 * aside, np.inf)
    cost[start] = np.inf
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else start
