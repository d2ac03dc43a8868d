"""``hubbub run``: a world, messages, ticks, results; and the command that repeats it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.cli.minds.run import accounts
from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.exits import ERROR, FILE, OK, PLUGIN
from sim.cli.program.log import log
from sim.cli.program.output import (
    Form,
    again,
    as_json,
    require_folder,
    say,
    spare_worlds,
    tell,
    watched,
    write_text,
)
from sim.cli.runs.results import (
    as_csv,
    as_table,
    has_failed,
    lived,
    pace,
    result,
    summary,
    tell_failed,
)
from sim.cli.worlds.open_save import save_world
from sim.core.progress import Report
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.cli.runs.replicates import Replication
    from sim.cli.worlds.recover import JournalledRun
    from sim.runtime.journal.writer import JournalWriter
    from sim.scenario.driver import RunOutcome
    from sim.scenario.plan import RunPlan
    from sim.world.world import World


class Recorded(NamedTuple):
    """Where what members do in a run is written while it runs.

    Attributes
    ----------
    beside
        The file beside which it lies, which need not exist; None: it is kept nowhere. An engine in
        another process writes there too.
    saved
        Told of the world and its file once that is saved: its history gets the name that goes with
        that.
    """

    beside: Path | None
    saved: Callable[[World, Path | None], None]


@contextmanager
def recorded_run(
    world: World, origin: Path | None, target: Path | None, journal: JournalledRun | None
) -> Iterator[Recorded]:
    """Write what members do while the block runs.

    Parameters
    ----------
    world
        That is run.
    origin
        The file that it is from, if any: what is known of it already goes along.
    target
        The file that it is saved to in the end, if any.
    journal
        Where the run keeps its journal, if it does: then the history lies there at once.

    Yields
    ------
    Recorded
        A run that ends before it is told that the world is saved leaves nothing.
    """
    place = target if journal is None else journal.path
    if place is None:
        yield Recorded(None, _nothing)
        return
    from sim.runtime.journal.history import HistoryWriter
    from sim.runtime.saves.places import has_journal
    from sim.store.history.database import copy_history, drop_history, history_file

    lives = has_journal(place)  # which is put aside as the world is saved, with its own history
    is_there = journal is not None or (
        origin is not None and _are_same(origin, place) and not lives
    )
    beside = place if is_there else place.with_name(f".{place.name}.{os.getpid()}")
    if origin is not None and not _are_same(origin, beside) and not is_there:
        copy_history(origin, beside)
    recording = HistoryWriter(world, beside)

    def saved(done: World, where: Path | None) -> None:
        if done is not recording.world:  # it ran in another process
            recording.follow(done)
            recording.catch_up()
        if where is None:
            return
        if journal is None:
            recording.move(where)
        else:  # which stays where it is
            recording.wait()
            copy_history(place, where)

    try:
        yield Recorded(beside, saved)
    finally:
        recording.close()
        if recording.trouble:
            tell(recording.trouble)
        if not is_there and history_file(beside).exists():
            drop_history(beside)


def _are_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute()


def _nothing(_world: World, _where: Path | None) -> None:
    """There is no file to write beside."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is printed, and files to write; None is none.

    With ``force`` the world is saved also over a file that holds it further on. ``members`` says
    whose own metrics are taken and written beside ``metrics``, as NAME-members.
    """

    form: Form = "text"
    json: Path | None = None
    csv: Path | None = None
    parquet: Path | None = None
    save: Path | None = None
    metrics: Path | None = None
    manifest: Path | None = None
    force: bool = False
    members: str = ""

    def check(self) -> None:
        """Refuse now what could not be written at the end.

        Raises
        ------
        FileError
            When a folder does not exist.
        InputError
            When two results would go to one file.
        """
        results = (*self.results, self.metrics, self.manifest, self.beside)
        every = (*results, self.save)
        for path in every:
            require_folder(path)
        if self.metrics is not None and self.metrics.suffix not in {".csv", ".jsonl"}:
            raise InputError(f"Metrics are written to NAME.csv or NAME.jsonl, not {self.metrics}.")
        if self.members and self.metrics is None:
            raise InputError("--metrics-of needs --metrics FILE, beside which they are written.")
        if self.save is not None and not self.save.name:
            raise InputError("A world is saved in a file; name one, as --save NAME.hub.")
        if str(self.save) == "-":
            raise InputError("A world is saved in a file, not on standard output; name one.")
        files = [path.resolve() for path in every if path is not None]
        if len(set(files)) < len(files):
            raise InputError("Two results would go to one file; give each its own name.")
        for path in results:
            spare_worlds(path)

    @property
    def results(self) -> tuple[Path | None, ...]:
        """Where the results of messages are written: JSON, CSV, Parquet."""
        return self.json, self.csv, self.parquet

    @property
    def beside(self) -> Path | None:
        """Where metrics of members are written; None: nowhere."""
        if self.metrics is None or not self.members:
            return None
        return self.metrics.with_name(f"{self.metrics.stem}-members{self.metrics.suffix}")

    @property
    def on_stdout(self) -> bool:
        """Whether standard output carries a result."""
        return self.form != "text"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A whole run as it was asked for: a world, a plan, and what is written of it.

    Parameters
    ----------
    make
        Opens or makes the world.
    plan
        What is done in it.
    seed
        The world's, as typed; None: one was drawn, or is the file's.
    outputs
        What to write.
    nothing
        What to say when there is no message.
    journal
        Where the run keeps its journal, if it does.
    isolated
        Whether the engine runs in a process of its own.
    notes
        What else a person should know at the end.
    origin
        The file of the world that is run, if it has one: its history goes along.
    replication
        How often it is repeated, if it is.
    """

    make: Callable[[Report], World]
    plan: RunPlan
    seed: int | None
    outputs: Outputs = Outputs()
    nothing: str = "Nothing was sent; add --inject TEXT."
    journal: JournalledRun | None = None
    isolated: bool = False
    notes: tuple[str, ...] = ()
    origin: Path | None = None
    replication: Replication | None = None


