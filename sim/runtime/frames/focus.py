"""The message that a frame shows in full: its totals, and what its model reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from sim.arrays import I32, I64
from sim.core.text import clip, one_line
from sim.core.threads import interruptible
from sim.jit.claims import NOBODY
from sim.network.analysis import groups_kernels as kernels
from sim.network.graph.slab import read_only
from sim.runtime.frames.communities import CommunityTotals
from sim.runtime.frames.frames import Communities, Focus
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.faults import is_interruption, said_by
from sim.spread.cascade.generations import Cohorts, cohorts_of
from sim.spread.opinions.averaging_kernels import count_bins
from sim.spread.opinions.model import OpinionModel

if TYPE_CHECKING:
    from sim.world.world import World

MOST_COLUMNS = 400
"""Time columns of a heat map; neighbours are merged when there would be more."""

MOST_FLOWS = 64
"""Pairs of communities between which a frame tells adoptions."""

OPINION_BINS = 20

T = TypeVar("T", bound=np.generic)


class _Rows:
    """Rows of numbers that only grow; views handed out stay unchanged."""

    def __init__(self, rows: I64) -> None:
        self._rows = rows.copy()
        self.size = len(rows)

    def append(self, row: npt.ArrayLike) -> None:
        if self.size == len(self._rows):
            room = np.empty((max(64, 2 * self.size), *self._rows.shape[1:]), np.int64)
            room[: self.size] = self._rows
            self._rows = room
        self._rows[self.size] = row
        self.size += 1

    @property
    def view(self) -> I64:
        return read_only(self._rows[: self.size])


class Tally:
    """The totals of the cascade in focus."""

    def __init__(self, cascade: Cascade) -> None:
        self.cascade = cascade
        self.depth = 0
        self.virality = 0.0
        self.virality_size = 0
        self._history = _Rows(cascade.history)
        self._new = _Rows(cascade.new_adopters)
        self._counted = 0
        self._when = np.full(cascade.agents, -1, np.int32)
        self._level = np.zeros(cascade.agents, np.int32)
        self._caused = np.zeros(64, np.int64)
        self._levels = np.zeros(64, np.int64)
        self._count()

    @property
    def is_current(self) -> bool:
        """Whether every entry of the log is counted."""
        return self._counted == self.cascade.size

    @property
    def ticks(self) -> int:
        """Rows of :attr:`history`: the ticks that the cascade has run, plus one."""
        return self._new.size

    @property
    def history(self) -> I64:
        """Agents in each state, int64 (ticks, states)."""
        return self._history.view

    @property
    def new(self) -> I64:
        """First adoptions in each tick, int64 (ticks,); row 0 counts the seeds."""
        return self._new.view

    @property
    def breadth(self) -> int:
        """Most adopters at one distance from the seeds."""
        return int(self._levels.max())

    @property
    def cohorts(self) -> Cohorts:
        """R_t of complete cohorts."""
        if not self.is_current:
            return cohorts_of(self.cascade)
        return cohorts_of(self.cascade, self._when, self._caused)

    @property
    def speed(self) -> float:
        """First adoptions per tick over the last ten ticks."""
        recent = self._new.view[1:][-10:]
        return float(recent.mean()) if recent.size else 0.0

    def ticked(self) -> None:
        """Take into account a tick in which the cascade ran."""
        if self._new.size == 0:  # it has just left the queue: its start is a row, too
            self._history, self._new = _Rows(self.cascade.history), _Rows(self.cascade.new_adopters)
        else:
            self._history.append(self.cascade.tally)
            self._new.append(self.cascade.size - self._counted)
        self._count()

    def reread(self) -> None:
        """Read the record again, after anything but a tick may have changed it."""
        self._history, self._new = _Rows(self.cascade.history), _Rows(self.cascade.new_adopters)
        self._count()

    def measure_virality(self) -> None:
        """Bring :attr:`virality` up to date; one pass over all adopters."""
        log = self.cascade.log
        place = np.full(self.cascade.agents, -1, np.int32)
        paths, pairs = trees.wiener(log.agents, log.sources, place, np.empty(log.size, np.int64))
        self.virality = float(paths / pairs) if pairs else 0.0
        self.virality_size = log.size

    def _count(self) -> None:
        more = self.cascade.agents - self._when.size
        if more > 0:  # agents were added: the kernel needs a place for each
            self._when = np.append(self._when, np.full(more, -1, np.int32))
            self._level = np.append(self._level, np.zeros(more, np.int32))
        self._caused = _room(self._caused, self._new.size)
        self._levels = _room(self._levels, self._new.size)
        log, end = self.cascade.log, self.cascade.size
        entries = (log.agents, log.ticks, log.sources, self._counted, end)
        first = self.cascade.started_at
        columns = (self._when, self._level, self._caused, self._levels)
        self.depth = max(self.depth, int(kernels.follow(*entries, first, *columns)))
        self._counted = end


class GroupTally:
    """How many members of each group the cascade in focus has reached, over time."""

    def __init__(self, cascade: Cascade | None, row_of: I32, sizes: I64) -> None:
        self.cascade = cascade
        self.onset = np.full(sizes.size, -1, np.int64)
        self._row_of = row_of
        self._sizes = sizes
        self._width = 1
        self._heat = np.zeros((sizes.size, MOST_COLUMNS), np.int64)
        self._density = np.full((OPINION_BINS, MOST_COLUMNS), np.nan, np.float32)
        self._counted = 0

    @classmethod
    def empty(cls, sizes: I64) -> GroupTally:
        """Return the tally for no cascade."""
        return cls(None, np.empty(0, np.int32), sizes)

    def count(self, ticks: int) -> None:
        """Count new log entries; ``ticks``: the ticks that the cascade has run, plus one."""
        if self.cascade is None:
            return
        while ticks > self._width * MOST_COLUMNS:
            pairs = self._heat.reshape(len(self._heat), -1, 2).sum(axis=2)
            self._heat = np.zeros_like(self._heat)
            self._heat[:, : pairs.shape[1]] = pairs
            early, late = self._density[:, ::2], self._density[:, 1::2]
            halves = np.where(np.isnan(late), early, late)
            self._density = np.full_like(self._density, np.nan)
            self._density[:, : halves.shape[1]] = halves
            self._width *= 2
        log, end = self.cascade.log, self.cascade.size
        entries = (log.agents, log.ticks, self._counted, end, self.cascade.started_at)
        kernels.spread_out(*entries, self._width, self._row_of, self._heat, self.onset)
        self._counted = end
        model = self.cascade.model
        if isinstance(model, OpinionModel) and not model.choices and ticks:
            own, tally = model.held(self.cascade), np.zeros(OPINION_BINS, np.int64)
            count_bins(own, *model.span, model.span[1] - model.span[0], tally)
            self._density[:, (ticks - 1) // self._width] = tally / own.size

    def read(self, ticks: int) -> dict[str, npt.NDArray[Any]]:
        """Return the fields of a frame's communities about the cascade; copies."""
        columns = -(-ticks // self._width)
        counted = np.cumsum(self._heat[:, :columns], axis=1)
        ends = np.minimum(np.arange(1, columns + 1) * self._width, ticks) - 1
        adopted = self._heat.sum(axis=1)
        return {
            "adopted": read_only(adopted),
            "heat": read_only((counted / np.maximum(self._sizes, 1)[:, None]).astype(np.float32)),
            "heat_ticks": read_only(ends + (self.cascade.started_at if self.cascade else 0)),
            "onset": read_only(self.onset.copy()),
            "spreading": read_only(self._spreading(adopted)),
            "opinion_heat": read_only(self._opinion_heat(ends)),
        }

    def _spreading(self, adopted: I64) -> I64:
        """Count the members that spread it now."""
        cascade = self.cascade
        if cascade is None or cascade.now <= 0:
            return np.full_like(adopted, 0 if cascade is None else cascade.now)
        if cascade.now == cascade.size:
            return adopted.copy()
        passes_on, state = cascade.model.passing_states(cascade), cascade.held.get("state")
        if passes_on is None or state is None or not state.is_dense:
            rows = self._row_of[cascade.model.may_pass_on(cascade)]
            return np.bincount(rows, minlength=adopted.size)
        counted = np.zeros_like(adopted)
        trees.count_waiting(state.values, passes_on, self._row_of, 0, counted)
        return counted

    def _opinion_heat(self, ends: I64) -> npt.NDArray[np.float32]:
        """Return the density of opinions over time; by states for ticks before it was watched."""
        if self.cascade is None or not isinstance(model := self.cascade.model, OpinionModel):
            return np.empty((OPINION_BINS, 0), np.float32)
        bins, low, high = OPINION_BINS, *model.span
        if model.choices:
            scaled = (np.array(model.choices) - low) / (high - low) * bins
            shares = np.eye(bins)[scaled.astype(np.int64).clip(0, bins - 1)]
        else:  # states are equal parts of the range
            cuts, edges = (np.arange(n + 1) / n for n in (len(model.states), bins))
            above = np.maximum.outer(cuts[:-1], edges[:-1])
            shares = (np.minimum.outer(cuts[1:], edges[1:]) - above).clip(0) * len(model.states)
        coarse = self.cascade.history[ends] @ shares / self.cascade.agents
        density = self._density[:, : ends.size]
        return np.where(np.isnan(density), coarse.T, density).astype(np.float32)

    def last_tick(self, tick: int) -> dict[str, npt.NDArray[Any]]:
        """Return ``new`` and ``flows`` of a frame: adoptions in the last tick, if this is it."""
        cascade, count = self.cascade, self._sizes.size
        ran = None if cascade is None else cascade.started_at + len(cascade.history) - 1
        if cascade is None or cascade.started_at < 0 or ran != tick:
            none = np.zeros(count, np.int64), np.empty((0, 3), np.int64)
            return {"new": read_only(none[0]), "flows": read_only(none[1])}
        log, end = cascade.log, cascade.size
        begin = int(np.searchsorted(log.ticks, tick))
        takers, sources = self._row_of[log.agents[begin:end]], log.sources[begin:end]
        known = sources != NOBODY
        pairs = self._row_of[sources[known]].astype(np.int64) * count + takers[known]
        crossed = np.bincount(pairs, minlength=count * count)
        crossed[:: count + 1] = 0
        best = np.flatnonzero(crossed)
        best = best[np.argsort(-crossed[best], kind="stable")[:MOST_FLOWS]]
        flows = np.stack([best // count, best % count, crossed[best]], axis=1)
        new = np.bincount(takers, minlength=count)
        return {"new": read_only(new), "flows": read_only(flows)}


def _room(array: I64, size: int) -> I64:
    if array.size >= size:
        return array
    larger = np.zeros(max(size, 2 * array.size), np.int64)
    larger[: array.size] = array
    return larger


_MOST_METRICS, _MOST_LINES = 12, 8
_NAME_CELLS, _LINE_CELLS = 32, 120
_STRIKES = 3

Numbers = tuple[tuple[str, float], ...]
Lines = tuple[str, ...]


class ModelReports:
    """Asks models for metrics and panel lines; a model that fails three times is asked no more."""

    def __init__(self) -> None:
        self._strikes: dict[tuple[type, str], int] = {}

    def metrics(self, cascade: Cascade) -> Numbers:
        """Return (name, value) of the metrics of a cascade's model, at most 12; cleaned names."""
        found: Numbers = self._asked(cascade, "metrics", _numbers)
        return found

    def panel(self, cascade: Cascade) -> Lines:
        """Return the panel lines of a cascade's model, at most 8; cleaned and clipped."""
        found: Lines = self._asked(cascade, "panel", _lines)
        return found

    def _asked(self, cascade: Cascade, what: str, ask: Callable[[Cascade], Any]) -> Any:
        """Return the result of a method; an exception becomes a line, three times at most."""
        key = type(cascade.model), what
        if cascade.started_at < 0 or self._strikes.get(key, 0) >= _STRIKES:
            return ()
        try:
            with interruptible():
                return ask(cascade)
        except BaseException as error:  # third-party code, outside the tick
            if is_interruption(error):
                raise
            self._strikes[key] = self._strikes.get(key, 0) + 1
            said = clip(f"{what}() raised {said_by(error)}", _LINE_CELLS)
            return (said,) if what == "panel" else ()


def _numbers(cascade: Cascade) -> Numbers:
    said = cascade.model.metrics(cascade)
    pairs = list(said.items())[:_MOST_METRICS] if isinstance(said, Mapping) else []
    return tuple((_name(name), float(value)) for name, value in pairs if _is_number(value))


def _lines(cascade: Cascade) -> Lines:
    said: Any = cascade.model.panel(cascade)
    lines = [said] if isinstance(said, str) else said if isinstance(said, list | tuple) else []
    return tuple(clip(one_line(str(line)), _LINE_CELLS) for line in lines[:_MOST_LINES])


def _name(name: object) -> str:
    return clip(one_line(str(name)), _NAME_CELLS)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]  # asking is the test
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, str | bytes)


_QUICK = 50_000
"""Adopters up to which structural virality is measured for every frame (1 ms); else when idle."""


class FocusedCascade:
    """Keeps the totals of one cascade while it runs, and the frame parts made of them."""

    def __init__(self) -> None:
        self.cascade: Cascade | None = None
        self.groups: CommunityTotals | None = None
        self._tally: Tally | None = None
        self._group_tally: GroupTally | None = None
        self._focus: tuple[object, Focus] | None = None
        self._telling = ModelReports()
        self._communities: tuple[object, Communities] | None = None

    def turn_to(self, cascade: Cascade | None) -> None:
        """Show a cascade; its past is counted here, once."""
        if cascade is self.cascade:
            return
        self.cascade = cascade
        self._tally = None if cascade is None else Tally(cascade)
        self._regroup()

    def leave(self) -> None:
        """Show nothing; the next cascade is counted from its beginning."""
        self.cascade, self._tally, self._group_tally = None, None, None
        self._focus = self._communities = None

    def group_by(self, groups: CommunityTotals | None) -> None:
        """Show other communities."""
        self.groups = groups
        self._regroup()

    def _regroup(self) -> None:
        self._focus = self._communities = self._group_tally = None
        if self.groups is not None and self._tally is not None:
            row_of, sizes = self.groups.row_of, self.groups.sizes
            self._group_tally = GroupTally(self._tally.cascade, row_of, sizes)
            self._group_tally.count(self._tally.ticks)

    def follow(self, *, ticked: bool) -> None:
        """Update the totals after a tick or a command."""
        if not ticked:
            self._communities = None
        if self._tally is None:
            return
        if ticked:
            self._tally.ticked()
        else:
            self._tally.reread()
        if self.groups is not None and self.groups.row_of.size < self._tally.cascade.agents:
            self.group_by(None)  # agents were added: new communities are on their way
        if self._group_tally is not None:
            self._group_tally.count(self._tally.ticks)

    @property
    def r(self) -> tuple[float, int]:
        """R_t of the newest complete generation, and its tick; NaN and -1 if there is none."""
        shown = self.focus()
        if shown is None or shown.cohort < 0:
            return float("nan"), -1
        return float(shown.r[shown.cohort - shown.started_at]), shown.cohort

    @property
    def lags(self) -> bool:
        """Whether structural virality waits to be measured."""
        tally = self._tally
        return tally is not None and tally.virality_size != tally.cascade.size

    def catch_up(self) -> None:
        """Measure structural virality; up to some ten milliseconds for a million adopters."""
        if self._tally is not None:
            self._tally.measure_virality()

    def focus(self) -> Focus | None:
        """Return the focus of a frame; the same object while nothing changed."""
        tally = self._tally
        if tally is None:
            return None
        if self.lags and tally.cascade.size <= _QUICK:
            self.catch_up()
        cascade = tally.cascade
        state = (cascade.model, cascade.status, cascade.size, tally.ticks, tally.virality_size)
        if self._focus is None or self._focus[0] != state:
            self._focus = (state, _picture(tally, self._telling))
        return self._focus[1]

    def communities(self, world: World) -> Communities | None:
        """Return the communities of a frame; the same object while nothing changed."""
        if self.groups is None:
            return None
        ticks = self._tally.ticks if self._tally else 0
        state = (id(self.groups), id(self._group_tally), ticks, world.tick)
        if self._communities is None or self._communities[0] != state:
            self._communities = (state, _map(self.groups, self._group_tally, ticks, world))
        return self._communities[1]


def _picture(tally: Tally, telling: ModelReports) -> Focus:
    cascade = tally.cascade
    r, cohort, of_seeds = tally.cohorts
    return Focus(
        id=cascade.id,
        text=cascade.text,
        model=cascade.model_name,
        parameters=tuple(cascade.model.values().items()),
        states=tuple(cascade.states),
        history=tally.history,
        new=tally.new,
        r=read_only(r),
        now=cascade.now,
        cohort=cohort,
        speed=tally.speed,
        depth=tally.depth,
        breadth=tally.breadth,
        virality=tally.virality,
        reached=cascade.size,
        seeds=int(cascade.seeds.size),
        started_at=cascade.started_at,
        status=cascade.status,
        error=cascade.error,
        virality_size=tally.virality_size,
        metrics=telling.metrics(cascade),
        panel=telling.panel(cascade),
        seeds_r=of_seeds,
    )


def _map(
    groups: CommunityTotals, tally: GroupTally | None, ticks: int, world: World
) -> Communities:
    told = tally or GroupTally.empty(groups.sizes)
    return Communities(
        names=groups.names,
        sizes=groups.sizes,
        top=groups.top,
        label=groups.label,
        links=groups.links,
        positions=groups.positions,
        labels=groups.labels,
        total=groups.total,
        opinion=read_only(_mean_opinions(groups, told.cascade, world)),
        impressions=read_only(_impressions(groups, world)),
        **told.read(ticks),
        **told.last_tick(world.tick),
    )


def _mean_opinions(
    groups: CommunityTotals, cascade: Cascade | None, world: World
) -> npt.NDArray[np.float32]:
    """Return the mean opinion of each community: of the message in focus, or the newest topic."""
    count = groups.sizes.size
    if cascade is not None and isinstance(model := cascade.model, OpinionModel):
        own, (low, high) = model.held(cascade), model.span
    elif world.opinions:
        topic = list(world.opinions)[-1]
        own, (low, high) = world.opinions[topic], world.opinions.span(topic)
    else:
        return np.full(count, np.nan, np.float32)
    row_of, known = groups.row_of[: own.size], ~np.isnan(own)
    if not known.all():
        row_of, own = row_of[known], own[known]
    sums = np.bincount(row_of, own, minlength=count)
    members = np.bincount(row_of, minlength=count)
    means = np.divide(sums, members, out=np.full(count, np.nan), where=members > 0)
    return np.asarray(2 * (means - low) / (high - low) - 1, np.float32)


def _impressions(groups: CommunityTotals, world: World) -> I64:
    counted = np.zeros(groups.sizes.size)
    platform = world.platform
    if platform is not None and platform.exposures.tick == world.tick:
        for part in platform.exposures.at_hand:
            rows = groups.row_of[part.viewers]
            counted += np.bincount(rows, part.counts, minlength=counted.size)
    return counted.astype(np.int64)
