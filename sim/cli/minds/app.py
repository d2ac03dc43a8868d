"""The verbs of ``hubbub llm``; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.minds.ask_app import llm_estimate
from sim.cli.program.options import Json
from sim.cli.program.panels import VerbApp
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


llm = VerbApp("Language models: whom to ask, what it costs, and one that runs on this machine.")


@llm.command("check")
def llm_check(
    context: typer.Context,
    ask: Annotated[bool, typer.Option("--ask", help="Send each one short question.")] = False,
    json: Json = False,
) -> None:
    """Say which models are set and what they lack; with --ask, whether they answer."""
    prepare(context.obj)
    from sim.cli.minds.llm import show_models

    show_models(ask=ask, json=json)


@llm.command("prices")
def llm_prices(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(help="A model; default: all.")] = None,
    read: Annotated[
        float | None, typer.Option(help="Note its price: dollars for a million tokens read.")
    ] = None,
    written: Annotated[
        float | None, typer.Option(help="The same for tokens written; 0 for embeddings.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the price table; note a model's price in your own one, which stands over it."""
    prepare(context.obj)
    from sim.cli.minds.llm import note_price, show_prices

    if read is not None or written is not None:
        note_price(model, read, written)
    show_prices(model, json=json)


@llm.command("prompts")
def llm_prompts(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A template; default: list them.")] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Copy it to where your own one stands over it.")
    ] = False,
) -> None:
    """Print prompt templates, or copy one to edit it."""
    prepare(context.obj)
    from sim.cli.minds.llm import show_prompts

    show_prompts(name, edit=edit)


@llm.command("install")
def llm_install(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Install a small language model that runs on this machine (about 130 MB)."""
    prepare(context.obj)
    from sim.cli.minds.llm import install

    install(yes=yes)


@llm.command("serve")
def llm_serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8080,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="Requests at once.")] = 2,
) -> None:
    """Serve the model on this machine, on loopback, until Ctrl-C."""
    prepare(context.obj)
    from sim.cli.minds.llm import serve

    serve(port, at_once)


llm.command("estimate")(llm_estimate)
llm.command("distill")(llm_distill)
