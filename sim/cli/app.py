"""The verbs of ``hubbub``; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

import sim
from sim.cli.minds.app import llm
from sim.cli.minds.ask_app import ask
from sim.cli.plugins.app import plugins
from sim.cli.plugins.warden import overseen
from sim.cli.program.exits import EXITS
from sim.cli.program.options import Csv, Json, Pairs
from sim.cli.program.panels import Panels, VerbApp
from sim.cli.program.start import Flags, completed, open_screen, prepare
from sim.cli.runs.app import run
from sim.cli.runs.calibrate_app import calibrate
from sim.cli.runs.compare_app import compare
from sim.cli.runs.seeds_app import seeds
from sim.cli.runs.sweep_app import sweep
from sim.cli.scenario.app import scenarios
from sim.cli.show.app import show
from sim.cli.show.diagnostics_app import config, doctor, phases, replay
from sim.cli.studies.app import studies
from sim.cli.worlds.edit_app import edit
from sim.cli.worlds.import_app import MADE_FORCE, import_file
from sim.cli.worlds.open_app import JOURNAL, open_file
from sim.cli.worlds.past_app import past
from sim.cli.worlds.saves import saves
from sim.errors import InputError

_CODES = "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items())

app = VerbApp(
    "Simulate a social network of a million members in the terminal.",
    name="hubbub",
    cls=Panels,
    epilog=f"Exit codes: {_CODES}.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(show, name="show")
app.add_typer(edit, name="edit")
app.add_typer(scenarios, name="scenario")
app.add_typer(studies, name="study")
app.add_typer(saves, name="saves")
app.add_typer(past, name="past")
app.add_typer(plugins, name="plugin")
app.add_typer(llm, name="llm")

NewWorldFile = Annotated[
    Path, typer.Option("--out", "-o", help="The world file to write, NAME.hub.")
]
TickMinutes = Annotated[float, typer.Option(help="Simulated minutes in a tick.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hubbub {sim.__version__}")
        raise typer.Exit


def _options(context: typer.Context, asked: bool) -> None:
    if asked and isinstance(context.command, Panels):
        typer.echo(context.command.options_of(context))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def hubbub(
    context: typer.Context,
    threads: Annotated[
        int | None, typer.Option(help="Threads for feeds and digests of saves; else one a core.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="The settings file.")] = None,
    profile: Annotated[str | None, typer.Option(help="development, test or production.")] = None,
    saves: Annotated[Path | None, typer.Option(help="The folder of saved worlds.")] = None,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A plugin file to load; may be repeated."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option("--fps", "--frames-per-second", help="Frames of the screen a second."),
    ] = None,
    theme: Annotated[str | None, typer.Option(help="Colours of the screen.")] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Screen and run: serve /metrics and /healthz here, to this machine."),
    ] = None,
    isolated: Annotated[
        bool,
        typer.Option(
            "--isolated",
            help="The engine in a process that plugins may crash; no guard against malice.",
        ),
    ] = False,
    journal: Annotated[bool | None, JOURNAL] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    options: Annotated[
        bool,
        typer.Option(
            "--options", callback=_options, is_eager=True, help="Explain these, and exit codes."
        ),
    ] = False,
) -> None:
    """Keep the options that every verb shares; open the screen when there is no verb."""
    del debug, version, options  # main(), _version and _options have dealt with them
    files = tuple(plugin or ())
    context.obj = Flags(
        threads, settings, profile, saves, files, fps, theme, isolated, journal,
        metrics_port,
    )  # fmt: skip
    if context.invoked_subcommand not in {None, "open"}:  # the screen watches by itself
        context.with_resource(overseen(files))
    if context.invoked_subcommand is None:
        prepare(context.obj)
        _leave(open_screen(None, isolated=isolated))


def _leave(code: int) -> NoReturn:
    raise typer.Exit(code)


app.command("open")(open_file)


@app.command()
def new(
    context: typer.Context,
    out: NewWorldFile,
    agents: Annotated[int, typer.Option(help="How many members.")] = 10_000,
    network: Annotated[
        str,
        typer.Option(
            help="The generator; a wrong word lists all.", autocompletion=completed("networks")
        ),
    ] = "preferential-attachment",
    mean_degree: Annotated[float, typer.Option(help="Listeners a member, on average.")] = 20.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same world.")] = 0,
    tick_minutes: TickMinutes = 60.0,
    trust: Annotated[str, typer.Option(help="full, uniform, or uniform:LOW-HIGH.")] = "full",
    degrees: Annotated[
        Path | None, typer.Option(help="A file of degree pairs for the network configuration.")
    ] = None,
    parameter: Pairs = None,
    platform: Annotated[
        str, typer.Option(help="A platform, and who ranks its feeds: blend, chronological, ...")
    ] = "",
    force: Annotated[bool, MADE_FORCE] = False,
) -> None:
    """Make a world and save it; refused at once when it would not fit in memory."""
    prepare(context.obj)
    from sim.cli.worlds.make import make_new
    from sim.scenario.worlds import NewWorld, assignments

    given = assignments(parameter or ())
    order = NewWorld(
        agents, network, mean_degree, seed, tick_minutes, trust, degrees, given, platform
    )
    make_new(order, out, force=force)


app.command("import")(import_file)


for _verb in (run, replay, seeds):
    app.command()(_verb)


@app.command()
def recover(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")],
    save: Annotated[Path | None, typer.Option(help="Save what was recovered to a file.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Save over a file that holds this world further on.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring back a world that ran with a journal, and say what was found; changes nothing."""
    prepare(context.obj)
    from sim.cli.worlds.recover import show_recovery

    _leave(show_recovery(file, save, json=json, force=force))


