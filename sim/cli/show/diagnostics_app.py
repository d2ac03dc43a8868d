"""CLI declarations of the diagnostic verbs: ``replay``, ``phases``, ``config``, ``doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from sim.cli.program.options import Json
from sim.cli.program.start import prepare
from sim.errors import InputError


def _leave(code: int) -> NoReturn:
    raise typer.Exit(code)


def replay(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="A world file, a saved name, a manifest, or what show audit --json printed."
        ),
    ],
    to: Annotated[int | None, typer.Option(help="The last tick to run; else all.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="End with 3 when anything comes out differently.")
    ] = False,
    base: Annotated[
        Path | None, typer.Option(help="An earlier save of the same world to begin from.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Save what came of it to a file.")] = None,
    decide: Annotated[
        bool,
        typer.Option(
            "--decide", help="Minds decide anew, on what models answered then; nobody is asked."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Do again what was done to a world, and compare; changes nothing."""
    prepare(context.obj)
    if decide:
        if to is not None or check or base is not None:
            raise InputError("--decide repeats a whole run; leave --to, --check and --base out.")
        from sim.cli.minds.repeat import repeat

        _leave(repeat(file, save, json=json))
    from sim.cli.show.replay import Again, show_replay

    _leave(show_replay(Again(file, to, check, base, save), json=json))


def phases(
    context: typer.Context,
    platform: Annotated[
        bool, typer.Option("--with-platform", help="Of a world that has a platform.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a tick does, in order."""
    prepare(context.obj)
    from sim.cli.show.about import show_phases

    show_phases(json=json, platform=platform)


def config(context: typer.Context, json: Json = False) -> None:
    """Show each setting, its value, and where that came from."""
    prepare(context.obj)
    from sim.cli.show.about import show_config

    show_config(json=json)


def doctor(
    context: typer.Context,
    world: Annotated[
        str | None, typer.Option(metavar="FILE", help="Look at a world and its journal too.")
    ] = None,
    json: Json = False,
) -> None:
    """Show paths, versions, memory and terminal; say what is wrong with them."""
    prepare(context.obj)
    from sim.cli.program.doctor import show

    _leave(show(json=json, world=world))
