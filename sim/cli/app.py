"""The command ``hubbub``: its options, and every verb in the order of help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sim
from sim.cli.calibrate import calibrate
from sim.cli.compare import compare
from sim.cli.edit import edit
from sim.cli.exits import EXITS
from sim.cli.help import Panels, VerbApp
from sim.cli.info import config, doctor, info, models, phases, replay, validate, verify
from sim.cli.llm import ask, llm
from sim.cli.past import past, recover
from sim.cli.plugin import plugins
from sim.cli.run import run
from sim.cli.saves import saves
from sim.cli.scenario import scenarios
from sim.cli.seeds import seeds
from sim.cli.show import show
from sim.cli.start import Flags, open_screen, prepare
from sim.cli.study import studies
from sim.cli.sweep import sweep
from sim.cli.watch import overseen
from sim.cli.worlds import Journal, export, import_file, new, open_file, serve

_CODES = "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items())

app = VerbApp(
    "Simulate a social network of a million members in the terminal.",
    name="hubbub",
    cls=Panels,
    epilog=f"Exit codes: {_CODES}.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _noun in (
    ("show", show), ("edit", edit), ("scenario", scenarios), ("study", studies), ("saves", saves),
    ("past", past), ("plugin", plugins), ("llm", llm),
):  # fmt: skip
    app.add_typer(_noun, name=_name)
app.command("open")(open_file)
app.command()(new)
app.command()(serve)
app.command("import")(import_file)
for _verb in (
    run, replay, seeds, recover, info, verify, export, models, validate, compare, sweep, calibrate,
    ask, phases, config, doctor,
):  # fmt: skip
    app.command()(_verb)


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
        int | None,
        typer.Option(help="Threads for feeds and digests of saves; default: one per core."),
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings file.")] = None,
    profile: Annotated[str | None, typer.Option(help="development, test or production.")] = None,
    saves: Annotated[Path | None, typer.Option(help="Folder of saved worlds.")] = None,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Load a plugin file; may be repeated."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option("--fps", "--frames-per-second", help="Frames per second of the screen."),
    ] = None,
    theme: Annotated[
        str | None, typer.Option(help="Colours of the screen: dark, light or contrast.")
    ] = None,
    calm: Annotated[bool, typer.Option("--calm", help="Show the screen with less motion.")] = False,
    tour: Annotated[bool, typer.Option("--tour", help="Show five things to try.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Serve /metrics and /healthz on this port of this machine (screen, run, API)."
        ),
    ] = None,
    isolated: Annotated[
        bool,
        typer.Option(
            "--isolated",
            help="Run the engine in a separate process; no protection against malice.",
        ),
    ] = False,
    journal: Journal = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    options: Annotated[
        bool,
        typer.Option(
            "--options",
            callback=_options,
            is_eager=True,
            help="Explain these options and exit codes.",
        ),
    ] = False,
) -> None:
    """Keep the options that every verb shares; open the screen when there is no verb."""
    del debug, version, options  # main(), _version and _options have handled them
    files = tuple(plugin or ())
    context.obj = Flags(
        threads, settings, profile, saves, files, fps, theme, isolated, journal,
        metrics_port, calm, tour,
    )  # fmt: skip
    if context.invoked_subcommand not in {None, "open"}:  # the screen watches plugins itself
        context.with_resource(overseen(files))
    if context.invoked_subcommand is None:
        prepare(context.obj)
        raise typer.Exit(open_screen(context.obj))
