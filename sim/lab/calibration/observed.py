"""Read observations: trees, sizes over time, one curve, or facts.

``.jsonl`` (also ``.gz``), one message a line::

    {"id": "a", "parent": [-1, 0, 0], "t_min": [0, 3.5, 9]}     a tree
    {"id": "a", "t_min": [0, 3.5, 9]}                           times of adoption
    {"id": "a", "minutes": [10, 60], "size": [12, 80]}          sizes over time

``.csv`` or ``.tsv`` (also ``.gz``), with a header line::

    id,minutes,size                                             sizes over time
    minutes,scale[,depth][,breadth]                             one message's curve
    fact,value,error                                            known facts about messages
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I64
from sim.core.files import read_bounded, unpacked_bounded
from sim.errors import FileError, FormatError, InputError

MEASURES = ("scale", "depth", "breadth")

STEPS = 144
"""Steps of a grid of minutes: ten minutes each if the grid is a day long."""


def grid_of(minutes: float, start: float = 0.0) -> F64:
    """Return the minutes at which curves are read: 145, evenly spaced from ``start``."""
    return np.linspace(start, minutes, STEPS + 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """The cascade tree of one message."""

    name: str
    minutes: F64
    levels: I64 | None


def levels_of(parents: I64, minutes: F64) -> tuple[I64, F64]:
    """Return each adopter's depth, and its time, at the earliest that of its source."""
    if parents.size and not -1 <= int(parents.min()) <= int(parents.max()) < parents.size:
        wrong = int(parents[(parents < -1) | (parents >= parents.size)][0])
        raise InputError(
            f"a parent is a place in the same list, 0 to {parents.size - 1}, or -1; got {wrong}"
        )
    levels, above, late = np.zeros(parents.size, np.int64), parents.copy(), minutes.copy()
    for _ in range(parents.size):
        is_below = above >= 0
        if not is_below.any():
            return levels, late
        levels += is_below
        late[is_below] = np.maximum(late[is_below], minutes[above[is_below]])
        above = np.where(is_below, parents[above], -1)
    if (above >= 0).any():
        raise InputError("parents go round in a circle; one of them is the root, with parent -1")
    return levels, late


