"""The verbs ``gallery``, ``variants`` and ``describe``; each imports what it needs when called."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.start import prepare

__all__ = ["describe", "gallery", "variants"]

Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Where = Annotated[str, typer.Argument(metavar="SCENARIO", help="scenario.toml or gallery:NAME.")]


def gallery(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One scenario: all about it.")] = None,
    json: Json = False,
) -> None:
    """List the scenarios that come with the program; each says what should be seen, and why."""
    prepare(context.obj)
    from sim.cli.runs.gallery import show_gallery

    show_gallery(name, json=json)


def variants(
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
    from sim.cli.runs.gallery import compare

    said = {"seed": seed, "ticks": ticks, "agents": agents}
    compare(scenario, vary=tuple(vary or ()), json=json, **said)


def describe(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="scenario.toml, gallery:NAME, or a world.")
    ],
    variant: Annotated[str, typer.Option(help="Of a scenario that has several.")] = "",
) -> None:
    """Describe a scenario or a world by the ODD protocol, from its keys and its models' cards."""
    prepare(context.obj)
    from sim.cli.scenario.odd import show_description

    show_description(what, variant)
