"""``info``, ``verify``, ``replay``, ``models``, ``validate``, ``phases``, ``config``, ``doctor``.

What they do is in modules that are loaded when they are called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.output import DATA, Csv, Json, Output, Pairs, SavedName, as_json, say, table
from sim.cli.start import completed, prepare
from sim.errors import InputError


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
        typer.Option(help="Write all that is needed to repeat its run to a file; - prints it."),
    ] = None,
    json: Json = False,
) -> None:
    """Describe a world."""
    prepare(context.obj)
    if manifest is None:
        from sim.cli.about import show_info

        show_info(world, network=structure, json=json)
    elif structure or json:
        raise InputError("--manifest writes a file by itself; leave out --structure and --json.")
    else:
        from sim.cli.audit import write_manifest

        write_manifest(world, manifest)


def verify(context: typer.Context, file: SavedName, json: Json = False) -> None:
    """Check every byte of a world file."""
    prepare(context.obj)
    from sim.cli.about import show_verification

    show_verification(file, json=json)


def replay(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            help="A world file, a saved name, a manifest, or what show audit --json printed."
        ),
    ],
    to: Annotated[int | None, typer.Option(help="Last tick to run; default: all.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with code 3 if anything differs.")
    ] = False,
    base: Annotated[
        Path | None, typer.Option(help="Start from an earlier save of the same world.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Save the replayed world to a file.")] = None,
    decide: Annotated[
        bool,
        typer.Option(
            "--decide", help="Minds decide again, on the recorded replies of models; none is asked."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Repeat every command of a world, and compare; changes nothing."""
    prepare(context.obj)
    from sim.cli import audit

    if not decide:
        code = audit.show_replay(file, to, base, save, check=check, json=json)
    elif to is not None or check or base is not None:
        raise InputError("--decide repeats a whole run; leave out --to, --check and --base.")
    else:
        code = audit.repeat(file, save, json=json)
    raise typer.Exit(code)


def phases(
    context: typer.Context,
    platform: Annotated[
        bool, typer.Option("--with-platform", help="Those of a world that has a platform.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the phases of a tick, in order."""
    prepare(context.obj)
    from sim.cli.about import show_phases

    show_phases(json=json, platform=platform)


def config(context: typer.Context, json: Json = False) -> None:
    """Show every setting, its value and its origin."""
    prepare(context.obj)
    from sim.settings.settings import current, shown

    settings = current()
    fields = type(settings).model_fields
    facts = {
        name: {"value": shown(getattr(settings, name)), "from": origin,
               "meaning": fields[name].description or ""}
        for name, origin in settings.provenance.items()
    }  # fmt: skip
    rows = [(name, one["value"] or "-", one["from"], one["meaning"]) for name, one in facts.items()]
    say(as_json(facts) if json else table([("setting", "value", "from", "meaning"), *rows]))


def doctor(
    context: typer.Context,
    world: Annotated[
        str | None, typer.Option(metavar="FILE", help="Check a world and its journal too.")
    ] = None,
    warm: Annotated[
        bool, typer.Option("--warm", help="First compile what new worlds and runs need.")
    ] = False,
    json: Json = False,
) -> None:
    """Show paths, versions, memory and terminal, and report problems."""
    prepare(context.obj)
    from sim.cli.doctor import compile_kernels, show

    if warm:
        compile_kernels()
    raise typer.Exit(show(json=json, world=world))


def models(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="Show the whole card of one.", autocompletion=completed("models")),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(help="propagation, recommender, friend-recommender, policy, mind, ..."),
    ] = "",
    theory: Annotated[
        bool, typer.Option("--theory", help="Print the curves that its equations predict.")
    ] = False,
    agents: Annotated[int, typer.Option(help="Theory: number of agents.")] = 10_000,
    seed_count: Annotated[int, typer.Option(help="Theory: number of first adopters.")] = 10,
    ticks: Annotated[int, typer.Option(help="Theory: number of ticks.")] = 50,
    degree: Annotated[
        str, typer.Option(help="Theory: followers of each agent, or poisson:MEAN.")
    ] = "20",
    world: Annotated[
        str | None, typer.Option(help="Theory: count the followers of this world instead.")
    ] = None,
    parameter: Pairs = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Rewrite the table of models in this guide."),
    ] = None,
    json: Json = False,
) -> None:
    """List propagation models, or other plugins by --kind, or describe one."""
    prepare(context.obj)
    from sim.cli import models as cards
    from sim.scenario.worlds import assignments

    if theory and name is None:
        raise InputError("--theory needs the name of a model: hubbub models sir --theory.")
    if out is not None:
        cards.write_table(out)
    elif name is None:
        cards.show_models(json=json, kind=kind)
    elif theory:
        given = assignments(parameter or ())
        cards.show_theory(name, agents, seed_count, ticks, degree, world, given, json=json)
    else:
        cards.show_model(name, json=json, kind=kind)


def validate(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Argument(
            help="Models; default: all, and those of --plugin.", autocompletion=completed("models")
        ),
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="More runs: narrower intervals, much longer.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes; default: 1 for a few models, 2 for all.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", metavar="FILE",
            help="Write it to NAME.json or .csv, or between the marks of the page NAME.md.",
        ),
    ] = None,
    csv: Csv = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Check every claim on the cards of models; exit code 1 if one does not hold."""
    prepare(context.obj)
    from sim.cli.validate import show_validation

    output = Output.asked(json=json, csv=csv, out=out, endings=(*DATA, ".md"))
    raise typer.Exit(show_validation(tuple(model or ()), thorough, workers, output))
