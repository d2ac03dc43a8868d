"""The message and the communities that a frame shows in full."""

from __future__ import annotations

from sim.runtime.engine.propagation_reports import ModelReports
from sim.runtime.frames.communities import CommunityTotals
from sim.runtime.frames.frames import Communities, Focus
from sim.runtime.frames.totals import GroupTally, Tally, frozen
from sim.spread.cascade.cascade import Cascade

_QUICK = 50_000
"""Adopters whose structural virality is measured for every frame (1 ms); more wait for idle time"""


class FocusedCascade:
    """Keeps the totals of one cascade while it runs, and the pictures made of them.

    Attributes
    ----------
    cascade
        The cascade in focus; None before the first message.
    groups
        The communities; None where nobody is in one.
    """

    def __init__(self) -> None:
        self.cascade: Cascade | None = None
        self.groups: CommunityTotals | None = None
        self._tally: Tally | None = None
        self._group_tally: GroupTally | None = None
        self._focus: tuple[object, Focus] | None = None
        self._telling = ModelReports()
        self._communities: tuple[object, Communities] | None = None

    def turn_to(self, cascade: Cascade | None) -> None:
        """Show a cascade; what it has done so far is counted here, once."""
        if cascade is self.cascade:
            return
        self.cascade = cascade
        self._tally = None if cascade is None else Tally(cascade)
        self._regroup()

    def leave(self) -> None:
        """Show nothing, so that what is shown next is counted from its beginning."""
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
        """Take in what the cascade did in a tick, or whatever a command did to it."""
        if self._tally is None:
            return
        if ticked:
            self._tally.ticked()
        else:
            self._tally.reread()
        if self.groups is not None and self.groups.row_of.size < self._tally.cascade.agents:
            self.group_by(None)  # agents came: new communities are on their way
        if self._group_tally is not None:
            self._group_tally.count(self._tally.ticks)

    @property
    def r(self) -> tuple[float, int]:
        """R_t of the newest generation that is whole, and its tick; NaN and -1 before one is."""
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
        """Return the picture of the cascade; the same object while nothing changed."""
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

    def communities(self) -> Communities | None:
        """Return the picture of the communities; the same object while nothing changed."""
        if self.groups is None:
            return None
        ticks = self._tally.ticks if self._tally else 0
        state = (id(self.groups), id(self._group_tally), ticks)
        if self._communities is None or self._communities[0] != state:
            self._communities = (state, _map(self.groups, self._group_tally, ticks))
        return self._communities[1]


def _picture(tally: Tally, telling: ModelReports) -> Focus:
    cascade = tally.cascade
    r, cohort = tally.cohorts
    return Focus(
        id=cascade.id,
        text=cascade.text,
        model=cascade.model_name,
        parameters=tuple(cascade.model.values().items()),
        states=tuple(cascade.states),
        history=tally.history,
        new=tally.new,
        r=frozen(r),
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
    )


def _map(groups: CommunityTotals, tally: GroupTally | None, ticks: int) -> Communities:
    counted = (tally or GroupTally.empty(groups.sizes)).read(ticks)
    return Communities(
        names=groups.names,
        sizes=groups.sizes,
        top=groups.top,
        label=groups.label,
        links=groups.links,
        positions=groups.positions,
        labels=groups.labels,
        total=groups.total,
        **counted,
    )
