"""The verbs of ``hubbub plugin``; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.options import Json, Pairs
from sim.cli.program.panels import VerbApp
from sim.cli.program.start import completed, prepare

plugins = VerbApp("Write plugins, hold them to the laws, time them, and say which may run.")

Which = Annotated[str, typer.Argument(help="A registered model, or a plugin file.")]
Foreign = Annotated[str, typer.Argument(help="The name or the file of a foreign plugin.")]


@plugins.command("new")
def plugin_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case words joined by '-'.")],
    form: Annotated[
        str,
        typer.Option(help="What it is made of.", autocompletion=completed("forms")),
    ] = "per-exposure",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")] = Path(),
) -> None:
    """Write a plugin that runs, commented, with a test beside it."""
    prepare(context.obj)
    from sim.cli.plugins.new import write_plugin

    write_plugin(name, form, out)


@plugins.command("list")
def plugin_list(context: typer.Context, json: Json = False) -> None:
    """List every plugin, where it came from, and those that are off or failed."""
    prepare(context.obj)
    from sim.cli.plugins.list import show_plugins

    show_plugins(json=json)


@plugins.command("check")
def plugin_check(
    context: typer.Context,
    name: Which,
    parameter: Pairs = None,
    deadline: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds of work that one tick may take.")
    ] = None,
) -> None:
    """Hold a model to the laws, in a process of its own."""
    prepare(context.obj)
    from sim.cli.plugins.check import check_plugins
    from sim.scenario.worlds import assignments

    raise typer.Exit(check_plugins(name, assignments(parameter or ()), deadline))


@plugins.command("bench")
def plugin_bench(
    context: typer.Context,
    name: Which,
    agents: Annotated[int, typer.Option(help="Members of the world.")] = 100_000,
    mean_degree: Annotated[float, typer.Option(help="Listeners a member.")] = 20.0,
    ticks: Annotated[int, typer.Option(help="Ticks a run.")] = 20,
    replicates: Annotated[int, typer.Option(help="Runs of each, in turns.")] = 3,
    parameter: Pairs = None,
    json: Json = False,
) -> None:
    """Time a model against the built-in of its form, and say where the time goes."""
    prepare(context.obj)
    from sim.cli.plugins.bench import Race, show_bench
    from sim.scenario.worlds import assignments

    race = Race(agents, mean_degree, ticks, replicates, assignments(parameter or ()))
    show_bench(name, race, json=json)


@plugins.command("enable")
def plugin_enable(context: typer.Context, name: Foreign) -> None:
    """Check a foreign plugin and let it run, as long as it stays as it is."""
    prepare(context.obj)
    from sim.cli.plugins.list import enable_plugin

    raise typer.Exit(enable_plugin(name))


@plugins.command("disable")
def plugin_disable(context: typer.Context, name: Foreign) -> None:
    """Let a foreign plugin not run any more."""
    prepare(context.obj)
    from sim.cli.plugins.list import disable_plugin

    disable_plugin(name)


@plugins.command("reload")
def plugin_reload(context: typer.Context, name: Foreign) -> None:
    """Check a plugin that has changed and let it run again; an open screen takes it up."""
    prepare(context.obj)
    from sim.cli.plugins.list import enable_plugin

    raise typer.Exit(enable_plugin(name))
