"""What an arm of a study does to a world, and what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.lab.runs.measures import MEASURES, Measure
from sim.scenario.variants import measured
from sim.world.interventions.conditions import QUANTITIES, condition_of

if TYPE_CHECKING:
    from sim.scenario.plan import RunPlan
    from sim.world.world import World

__all__ = ["StudyArm", "StudyMeasure", "measures_taken"]


@dataclass(frozen=True)
class StudyMeasure:
    """A quantity as a condition names it: of a message at the end, of the world of late.

    A number of the world is its mean over the last quarter of the run.

    Parameters
    ----------
    quantity
        Such as ``share#0`` or ``diversity``.
    """

    quantity: str

    def __call__(self, world: World) -> float:
        """Return it at the end of a run; NaN where there is nothing to be measured."""
        return measured(world, self.quantity)


def measures_taken(names: tuple[str, ...]) -> dict[str, Measure]:
    """Return what is to be measured beside :data:`~sim.lab.runs.MEASURES`."""
    return {
        name: StudyMeasure(name) for name in names if name not in MEASURES or name in QUANTITIES
    }


@dataclass(frozen=True)
class StudyArm:
    """An arm: the plan of a scenario, on a world whose metrics are open where they are measured.

    Parameters
    ----------
    name
        Of the arm.
    plan
        What is done.
    measures
        Names of what is measured.
    since
        How many messages the base world has had: those of the plan are watched, and not what
        interventions send on top.
    """

    name: str
    plan: RunPlan
    measures: tuple[str, ...] = ()
    since: int = 0

    def facts(self) -> Mapping[str, Any]:
        """Return what tells it from another, fit for JSON."""
        return {"kind": "study arm", "plan": self.plan.facts()}

    def begin(self, world: World) -> None:
        """Begin the plan, and open what is measured."""
        from sim.platform.feed.waves import keep_feeds

        self.plan.begin(world)
        if any(condition_of(f"{name} > 0").needs_metrics for name in measures_taken(self.measures)):
            keep_feeds(world)  # what they show is measured
            if world.metrics is None:
                world.open_metrics(every=1, structure=0)

    def watches(self, world: World) -> list[int]:
        """Return the messages that are measured: the plan's, else what is under way."""
        own = range(self.since, self.since + len(self.plan.messages))
        return list(own) or [c.id for c in world.cascades.loose if c.alive and c.id < self.since]

    def before(self, world: World, done: int) -> None:
        """Do what is due."""
        self.plan.before(world, done)

    def is_over(self, world: World, done: int) -> bool:
        """Whether the plan is over."""
        return self.plan.is_over(world, done)