def carry_out(request: RunRequest) -> int:
    """Open the world, run it, write and show what came of it.

    Parameters
    ----------
    request
        Everything that was asked.

    Returns
    -------
    int
        The exit code: 5 when a plugin failed, 1 when it stopped before its time, else 0.

    Raises
    ------
    HubbubError
        One sentence; when it is raised before the end, nothing is written.
    """
    if request.replication is not None:
        from sim.cli.runs.replicates import carry_out_many

        return carry_out_many(request, request.replication)
    request.outputs.check()
    request.plan.check()
    if not request.isolated:
        probe_foreign()
    with watched() as report:
        from sim.runtime.journal.writer import journalled

        journal = request.journal
        world = journal.made(request.make, report) if journal else request.make(report)
        request.plan.prepare(world)
        _measure(world, request.outputs)
        with (
            journal.keeper(world) if journal else nullcontext() as keeper,
            recorded_run(world, request.origin, request.outputs.save, journal) as history,
        ):
            with journalled(world, keeper):
                request.plan.host(world)
            if request.isolated:
                ran = _run_isolated(world, request, history.beside, report)
            else:
                ran = _run(world, request, keeper, report)
            saved, where = _saved(ran.world, request.outputs, report, keeper)
            history.saved(ran.world, where)
        is_elsewhere = where != request.outputs.save
    command = again(ran.world.seed if request.seed is None else None)
    _write(ran, request.outputs, command)
    if saved:
        tell(saved)
    log("ran", command=command, tick=ran.world.tick, seconds=round(ran.seconds, 3))
    show = tell if request.outputs.on_stdout else say
    came = lived(ran)
    if ran.cascades or not came:
        show(summary(ran.cascades) if ran.cascades else request.nothing)
    tell_failed(ran.world)
    for line in came:
        show(line)
    show(pace(ran))
    for line in accounts(ran.world):
        show(line)
    show(f"Again: {command}")
    for line in filter(None, (*request.notes, ran.stopped)):
        tell(line)
    if ran.stopped:
        return ERROR
    return PLUGIN if has_failed(ran) else FILE if is_elsewhere else OK


def _measure(world: World, outputs: Outputs) -> None:
    """Let a world take the metrics that are to be written."""
    if outputs.members and world.metrics is not None:
        raise InputError(
            "This world takes metrics already, as it was opened; say whose in its scenario: "
            '[metrics] members = "..."'
        )
    if outputs.metrics is not None and world.metrics is None:
        world.open_metrics(members=outputs.members)


def _run(
    world: World, request: RunRequest, keeper: JournalWriter | None, report: Report
) -> RunOutcome:
    from sim.cli.runs.thread import run_here

    return run_here(world, request.plan, request.outputs.save, keeper, report)


def _run_isolated(
    world: World, request: RunRequest, beside: Path | None, report: Report
) -> RunOutcome:
    from sim.cli.runs.process import run_isolated

    if request.plan.minds:
        raise InputError("Minds think in the program's own process; leave out --isolated.")
    return run_isolated(world, request.plan, request.outputs.save, report, beside=beside)


def _saved(
    world: World, outputs: Outputs, report: Report, keeper: JournalWriter | None
) -> tuple[str, Path | None]:
    """Save the world; under a free name where something would be lost, for a run takes long.

    ``keeper`` writes its journal, if it has one.

    Returns
    -------
    What is said, and where it is.
    """
    from sim.runtime.saves.places import another_world, free_name, held_by_another, lost_by_saving

    path = outputs.save
    if path is None:
        return "", None
    lost = "" if outputs.force else lost_by_saving(world, path) or another_world(world, path)
    if (keeper is None or not keeper.lies_by(path)) and (holder := held_by_another(path)):
        lost = f"is in use by {holder}"
    if not lost:
        return save_world(world, path, report, force=True, keeper=keeper), path
    other = free_name(path.parent, path.name.removesuffix(".hub"))
    told = f"{path} {lost}; it stays as it is (--force replaces it)."
    return f"{told} {save_world(world, other, report)}", other


def give(outputs: Outputs, form: Form, text: str) -> None:
    """Print a result if it is the one to print, and write it to its file if it has one."""
    path = outputs.json if form == "json" else outputs.csv
    if outputs.form == form:
        say(text.rstrip("\n"))
    if path is not None:
        write_text(path, text)


def _write(ran: RunOutcome, outputs: Outputs, command: str) -> None:
    if outputs.form == "json" or outputs.json is not None:
        told = as_json(result(ran.world, ran.cascades, command=command, seconds=ran.seconds))
        give(outputs, "json", told + "\n")
    if outputs.form == "csv" or outputs.csv is not None:
        give(outputs, "csv", as_csv(ran.cascades))
    if outputs.parquet is not None:
        as_table(ran.cascades).write(outputs.parquet)
    if outputs.manifest is not None:
        from sim.cli.minds.repeat import manifest_text

        write_text(outputs.manifest, manifest_text(ran.world))
    if outputs.metrics is not None:
        from sim.cli.runs.metrics import members_text, metrics_text

        write_text(outputs.metrics, metrics_text(ran.world, outputs.metrics.suffix))
        members = None if ran.world.metrics is None else ran.world.metrics.members
        beside = replace(outputs, members="all").beside
        if members is not None and beside is not None:
            write_text(beside, members_text(members, ran.world.agents, beside.suffix))
