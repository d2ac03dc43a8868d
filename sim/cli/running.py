"""Implementation of ``hubbub run``: make a world, send messages, run ticks, write results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sim
from sim.cli.audit import manifest_text
from sim.cli.exits import ERROR, FILE, OK, PLUGIN, kept_when_stopped
from sim.cli.isolated import run_isolated
from sim.cli.output import (
    Form,
    again,
    as_json,
    csv_of,
    require_folder,
    safe,
    say,
    spare_worlds,
    table,
    tell,
    write_text,
)  # fmt: skip
from sim.cli.results import (
    accounts,
    as_csv,
    as_table,
    has_failed,
    lived,
    members_text,
    metrics_text,
    pace,
    result,
    summary,
    tell_failed,
    world_facts,
)  # fmt: skip
from sim.cli.watch import TickGuard, probe_foreign, watched
from sim.cli.worlds import AUTHOR, open_world, save_world
from sim.core.checks import whole_number
from sim.core.progress import Report
from sim.core.registry import make
from sim.core.text import one_line, plural
from sim.core.threads import workers
from sim.errors import Cancelled, InputError
from sim.runtime.export import Exporter, WorldSource
from sim.runtime.journal import persistence
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.journal.writer import journalled
from sim.runtime.minds import asleep
from sim.runtime.opening import open_live
from sim.runtime.saves.places import (
    another_world,
    free_name,
    has_journal,
    held_by_another,
    lost_by_saving,
)
from sim.scenario.driver import run_plan
from sim.scenario.gallery import open_scenario
from sim.scenario.plan import MessageSpec, RunPlan, Stop
from sim.scenario.worlds import assignments, file_of, saved_path
from sim.settings.logging import log
from sim.settings.settings import current
from sim.store.history.database import copy_history, drop_history, history_file

if TYPE_CHECKING:
    from sim.lab.ensembles import Ensemble
    from sim.runtime.journal.writer import JournalWriter
    from sim.scenario.driver import RunOutcome
    from sim.scenario.minds import MindsRequest
    from sim.scenario.sections import OutputSection
    from sim.scenario.spec import Scenario
    from sim.store.journal.recovery import Recovery
    from sim.world.world import World


class Recorded(NamedTuple):
    """Where the acts of members are recorded during a run."""

    beside: Path | None
    saved: Callable[[World, Path | None], None]


@contextmanager
def recorded_run(
    world: World, origin: Path | None, target: Path | None, journal: JournalledRun | None
) -> Iterator[Recorded]:
    """Record the acts of members while the block runs."""
    place = target if journal is None else journal.path
    if place is None:
        yield Recorded(None, lambda _world, _where: None)
        return
    lives = has_journal(place)  # it is set aside, with its history, when the world is saved
    is_there = journal is not None or (
        origin is not None and origin.absolute() == place.absolute() and not lives
    )
    beside = place if is_there else place.with_name(f".{place.name}.{os.getpid()}")
    if origin is not None and origin.absolute() != beside.absolute() and not is_there:
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
        else:  # it stays where it is
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


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is printed, and which files are written; None: not written."""

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
        """Refuse at once what could not be written at the end."""
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
        _require_apart(every)
        for path in results:
            spare_worlds(path)

    @property
    def results(self) -> tuple[Path | None, ...]:
        """Paths of the results of messages: JSON, CSV, Parquet."""
        return self.json, self.csv, self.parquet

    @property
    def beside(self) -> Path | None:
        """Path of the metrics of members; None: not written."""
        if self.metrics is None or not self.members:
            return None
        return self.metrics.with_name(f"{self.metrics.stem}-members{self.metrics.suffix}")

    def give(self, form: Form, text: Callable[[], str]) -> None:
        """Print a result if its form is asked for, and write it to its file if it has one."""
        path = self.json if form == "json" else self.csv
        said = text() if self.form == form or path is not None else ""
        if self.form == form:
            say(said.rstrip("\n"))
        if path is not None:
            write_text(path, said)

    @property
    def on_stdout(self) -> bool:
        """Whether a result is printed on standard output."""
        return self.form != "text"


