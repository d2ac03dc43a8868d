"""``ensemble`` (async) and ``run_ensemble`` (blocking): many replicates of one program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.lab.ensembles.ensemble import Ensemble
from sim.lab.runs.experiment import MOST_TICKS, Progress, experiment, seeds_from
from sim.lab.runs.programs import Messages, messages_of

if TYPE_CHECKING:
    from sim.lab.runs.measures import Measure
    from sim.scenario.driver import Program
    from sim.world.world import World

__all__ = ["ensemble", "run_ensemble"]

Said = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]


async def ensemble(world: World, messages: Said = (), **asked: Any) -> Ensemble:
    """Run a world many times over, beside the event loop; see :func:`run_ensemble`.

    Whoever cancels the task stops the workers; what is finished is in the file.

    Parameters
    ----------
    world, messages, **asked
        As :func:`run_ensemble` takes them; ``report`` and ``follow`` are called in a thread.

    Returns
    -------
    Ensemble

    Examples
    --------
    >>> import asyncio
    >>> from sim import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> found = asyncio.run(lab.ensemble(world, rumour, replicates=5, workers=1))
    >>> len(found.runs), found.takeoff().threshold.__round__()
    (5, 45)
    """
    from sim.runtime.jobs import start

    told: Report = asked.pop("report", quiet)

    def work(report: Report = quiet) -> Ensemble:
        def both(stage: str, share: float) -> None:
            report(stage, share)
            told(stage, share)

        return run_ensemble(world, messages, report=both, **asked)

    job = start(work)
    try:
        return await job
    except asyncio.CancelledError:
        await asyncio.wait([job.task])  # workers are gone, and the file is closed
        raise


def run_ensemble(
    world: World,
    messages: Said = (),
    *,
    replicates: int = 200,
    program: Program | None = None,
    ticks: int | None = None,
    until_quiet: bool | None = None,
    seed: int | None = None,
    measures: Mapping[str, Measure] | None = None,
    series: Mapping[str, Measure] | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    follow: Callable[[Progress], object] | None = None,
) -> Ensemble:
    """Run a world many times over, each time with other draws.

    Replicate 0 draws as the world itself would; the next ones from the seeds that follow its own.
    Messages that are under way draw anew from here on.

    Parameters
    ----------
    world
        Stays as it is.
    messages
        What is sent in each: a text, a mapping of what :meth:`World.inject` takes, or several.
    replicates
        How many, at least 1.
    program
        What else is done, in place of messages (:class:`~sim.lab.runs.Program`).
    ticks
        How long each runs; None: until nothing can change any more, at most 1,000.
    until_quiet
        Whether each ends as soon as nothing can change; None: where no ticks are given.
    seed
        Of replicate 0; None: the world's.
    measures, series, workers, backend, into, resume, report, follow
        As of :func:`~sim.lab.runs.experiment`.

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from sim import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> found = lab.run_ensemble(world, rumour, replicates=6, workers=1)
    >>> found.fan("ever").names
    ('tick', 'mean', 'q5', 'q25', 'q50', 'q75', 'q95')
    """
    said = messages_of(messages)
    if said and program is not None:
        raise InputError("An ensemble takes messages or a program; give one of the two.")
    if program is None and not said and ticks is None:
        raise InputError("Nothing would happen: give messages=..., program=... or ticks=...")
    quietly = ticks is None if until_quiet is None else until_quiet
    first = world.seed if seed is None else seed
    records = experiment(
        world,
        [program if program is not None else Messages(said, until_quiet=quietly)],
        seeds_from(first, replicates),
        ticks=MOST_TICKS if ticks is None else ticks,
        measures=measures, series=series, workers=workers, backend=backend,
        into=into, resume=resume, report=report, follow=follow,
    )  # fmt: skip
    return Ensemble(records)
