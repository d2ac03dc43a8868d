"""``compare_now``: runs branches of a world with common random numbers, and compares them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.clock import TickWarning
from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import HubbubError, InputError, UnknownNameError
from sim.lab.background import awaited
from sim.lab.futures.future import Future, NamedProgram, future_of
from sim.lab.futures.outcome import TOOK_OFF, Futures
from sim.lab.runs.experiment import MOST_TICKS, ExperimentProgress, experiment_now, seeds_from
from sim.lab.runs.measures import MEASURES, column_name
from sim.lab.runs.programs import messages_of
from sim.lab.runs.shared_base import SharedBase
from sim.world.state.state import digest_of

if TYPE_CHECKING:
    from sim.lab.runs.measures import Measure
    from sim.scenario.driver import Program
    from sim.world.world import World


Arms = Mapping[str, Any]
_FEWEST = 2


def compare_now(
    world: World,
    arms: Arms,
    *,
    messages: str | Mapping[str, Any] | Sequence[Any] = (),
    replicates: int = 20,
    ticks: int | None = None,
    seed: int | None = None,
    measure: str = "",
    measures: Mapping[str, Measure] | None = None,
    series: Mapping[str, Measure] | None = None,
    workers: int = 2,
    backend: str = "loky",
    into: str | Path | None = None,
    resume: bool = False,
    report: Report = quiet,
    follow: Callable[[ExperimentProgress], object] | None = None,
) -> Futures:
    """Run each of several futures of a world with the same seeds, and say how they differ.

    A replicate draws the same under every arm, so replicates are compared pair by pair; the first
    draws as the world itself would go on. Messages that are under way draw anew from the fork on.

    Parameters
    ----------
    world
        Stays as it is; the fork is where it stands.
    arms
        Name to what is done (:func:`~sim.lab.futures.future.future_of`), or to a program of one's
        own; two or more. The first is what the others are compared with.
    messages
        Sent at the fork under every arm: a text, a mapping, or several.
    replicates
        How many, at least 1; one gives no interval.
    ticks
        How long each runs; None: until nothing can change any more, at most 1,000.
    seed
        Of replicate 0; None: the world's.
    measure
        Whose difference is the conclusion, chosen before the runs; empty: the share that messages
        reach, else the first that there is.
    measures, series, workers, backend, into, resume, report, follow
        As of :func:`~sim.lab.runs.experiment_now`.

    Raises
    ------
    InputError, FileError, PluginError, UnknownNameError, ParameterError
        One sentence; what is finished is in the file.

    Examples
    --------
    >>> from sim import World, lab
    >>> world = World.create(agents=300, mean_degree=4, seed=1)
    >>> rumour = {"text": "The bridge is closed.", "model": "sir", "beta": 0.3, "gamma": 0.2}
    >>> arms = {"as it is": {}, "banned": {"do": "ban", "agents": "top:20:degree"}}
    >>> found = lab.compare_now(world, arms, messages=rumour, replicates=4, workers=1)
    >>> found.difference("size").mean < 0
    True
    """
    seeds = seeds_from(world.seed if seed is None else seed, replicates)
    measure = measure if measure in (measures or {}) else column_name(measure)
    _require_measure(measure, measures or {})
    programs = _programs(arms, messages_of(messages), world.made, until_quiet=ticks is None)
    report("forking the world", 0.0)
    digest, begun = _forked(world, programs)
    if ticks is None and not any(is_busy for _, is_busy in begun):
        raise InputError("Nothing would happen under any arm: give messages=... or ticks=...")
    records = experiment_now(
        world, programs, seeds, ticks=MOST_TICKS if ticks is None else ticks, measures=measures,
        series=series, workers=workers, backend=backend, into=into, resume=resume, report=report,
        follow=follow,
    )  # fmt: skip
    return Futures(records, world.tick, digest, tuple(each for each, _ in begun), measure)


compare = awaited(compare_now)


def _require_measure(named: str, own: Mapping[str, Measure]) -> None:
    """Refuse before any run what no run could have."""
    known = [*MEASURES, TOOK_OFF, *own]
    if named and named.partition(":")[0] not in known and not named.startswith(("mean_", "end_")):
        raise UnknownNameError("measure", named, known)


def _programs(
    arms: Arms, common: Sequence[Mapping[str, Any]], since: int, *, until_quiet: bool
) -> list[Program]:
    if not isinstance(arms, Mapping) or len(arms) < _FEWEST:
        raise InputError('Name two futures or more, such as {"as it is": {}, "banned": {...}}.')
    made: list[Program] = [
        said
        if isinstance(said, Future)
        else NamedProgram(one_line(str(name)), said, since)
        if hasattr(said, "begin")
        else future_of(str(name), said, common=common, until_quiet=until_quiet)
        for name, said in arms.items()
    ]
    for one, other in combinations(made, 2):
        if isinstance(one, Future) and isinstance(other, Future) and one.does() == other.does():
            raise InputError(
                f"{one.name!r} and {other.name!r} do the same, so there is nothing to compare; "
                "let one of them do something else."
            )
    if any(isinstance(each, Future) and (each.recommender or each.policy) for each in made):
        made = [replace(e, watches_feeds=True) if isinstance(e, Future) else e for e in made]
    if common and not all(isinstance(program, Future) for program in made):
        raise InputError("Programs send their own messages; leave messages=... out.")
    return made


def _forked(world: World, programs: Sequence[Program]) -> tuple[str, list[tuple[str, bool]]]:
    """Return the digest at the fork, and of each arm: its digest once begun, is it busy.

    What an arm cannot do in this world is refused here, before any worker is started.
    """
    meta, columns = world.packed()
    base, begun = SharedBase(meta, columns), []
    for program in programs:
        twin = base.twin()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TickWarning)
            try:
                program.begin(twin)
            except HubbubError as error:
                error.args = (f"Future {program.name!r}: {error}",)
                raise
        begun.append((twin.digest(), not program.is_over(twin, 0)))
    return digest_of(meta, columns), begun