def _require_apart(paths: Iterable[Path | None]) -> None:
    files = [path.resolve() for path in paths if path is not None]
    if len(set(files)) < len(files):
        raise InputError("Two results would go to one file; give each its own name.")


@dataclass(frozen=True, slots=True)
class Replication:
    """How many times a run is repeated, and by which backend."""

    count: int
    workers: int | None = None
    backend: str = ""
    into: Path | None = None
    resume: bool = False

    @classmethod
    def asked(cls, count: int | None, **given: Any) -> Replication | None:
        """Return the options that were typed; None if replicates were not asked for."""
        if count is not None:
            return cls(count, **given)
        options = [f"--{name}" for name, value in given.items() if value]
        if options:
            raise InputError(
                f"{' and '.join(options)} need --replicates, such as --replicates 200."
            )
        return None

    def check(self, request: RunRequest) -> None:
        """Refuse, before any work, what replicates cannot do."""
        whole_number(self.count, "Replicates", low=1)
        if self.resume and self.into is None:
            raise InputError("--resume needs a file of results; name it: --into FILE.")
        alone: dict[str, object] = {"--journal": request.journal, "--isolated": request.isolated}
        alone["--minds"] = request.plan.minds
        for name in (name for name, given in alone.items() if given):
            raise InputError(f"{name} is for a single run; leave it out, or --replicates.")
        require_folder(self.into)
        _require_apart((*request.outputs.results, self.into))


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A whole run as requested: a world, a plan, and the results to write."""

    make: Callable[[Report], World]
    plan: RunPlan
    seed: int | None
    outputs: Outputs = Outputs()
    nothing: str = "No message was sent; add --inject TEXT."
    journal: JournalledRun | None = None
    isolated: bool = False
    notes: tuple[str, ...] = ()
    origin: Path | None = None
    replication: Replication | None = None


def message_of(
    text: str | None, tags: str | None, parameters: Sequence[str], **more: Any
) -> MessageSpec | None:
    """Return the message that options of ``run`` describe; None if no text was given."""
    given = {name: value for name, value in more.items() if value not in (None, 0)}
    if text is None:
        if given or tags or parameters:
            raise InputError("These are options of a message; add --inject TEXT.")
        return None
    if tags is not None:
        given["tags"] = [each.strip() for each in tags.split(",") if each]
    return MessageSpec(text, parameters=assignments(parameters), **given).with_picture()


def refuse_together(journal: bool, checkpoint: str | None, isolated: bool) -> None:
    """Refuse options that exclude each other."""
    if checkpoint is not None and not journal:
        raise InputError("--checkpoint needs --journal.")
    if journal and isolated:
        raise InputError(
            "An isolated run keeps a journal of its own while it runs; leave out --journal or "
            "--isolated."
        )


def of_world(
    where: str, message: MessageSpec | None, stop: Stop, outputs: Outputs,
    minds: MindsRequest | None, seed: int | None, platform: str,
) -> RunRequest:  # fmt: skip
    """Return the run of a world with at most one message."""
    if platform:
        make(platform, "recommender")
    messages = () if message is None else (message,)
    plan = RunPlan(
        where, platform=platform, messages=messages, minds=minds, stop=stop, author=AUTHOR
    )
    return RunRequest(
        lambda report: open_world(where, report, seed=seed), plan, seed, outputs,
        origin=file_of(where),
    )  # fmt: skip


def of_scenario(
    where: str, message: MessageSpec | None, stop: Stop, outputs: Outputs,
    minds: MindsRequest | None, seed: int | None, variant: str,
) -> RunRequest:  # fmt: skip
    """Return the run of a scenario: a file, or ``gallery:NAME``."""
    if message is not None:
        raise InputError(f"{where} has its own messages; add yours there, as [[messages]].")
    scenario = open_scenario(where, variant)
    written = _written(scenario.outputs, scenario.path.parent, outputs)
    plan = scenario.plan(stop, author=AUTHOR)
    return RunRequest(
        lambda report: scenario.world(report, seed, tell=tell, author=AUTHOR),
        plan if minds is None else replace(plan, minds=minds),
        seed,
        written,
        nothing=f"No message was sent; {where} has no [[messages]].",
        notes=_notes(scenario),
    )


def _written(said: OutputSection, folder: Path, outputs: Outputs) -> Outputs:
    """Return the outputs of a scenario's run: those that were typed, else those of the file."""
    if str(said.json_) == str(said.csv) == "-":
        raise InputError("[outputs]: only one of json and csv can be -, which is printed.")
    printed: Form = "json" if str(said.json_) == "-" else "csv" if str(said.csv) == "-" else "text"
    if "text" != printed != outputs.form != "text":
        raise InputError(
            f'[outputs] says {printed} = "-", which is printed, and --{outputs.form} is printed '
            f"too; one of them can be: say --out NAME.{outputs.form} in place of --{outputs.form}."
        )

    def beside(path: Path | None) -> Path | None:
        return None if path is None or str(path) == "-" else folder / path

    return replace(
        outputs,
        form=printed if outputs.form == "text" else outputs.form,
        json=outputs.json or beside(said.json_),
        csv=outputs.csv or beside(said.csv),
        save=outputs.save or beside(said.save),
        metrics=outputs.metrics or beside(said.metrics),
    )


