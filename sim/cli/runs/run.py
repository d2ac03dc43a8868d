"""``hubbub run``: a world, messages, ticks, results; and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.minds.run import accounts
from sim.cli.plugins.trial import probe_foreign
from sim.cli.program.exits import ERROR, FILE, OK, PLUGIN
from sim.cli.program.log import log
from sim.cli.program.output import (
    as_json,
    require_folder,
    safe,
    say,
    spare_worlds,
    tell,
    watched,
    write_text,
)
from sim.cli.runs.history import recorded_run
from sim.cli.runs.platform import host
from sim.cli.runs.results import Ran, as_csv, has_failed, lived, pace, result, summary, tell_failed
from sim.cli.scenario.places import placed
from sim.cli.worlds.names import save_world
from sim.core.progress import Report
from sim.core.text import clean
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.cli.minds.run import Minded
    from sim.cli.scenario.acts import Deed
    from sim.cli.worlds.recover import Keeping
    from sim.runtime.journal.writer import JournalWriter
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World

__all__ = [
    "LIMIT",
    "SEEDS",
    "Order",
    "Outputs",
    "Saying",
    "Stop",
    "carry_out",
    "command_words",
    "most_running",
]

SEEDS = "top:10:degree"
"""Who holds a message first when nobody is named."""

LIMIT = 1000
"""Ticks after which a run ends that was told no other end."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A message to inject.

    Parameters
    ----------
    text, model, priority, draws, channel
        As ``world.inject`` takes them; ``model`` None is the one of the settings.
    seeds
        An expression such as ``top:40:pagerank``.
    author
        An agent's foreign id.
    tags
        Interests; None: what the text says.
    at
        Ticks after the start; None: at once.
    parameters
        Of the model, as typed or plain.
    place
        The file and section that it comes from, for errors.
    """

    text: str
    seeds: str = SEEDS
    model: str | None = None
    author: str | None = None
    tags: Sequence[str] | None = None
    at: int | None = None
    priority: int = 0
    draws: str | None = None
    channel: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[Path, str] | None = None

    def check(self) -> None:
        """Refuse a wrong model or parameter before any world is made.

        Raises
        ------
        ParameterError, UnknownNameError, FileError
            One sentence.
        """
        from sim.core.registry import make
        from sim.world.channels import channel_of

        with placed(self.place):
            make(self.named_model, **self.parameters)
            if self.channel is not None:
                channel_of(self.channel)

    def inject(self, world: World, keeper: JournalWriter | None = None) -> Cascade:
        """Start it; ``keeper`` is told, if the world has a journal.

        Raises
        ------
        InputError, ParameterError, UnknownNameError, FileError
            One sentence; nothing is changed.
        """
        from sim.runtime.journal.writer import done
        from sim.world.seeding import choose_seeds

        with placed(self.place):
            said: dict[str, Any] = {
                "text": self.text,
                "seeds": choose_seeds(world, self.seeds),
                "model": self.named_model,
                "author": None if self.author is None else world.agents.index(self.author),
                "tags": self.tags,
                "at": world.tick + self.at if self.at else None,
                "priority": self.priority,
                "draws": self.draws,
                "channel": self.channel,
                **self.parameters,
            }
            with done(keeper, world, "inject", (), said):
                return world.inject(**said)

    @property
    def named_model(self) -> str:
        """The model's name, the settings' own when none was given."""
        if self.model is not None:
            return self.model
        from sim.settings.settings import current

        return current().model

    @property
    def words(self) -> list[str]:
        """The options of ``hubbub run`` that inject it again."""
        words = ["--inject", clean(self.text), "--seeds", self.seeds, "--model", self.named_model]
        words += [word for k, v in self.parameters.items() for word in ("-p", f"{k}={v}")]
        if self.author is not None:
            words += ["--author", self.author]
        if self.tags is not None:
            words += ["--tags", ",".join(self.tags)]
        if self.priority:
            words += ["--priority", str(self.priority)]
        words += [] if self.channel is None else ["--channel", self.channel]
        return [*words, "--draws", self.draws] if self.draws is not None else words


@dataclass(frozen=True, slots=True)
class Stop:
    """When a run ends: after ``ticks``, or earlier once every message is quiet."""

    ticks: int | None = None
    until_quiet: bool = False

    @property
    def limit(self) -> int:
        """The most ticks."""
        return LIMIT if self.ticks is None else self.ticks

    @property
    def waits_for_quiet(self) -> bool:
        """Whether it ends early; it does when no number of ticks is given."""
        return self.until_quiet or self.ticks is None

    def check(self) -> None:
        """Refuse a negative number of ticks with ``InputError``."""
        if self.ticks is not None and self.ticks < 0:
            raise InputError(f"A run takes 0 ticks or more, got {self.ticks}.")

    def reached(self, world: World) -> bool:
        """Whether nothing can happen any more, and that is asked for."""
        if not self.waits_for_quiet or world.interventions.waits_for_tick:
            return False
        return not any(cascade.alive for cascade in world.cascades)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to write; ``-`` is standard output, None is none.

    With ``force`` the world is saved also over a file that holds it further on. ``members`` says
    whose own metrics are taken and written beside ``metrics``, as NAME-members.
    """

    json: Path | None = None
    csv: Path | None = None
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
            When two results would go to standard output.
        """
        every = (self.json, self.csv, self.save, self.metrics, self.manifest, self.beside)
        for path in every:
            require_folder(path)
        if self.metrics is not None and self.metrics.suffix not in {".csv", ".jsonl"}:
            raise InputError(f"Metrics are written to NAME.csv or NAME.jsonl, not {self.metrics}.")
        if self.members and self.metrics is None:
            raise InputError("--metrics-of needs --metrics FILE, beside which they are written.")
        if str(self.json) == str(self.csv) == "-":
            raise InputError("Only one of --json and --csv can go to standard output.")
        if str(self.save) == "-":
            raise InputError("A world is saved in a file, not on standard output; name one.")
        files = [path.resolve() for path in every if path is not None]
        if len(set(files)) < len(files):
            raise InputError("Two results would go to one file; give each its own name.")
        for path in (self.json, self.csv, self.metrics, self.manifest, self.beside):
            spare_worlds(path)

    @property
    def beside(self) -> Path | None:
        """Where metrics of members are written; None: nowhere."""
        if self.metrics is None or not self.members:
            return None
        return self.metrics.with_name(f"{self.metrics.stem}-members{self.metrics.suffix}")

    @property
    def words(self) -> list[str]:
        """The options that write the results again; a saved world stays as it is."""
        named = (("--json", self.json), ("--csv", self.csv), ("--metrics", self.metrics))
        words = [word for name, path in named if path is not None for word in (name, str(path))]
        return [*words, "--metrics-of", self.members] if self.members else words

    @property
    def on_stdout(self) -> bool:
        """Whether standard output carries a result."""
        return "-" in {str(self.json), str(self.csv)}


@dataclass(frozen=True, slots=True)
class Order:
    """A whole run.

    Parameters
    ----------
    make
        Opens or makes the world.
    command
        Returns the shell words that repeat the run, given the world's seed.
    sayings, stop, outputs
        What to inject, when to end, what to write.
    max_running
        Messages that run at once; None: as the settings say.
    nothing
        What to say when there is no message.
    journal
        Where the run keeps its journal, if it does.
    isolated
        Whether the engine runs in a process of its own.
    deeds
        What is done between ticks.
    minded, platform
        Which members decide by themselves, if any more; who ranks feeds where nobody does yet.
    notes
        What else a person should know at the end.
    origin
        The file of the world that is run, if it has one: its history goes along.
    """

    make: Callable[[Report], World]
    command: Callable[[int], list[str]]
    sayings: tuple[Saying, ...] = ()
    stop: Stop = Stop()
    outputs: Outputs = Outputs()
    max_running: int | None = None
    nothing: str = "Nothing was sent; add --inject TEXT."
    journal: Keeping | None = None
    isolated: bool = False
    deeds: tuple[Deed, ...] = ()
    minded: Minded | None = None
    platform: str = ""
    notes: tuple[str, ...] = ()
    origin: Path | None = None


def command_words(
    world: str,
    seed: int,
    saying: Saying | None,
    stop: Stop,
    outputs: Outputs,
    flags: Sequence[str] = (),
) -> list[str]:
    """Return the words of the command that repeats a run of one message.

    Parameters
    ----------
    world
        As :func:`~sim.cli.worlds.names.open_world` takes it.
    seed
        That was in force.
    saying, stop, outputs
        What was asked; files that end in ``.hub`` are not written again.
    flags
        Words of the options that every verb shares.
    """
    words = ["hubbub", "run", world, "--seed", str(seed)]
    words += saying.words if saying is not None else []
    words += ["--ticks", str(stop.limit)]
    words += ["--until-quiet"] if stop.waits_for_quiet else []
    return words + outputs.words + [*flags]


def carry_out(order: Order) -> int:
    """Open the world, run it, write and show what came of it.

    Parameters
    ----------
    order
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
    order.outputs.check()
    order.stop.check()
    for saying in order.sayings:
        saying.check()
    if not order.isolated:
        probe_foreign()
    with watched() as report:
        journal = order.journal
        world = journal.made(order.make, report) if journal else order.make(report)
        _measure(world, order.outputs)
        with (
            journal.keeper(world) if journal else nullcontext() as keeper,
            recorded_run(world, order.origin, order.outputs.save, journal) as history,
        ):
            host(world, order.platform, keeper)
            if order.isolated:
                ran = _run_isolated(world, order, history.beside, report)
            else:
                ran = _run(world, order, keeper, report)
            saved, where = _saved(ran.world, order.outputs, report)
            history.saved(ran.world, where)
        is_elsewhere = where != order.outputs.save
    command = safe(shlex.join(order.command(ran.world.seed)))
    _write(ran, order.outputs, command)
    if saved:
        tell(saved)
    log("ran", command=command, tick=ran.world.tick, seconds=round(ran.seconds, 3))
    show = tell if order.outputs.on_stdout else say
    came = lived(ran)
    if ran.cascades or not came:
        show(summary(ran.cascades) if ran.cascades else order.nothing)
    tell_failed(ran.world)
    for line in came:
        show(line)
    show(pace(ran))
    for line in accounts(ran.world):
        show(line)
    show(f"Again: {command}")
    for line in filter(None, (*order.notes, ran.stopped)):
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


