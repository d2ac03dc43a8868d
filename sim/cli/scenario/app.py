"""The verbs of ``hubbub scenario``; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.options import Json
from sim.cli.program.panels import VerbApp
from sim.cli.program.start import prepare

scenarios = VerbApp("Whole runs in a file: those that come with the program, and yours.")

Where = Annotated[str, typer.Argument(metavar="SCENARIO", help="scenario.toml or gallery:NAME.")]


@scenarios.command("list")
def list_scenarios(context: typer.Context, json: Json = False) -> None:
    """List the scenarios that come with the program."""
    prepare(context.obj)
    from sim.cli.scenario.gallery import show_gallery

    show_gallery(None, json=json)


@scenarios.command("show")
def show_scenario(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of one that comes with the program.")],
    json: Json = False,
) -> None:
    """Say what a scenario asks, what should be seen, and on what that rests."""
    prepare(context.obj)
    from sim.cli.scenario.gallery import show_gallery

    show_gallery(name, json=json)


@scenarios.command("variants")
def run_variants(
    context: typer.Context,
    scenario: Where,
    vary: Annotated[
        list[str] | None,
        typer.Option(help="SECTION.KEY=A,B,C instead of the file's variants; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed for all.")] = None,
    ticks: Annotated[int | None, typer.Option(help="Ticks to run; else as the file says.")] = None,
    agents: Annotated[int | None, typer.Option(help="Members; else as the file says.")] = None,
    json: Json = False,
) -> None:
    """Run a scenario's variants from one seed, and show what they come to side by side."""
    prepare(context.obj)
    from sim.cli.scenario.gallery import show_variants

    said = {"seed": seed, "ticks": ticks, "agents": agents}
    show_variants(scenario, vary=tuple(vary or ()), json=json, **said)


@scenarios.command("describe")
def describe_scenario(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="scenario.toml, gallery:NAME, or a world.")
    ],
    variant: Annotated[str, typer.Option(help="Of a scenario that has several.")] = "",
) -> None:
    """Describe a scenario or a world by the ODD protocol, from its keys and its models' cards."""
    prepare(context.obj)
    from sim.cli.scenario.gallery import show_description

    show_description(what, variant)


@scenarios.command("from-world")
def scenario_from_world(
    context: typer.Context,
    world: Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; else it is printed.")
    ] = None,
) -> None:
    """Write what was done to a world as a scenario that hubbub run does again."""
    prepare(context.obj)
    from sim.cli.show.audit import write_script

    raise typer.Exit(write_script(world, out))