def _notes(scenario: Scenario) -> tuple[str, ...]:
    """Return notes on what to expect, and on the variants."""
    what = safe(scenario.called or str(scenario.path))
    notes = [f"Expected: {safe(scenario.about.sees)}"] if scenario.about.sees else []
    if scenario.variants and not scenario.variant:
        names = safe(", ".join(scenario.variants))
        notes.append(f"This ran the file without a variant; variants: --variant {names}.")
        notes.append(f"To compare its variants: hubbub scenario variants {what}")
    return tuple(notes)


class JournalledRun:
    """A run that keeps a journal beside a world file, and continues an existing one."""

    def __init__(self, path: Path, pacing: Pacing, *, force: bool = False) -> None:
        self.path, self._pacing, self._force = path, pacing, force
        self._found: Recovery | None = None

    def made(self, make: Callable[[Report], World], report: Report) -> World:
        """Return the world that ``open_live`` recovers from the file's journal, or make it."""
        if not has_journal(self.path):
            return make(report)
        opened = open_live(self.path, report=report, refuse_loss=not self._force)
        self._found = opened.recovered
        if self._found is not None:
            tell(self._found.sentence)
        for remark in opened.world.remarks:
            if remark != opened.told or self._found is None:
                tell(remark)
        return opened.world

    @contextmanager
    def keeper(self, world: World) -> Iterator[JournalWriter]:
        """Keep the journal while the block runs."""
        journal_config = persistence.JournalConfig(
            self.path, self._pacing, author=AUTHOR, recovered=self._found
        )
        keeper = persistence.begin(world, journal_config)
        try:
            yield keeper
            _settle(keeper, world)
        except Cancelled:  # between two ticks
            _settle(keeper, world)
            raise
        finally:
            keeper.close()


def journalled_run(
    where: str, save: Path | None, checkpoint: str | None = None, *, force: bool = False
) -> JournalledRun:
    """Return a run with a journal: beside its world's file, or the file that it is saved to."""
    pacing = Pacing.chosen() if checkpoint is None else Pacing.of(checkpoint)
    path = saved_path(where)
    if where != "demo" and (path.is_file() or (path.suffix == ".hub" and has_journal(path))):
        return JournalledRun(path, pacing, force=force)
    if save is None:
        raise InputError("A journal is kept beside a world's file; name one with --save FILE.hub.")
    return JournalledRun(save, pacing, force=force)


def _settle(keeper: JournalWriter, world: World) -> None:
    keeper.flush(world)
    keeper.wait()
    tell(f"Saved to tick {keeper.durable_tick:,} in {keeper.folder}.")


