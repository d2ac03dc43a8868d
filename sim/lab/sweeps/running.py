"""Run a sweep: check every point first, then run each once per seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.checks import whole_of
from sim.core.progress import Report, Tell, quiet, unheard
from sim.core.registry import make
from sim.core.text import one_line, plural
from sim.errors import FileError, HubbubError, InputError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.runs import (
    MEASURES,
    SERIES,
    ExperimentProgress,
    Messages,
    Program,
    Records,
    column_name,
    experiment_now,
    seeds_from,
)
from sim.lab.runs.experiment import MOST_TICKS, messages_of
from sim.lab.sweeps.designs import (
    Design,
    ParameterPath,
    changes_of,
    design_of,
    place_of,
    refuse_out_of_range,
)
from sim.lab.sweeps.result import LAST, Sweep
from sim.network.generate.networks import NETWORKS
from sim.scenario.gallery import open_scenario
from sim.scenario.plan import Stop
from sim.scenario.sections import MessageSection, ValueRange, read_range
from sim.scenario.spec import Scenario, scenario_table
from sim.scenario.worlds import NewWorld
from sim.settings.settings import current
from sim.world.channels import channel_of
from sim.world.generation import refuse_what_does_not_fit
from sim.world.world import World

if TYPE_CHECKING:
    from sim.lab.runs import Measure


_TOLD_EACH = 200


@dataclass(frozen=True)
class SweepProgress:
    """The progress of a sweep."""

    finished: int
    total: int
    seconds_left: float | None
    sweep: Callable[[], Sweep]


def sweep_now(
    what: World | Scenario | str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    messages: Any = (),
    design: str | None = None,
    points: int | None = None,
    replicates: int | None = None,
    measure: str | None = None,
    variant: str = "",
    ticks: int | None = None,
    seed: int | None = None,
    measures: Mapping[str, Measure] | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    tell: Tell = unheard,
    follow: Callable[[SweepProgress], object] | None = None,
) -> Sweep:
    """Run a scenario, or messages in a world, at many points of its parameters.

    Every point uses the same draws, replicate by replicate (common random numbers). Anything
    that would be refused at any point is refused before anything runs.

    Parameters
    ----------
    what
        A scenario, its file or ``gallery:NAME``; or a world, which is not changed.
    parameters
        Ranges (:mod:`sim.scenario.sections`) by name: ``beta``, ``messages.1.beta``,
        ``network.mean_degree``, ``platform.slots`` ...; None: what ``[sweep]`` of the scenario
        says.
    messages
        For a world: the messages to send, as in :func:`~sim.lab.ensemble_now`.
    design, points
        As in :func:`~sim.lab.sweeps.design_of`; None: as ``[sweep]`` says, else a grid.
    replicates
        Runs at each point, at least 1; None: as ``[sweep]`` says, else 5.
    measure
        The default measure: a name of :data:`~sim.lab.runs.MEASURES`, or
        ``last SERIES``, the end of one of :data:`~sim.lab.runs.SERIES`; None: as ``[sweep]`` says,
        else ``share``.
    variant
        A variant of the scenario.
    ticks
        Maximum ticks of a run; None: as the scenario says, or until nothing can change.
    seed
        Seed of the first replicate, and of the design; None: as ``[sweep]`` says, else the world's.
    measures, workers, backend, report
        As in :func:`~sim.lab.runs.experiment_now`.
    follow
        Called with the progress in numbers whenever runs are finished.
    into
        A file to which each finished run is written; if the network varies, a file for each,
        numbered: ``NAME.1.runs``, ``NAME.2.runs`` ...; None: none.
    resume
        Whether to resume existing files: only missing runs are made.
    tell
        Called with remarks on the worlds that are opened.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from hubbub import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> grid = {"probability": "0.1:0.5:3"}
    >>> found = lab.sweep_now(world, messages=rumour, parameters=grid, replicates=2, workers=1)
    >>> found.points["probability"].tolist()
    [0.1, 0.3, 0.5]
    """
    subject = subject_of(what, messages, variant, ticks, tell)
    said = _said(subject)
    given = dict(parameters) if parameters is not None else said.get("ranges", {})
    ranges = {name: _range(name, value) for name, value in given.items()}
    places = _places(subject, ranges)
    first = seed if seed is not None else said.get("seed")
    drawn = design_of(
        design or said.get("design", "grid"),
        ranges,
        points if points is not None or design is not None else said.get("points"),
        seed=(first or 0) % 2**63,
        whole=frozenset(name for name, place in places.items() if place.is_whole),
    )
    seeds_from(0, many := replicates if replicates is not None else said.get("replicates", 5))
    shown = measure or said.get("measure", "share")
    shown = shown if shown in (measures or {}) else column_name(shown)
    _refuse_unknown(shown, subject, measures or {})
    arms, place = _arms(subject, drawn, places, report)
    names = tuple(arm.program.name for arm in arms)

    def of(records: tuple[Records, ...]) -> Sweep:
        return Sweep(drawn, place, names, records, shown)

    work = _Work(arms, first if first is not None else subject.seed, many, report, follow, of)
    how = {"measures": measures, "workers": workers, "backend": backend, "resume": resume}
    return of(work.carry_out(None if into is None else Path(into), how))


sweep = awaited(sweep_now)


def _refuse_unknown(measure: str, subject: Subject, own: Mapping[str, Any]) -> None:
    """Refuse a measure that no run has; ``size:1`` is that of the second of several messages."""
    known = [*MEASURES, "ticks", *own]
    name, colon, number = measure.partition(":")
    many = len(subject.table.get("messages", ()))
    sent = many or any(
        each.get("do") == "inject" for each in subject.table.get("interventions", ())
    )
    if not sent and name in MEASURES:
        raise InputError(
            f"Nothing is sent in this scenario, so there is no {name}; name how a series ends, "
            f"such as '{LAST}acts'."
        )
    if measure.startswith(LAST):
        series = measure.removeprefix(LAST)
        if series in SERIES or series.startswith(("in_", "opinion_", "metric_")):
            return
        known = [f"{LAST}{name}" for name in SERIES]
    place = whole_of(number)
    is_one = colon and name in MEASURES and place is not None and 0 <= place < many > 1
    if measure not in known and not is_one:
        raise UnknownNameError("measure", measure, known)


def _said(subject: Subject) -> dict[str, Any]:
    section = getattr(getattr(subject, "scenario", None), "sweep", None)
    return {} if section is None else {**dict(section), "ranges": section.ranges}


def _range(name: str, said: Any) -> ValueRange:
    try:
        return read_range(said)
    except InputError as error:
        raise InputError(f"{name}: {str(error).rstrip('.')}.") from None


def _places(subject: Subject, ranges: Mapping[str, ValueRange]) -> dict[str, ParameterPath]:
    """Return the path of each parameter; refuse ranges whose ends its field does not allow."""
    places: dict[str, ParameterPath] = {}
    for name in ranges:
        place = place_of(subject.table, name)
        for other, known in places.items():
            if known.path == place.path:
                raise InputError(f"{name} and {other} are the same parameter; name it once.")
        places[name] = place
    for name, place in places.items():
        refuse_out_of_range(name, place, ranges[name])
    return places


def _arms(
    subject: Subject, design: Design, places: Mapping[str, ParameterPath], report: Report
) -> tuple[list[SweepPoint], npt.NDArray[np.int64]]:
    """Return the distinct points to run, and the index of each point among them."""
    known: dict[str, int] = {}
    arms: list[SweepPoint] = []
    place = np.empty(len(design), np.int64)
    for number, values in enumerate(design.points):
        if number % _TOLD_EACH == 0:
            report(f"checking point {number + 1:,} of {len(design):,}", 0.0)
        named = zip(design.names, values, strict=True)
        name = ", ".join(f"{key}={value}" for key, value in named)
        if name not in known:
            known[name] = len(arms)
            arms.append(armed(subject, name, dict(zip(places.values(), values, strict=True))))
        place[number] = known[name]
    return arms, place


class _Work:
    """Points to run, grouped by base world."""

    def __init__(
        self,
        arms: list[SweepPoint],
        seed: int | None,
        replicates: int,
        report: Report,
        follow: Callable[[SweepProgress], object] | None,
        of: Callable[[tuple[Records, ...]], Sweep],
    ) -> None:
        self._arms, self._seed, self._replicates = arms, seed, replicates
        self._report, self._follow, self._of = report, follow, of
        self._found: list[Records] = []
        self._groups: dict[str, list[SweepPoint]] = {}
        for arm in arms:
            self._groups.setdefault(arm.base, []).append(arm)
        self._done = 0

    def carry_out(self, into: Path | None, how: Mapping[str, Any]) -> tuple[Records, ...]:
        """Run all points; return the records of each base world."""
        paths = self._paths(into)
        if not how["resume"]:
            for path in paths:
                if path is not None and len(paths) > 1 and path.exists():
                    raise FileError(
                        path,
                        "exists already; use --resume (resume=True) to run the rest, or another "
                        "name to start over",
                    )
        for path, group in zip(paths, self._groups.values(), strict=True):
            self._found.append(self._group(group, path, how))
            self._done += len(group)
        return tuple(self._found)

    def _paths(self, into: Path | None) -> list[Path | None]:
        many = len(self._groups)
        if into is None or many == 1:
            return [into] * many
        return [into.with_name(f"{into.stem}.{k}{into.suffix}") for k in range(1, many + 1)]

    def _group(self, group: list[SweepPoint], into: Path | None, how: Mapping[str, Any]) -> Records:
        base = group[0].make(self._inner(len(group)))
        if self._seed is None:
            self._seed = base.seed
        return experiment_now(
            base,
            [arm.program for arm in group],
            seeds_from(self._seed, self._replicates),
            ticks=max(arm.ticks for arm in group),
            into=into,
            report=self._inner(len(group)),
            follow=None if self._follow is None else self._tell,
            **how,
        )

    def _tell(self, here: ExperimentProgress) -> None:
        """Report the progress of the whole sweep from that of this network."""
        done, total = self._done * self._replicates, len(self._arms) * self._replicates
        finished, before = done + here.finished, tuple(self._found)
        left, still = here.seconds_left, here.total - here.finished
        if left is not None and still:
            left *= (total - finished) / still

        def so_far() -> Sweep:
            return self._of((*before, here.records()))

        if self._follow is not None:
            self._follow(SweepProgress(finished, total, left, so_far))

    def _inner(self, many: int) -> Report:
        total, done, groups = len(self._arms), self._done, len(self._groups)

        def report(stage: str, share: float) -> None:
            size = f" ({plural(total, 'point')}, {plural(groups, 'network')})"
            said = stage if groups == 1 else stage + size
            self._report(said, (done + share * many) / total)

        return report


_OF_BASE = ("network", "population")


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A point that is ready to run."""

    base: str
    make: Callable[[Report], World]
    program: Program
    ticks: int


