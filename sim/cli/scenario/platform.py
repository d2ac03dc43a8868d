"""What a scenario says of platform, metrics, alerts, interventions and variants."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.scenario.places import placed
from sim.cli.scenario.sections import Planned
from sim.errors import FileError, InputError, ParameterError

if TYPE_CHECKING:
    from sim.platform.settings import PlatformSettings
    from sim.world.metrics.series import MetricSettings
    from sim.world.world import World

__all__ = ["Living", "chosen", "data_file", "merged", "with_life"]

_PLUGGED = ("recommender", "policy", "policy_parameters")
_OWNERS = ("recommender", "kind", "model")
"""Keys that say whose a table's parameters are."""


@dataclass(frozen=True, slots=True)
class Living:
    """Sections whose keys are those of the parts of a world that they open.

    Parameters
    ----------
    settings
        Of the platform; None: there is none.
    recommender, policy, parameters, policy_parameters
        Who ranks with what parameters, and who decides what members do, with what.
    metrics
        None: none are taken.
    alerts
        Changes of each alert by its name; None: it is off.
    interventions
        What is done when.
    """

    settings: PlatformSettings | None = None
    recommender: str = "blend"
    policy: str = "rule"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policy_parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: MetricSettings | None = None
    alerts: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    interventions: Sequence[Planned] = ()

    @classmethod
    def read(
        cls,
        file: Path,
        platform: object,
        metrics: object,
        alerts: object,
        interventions: Sequence[Planned],
    ) -> Living:
        """Return what the tables of a file say.

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
            alarms = _alerts_of(alerts)
        return cls(*hosted, measured, alarms, tuple(interventions))


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"it is a table of keys, got {value!r}")
    return dict(value)


Told = tuple["PlatformSettings | None", str, str, dict[str, Any], dict[str, Any]]


def _platform_of(said: object) -> Told:
    """Return settings, recommender, policy, the recommender's and the policy's parameters."""
    if said is None or said is False:
        return None, "blend", "rule", {}, {}
    from sim.core.registry import make
    from sim.platform.settings import PlatformSettings

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
    make(recommender, "recommender", **parameters).check()
    make(policy, "policy", **of_policy)
    return settings, recommender, policy, parameters, of_policy


def _metrics_of(said: object, alerts: object) -> MetricSettings | None:
    if said is None and not alerts:
        return None
    from sim.world.metrics.series import MetricSettings

    return MetricSettings(**_table({} if said in (None, True) else said))


def _alerts_of(said: object) -> dict[str, dict[str, Any] | None]:
    from sim.world.metrics.alerts import Alerts

    known, found = Alerts(), dict[str, dict[str, Any] | None]()
    for key, changes in _table(said).items():
        spaced = key.replace("_", " ").replace("-", " ")
        name = spaced if spaced in known.thresholds else key
        found[name] = None if changes is False else _table(changes)
        if changes is False:
            known.off(name)
        else:
            known.set(name, **_table(changes))
    return found


def with_life(world: World, life: Living, file: Path) -> World:
    """Open what a scenario asks for, and plan its interventions from the world's tick on.

    Raises
    ------
    FileError
        One sentence, for what this world cannot do.
    """
    from sim.cli.worlds.names import AUTHOR

    world.trail.by(world, AUTHOR)
    if life.settings is not None:
        with placed((file, "[platform]")):
            first = "blend" if life.parameters else life.recommender
            said = life.settings.values()
            first_policy = "rule" if life.policy_parameters else life.policy
            platform = world.open_platform(said, recommender=first, policy=first_policy)
            if life.parameters:
                platform.recommend(life.recommender, **life.parameters)
            if life.policy_parameters:
                platform.behave(life.policy, **life.policy_parameters)
    if life.metrics is not None and world.metrics is None:
        world.open_metrics(life.metrics)
    _set_alerts(world, life)
    for number, planned in enumerate(life.interventions, 1):
        with placed((file, f"[[interventions]] number {number}")):
            when = planned.when if planned.at is None else world.tick + planned.at
            world.at(when if when is not None else 0, planned.do, **planned.said)
    return world


def _set_alerts(world: World, life: Living) -> None:
    from sim.runtime.journal.acts import perform

    for name, changes in life.alerts.items():
        said = {"off": True} if changes is None else dict(changes)
        perform(world, "set_alert", (name,), said)


def data_file(name: str) -> Path | None:
    """Return a file of the folder of data sets, or None where it is not present.

    The folder is named by ``HUBBUB_SHARED_DATA``; else it is ``shared/data`` here or beside here.
    """
    named = os.environ.get("HUBBUB_SHARED_DATA")
    folders = [Path(named)] if named else [Path("shared/data"), Path("../shared/data")]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def chosen(file: Path, table: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """Return the sections of a file with those of a variant instead: key by key, lists whole.

    Raises
    ------
    FileError
        For a variant that there is not.
    """
    variants = table.get("variants", {})
    base = {name: section for name, section in table.items() if name != "variants"}
    if not isinstance(variants, dict) or not all(isinstance(v, dict) for v in variants.values()):
        raise FileError(file, "variants are tables, written as [variants.NAME]")
    if not variant:
        return base
    if variant not in variants:
        known = f"there are {', '.join(variants)}" if variants else "it has none"
        near = difflib.get_close_matches(variant, variants, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise FileError(file, f"no variant {variant!r}{hint}; {known}")
    return merged(base, variants[variant])


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with the keys of another instead: tables key by key, lists whole.

    Parameters are one's who has them: where another is named, they go.
    """
    joined = dict(base)
    if any(more.get(owner, joined.get(owner)) != joined.get(owner) for owner in _OWNERS):
        joined.pop("parameters", None)
    for name, value in more.items():
        both = (
            name != "parameters" and isinstance(value, dict) and isinstance(joined.get(name), dict)
        )
        joined[name] = merged(joined[name], value) if both else value
    return joined
