"""The sweep that is run: every point is checked first, then each is run once a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, Tell, quiet, unheard
from sim.errors import FileError, InputError, UnknownNameError
from sim.lab.runs import MEASURES, SERIES, Progress, Records, experiment, seeds_from
from sim.lab.sweeps.designs import Design, design_of
from sim.lab.sweeps.parameters import Place, place_of, refuse_out_of_range
from sim.lab.sweeps.result import LAST, Sweep
from sim.lab.sweeps.subjects import Arm, Subject, armed, subject_of
from sim.scenario.ranges import ValueRange, read_range

if TYPE_CHECKING:
    from sim.lab.runs import Measure
    from sim.scenario.spec import Scenario
    from sim.world.world import World

__all__ = ["run_sweep", "sweep"]

_TOLD_EACH = 200


async def sweep(what: World | Scenario | str | Path, **asked: Any) -> Sweep:
    """Run a sweep beside the event loop; see :func:`run_sweep`.

    Whoever cancels the task stops the workers; what is finished is in the file.

    Parameters
    ----------
    what, **asked
        As :func:`run_sweep` takes them; ``report`` and ``follow`` are called in a thread.

    Returns
    -------
    Sweep

    Examples
    --------
    >>> import asyncio
    >>> from sim import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> found = asyncio.run(lab.sweep(
    ...     world, messages=rumour, parameters={"probability": [0.1, 0.5]}, replicates=3, workers=1
    ... ))
    >>> found.points.names[:3], len(found.points)
    (('point', 'probability', 'replicates'), 2)
    """
    from sim.runtime.jobs import start

    told: Report = asked.pop("report", quiet)

    def work(report: Report = quiet) -> Sweep:
        def both(stage: str, share: float) -> None:
            report(stage, share)
            told(stage, share)

        return run_sweep(what, report=both, **asked)

    job = start(work)
    try:
        return await job
    except asyncio.CancelledError:
        await asyncio.wait([job.task])  # workers are gone, and the file is closed
        raise


def run_sweep(
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
    follow: Callable[[Progress], object] | None = None,
) -> Sweep:
    """Run a scenario, or messages in a world, at many points of its parameters.

    Every point meets the same draws, replicate by replicate (common random numbers). Whatever
    would be refused at any point is refused before anything runs.

    Parameters
    ----------
    what
        A scenario, its file or ``gallery:NAME``; or a world, which stays as it is.
    parameters
        Ranges (:mod:`sim.scenario.ranges`) by name: ``beta``, ``messages.1.beta``,
        ``network.mean_degree``, ``platform.slots`` ...; None: what ``[sweep]`` of the scenario
        says.
    messages
        Of a world: what is sent, as :func:`~sim.lab.run_ensemble` takes it.
    design, points
        As of :func:`~sim.lab.sweeps.design_of`; None: as ``[sweep]`` says, else a grid.
    replicates
        Runs at each point, at least 1; None: as ``[sweep]`` says, else 5.
    measure
        What is looked at when none is named: a name of :data:`~sim.lab.runs.MEASURES`, or
        ``last SERIES``, how one of :data:`~sim.lab.runs.SERIES` ended; None: as ``[sweep]`` says,
        else ``share``.
    variant
        Of a scenario.
    ticks
        How long each run lasts at most; None: as the scenario says, or until nothing can change.
    seed
        Of the first replicate, and of the design; None: as ``[sweep]`` says, else the world's.
    measures, workers, backend, report, follow
        As of :func:`~sim.lab.runs.experiment`.
    into
        A file that gets each run as it is finished; where the network varies, a file for each,
        numbered: ``NAME.1.runs``, ``NAME.2.runs`` ...; None: none.
    resume
        Whether files that are there are gone on with: only what is missing runs.
    tell
        Told remarks on the worlds that are opened.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from sim import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> grid = {"probability": "0.1:0.5:3"}
    >>> found = lab.run_sweep(world, messages=rumour, parameters=grid, replicates=2, workers=1)
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
    _refuse_unknown(shown, subject, measures or {})
    arms, place = _arms(subject, drawn, places, report)
    work = _Work(arms, first if first is not None else subject.seed, many, report, follow)
    how = {"measures": measures, "workers": workers, "backend": backend, "resume": resume}
    records = work.carry_out(None if into is None else Path(into), how)
    return Sweep(
        drawn, place, tuple(arm.program.name for arm in arms), records,
        shown,
    )  # fmt: skip


