"""Implementations of ``new``, ``import`` and ``run``: options to worlds, messages and scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.program.log import log
from sim.cli.program.output import Form, again, require_folder, safe, say, tell, watched
from sim.cli.runs.run import Outputs, RunRequest, carry_out
from sim.cli.worlds.open_save import AUTHOR, open_world, save_made
from sim.cli.worlds.recover import journalled
from sim.core.registry import make
from sim.errors import InputError
from sim.scenario.gallery import open_scenario
from sim.scenario.plan import SEEDS, MessageSpec, RunPlan, Stop
from sim.scenario.worlds import ImportedWorld, NewWorld, assignments, file_of

if TYPE_CHECKING:
    from sim.cli.runs.replicates import Replication
    from sim.scenario.minds import MindsRequest
    from sim.scenario.sections import OutputSection
    from sim.scenario.spec import Scenario
    from sim.world.world import World


def only(texts: Sequence[str] | None) -> str | None:
    """Return the text of the one message that a command line can send.

    Raises
    ------
    InputError
        For several: none of them may be dropped without a word.
    """
    if texts is not None and len(texts) > 1:
        raise InputError(
            f"--inject sends one message, got {len(texts)}; for several write a scenario file "
            "with one [[messages]] each, and run that (hubbub scenario from-world shows how)."
        )
    return texts[0] if texts else None


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """The options of ``run`` that make up a message, as typed."""

    text: str | None = None
    seeds: str | None = None
    model: str | None = None
    parameters: tuple[str, ...] = ()
    author: str | None = None
    tags: str | None = None
    priority: int = 0
    draws: str | None = None
    channel: str | None = None

    @property
    def spec(self) -> MessageSpec | None:
        """What to inject; None when no text was given.

        Raises
        ------
        InputError
            When there are options of a message and no text.
        """
        if self.text is None:
            if self != MessageOptions():
                raise InputError("These are options of a message; add --inject TEXT.")
            return None
        tags = None if self.tags is None else [tag.strip() for tag in self.tags.split(",") if tag]
        return MessageSpec(
            self.text,
            seeds=SEEDS if self.seeds is None else self.seeds,
            model=self.model,
            author=self.author,
            tags=tags,
            priority=self.priority,
            draws=self.draws,
            channel=self.channel,
            parameters=assignments(self.parameters),
        )


def make_new(order: NewWorld, out: Path, *, force: bool = False) -> None:
    """Make a world, save it, and say so.

    Parameters
    ----------
    order
        What to make.
    out
        Where to save it.
    force
        Whether a world that is there may be replaced.
    """
    _require_room(out, force=force)
    with watched() as report:
        world = order.make(report, tell)
        world.trail.by(world, AUTHOR)
        saved = save_made(world, out, report, force=force)
    _tell_made(f"{len(world.agents):,} agents, {world.ties.count:,} ties.", saved)


def make_import(
    order: ImportedWorld,
    out: Path,
    *,
    profiles: Path | None = None,
    interests: str = "known",
    force: bool = False,
) -> None:
    """Import a world, save it, and say what was found, kept and dropped.

    Parameters
    ----------
    order
        What to read, and how.
    out
        As of :func:`make_new`.
    profiles
        A file of people that are given to the members, or None.
    interests
        What their interests are: of the vocabulary, or the file's own.
    force
        As of :func:`make_new`.
    """
    _require_room(out, force=force)
    with watched() as report:
        imported = order.make(report)
        imported.world.trail.by(imported.world, AUTHOR)
        told = "" if profiles is None else _with_profiles(imported.world, profiles, interests)
        saved = save_made(imported.world, out, report, force=force)
    _tell_made(imported.report.describe() + _length(imported.world) + told, saved)


def _require_room(out: Path, *, force: bool) -> None:
    """Refuse before any work what could not be written, or would replace a world, after it."""
    from sim.runtime.saves.places import require_free

    require_folder(out)
    require_free(out, force=force)


def _with_profiles(world: World, path: Path, interests: str) -> str:
    """Give the profiles of a file to members; returns what became of them."""
    from sim.cli.worlds.editing import give_profiles

    count, remarks = give_profiles(world, path, interests=interests)
    return " ".join([f"\n{count:,} profiles were given to members.", *remarks])


def _length(world: World) -> str:
    """Return how long the world's stream lasts, or nothing where there is none."""
    if world.interactions is None:
        return ""
    ticks = world.interactions.ticks(world.tick_minutes)
    return (
        f"\n{len(world.interactions):,} timed interactions in {ticks:,} ticks of "
        f"{world.tick_minutes:g} minutes (--tick-minutes); play them by run --channel stream."
    )