class ScenarioSubject:
    """A scenario file with values that a sweep changes."""

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

    def arm(self, name: str, values: Mapping[ParameterPath, Any]) -> SweepPoint:
        """Return a point, checked like a scenario."""
        changes = changes_of(self.table, values)
        scenario = open_scenario(self._where, self._variant, changes)
        plan = scenario.plan(Stop(self._ticks))
        plan.check()
        _check_base(scenario)
        merged = {**self.table, **changes}
        base = json.dumps({k: merged.get(k, {}) for k in _OF_BASE}, sort_keys=True, default=str)

        def make(report: Report) -> World:
            return scenario.world(report, tell=self._tell)

        return SweepPoint(base, make, replace(plan, name=name), plan.stop.limit)


def _check_base(scenario: Scenario) -> None:
    """Refuse, before it is made, a network that would be refused or would not fit in memory."""
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
    """An existing world, and messages with values that a sweep changes."""

    def __init__(self, world: World, messages: Any, ticks: int | None) -> None:
        said = messages_of(messages)
        if not said:
            raise InputError("Nothing would happen: give messages=..., or sweep a scenario.")
        self._world, self._ticks = world, ticks
        self.table: dict[str, Any] = {"messages": [_parted(message) for message in said]}
        self.seed = world.seed

    def arm(self, name: str, values: Mapping[ParameterPath, Any]) -> SweepPoint:
        """Return a point with its models checked."""
        if away := [place for place in values if place.path[0] != "messages"]:
            raise InputError(
                f"{away[0].short} belongs to a scenario; of a world that is there only messages "
                "vary."
            )
        merged = {**self.table, **changes_of(self.table, values)}
        said = [_joined(message) for message in merged["messages"]]
        for message in merged["messages"]:
            make(message.get("model") or current().model, **message.get("parameters", {}))
            if message.get("channel") is not None:
                channel_of(message["channel"])
        program = Messages(said, name, until_quiet=self._ticks is None)
        ticks = MOST_TICKS if self._ticks is None else self._ticks
        return SweepPoint("", lambda _: self._world, program, ticks)