def _refuse_unknown(measure: str, subject: Subject, own: Mapping[str, Any]) -> None:
    """Refuse a measure that no run has; ``size:1`` is of the second of several messages."""
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
        if series in SERIES or series.startswith(("in ", "opinion ", "metric ")):
            return
        known = [f"{LAST}{name}" for name in SERIES]
    if measure not in known and not (
        colon and name in MEASURES and number.isdecimal() and int(number) < many > 1
    ):
        raise UnknownNameError("measure", measure, known)


def _said(subject: Subject) -> dict[str, Any]:
    """Return what ``[sweep]`` of a scenario says."""
    section = getattr(getattr(subject, "scenario", None), "sweep", None)
    return {} if section is None else {**dict(section), "ranges": section.ranges}


def _range(name: str, said: Any) -> ValueRange:
    try:
        return read_range(said)
    except InputError as error:
        raise InputError(f"{name}: {str(error).rstrip('.')}.") from None


def _places(subject: Subject, ranges: Mapping[str, ValueRange]) -> dict[str, Place]:
    """Return where each parameter stands; its ends are what its field allows."""
    places: dict[str, Place] = {}
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
    subject: Subject, design: Design, places: Mapping[str, Place], report: Report
) -> tuple[list[Arm], npt.NDArray[np.int64]]:
    """Return what is to be run, each once, and which of it each point is."""
    known: dict[str, int] = {}
    arms: list[Arm] = []
    place = np.empty(len(design), np.int64)
    for number, values in enumerate(design.points):
        if number % _TOLD_EACH == 0:
            report(f"checking point {number + 1:,} of {len(design):,}", 0.0)
        name = _name(design.names, values)
        if name not in known:
            known[name] = len(arms)
            arms.append(armed(subject, name, dict(zip(places.values(), values, strict=True))))
        place[number] = known[name]
    return arms, place


def _name(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


class _Work:
    """Points to run, those of one base world together."""

    def __init__(
        self,
        arms: list[Arm],
        seed: int | None,
        replicates: int,
        report: Report,
        follow: Callable[[Progress], object] | None,
    ) -> None:
        self._arms, self._seed, self._replicates = arms, seed, replicates
        self._report, self._follow = report, follow
        self._groups: dict[str, list[Arm]] = {}
        for arm in arms:
            self._groups.setdefault(arm.base, []).append(arm)
        self._done = 0

    def carry_out(self, into: Path | None, how: Mapping[str, Any]) -> tuple[Records, ...]:
        """Run all; returns the records of each base world."""
        paths = self._paths(into)
        if not how["resume"]:
            for path in paths:
                if path is not None and len(paths) > 1 and path.exists():
                    raise FileError(
                        path,
                        "is there already; --resume (resume=True) runs what is missing, another "
                        "name begins anew",
                    )
        found = []
        for path, group in zip(paths, self._groups.values(), strict=True):
            found.append(self._group(group, path, how))
            self._done += len(group)
        return tuple(found)

    def _paths(self, into: Path | None) -> list[Path | None]:
        many = len(self._groups)
        if into is None or many == 1:
            return [into] * many
        return [into.with_name(f"{into.stem}.{k}{into.suffix}") for k in range(1, many + 1)]

    def _group(self, group: list[Arm], into: Path | None, how: Mapping[str, Any]) -> Records:
        base = group[0].make(self._inner(len(group)))
        if self._seed is None:
            self._seed = base.seed
        return experiment(
            base,
            [arm.program for arm in group],
            seeds_from(self._seed, self._replicates),
            ticks=max(arm.ticks for arm in group),
            into=into,
            report=self._inner(len(group)),
            follow=self._follow,
            **how,
        )

    def _inner(self, many: int) -> Report:
        total, done, groups = len(self._arms), self._done, len(self._groups)

        def report(stage: str, share: float) -> None:
            said = stage if groups == 1 else f"{stage} ({total:,} points, {groups} networks)"
            self._report(said, (done + share * many) / total)

        return report