def carry_out(request: RunRequest) -> int:
    """Open the world, run it, write and print the results; return the exit code."""
    if request.replication is not None:
        return carry_out_many(request, request.replication)
    request.outputs.check()
    request.plan.check()
    if not request.isolated:
        probe_foreign()
    with watched() as report:
        journal = request.journal
        world = journal.made(request.make, report) if journal else request.make(report)
        request.plan.prepare(world)
        if request.outputs.members and world.metrics is not None:
            raise InputError(
                "This world takes metrics already, as it was opened; say whose in its scenario: "
                '[metrics] members = "..."'
            )
        if request.outputs.metrics is not None and world.metrics is None:
            world.open_metrics(members=request.outputs.members)
        with (
            journal.keeper(world) if journal else nullcontext() as keeper,
            recorded_run(world, request.origin, request.outputs.save, journal) as history,
        ):
            with journalled(world, keeper):
                request.plan.host(world)
            target = request.outputs.save
            if not request.isolated:
                ran = run_here(world, request.plan, target, keeper, report)
            elif request.plan.minds:
                raise InputError("Minds need the program's own process; leave out --isolated.")
            else:
                ran = run_isolated(world, request.plan, target, report, beside=history.beside)
            saved, where = _saved(ran.world, request.outputs, report, keeper)
            history.saved(ran.world, where)
        is_elsewhere = where != request.outputs.save
    command = again(ran.world.seed if request.seed is None else None)
    _write(ran, request.outputs, command)
    if saved:
        tell(saved)
    log("ran", command=command, tick=ran.world.tick, seconds=round(ran.seconds, 3))
    _show(ran, request, command)
    if ran.stopped:
        return ERROR
    return PLUGIN if has_failed(ran) else FILE if is_elsewhere else OK


def _show(ran: RunOutcome, request: RunRequest, command: str) -> None:
    show = tell if request.outputs.on_stdout else say
    came = lived(ran)
    if ran.cascades or not came:
        show(summary(ran.cascades) if ran.cascades else request.nothing)
    tell_failed(ran.world)
    for line in (*came, pace(ran), *accounts(ran.world), f"Again: {command}"):
        show(line)
    for line in filter(None, (*request.notes, ran.stopped)):
        tell(line)


def _saved(
    world: World, outputs: Outputs, report: Report, keeper: JournalWriter | None
) -> tuple[str, Path | None]:
    """Save the world; under a free name if a file would be overwritten, for a run takes long."""
    path = outputs.save
    if path is None:
        return "", None
    lost = "" if outputs.force else lost_by_saving(world, path) or another_world(world, path)
    if (keeper is None or not keeper.lies_by(path)) and (holder := held_by_another(path)):
        lost = f"is in use by {holder}"
    if not lost:
        return save_world(world, path, report, force=True, keeper=keeper), path
    other = free_name(path.parent, path.name.removesuffix(".hub"))
    told = f"{path} {lost}; it was not overwritten (use --force)."
    return f"{told} {save_world(world, other, report)}", other


def _write(ran: RunOutcome, outputs: Outputs, command: str) -> None:
    told = partial(result, ran.world, ran.cascades, command=command, seconds=ran.seconds)
    outputs.give("json", lambda: as_json(told()) + "\n")
    outputs.give("csv", lambda: as_csv(ran.cascades))
    if outputs.parquet is not None:
        as_table(ran.cascades).write(outputs.parquet)
    if outputs.manifest is not None:
        write_text(outputs.manifest, manifest_text(ran.world))
    if outputs.metrics is not None:
        write_text(outputs.metrics, metrics_text(ran.world, outputs.metrics.suffix))
        members = None if ran.world.metrics is None else ran.world.metrics.members
        beside = replace(outputs, members="all").beside
        if members is not None and beside is not None:
            write_text(beside, members_text(members, ran.world.agents, beside.suffix))


def run_here(
    world: World,
    plan: RunPlan,
    target: Path | None,
    keeper: JournalWriter | None,
    report: Report,
) -> RunOutcome:
    """Inject and step in this process; what plugins print becomes a remark, not a result."""
    if plan.minds is None and (said := asleep(world)):
        tell(f"{said} Wake them by --minds awake.")
    with kept_when_stopped(world, keeper, target), served(world, keeper):
        guard = TickGuard(world, keeper, target)
        return run_plan(plan, world, journal=keeper, report=report, tell=tell, step=guard.step)