@app.command()
def info(
    context: typer.Context,
    world: Annotated[str, typer.Argument(help="A world file, a saved name, demo, or new:AGENTS.")],
    structure: Annotated[
        bool,
        typer.Option(
            "--structure",
            help="Load it and measure its network; a part: hubbub show WORLD network --where.",
        ),
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(help="Write what suffices to repeat its run to a file; - is the output."),
    ] = None,
    json: Json = False,
) -> None:
    """Say what is in a world."""
    prepare(context.obj)
    if manifest is not None:
        from sim.cli.minds.repeat import write_manifest

        if structure or json:
            raise InputError("A manifest is written by itself; leave --structure and --json out.")
        write_manifest(world, manifest)
        return
    from sim.cli.show.about import show_info

    show_info(world, network=structure, json=json)


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")],
    json: Json = False,
) -> None:
    """Check every byte of a world file."""
    prepare(context.obj)
    from sim.cli.show.about import show_verification

    show_verification(file, json=json)


@app.command()
def export(
    context: typer.Context,
    world: Annotated[
        str,
        typer.Argument(metavar="WORLD", help="A world file, a saved name, demo, or new:AGENTS."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The file; for csv, jsonl and parquet a folder."),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="sqlite, csv, jsonl, graphml, gexf or parquet; else as the file ends.",
            autocompletion=completed("exports"),
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a world in a format of other programs."""
    prepare(context.obj)
    from sim.cli.worlds.export import export_world

    export_world(world, form, out, force=force)


@app.command()
def models(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="One model: its whole card.", autocompletion=completed("models")),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="Of what: propagation, recommender, friend-recommender, policy, mind, ..."
        ),
    ] = "",
    theory: Annotated[
        bool, typer.Option("--theory", help="Print the curves that equations predict for it.")
    ] = False,
    agents: Annotated[int, typer.Option(help="Theory: how many agents.")] = 10_000,
    seed_count: Annotated[int, typer.Option(help="Theory: how many hold the message first.")] = 10,
    ticks: Annotated[int, typer.Option(help="Theory: how many ticks.")] = 50,
    degree: Annotated[
        str, typer.Option(help="Theory: listeners of every agent, or poisson:MEAN.")
    ] = "20",
    world: Annotated[
        str | None, typer.Option(help="Theory: a world whose listeners are counted instead.")
    ] = None,
    parameter: Pairs = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the table of models anew into this guide."),
    ] = None,
    json: Json = False,
) -> None:
    """List the propagation models, or other plugins by --kind, or tell all about one."""
    prepare(context.obj)
    from sim.cli.program import models as cards
    from sim.scenario.worlds import assignments

    if theory and name is None:
        raise InputError("Theory is told of one model; name it: hubbub models sir --theory.")
    if out is not None:
        cards.write_table(out)
    elif name is None:
        cards.show_models(json=json, kind=kind)
    elif theory:
        given = assignments(parameter or ())
        order = cards.Predicted(agents, seed_count, ticks, degree, world, given)
        cards.show_theory(name, order, json=json)
    else:
        cards.show_model(name, json=json, kind=kind)


@app.command()
def validate(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Argument(
            help="Models; else all, and --plugin's.", autocompletion=completed("models")
        ),
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="More runs: narrower intervals, much longer.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes; else 1 for a few models, 2 for all.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write it to NAME.json or .csv; or anew into the page NAME.md, between its marks.",
        ),
    ] = None,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """Run what the cards of models claim: exact numbers, theory, laws; 1 when one does not hold."""
    prepare(context.obj)
    from sim.cli.program.output import DATA, Output
    from sim.cli.program.validate import ValidationOrder, show_validation

    output = Output.asked(json=json, csv=csv, out=out, endings=(*DATA, ".md"))
    order = ValidationOrder(tuple(model or ()), thorough, workers, output)
    _leave(show_validation(order))


for _look in (compare, sweep, calibrate, ask, phases, config, doctor):
    app.command()(_look)
