"""The result of a calibration: parameters with their region, errors compared with copying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sim.arrays import F64
from sim.core.data_frames import new_figure
from sim.core.registry import spec
from sim.lab.calibration.observed import MEASURES, GrowthCurves, ks, nrmse
from sim.lab.calibration.simulating import SimulationPlan
from sim.lab.tables import Result, Table
from sim.world.phases import per_tick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.spread.cascade.model import PropagationModel


_BOUND = 0.9
"""Correlation from which two parameters are reported to vary together."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted parameter."""

    name: str
    value: float
    low: float
    high: float
    least: float
    most: float
    is_identified: bool


@dataclass(frozen=True, slots=True)
class JudgedError:
    """The error of simulated messages against observed ones."""

    messages: str
    measure: str
    model: float
    copying: float


def judged(
    simulated: GrowthCurves, fit: GrowthCurves, held: GrowthCurves
) -> tuple[JudgedError, ...]:
    """Return the errors against fitted and held-out messages, with those of copying."""
    found: list[JudgedError] = []
    for name, part in (("fitted", fit), ("held out", held)):
        if not len(part) or not part.minutes.size:
            continue
        for measure in MEASURES:
            if measure in part.of:
                own = part.mean(measure)
                made = np.interp(part.minutes, simulated.minutes, simulated.mean(measure))
                copied = np.asarray(np.interp(part.minutes, fit.minutes, fit.mean(measure)))
                what = f"NRMSE of {measure}"
                found.append(JudgedError(name, what, nrmse(made, own), nrmse(copied, own)))
        if len(part) > 1:
            sizes = ks(simulated.sizes, part.sizes), ks(fit.sizes, part.sizes)
            found.append(JudgedError(name, "KS of sizes", *sizes))
    return tuple(found)


@dataclass(frozen=True, repr=False)
class Calibration(Result):
    """The result of a calibration.

    Attributes
    ----------
    plan
        What was simulated.
    parameters
        What was fitted.
    level
        Probability that the region holds all parameters together, if the model is true.
    correlations
        float64 (d, d): of the parameters, within the region.
    miss, freedom
        Squared distance of the likeliest point in standard errors, and its expectation by chance.
    off
        Relative error of the model at its likeliest point, beyond chance; 0 if it fits. The
        region allows for it.
    errors
        Against fitted and held-out messages; empty for facts.
    fitted, held, simulated
        Numbers of fitted and held-out messages, and of fresh ones simulated at the likeliest point.
    simulations, seed, holdout
        Number of points simulated, the seed, and the share that was held out.
    worst
        The number that is farthest off at the likeliest point.
    """

    plan: SimulationPlan
    parameters: tuple[Fitted, ...]
    level: float
    correlations: F64
    miss: float
    freedom: int
    off: float
    errors: tuple[JudgedError, ...]
    fitted: GrowthCurves
    held: GrowthCurves
    simulated: GrowthCurves
    simulations: int
    seed: int
    holdout: float
    worst: str

    @property
    def tables(self) -> Mapping[str, Table]:
        """``parameters``, ``errors`` and ``curves``."""
        part = f"{self.level:.0%}"
        rows = [
            {
                "parameter": one.name, "value": one.value, "low": one.low, "high": one.high,
                "least": one.least, "most": one.most, "identified": one.is_identified,
            }
            for one in self.parameters
        ]  # fmt: skip
        caption = f"Best fit of {self.plan.model}; low to high: joint region ({part})"
        tables = {"parameters": Table.of_rows(rows, caption=caption)}
        if self.errors:
            tables |= {"errors": self._errors(), "curves": self._curves()}
        return tables

    def _in_short(self) -> list[Table]:
        return [table for name, table in self.tables.items() if name != "curves"]

    def _errors(self) -> Table:
        rows = [
            {"messages": e.messages, "measure": e.measure, "model": e.model, "copying": e.copying}
            for e in self.errors
        ]
        return Table.of_rows(rows, caption="Errors; copying: predicting the fitted messages")

    def _curves(self) -> Table:
        rows = []
        for name, part in (
            ("fitted", self.fitted),
            ("held out", self.held),
            ("simulated", self.simulated),
        ):
            for measure in part.of if len(part) else ():
                pairs = zip(part.minutes.tolist(), part.mean(measure).tolist(), strict=True)
                rows += [
                    {"messages": name, "measure": measure, "minutes": at, "mean": mean}
                    for at, mean in pairs
                ]
        return Table.of_rows(rows, units={"minutes": "minutes"}, caption="Mean curves")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before using the values, one sentence each."""
        said = []
        if self.off:
            said.append(
                f"{self.plan.model} does not fit these data anywhere in the ranges: at the best "
                f"point its error is {self.miss / self.freedom:,.1f} times what chance explains, "
                f"{self.off:.0%} per value ({self.worst}); the region allows for that. Widen "
                "the ranges, free more parameters, or try another model."
            )
        loose = [one.name for one in self.parameters if not one.is_identified]
        if loose:
            said.append(
                f"The data do not identify {', '.join(loose)}: the region is about as wide as the "
                "range; fix it, or observe more."
            )
        for one, two in combinations(range(len(self.parameters)), 2):
            r = float(self.correlations[one, two])
            if abs(r) >= _BOUND:
                names = f"{self.parameters[one].name} and {self.parameters[two].name}"
                said.append(
                    f"{names} cannot be told apart: they are correlated ({r:.2f}); fix one of them."
                )
        edges = [one.name for one in self.parameters if _is_at_an_edge(one)]
        if edges:
            said.append(f"The best fit of {', '.join(edges)} is at an end of its range; widen it.")
        if not self.holdout:
            said.append("Nothing was held out: this does not show how well new messages are met.")
        model = cast("type[PropagationModel]", spec(self.plan.model).cls)
        ticks = per_tick(model, self.plan.tick_minutes)
        if ticks:
            said.append(f"{ticks}: with another tick length they mean another speed.")
        return tuple(said)

    def conclusion(self) -> str:
        """Return the held-out errors in a sentence, and the warnings."""
        held = [e for e in self.errors if e.messages == "held out"]
        said = [f"{e.measure} {e.model:.3f} (baseline {e.copying:.3f})" for e in held]
        note = "; baseline: predicting the fitted messages"
        first = [f"Held out: {', '.join(said)}{note}."] if said else []
        return "\n".join([*first, *self.warnings])

    def plot(self, **how: Any) -> Figure:
        """Draw the mean curves, observed, held out and simulated, with one panel per measure.

        Parameters
        ----------
        **how
            Ignored; other results use it.
        """
        measures = [m for m in MEASURES if m in self.simulated.of]
        figure = new_figure(3.5 * len(measures), 3.2)
        panels = figure.subplots(1, len(measures), squeeze=False)[0]
        for panel, measure in zip(panels, measures, strict=True):
            parts = (("fitted", self.fitted), ("held out", self.held), ("model", self.simulated))
            for name, part in parts:
                if len(part) and measure in part.of:
                    panel.plot(part.minutes, part.mean(measure), label=name)
            panel.set(xlabel="minutes", ylabel=f"mean {measure}")
        panels[0].legend()
        return figure


def _is_at_an_edge(one: Fitted) -> bool:
    edge = 0.01 * (one.most - one.least)
    return one.value - one.least < edge or one.most - one.value < edge