def _run(world: World, order: Order, keeper: JournalWriter | None, report: Report) -> Ran:
    from sim.cli.runs.thread import run_here

    return run_here(world, order, most_running(order), keeper, report)


def _run_isolated(world: World, order: Order, beside: Path | None, report: Report) -> Ran:
    from sim.cli.runs.process import run_isolated

    if order.deeds or order.minded:
        raise InputError("[[commands]] and --minds run in one process; leave out --isolated.")
    return run_isolated(world, order, most_running(order), report, beside=beside)


def most_running(order: Order) -> int:
    """Return how many messages of a run run at once."""
    if order.max_running is not None:
        return order.max_running
    from sim.settings.settings import current

    return current().max_running


def _saved(world: World, outputs: Outputs, report: Report) -> tuple[str, Path | None]:
    """Save the world; under a free name where something would be lost, for a run takes long.

    Returns
    -------
    What is said, and where it is.
    """
    from sim.runtime.journal.replacing import another_world, lost_by_saving
    from sim.runtime.saves.places import free_name

    path = outputs.save
    if path is None:
        return "", None
    lost = "" if outputs.force else lost_by_saving(world, path) or another_world(world, path)
    if not lost:
        return save_world(world, path, report, force=True), path
    other = free_name(path.parent, path.name.removesuffix(".hub"))
    told = f"{path} {lost}; it stays as it is (--force replaces it)."
    return f"{told} {save_world(world, other, report)}", other


def _write(ran: Ran, outputs: Outputs, command: str) -> None:
    if outputs.json is not None:
        found = result(ran.world, ran.cascades, command=command, seconds=ran.seconds)
        write_text(outputs.json, as_json(found) + "\n")
    if outputs.csv is not None:
        write_text(outputs.csv, as_csv(ran.cascades))
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