def _tell_made(what: str, saved: str) -> None:
    say(f"{what}\n{saved}\nAgain: {again()}")
    log("made", command=again())


def _refuse_together(journal: bool, checkpoint: str | None, isolated: bool) -> None:
    """Refuse options that do not go with each other."""
    if checkpoint is not None and not journal:
        raise InputError("Checkpoints belong to a journal; add --journal, or leave them out.")
    if journal and isolated:
        raise InputError(
            "An isolated run keeps a journal of its own while it runs; leave --journal out, or "
            "--isolated."
        )


def run_world(
    where: str,
    message: MessageOptions,
    seed: int | None,
    stop: Stop,
    outputs: Outputs,
    *,
    journal: bool = False,
    checkpoint: str | None = None,
    isolated: bool = False,
    minds: MindsRequest | None = None,
    platform: str = "",
    replication: Replication | None = None,
) -> int:
    """Run a world with at most one message; returns the exit code.

    Parameters
    ----------
    where
        As :func:`~sim.scenario.worlds.named_world` takes it.
    message, seed, stop, outputs
        As typed.
    journal
        Whether to keep a journal beside the world's file.
    checkpoint
        When it takes checkpoints, as typed; None: as the settings say.
    isolated
        Whether the engine runs in a process of its own.
    minds
        Which members decide by themselves.
    platform
        Who ranks the feeds of a platform that is opened where there is none; empty: nobody.
    replication
        How often it is repeated; None: it is not.

    Raises
    ------
    InputError
        When both are asked for, or checkpoints without a journal.
    """
    _refuse_together(journal, checkpoint, isolated)
    if platform:
        make(platform, "recommender")
    sent = message.spec
    plan = RunPlan(
        where,
        platform=platform,
        messages=() if sent is None else (sent,),
        minds=minds,
        stop=stop,
        author=AUTHOR,
    )
    return carry_out(
        RunRequest(
            make=lambda report: open_world(where, report, seed=seed),
            plan=plan,
            seed=seed,
            outputs=outputs,
            journal=journalled(where, outputs.save, checkpoint, force=outputs.force)
            if journal
            else None,
            isolated=isolated,
            origin=file_of(where),
            replication=replication,
        )
    )


def run_scenario(
    where: str,
    message: MessageOptions,
    seed: int | None,
    stop: Stop,
    outputs: Outputs,
    *,
    variant: str = "",
    isolated: bool = False,
    minds: MindsRequest | None = None,
    replication: Replication | None = None,
) -> int:
    """Run a scenario: a file, or ``gallery:NAME``; returns the exit code.

    ``isolated``, ``replication`` and ``minds`` as of :func:`run_world`, the last instead of the
    file's own; ``variant`` is one that the scenario has.

    Raises
    ------
    InputError
        When a message is given too: the file has its own.
    """
    if message.spec is not None:
        raise InputError(f"{where} has its own messages; write --inject's there, as [[messages]].")
    scenario = open_scenario(where, variant)
    written = _written(scenario.outputs, scenario.path.parent, outputs)
    plan = scenario.plan(stop, author=AUTHOR)
    return carry_out(
        RunRequest(
            make=lambda report: scenario.world(report, seed, tell=tell, author=AUTHOR),
            plan=plan if minds is None else replace(plan, minds=minds),
            seed=seed,
            outputs=written,
            nothing=f"Nothing was sent; {where} has no [[messages]].",
            isolated=isolated,
            notes=_notes(scenario),
            replication=replication,
        )
    )


def _written(said: OutputSection, folder: Path, outputs: Outputs) -> Outputs:
    """Return what a run of a scenario writes: what was typed, else what the file says."""
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
    """Say what should be seen, and how."""
    what = safe(scenario.called or str(scenario.path))
    sees = [f"Should be seen: {safe(scenario.about.sees)}"] if scenario.about.sees else []
    if scenario.variants and not scenario.variant:
        names = safe(", ".join(scenario.variants))
        sees.append(f"This was the file as it stands; --variant takes one of {names}.")
        sees.append(f"Its variants side by side: hubbub scenario variants {what}")
    return tuple(sees)
