"""What a sweep is of: a scenario, or messages in a world that is there; a program a point."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.progress import Report, Tell
from sim.core.text import one_line
from sim.errors import HubbubError, InputError, UnknownNameError
from sim.lab.runs import Messages, Program
from sim.lab.runs.experiment import MOST_TICKS
from sim.lab.runs.programs import messages_of
from sim.lab.sweeps.parameters import Place, changes_of
from sim.network.generate.networks import NETWORKS
from sim.scenario.gallery import open_scenario
from sim.scenario.plan import Stop
from sim.scenario.sections import MessageSection
from sim.scenario.spec import Scenario, scenario_table
from sim.scenario.worlds import NewWorld
from sim.world.state.capacity import refuse_what_does_not_fit

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["ScenarioSubject", "Subject", "WorldSubject", "subject_of"]

_OF_BASE = ("network", "population")


@dataclass(frozen=True, slots=True)
class Arm:
    """A point, ready to be run.

    Attributes
    ----------
    base
        Tells base worlds apart: points of the same text share one.
    make
        Makes the base world.
    program
        What is done in it.
    ticks
        The most that a run lasts.
    """

    base: str
    make: Callable[[Report], World]
    program: Program
    ticks: int


class ScenarioSubject:
    """A scenario file, whose values a sweep changes.

    Parameters
    ----------
    where
        A file, or ``gallery:NAME``.
    variant
        Of the file; empty: as it stands.
    ticks
        Instead of the file's.
    tell
        Told remarks on the worlds that are opened.
    """

    def __init__(self, where: str, variant: str, ticks: int | None, tell: Tell) -> None:
        self.scenario = open_scenario(where, variant)
        self._where, self._variant, self._ticks, self._tell = where, variant, ticks, tell
        self.table = scenario_table(self.scenario.path, variant)
        if self.scenario.minds is not None:
            raise InputError(
                "Members decide by themselves in single runs, by hubbub run; for a sweep leave "
                "[minds] out."
            )
        self.seed = self.scenario.network.seed if "seed" in self.table.get("network", {}) else None

    def arm(self, name: str, values: Mapping[Place, Any]) -> Arm:
        """Return a point, checked as its scenario is.

        Raises
        ------
        HubbubError
            One sentence.
        """
        changes = changes_of(self.table, values)
        scenario = open_scenario(self._where, self._variant, changes)
        plan = scenario.plan(Stop(self._ticks))
        plan.check()
        _check_base(scenario)
        merged = {**self.table, **changes}
        base = json.dumps({k: merged.get(k, {}) for k in _OF_BASE}, sort_keys=True, default=str)

        def make(report: Report) -> World:
            return scenario.world(report, tell=self._tell)

        return Arm(base, make, replace(plan, name=name), plan.stop.limit)


def _check_base(scenario: Scenario) -> None:
    """Refuse before it is made a network that would be refused, or would not fit."""
    network = scenario.network
    if network.world is not None or network.file is not None or network.degrees is not None:
        return
    usual = NewWorld()
    agents = usual.agents if network.agents is None else network.agents
    degree = usual.mean_degree if network.mean_degree is None else network.mean_degree
    refuse_what_does_not_fit(agents, degree)
    kind = network.kind or usual.network
    if kind not in NETWORKS:
        raise UnknownNameError("network", kind, NETWORKS)
    NETWORKS[kind].cls(**{**network.parameters, "mean_degree": degree})


class WorldSubject:
    """A world that is there, and messages whose values a sweep changes.

    Parameters
    ----------
    world
        Stays as it is.
    messages
        As :class:`~sim.lab.runs.Messages` takes them.
    ticks
        How long each runs; None: until nothing can change any more.
    """

    def __init__(self, world: World, messages: Any, ticks: int | None) -> None:
        said = messages_of(messages)
        if not said:
            raise InputError("Nothing would happen: give messages=..., or sweep a scenario.")
        self._world, self._ticks = world, ticks
        self.table: dict[str, Any] = {"messages": [_parted(message) for message in said]}
        self.seed = world.seed

    def arm(self, name: str, values: Mapping[Place, Any]) -> Arm:
        """Return a point, its models checked.

        Raises
        ------
        HubbubError
            One sentence.
        """
        if away := [place for place in values if place.path[0] != "messages"]:
            raise InputError(
                f"{away[0].short} belongs to a scenario; of a world that is there only messages "
                "vary."
            )
        merged = {**self.table, **changes_of(self.table, values)}
        said = [_joined(message) for message in merged["messages"]]
        for message in merged["messages"]:
            _check_message(message)
        program = Messages(said, name, until_quiet=self._ticks is None)
        ticks = MOST_TICKS if self._ticks is None else self._ticks
        return Arm("", lambda _: self._world, program, ticks)


def _parted(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message with its model's parameters apart, as a scenario has it."""
    own = {key: message[key] for key in message if key in MessageSection.model_fields}
    return own | {"parameters": {key: message[key] for key in message if key not in own}}


def _joined(message: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in message.items() if key != "parameters"}
    return {**own, **message.get("parameters", {})}


def _check_message(message: Mapping[str, Any]) -> None:
    from sim.core.registry import make
    from sim.settings.settings import current
    from sim.world.channels import channel_of

    make(message.get("model") or current().model, **message.get("parameters", {}))
    if message.get("channel") is not None:
        channel_of(message["channel"])


Subject = ScenarioSubject | WorldSubject


def subject_of(
    what: World | Scenario | str | Path,
    messages: Sequence[Any] | Mapping[str, Any] | str,
    variant: str,
    ticks: int | None,
    tell: Tell,
) -> Subject:
    """Return what a sweep is of.

    Raises
    ------
    HubbubError
        One sentence.
    """
    from sim.world.world import World

    if isinstance(what, World):
        if variant:
            raise InputError("Variants belong to scenarios; leave out variant.")
        return WorldSubject(what, messages, ticks)
    if messages:
        raise InputError("A scenario has its own messages; leave out messages.")
    if isinstance(what, Scenario):
        return ScenarioSubject(what.called or str(what.path), variant or what.variant, ticks, tell)
    return ScenarioSubject(str(what), variant, ticks, tell)


def armed(subject: Subject, name: str, values: Mapping[Place, Any]) -> Arm:
    """Return a point; a refusal names it.

    Raises
    ------
    HubbubError
        One sentence.
    """
    try:
        return subject.arm(name, values)
    except HubbubError as error:
        said = str(error).rstrip(".")
        raise InputError(f"At {one_line(name, 80)}: {said}.") from None