@dataclass(frozen=True, slots=True)
class GrowthCurves:
    """What messages had reached at the minutes of a grid."""

    minutes: F64
    of: dict[str, F64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def sizes(self) -> F64:
        """Sizes at the end, float64 (messages,)."""
        return self.of["scale"][:, -1]

    def mean(self, measure: str) -> F64:
        """Return the mean curve of a measure, float64 (t,)."""
        found: F64 = self.of[measure].mean(axis=0)
        return found

    def part(self, chosen: npt.NDArray[np.bool_]) -> GrowthCurves:
        """Return the messages of a mask, bool (messages,)."""
        names = tuple(name for name, is_in in zip(self.names, chosen, strict=True) if is_in)
        return GrowthCurves(self.minutes, {m: c[chosen] for m, c in self.of.items()}, names)

    def during(self, chosen: npt.NDArray[np.bool_]) -> GrowthCurves:
        """Return the same messages at the minutes of a mask, bool (t,)."""
        return GrowthCurves(
            self.minutes[chosen], {m: c[:, chosen] for m, c in self.of.items()}, self.names
        )

    @classmethod
    def of_trees(cls, trees: Sequence[Tree], minutes: F64) -> GrowthCurves:
        """Put trees on a grid; depth and breadth are included if every tree has levels."""
        measures = MEASURES if all(tree.levels is not None for tree in trees) else MEASURES[:1]
        rows = [_on_grid(tree, minutes) for tree in trees]
        return cls(
            minutes,
            {m: np.array([row[place] for row in rows]) for place, m in enumerate(measures)},
            tuple(tree.name for tree in trees),
        )


def _on_grid(tree: Tree, minutes: F64) -> list[F64]:
    order = np.argsort(tree.minutes, kind="stable")
    reached = np.searchsorted(tree.minutes[order], minutes, side="right")
    rows = [reached.astype(np.float64)]
    if tree.levels is not None:
        levels = tree.levels[order]
        order = np.argsort(levels, kind="stable")
        counts = np.bincount(levels, minlength=1)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        places = np.empty(levels.size, np.int64)
        places[order] = np.arange(levels.size) - starts[levels[order]] + 1
        highest = np.maximum.accumulate([levels, places], axis=1)
        rows += [np.append(0.0, row)[reached] for row in highest]
    return rows


def nrmse(simulated: F64, observed: F64) -> float:
    """Return the root mean square error of a curve, divided by the range of the observed one.

    ``sqrt(mean((s - o)**2)) / (max(o) - min(o))``: the normalised RMSE by which OASIS (Yang et
    al., arXiv:2411.11581) reports scale, depth and max breadth; it found about 0.2 for single
    topics. If the observed curve is constant, its mean is the divisor.
    """
    error = float(np.sqrt(np.mean((simulated - observed) ** 2)))
    spread = float(np.ptp(observed)) or abs(float(observed.mean())) or 1.0
    return error / spread


def ks(one: F64, two: F64) -> float:
    """Return the Kolmogorov-Smirnov distance between two samples, 0 to 1."""
    both = np.concatenate([one, two])
    first = np.searchsorted(np.sort(one), both, side="right") / one.size
    second = np.searchsorted(np.sort(two), both, side="right") / two.size
    return float(np.abs(first - second).max())


FACTS = {
    "mean_size": "mean size at the end",
    "log_size": "mean logarithm of the size at the end",
    "log_size_sd": "standard deviation of that logarithm",
    "mean_depth": "mean depth at the end",
    "mean_breadth": "mean breadth at the end",
}
"""The kinds of facts about messages, by name, with their meaning."""

_MOST_BYTES = 1 << 30

_SHAPES = (
    "JSONL lines have t_min (and parent), or minutes and size; columns are id,minutes,size or "
    "minutes,scale[,depth,breadth] or fact,value,error"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A known number about messages."""

    name: str
    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Observed:
    """Observations of messages.

    Attributes
    ----------
    kind
        ``"trees"``, ``"sizes"``, ``"curve"`` or ``"facts"``.
    trees
        For the first two kinds, in order of their ids.
    curves
        For a curve: one message, at the observed minutes.
    facts
        For facts.
    """

    kind: str
    trees: tuple[Tree, ...] = ()
    curves: GrowthCurves | None = None
    facts: tuple[Fact, ...] = ()

    def __len__(self) -> int:
        return len(self.trees) or len(self.facts) or 1

    def on(self, minutes: float) -> GrowthCurves:
        """Return the curves up to a minute, on an even grid."""
        if self.curves is None:
            return GrowthCurves.of_trees(self.trees, grid_of(minutes))
        seen = self.curves.minutes
        grid = grid_of(min(minutes, float(seen[-1])), float(seen[0]))
        rows = {m: np.interp(grid, seen, c[0])[None] for m, c in self.curves.of.items()}
        return GrowthCurves(grid, rows, self.curves.names)

    @classmethod
    def of_facts(cls, facts: Mapping[str, tuple[float, float]]) -> Observed:
        """Return facts by name: value and standard error.

        Raises
        ------
        InputError
            For an unknown fact, or an error that is not above 0.
        """
        return cls("facts", facts=tuple(_fact(name, *pair) for name, pair in facts.items()))


def _fact(name: str, value: float, error: float) -> Fact:
    if name not in FACTS:
        raise InputError(f"No fact named {name!r}. Known: {', '.join(FACTS)}.")
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        raise InputError(f"The fact {name} has a value and an error above 0, got {value}, {error}.")
    if value < 0 or (value == 0 and name in {"mean_size", "mean_breadth"}):
        raise InputError(f"The fact {name} cannot be {value:g}: every message has its seed.")
    return Fact(name, float(value), float(error))


def read_observed(path: str | Path) -> Observed:
    """Read a file of observed messages (see :mod:`sim.lab.calibration.observed` for the formats).

    Raises
    ------
    FileError
        If it is missing, empty, or in no known format.
    FormatError
        With the line and the rule that it breaks.
    """
    path = Path(path)
    try:
        data = read_bounded(path, _MOST_BYTES)
        if data[:2] == b"\x1f\x8b":
            data = unpacked_bounded(data, path, _MOST_BYTES)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise FileError(path, "there is no such file") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(path, f"it cannot be read: {reason}") from None
    except UnicodeDecodeError:
        raise FileError(path, "it is not text; give JSONL or CSV, plain or gzip") from None
    if not text.strip():
        raise FileError(path, f"it is empty; {_SHAPES}")
    is_jsonl = text.lstrip()[0] in "{["
    return _of_lines(path, text) if is_jsonl else _of_columns(path, text)


def _of_lines(path: Path, text: str) -> Observed:
    trees, kinds = [], set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):  # also a number with thousands of digits
            raise FormatError(path, number, line, "not JSON") from None
        try:
            tree, kind = _tree(said, number)
        except (ValueError, TypeError) as error:
            raise FormatError(path, number, line, str(error).rstrip(".")) from None
        trees.append(tree)
        kinds.add(kind)
    return Observed("trees" if kinds == {"trees"} else "sizes", _sorted(path, trees))


def _sorted(path: Path, trees: list[Tree]) -> tuple[Tree, ...]:
    names = [tree.name for tree in trees]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise FileError(path, f"the id {twice!r} is there twice; each message has its own")
    return tuple(sorted(trees, key=lambda tree: tree.name))


def _tree(said: Any, number: int) -> tuple[Tree, str]:
    if not isinstance(said, dict):
        raise InputError('a line is an object, such as {"parent": [-1, 0], "t_min": [0, 3]}')
    name = str(said.get("id", f"{number:09}"))
    if "t_min" in said:
        minutes = _numbers(said, "t_min")
        if "parent" not in said:
            return Tree(name, np.sort(minutes), None), "sizes"
        parents = _numbers(said, "parent").astype(np.int64)
        if parents.size != minutes.size:
            raise InputError(
                f"parent has {parents.size} entries, t_min {minutes.size}; one each for everybody"
            )
        levels, late = levels_of(parents, minutes)
        return Tree(name, late, levels), "trees"
    if {"minutes", "size"} <= said.keys():
        pairs = zip(_numbers(said, "minutes"), _numbers(said, "size"), strict=False)
        return _grown(name, list(pairs)), "sizes"
    raise InputError(f"no known keys among {', '.join(map(str, said)) or 'none'}; {_SHAPES}")


def _numbers(said: Mapping[str, Any], key: str) -> F64:
    try:
        found = np.array(said[key], np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{key} is a list of numbers") from None
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise InputError(f"{key} is a list of one number or more")
    return found


def _grown(name: str, pairs: Iterable[tuple[float, float]]) -> Tree:
    """Return a message from its sizes; each adopter gets the time of the first such size."""
    rising = sorted(pairs)
    sizes = np.maximum.accumulate(np.array([size for _, size in rising]))
    if sizes[0] < 0 or sizes[-1] < 1 or sizes[-1] > 1e8:
        raise InputError(f"sizes of message {name} are 1 to 100,000,000, got {sizes[-1]:g}")
    whole = np.rint(sizes).astype(np.int64)
    added = whole - np.append(0, whole[:-1])
    return Tree(name, np.repeat([minute for minute, _ in rising], added), None)


def _of_columns(path: Path, text: str) -> Observed:
    first = text.splitlines()[0]
    rows = csv.DictReader(io.StringIO(text), delimiter="\t" if "\t" in first else ",")
    names = {(name or "").strip() for name in rows.fieldnames or ()}
    if {"id", "minutes", "size"} <= names:
        return _sizes(path, rows)
    if {"minutes", "scale"} <= names:
        measures = [m for m in MEASURES if m in names]
        cells = sorted(_cells(path, rows, ["minutes", *measures]))
        _require_rows(path, cells)
        table = np.array(cells)
        if len(table) < 4 or np.ptp(table[:, 0]) == 0:
            raise FileError(path, "a curve has at least four rows, at different minutes")
        of = {measure: table[None, :, place] for place, measure in enumerate(measures, start=1)}
        return Observed("curve", curves=GrowthCurves(table[:, 0], of, ("curve",)))
    if {"fact", "value", "error"} <= names:
        facts = [_fact(*cells) for cells in _cells(path, rows, ["fact", "value", "error"])]
        _require_rows(path, facts)
        return Observed("facts", facts=tuple(facts))
    shown = ", ".join(sorted(names))
    raise FileError(path, f"its columns {shown[:60]} are unknown here; {_SHAPES}")


def _cells(path: Path, rows: csv.DictReader[str], wanted: list[str]) -> Iterator[tuple[Any, ...]]:
    texts = [name for name in wanted if name in {"id", "fact"}]
    numbers = [name for name in wanted if name not in texts]
    for row in rows:
        plain = {(name or "").strip(): cell for name, cell in row.items()}
        cells = [_number(plain.get(name)) for name in numbers]
        if None in cells or not all(plain.get(name) for name in texts):
            line = ",".join(str(cell) for cell in plain.values())
            rule = f"{', '.join(numbers)} are numbers, one each a row"
            raise FormatError(path, rows.line_num, line, rule)
        yield (*[plain[name].strip() for name in texts], *cells)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _sizes(path: Path, rows: csv.DictReader[str]) -> Observed:
    pairs: dict[str, list[tuple[float, float]]] = {}
    for name, minute, size in _cells(path, rows, ["id", "minutes", "size"]):
        pairs.setdefault(name, []).append((minute, size))
    _require_rows(path, pairs)
    return Observed("sizes", _sorted(path, [_grown(name, each) for name, each in pairs.items()]))


def _require_rows(path: Path, rows: Any) -> None:
    if not rows:
        raise FileError(path, "it has names of columns and no row")