def _parted(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message with its model's parameters separated, as in a scenario."""
    own = {key: message[key] for key in message if key in MessageSection.model_fields}
    return own | {"parameters": {key: message[key] for key in message if key not in own}}


def _joined(message: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in message.items() if key != "parameters"}
    return {**own, **message.get("parameters", {})}


Subject = ScenarioSubject | WorldSubject


def subject_of(
    what: World | Scenario | str | Path,
    messages: Sequence[Any] | Mapping[str, Any] | str,
    variant: str,
    ticks: int | None,
    tell: Tell,
) -> Subject:
    """Return the subject of a sweep."""
    if isinstance(what, World):
        if variant:
            raise InputError("Variants belong to scenarios; leave out variant.")
        return WorldSubject(what, messages, ticks)
    if messages:
        raise InputError("A scenario has its own messages; leave out messages.")
    if isinstance(what, Scenario):
        return ScenarioSubject(what.called or str(what.path), variant or what.variant, ticks, tell)
    return ScenarioSubject(str(what), variant, ticks, tell)


def armed(subject: Subject, name: str, values: Mapping[ParameterPath, Any]) -> SweepPoint:
    """Return a point; an error names it."""
    try:
        return subject.arm(name, values)
    except HubbubError as error:
        said = str(error).rstrip(".")
        raise InputError(f"At {one_line(name, 80)}: {said}.") from None
