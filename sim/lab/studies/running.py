"""The study that is run: for asyncio, which it does not hold up, and for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.progress import Report, Tell, quiet, unheard
from sim.errors import FileError
from sim.lab.background import awaited
from sim.lab.runs import ExperimentProgress, experiment_now, seeds_from
from sim.lab.studies.findings import StudyFindings
from sim.lab.studies.study import Arm, Study, measures_taken, study_of

if TYPE_CHECKING:
    from sim.world.world import World


StudySource = str | Path | Mapping[str, Any] | Study


def run_study_now(
    what: StudySource,
    *,
    replicates: int | None = None,
    worlds: int | None = None,
    agents: int | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    tell: Tell = unheard,
    follow: Callable[[ExperimentProgress], object] | None = None,
) -> StudyFindings:
    """Run every arm of a study with the same seeds, and say what came of it.

    Parameters
    ----------
    what
        A study file, ``gallery:NAME``, the sections of a study, or a study that was read.
    replicates, worlds, agents
        Instead of the file's.
    workers, backend, into, resume, report, follow
        As of :func:`~sim.lab.runs.experiment_now`.
    tell
        Told remarks on the worlds that are opened, a sentence each.

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from sim import lab
    >>> found = lab.run_study_now("gallery:product-launch", replicates=2, agents=300, workers=1)
    >>> len(found.records.runs)
    4
    """
    if isinstance(what, Study):
        study = what
    else:
        study = study_of(what, replicates=replicates, worlds=worlds, agents=agents)
    seeds = seeds_from(study.seed, study.said.replicates)
    bases_of = _Worlds(study, report, tell)
    bases = [bases_of.of(arm) for arm in study.arms]
    programs = [
        arm.program(study.measures, own[0].made) for arm, own in zip(study.arms, bases, strict=True)
    ]
    records = experiment_now(
        bases, programs, seeds, ticks=study.ticks, measures=measures_taken(study.measures),
        workers=workers, backend=backend, into=into, resume=resume, report=report, follow=follow,
        notes={
            "study": json.dumps(study.table, default=str), "called": study.called,
            "folder": str(study.path.parent.absolute()),
        },
    )  # fmt: skip
    digests = [[world.digest() for world in own] for own in bases]
    return StudyFindings(study, records, {"world": _plainly(digests), "versions": _versions()})


run_study = awaited(run_study_now)


def _plainly(digests: list[list[str]]) -> str | list[list[str]]:
    """Return the one digest where there is but one, as the file of results has it."""
    every = {digest for own in digests for digest in own}
    return every.pop() if len(every) == 1 else digests


def _versions() -> dict[str, Any]:
    import numpy as np

    import sim
    from sim.lab.runs.results_file import FORMAT

    return {"hubbub": sim.__version__, "numpy": np.__version__, "format": FORMAT}


class _Worlds:
    """The base worlds, each made once, however many arms begin from it."""

    def __init__(self, study: Study, report: Report, tell: Tell) -> None:
        self._study, self._report, self._tell = study, report, tell
        self._made: dict[tuple[str, int], World] = {}

    def of(self, arm: Arm) -> list[World]:
        """Return the worlds that an arm's replicates begin from in turn."""
        network, many = arm.scenario.network, self._study.said.worlds
        if many > 1 and (network.world is not None or network.file is not None):
            raise FileError(
                arm.scenario.path,
                f"[study]: worlds = {many} needs a network that a generator draws; a network that "
                "is there is one",
            )
        return [self._world(arm, place) for place in range(many)]

    def _world(self, arm: Arm, place: int) -> World:
        key = arm.network, place
        if key not in self._made:
            seed = arm.scenario.network.seed + place if place else None
            self._made[key] = arm.scenario.world(self._report, seed, tell=self._tell)
        return self._made[key]