@contextmanager
def served(world: World, keeper: JournalWriter | None) -> Iterator[None]:
    """Serve the metrics of a world that runs in this thread, and say where."""
    port = current().metrics_port
    if port is None:
        yield
        return

    folder = Path() if keeper is None else keeper.folder
    exporter = Exporter(WorldSource(world, keeper, folder.absolute()), port)
    tell(f"Metrics: {exporter.url}")
    try:
        yield
    finally:
        exporter.close()


def carry_out_many(request: RunRequest, asked: Replication) -> int:
    """Run the plan on copies of the world, write and print the results; return the exit code."""
    from sim.lab.ensembles import ensemble_now

    asked.check(request)
    request.outputs.check()
    request.plan.check()
    probe_foreign()
    began = perf_counter()
    with watched() as report:
        world = request.make(report)
        drawn = world.seed if request.seed is None else None
        command = again(drawn, *(["--resume"] if asked.into else []))
        try:
            found = ensemble_now(
                world, program=request.plan, ticks=request.plan.stop.limit,
                replicates=asked.count, workers=asked.workers or workers(),
                backend=asked.backend or "loky", into=asked.into, resume=asked.resume,
                report=report,
            )  # fmt: skip
        except Cancelled:
            if asked.into is not None and asked.into.exists():
                tell(f"Finished runs are kept in {asked.into}. To resume: {command}")
            raise
    request.outputs.give("json", lambda: as_json(_facts(found, world, command)) + "\n")
    request.outputs.give("csv", lambda: csv_of(found.curves) + "\n")
    if request.outputs.parquet is not None:
        found.write(request.outputs.parquet, "curves")
    log("ran", command=command, replicates=asked.count)
    show = tell if request.outputs.on_stdout else say
    for line in _told(found, world, perf_counter() - began):
        show(line)
    show(f"Again: {command}")
    for line in filter(None, (*request.notes, *_left_out(request.outputs))):
        tell(line)
    return PLUGIN if "failed" in found.runs and (found.runs["failed"] > 0).any() else OK


def _left_out(outputs: Outputs) -> Iterator[str]:
    """Say which outputs of the scenario replicates do not write."""
    named = {"save": outputs.save, "metrics": outputs.metrics, "manifest": outputs.manifest}
    for name, path in named.items():
        if path is not None:
            yield f"{path} was not written: {name} needs a single run, and these are replicates."


def _told(found: Ensemble, world: World, seconds: float) -> Iterator[str]:
    rows = [("", "mean", "95 % interval", "by", "median", "95 % interval", "min", "max")]
    for row in found.summary().rows():
        if row["measure"] == "failed" and not row["most"]:
            continue
        mean = _between(row["mean_low"], row["mean_high"])
        median = _between(row["median_low"], row["median_high"])
        numbers = (_number(row[name]) for name in ("mean", "median", "least", "most"))
        first, middle, least, most = numbers
        name, by = one_line(row["measure"]), row["method"]
        rows.append((name, first, mean, by, middle, median, least, most))
    yield table(rows)
    yield f"{found.summary().caption}."
    yield from found.conclusion().splitlines()
    yield (
        f"{plural(len(world.agents), 'member')}, {plural(world.ties.count, 'tie')}; "
        f"{plural(found.records.finished, 'replicate')}, {seconds:.2f} s."
    )


def _between(low: float, high: float) -> str:
    return "-" if low != low else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def _facts(found: Ensemble, world: World, command: str) -> dict[str, Any]:
    """Return all results, the same for the same command."""
    known = "size" in found.summary()["measure"].tolist()
    takeoff = found.takeoff() if known else None
    return {
        "hubbub": sim.__version__,
        "command": command,
        "world": world_facts(world),
        "replicates": found.records.finished,
        "takeoff": None
        if takeoff is None
        else takeoff._asdict() | {"interval": takeoff.interval._asdict()},
        "summary": list(found.summary().rows()),
        "fan": {"ever": list(found.fan("ever").rows())} if known else {},
        "runs": list(found.runs.rows()),
        "remarks": list(found.records.remarks),
    }
