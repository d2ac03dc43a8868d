"""What a scenario opens in a world before its run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.registry import make
from sim.errors import InputError, ParameterError
from sim.platform.settings import PlatformSettings
from sim.runtime.journal.acts import perform
from sim.scenario.sections import InterventionSection, placed
from sim.spread.cascade.faults import checked
from sim.world.metrics.alerts import Alerts
from sim.world.metrics.series import MetricSettings
from sim.world.seeding import check_seeds

if TYPE_CHECKING:
    from sim.world.world import World


_PLUGGED = ("recommender", "policy", "policy_parameters")


@dataclass(frozen=True, slots=True)
class WorldSetup:
    """What to open in a world before a run: sections with the keys of their parts.

    It can be pickled, and applied to any world: the base of a scenario, or a copy of another one.

    Parameters
    ----------
    settings
        Settings of the platform; None: no platform.
    recommender, policy, parameters, policy_parameters
        The recommender and the policy, with their parameters.
    metrics
        Settings of metrics; None: none are taken.
    alerts
        Changes of each alert by its name; None: the alert is off.
    interventions
        The interventions, with their times or conditions.
    file
        The file that it was read from, for errors; None: no file.
    """

    settings: PlatformSettings | None = None
    recommender: str = "blend"
    policy: str = "rule"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policy_parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: MetricSettings | None = None
    alerts: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    interventions: Sequence[InterventionSection] = ()
    file: Path | None = None

    @classmethod
    def read(
        cls,
        file: Path,
        platform: object,
        metrics: object,
        alerts: object,
        interventions: Sequence[InterventionSection],
    ) -> WorldSetup:
        """Return the setup in the tables of a file.

        Raises
        ------
        FileError
            One sentence with the file, the section and the key.
        """
        with placed((file, "[platform]")):
            hosted = _platform_of(platform)
        with placed((file, "[metrics]")):
            measured = _metrics_of(metrics, alerts)
        with placed((file, "[alerts]")):
            known, alarms = Alerts(), dict[str, dict[str, Any] | None]()
            for key, changes in _table(alerts).items():
                spaced = key.replace("_", " ").replace("-", " ")
                name = spaced if spaced in known.thresholds else key
                alarms[name] = None if changes is False else _table(changes)
                if changes is False:
                    known.off(name)
                else:
                    known.set(name, **_table(changes))
        return cls(*hosted, measured, alarms, tuple(interventions), file)

    def facts(self) -> dict[str, Any]:
        """Return it as plain values that fit JSON."""
        return {
            "platform": None if self.settings is None else self.settings.values(),
            "recommender": [self.recommender, dict(self.parameters)],
            "policy": [self.policy, dict(self.policy_parameters)],
            "metrics": None if self.metrics is None else self.metrics.values(),
            "alerts": {name: None if c is None else dict(c) for name, c in self.alerts.items()},
            "interventions": [
                {"do": each.do, "at": each.at, "when": each.when, **each.said}
                for each in self.interventions
            ],
        }

    def apply(self, world: World) -> None:
        """Open the parts, and plan the interventions relative to the world's tick.

        Raises
        ------
        FileError, InputError
            One sentence, for what this world cannot do.
        """
        self._open_platform(world)
        if self.metrics is not None and world.metrics is None:
            world.open_metrics(self.metrics)
        for name, changes in self.alerts.items():
            said = {"off": True} if changes is None else dict(changes)
            perform(world, "set_alert", (name,), said)
        for number, planned in enumerate(self.interventions, 1):
            with self._in(f"[[interventions]] number {number}"):
                when = planned.when if planned.at is None else world.tick + planned.at
                world.at(when if when is not None else 0, planned.do, **planned.said)

    def _open_platform(self, world: World) -> None:
        if self.settings is None:
            return
        with self._in("[platform]"):
            first = "blend" if self.parameters else self.recommender
            first_policy = "rule" if self.policy_parameters else self.policy
            platform = world.open_platform(
                self.settings.values(), recommender=first, policy=first_policy
            )
            if self.parameters:
                platform.recommend(self.recommender, **self.parameters)
            if self.policy_parameters:
                platform.behave(self.policy, **self.policy_parameters)

    def _in(self, section: str) -> AbstractContextManager[None]:
        return placed(None if self.file is None else (self.file, section))


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"it is a table of keys, got {value!r}")
    return dict(value)


PlatformParts = tuple["PlatformSettings | None", str, str, dict[str, Any], dict[str, Any]]


def _platform_of(said: object) -> PlatformParts:
    """Return settings, recommender and policy, and the parameters of both."""
    if said is None or said is False:
        return None, "blend", "rule", {}, {}
    table = {} if said is True else _table(said)
    recommender, policy = table.pop("recommender", "blend"), table.pop("policy", "rule")
    parameters = _table(table.pop("parameters", {}))
    of_policy = _table(table.pop("policy_parameters", {}))
    known = PlatformSettings.model_fields
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, [*known, *_PLUGGED], n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else f", it has {', '.join(known)}"
            raise ParameterError(f"no key {key!r}{hint}")
    settings = PlatformSettings(**table)
    settings.check()
    if settings.founders:
        check_seeds(settings.founders)
    checked(make(recommender, "recommender", **parameters))
    make(policy, "policy", **of_policy)
    return settings, recommender, policy, parameters, of_policy


def _metrics_of(said: object, alerts: object) -> MetricSettings | None:
    if said is None and not alerts:
        return None
    settings = MetricSettings(**_table({} if said in (None, True) else said))
    if settings.members:
        check_seeds(settings.members)
    return settings
