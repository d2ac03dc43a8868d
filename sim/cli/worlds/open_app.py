"""``hubbub open``: a world on the screen, with what lived on beside its file."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from sim.cli.program.start import open_screen, prepare

JOURNAL = typer.Option(
    "--journal/--no-journal",
    help="Screen: whether worlds keep a journal, so that nothing is lost; else as the setting.",
)

RUN_JOURNAL = typer.Option(
    "--journal/--no-journal",
    help="Keep a journal beside the file, and go on from the one there. Without it a run begins "
    "with the file as it was saved, so that the same command gives the same result.",
    rich_help_panel="What is kept",
)

RUN_CHECKPOINT = typer.Option(
    metavar="30s|500",
    help="With --journal: write a checkpoint after so many seconds or ticks; else as settings say.",
    rich_help_panel="What is kept",
)


def open_file(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")],
    journal: Annotated[bool | None, JOURNAL] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="A copy to look at and to step; nothing is written.")
    ] = False,
) -> None:
    """Open a saved world on the screen, as it was when it was left or lost."""
    flags = context.obj if journal is None else replace(context.obj, journal=journal)
    prepare(flags)
    from sim.scenario.worlds import saved_path

    path = saved_path(file)
    raise typer.Exit(open_screen(path, isolated=flags.isolated, read_only=read_only))
