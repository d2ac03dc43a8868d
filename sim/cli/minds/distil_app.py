"""The verb of ``hubbub llm`` that fits a surrogate; it imports what it needs when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.program.options import Json
from sim.cli.program.start import prepare


def llm_distill(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Worlds that models decided in.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("surrogate.json"),
    held_out: Annotated[float, typer.Option(help="The share to measure it on.")] = 0.3,
    seed: Annotated[int, typer.Option(help="Of the draw which these are.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
    json: Json = False,
) -> None:
    """Fit a surrogate to what models decided in runs; say how far it agrees with them."""
    prepare(context.obj)
    from sim.cli.minds.distilling import distil_files

    distil_files(files, out, held_out=held_out, seed=seed, force=force, json=json)
