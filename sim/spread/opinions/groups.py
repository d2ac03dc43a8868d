"""Opinion models of group meetings: :class:`Gatherings`, and :class:`Outflow` (Sznajd-like)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from sim.arrays import F64, Bools
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts
from sim.spread.opinions import groups_kernels as kernels
from sim.spread.opinions.meetings import Sequential, Updates, rule_of
from sim.spread.opinions.model import _present
from sim.spread.opinions.pairs_kernels import Conversions
from sim.spread.opinions.voices import HeardRows, remembered


class Gatherings(Sequential):
    """A model of groups; write :meth:`decide`, which says what an agent thinks after hearing some.

    Attributes
    ----------
    distinct
        Whether nobody is heard twice in a gathering; else drawn with repetition.
    moves
        ``"one"``: the agent that hears; ``"all"``: the whole group takes what it decides.
    """

    distinct: ClassVar[bool] = False
    moves: ClassVar[Literal["one", "all"]] = "one"

    def decide(self, *args: Any, **kwargs: Any) -> float:
        """Return the agent's opinion after hearing a group: ``decide(own, heard)``.

        ``heard`` is float64 (:meth:`listens`,). Plain Python on numbers, compiled if possible.
        A further argument ``coin`` is a draw in [0, 1).
        """
        raise NotImplementedError

    def listens(self) -> int:
        """Return the size of the group that an agent hears in a gathering, at least 1."""
        raise NotImplementedError

    def from_everybody(self) -> bool:
        """Return whether a group is drawn from all agents; otherwise from the agent's sources."""
        return False

    def restless(self) -> bool:
        """Return whether opinions may change even if all agree."""
        return False

    def rounds(self, heard: HeardRows) -> int:
        """Return the number of gatherings in a tick."""
        if self.from_everybody():
            return self.updates or heard.rows.shape[0]
        return super().rounds(heard)

    def hold(
        self, cascade: Cascade, heard: HeardRows, span: Updates, own: F64, into: Conversions,
        found: int,
    ) -> int:  # fmt: skip
        """Hold the gatherings of ``span`` (key, first, end); return how many adopted so far."""
        formula = cascade.memo.get("formula")
        if formula is None or cascade.memo["model"] is not self:
            formula = rule_of(self)
            fixed = self.stubborn(cascade)
            cascade.memo |= {"formula": formula, "model": self, "fixed": fixed}
        kind = kernels.GroupKind(
            int(self.from_everybody()), int(self.distinct), int(self.moves == "all")
        )
        given = heard.rows, heard.sources, heard.hearers, kind, cascade.absent
        told = *given, cascade.memo["fixed"], *span, np.empty(self.listens()), own
        return int(formula.run(kernels.gather, *told, into, np.int64(found)))

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: F64) -> bool:
        """Return whether no movable agent hears an opinion other than its own."""
        if self.restless():
            return False
        heard = remembered(cascade, contacts)
        able = heard.rows.shape[0] - 1 if self.from_everybody() else heard.rows[:, 1:]
        formed = able >= (self.listens() if self.distinct else 1)
        rows = heard.rows * np.asarray(formed, np.uint32)  # groups that are too small never meet
        if not np.any(formed):
            return True
        given = rows, heard.sources, int(self.from_everybody()), cascade.absent
        return not kernels.any_discord(*given, self.stubborn(cascade), own)


class Outflow(Sequential):
    """A model of outflow: a pair that agrees persuades all who hear either of them."""

    def crosses(self) -> bool:
        """Return whether listeners of a disagreeing pair take the opinion of its other member."""
        return False

    def hold(
        self, cascade: Cascade, heard: HeardRows, span: Updates, own: F64, into: Conversions,
        found: int,
    ) -> int:  # fmt: skip
        """Hold the updates of ``span`` (key, first, end); return the number of adopters so far."""
        given = heard.rows, heard.sources, heard.of.rows, heard.of.targets, heard.hearers
        how = int(self.crosses()), cascade.absent, self.stubborn(cascade)
        told: tuple[Any, ...] = (*given, *how, *span, own, into, np.int64(found))
        return int(kernels.persuade(*told))

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: F64) -> bool:
        """Return whether no pair is left that would persuade anybody."""
        heard = remembered(cascade, contacts)
        fixed = self.stubborn(cascade)
        if not kernels.any_discord(heard.rows, heard.sources, 0, cascade.absent, fixed, own):
            return True
        here, moves = _present(cascade), self.movable(cascade)
        return len(self.choices) == 2 and not self._persuades(heard, own > self.cut, here, moves)

    def _persuades(self, heard: HeardRows, high: Bools, here: Bools, moves: Bools) -> bool:
        """Return whether a pair would move one of its listeners, for two opinions."""
        start, length = heard.rows.astype(np.int64).T
        hearer = np.repeat(np.arange(length.size), length)
        place = np.arange(hearer.size) + np.repeat(start - np.cumsum(length) + length, length)
        source, side = heard.sources[place], high.astype(np.int64)
        acts = here[hearer] & here[source]
        if not self.crosses():
            acts &= high[hearer] == high[source]
        told = np.zeros((high.size, 2), np.bool_)  # by agent: opinions that its listeners may adopt
        told[hearer[acts], side[source[acts]]] = True
        told[source[acts], side[hearer[acts]]] = True
        return bool((told[source, 1 - side[hearer]] & moves[hearer]).any())
