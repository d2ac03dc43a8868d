"""The verb that makes a world of a network file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.start import prepare

MADE_FORCE = typer.Option(
    "--force", help="Replace a world that is there; what its journal holds is put aside."
)


def import_file(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="Edge list, graph file, or OASIS's table of people; or .gz."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The world file to write, NAME.hub.")],
    direction: Annotated[
        str,
        typer.Option(help="A line A B: 'influences', B hears A; 'follows', A hears B."),
    ] = "influences",
    undirected: Annotated[
        bool | None,
        typer.Option(
            "--undirected/--directed", help="Ties both ways, or one way; default: as the file says."
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Where the ids are, by place or name, such as 0,1.")
    ] = None,
    weights: Annotated[
        str, typer.Option(help="The column that becomes trust, or 'none'; default: by name.")
    ] = "auto",
    times: Annotated[
        str | None,
        typer.Option(help="The column of times, in seconds; every line is then kept."),
    ] = None,
    signed: Annotated[
        bool,
        typer.Option(
            "--signed",
            help="Weights below 0 are ties against, not refused.",
            rich_help_panel="How the file is written",
        ),
    ] = False,
    repeats: Annotated[
        str,
        typer.Option(
            help="A tie in several lines: 'once', or their number as 'weight'.",
            rich_help_panel="How the file is written",
        ),
    ] = "once",
    adjacency: Annotated[
        bool,
        typer.Option(
            "--adjacency",
            help="A line is a member and all its neighbours.",
            rich_help_panel="How the file is written",
        ),
    ] = False,
    relations: Annotated[
        str | None,
        typer.Option(
            help="The column of types of ties; else type, relation, kind, label; 'none'.",
            rich_help_panel="More of ties",
        ),
    ] = None,
    properties: Annotated[
        str | None,
        typer.Option(
            help="Columns kept as properties of ties, such as since,note.",
            rich_help_panel="More of ties",
        ),
    ] = None,
    interests: Annotated[
        str,
        typer.Option(
            help="Of --profiles: 'known' words, or their 'own' 64 most frequent ones.",
            rich_help_panel="Of members",
        ),
    ] = "known",
    delimiter: Annotated[
        str | None,
        typer.Option(
            help="tab, comma, ...; else found out.",
            rich_help_panel="How the file is written",
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether names stand on top.",
            rich_help_panel="How the file is written",
        ),
    ] = None,
    ids: Annotated[
        str,
        typer.Option(
            help="auto, int or str.",
            rich_help_panel="How the file is written",
        ),
    ] = "auto",
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A file of the members' communities.",
            rich_help_panel="Of members",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the world.")] = 0,
    profiles: Annotated[
        Path | None,
        typer.Option(
            help="A file of people, given to the members.",
            rich_help_panel="Of members",
        ),
    ] = None,
    tick_minutes: Annotated[float, typer.Option(help="Simulated minutes in a tick.")] = 60.0,
    force: Annotated[bool, MADE_FORCE] = False,
) -> None:
    """Make a world of a network file and save it."""
    prepare(context.obj)
    from sim.cli.worlds.make import make_import
    from sim.scenario.worlds import ImportedWorld

    make_import(
        ImportedWorld(
            file,
            direction=direction,
            directed=None if undirected is None else not undirected,
            columns=columns,
            weights=weights,
            times=times,
            delimiter=delimiter,
            header=header,
            ids=ids,
            signed=signed,
            repeats=repeats,
            adjacency=adjacency,
            relations=relations,
            properties=properties,
            labels=labels,
            seed=seed,
            tick_minutes=tick_minutes,
        ),
        out,
        profiles=profiles,
        interests=interests,
        force=force,
    )
