"""A drawing of the rooms: who imports whom, from the top down, as SVG.

``python -m tests.rooms.house --draw`` writes it. Rooms of one layer lie on one band; what everybody
uses (settings, jit, core, errors) is reached on the left, everything else on the right. A line is
the thicker the more modules import: from 1, 3, 9, 27 and 81 pairs of modules on.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import networkx as nx

LAYERS = (
    ("tui", "plugins", "hubbub"),
    ("sim.cli", "sim.testing"),
    ("sim.api",),
    ("sim.lab",),
    ("sim.scenario",),
    ("sim.runtime",),
    ("sim.io",),
    ("sim.store", "sim.minds"),
    ("sim.world", "sim.platform"),
    ("sim.spread",),
    ("sim.agents", "sim.network"),
    ("sim.settings",),
    ("sim.jit", "sim.core"),
    ("sim.arrays", "sim.errors"),
)
"""From the top; as the contract "Inside sim" of pyproject.toml has them."""

SHARED = ("sim.settings", "sim.jit", "sim.core", "sim.arrays", "sim.errors")

_STEPS = (1, 3, 9, 27, 81)
_WIDTH, _LEFT, _WIDE, _HIGH, _GAP, _BAND = 1130, 370, 460, 46, 10, 18
_STYLE = (
    "text{font-family:system-ui,sans-serif;fill:#fff}"
    ".name{font-size:16px;font-weight:600}.inside{font-size:11px;fill:#d5deea}"
    ".room{fill:#33475f}.band{fill:#8496ad;fill-opacity:.22}"
    ".line{fill:none;stroke:#5f84bd;stroke-opacity:.62}.shared{stroke:#b0813d}"
    ".tip{fill:#5f84bd}.tip.shared{fill:#b0813d;stroke:none}"
)


def drawn(graph: nx.DiGraph, root: Path) -> str:
    """Return the drawing of a graph of modules."""
    rooms = [room for layer in LAYERS for room in layer]
    tops, bands = _places()
    pairs = _between(graph, rooms)
    parts = [*bands, *_arrows(pairs, tops)]
    for room in rooms:
        parts += _box(room, tops[room], _inside(root, room))
    high = max(tops.values()) + _HIGH + _BAND
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {high}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _between(graph: nx.DiGraph, rooms: list[str]) -> Counter[tuple[str, str]]:
    """Return how many pairs of modules import from one room into another."""

    def room_of(module: str) -> str | None:
        return next((r for r in rooms if module == r or module.startswith(f"{r}.")), None)

    found: Counter[tuple[str, str]] = Counter()
    for one, other in graph.edges:
        source, target = room_of(one), room_of(other)
        if source and target and source != target:
            found[source, target] += 1
    return found


def _inside(root: Path, room: str) -> list[str]:
    folder = root.joinpath(*room.split("."))
    if not folder.is_dir():
        return []
    return sorted(each.parent.name for each in folder.glob("*/__init__.py"))


def _places() -> tuple[dict[str, int], list[str]]:
    """Return where each room begins, and the bands of the layers."""
    tops, bands, y = dict[str, int](), list[str](), _BAND
    for layer in LAYERS:
        high = len(layer) * (_HIGH + _GAP) + _GAP
        bands.append(
            f'<rect class="band" x="{_LEFT - 14}" y="{y}" width="{_WIDE + 28}" height="{high}"'
            ' rx="9"/>'
        )
        for place, room in enumerate(layer):
            tops[room] = y + _GAP + place * (_HIGH + _GAP)
        y += high + _BAND
    return tops, bands


def _box(room: str, top: int, inside: list[str]) -> list[str]:
    lines = _wrapped(inside)
    first = top + (30 if not lines else 20)
    found = [
        f'<rect class="room" x="{_LEFT}" y="{top}" width="{_WIDE}" height="{_HIGH}" rx="6"/>',
        f'<text class="name" x="{_LEFT + 12}" y="{first}">{room.replace(".", "/")}</text>',
    ]
    for number, line in enumerate(lines):
        y = top + (36 if len(lines) == 1 else 18 + 15 * number)
        x = _LEFT + (12 if len(lines) == 1 else 130)
        found.append(f'<text class="inside" x="{x}" y="{y}">{line}</text>')
    return found


def _wrapped(names: list[str]) -> list[str]:
    """Return names on one line, or on two that are about as long."""
    whole = " · ".join(names)
    if len(whole) < 56:
        return [whole] if names else []
    middle = min(range(len(names)), key=lambda at: abs(len(" · ".join(names[:at])) - 42))
    return [" · ".join(names[:middle]), " · ".join(names[middle:])]


def _arrows(pairs: Counter[tuple[str, str]], tops: dict[str, int]) -> list[str]:
    """Return the lines, each from a place of its own at a side of its room."""
    found = []
    for shared in (True, False):
        here = {pair: many for pair, many in pairs.items() if (pair[1] in SHARED) == shared}
        ports = _ports(list(here), tops)
        for pair, many in sorted(here.items()):
            found += _arrow(ports[pair], sum(many >= step for step in _STEPS), shared)
    return found


def _ports(
    pairs: list[tuple[str, str]], tops: dict[str, int]
) -> dict[tuple[str, str], list[float]]:
    """Return from what height to what height each line goes: the longest lie outermost."""
    places: dict[tuple[str, str], list[float]] = {pair: [0.0, 0.0] for pair in pairs}
    for room, top in tops.items():
        ends = [(pair, end) for pair in pairs for end in (0, 1) if pair[end] == room]
        # What comes from above ends at the top, the nearest first; what goes down leaves below it.
        ends.sort(key=lambda each: -tops[each[0][1 - each[1]]])
        above = [each for each in ends if tops[each[0][1 - each[1]]] < top]
        below = [each for each in ends if tops[each[0][1 - each[1]]] > top]
        order = above + below
        for number, (pair, end) in enumerate(order):
            places[pair][end] = top + _HIGH * (number + 0.5) / len(order)
    return places


def _arrow(heights: list[float], step: int, shared: bool) -> list[str]:
    begins, ends = heights
    sign, x = (-1, _LEFT) if shared else (1, _LEFT + _WIDE)
    out = x + sign * (26 + 0.36 * abs(ends - begins))
    tip, thick = x + sign * (5 + step), 0.7 + 0.75 * step
    wide = 2 + 0.8 * step
    kind = " shared" if shared else ""
    return [
        f'<path class="line{kind}" stroke-width="{thick:.1f}" d="M{x} {begins:.1f}'
        f'C{out:.0f} {begins:.1f} {out:.0f} {ends:.1f} {tip} {ends:.1f}"/>',
        f'<path class="tip{kind}" d="M{x} {ends:.1f}L{x + sign * (6 + step)} {ends - wide:.1f}'
        f'V{ends + wide:.1f}Z"/>',
    ]
