"""The verb that runs a world or a scenario without the screen; its options, named once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.minds.run import Cap, Goal, Least, MindName, Offline, Who, minds_asked
from sim.cli.program.start import completed, prepare
from sim.cli.worlds.open_app import RUN_CHECKPOINT, RUN_JOURNAL
from sim.errors import InputError
from sim.scenario.gallery import is_scenario

__all__ = ["Pairs", "run"]

Pairs = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter; may be repeated."),
]
World = Annotated[
    str,
    typer.Argument(
        metavar="WORLD",
        help="A world file, a saved name, demo, new:AGENTS, scenario.toml, or gallery:NAME.",
    ),
]

# The message

Inject = Annotated[list[str] | None, typer.Option(help="The message; one.")]
Seeds = Annotated[
    str | None,
    typer.Option(
        help="Who holds it first: top:40:pagerank, random:40, ids:0,33, ...; else top:10:degree."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="The propagation model; else that of the settings, at first independent-cascade.",
        autocompletion=completed("models"),
    ),
]
Author = Annotated[str | None, typer.Option(help="The id of its author.")]
Tags = Annotated[str | None, typer.Option(help="Interests, by commas; else found.")]
Priority = Annotated[int, typer.Option(help="The highest waiting message starts first.")]
Draws = Annotated[str | None, typer.Option(help="coins or skips; else the model's.")]
Channel = Annotated[
    str | None,
    typer.Option(
        help="Who hears whom: broadcast (all who could); feed (whom the platform shows it); "
        "stream, stream:TICKS (who met then, in a network with times); or NAME,KEY=VALUE,... of "
        "hubbub models --kind channel."
    ),
]

# When it ends, and what is written

Ticks = Annotated[
    int | None, typer.Option(help="Ticks to run; else until quiet, at most 1000.")
]  # fmt: skip
Quiet = Annotated[
    bool, typer.Option("--until-quiet", help="End once nothing can happen any more.")
]  # fmt: skip
Json = Annotated[Path | None, typer.Option(help="Write all results; - is the output.")]
Csv = Annotated[
    Path | None,
    typer.Option(
        help="Write a line a tick; - is the output. r is empty where nobody adopted, and in the "
        "last tick of a message that still runs."
    ),
]
Save = Annotated[Path | None, typer.Option(help="Save the world at the end.")]
Series = Annotated[
    Path | None, typer.Option(help="Write what the world is like tick by tick; .csv or .jsonl.")
]

# The same many times over

Replicates = Annotated[
    int | None,
    typer.Option(
        help="Run it so often, each time with other draws; --csv has a line a tick of each."
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="How many replicates run at once; else a core each.")
]
Backend = Annotated[
    str,
    typer.Option(help="Who runs them: loky (processes; else), threading, or a cluster: ray, dask."),
]
Into = Annotated[
    Path | None, typer.Option(help="Keep each replicate in this file as soon as it is finished.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with that file: only what is missing is run.")
]
Parquet = Annotated[
    Path | None, typer.Option(help="Write a row a replicate and tick to NAME.parquet.")
]

# What else is asked of the world

Seed = Annotated[int | None, typer.Option(help="The same seed makes the same run.")]
Host = Annotated[
    str,
    typer.Option(
        help="Open a platform where the world has none, and who ranks its feeds: blend, ..."
    ),
]
Manifest = Annotated[
    Path | None, typer.Option(help="Write what suffices to repeat it: hubbub replay --minds FILE.")
]
Variant = Annotated[str, typer.Option(help="Of a scenario that has several.")]
Members = Annotated[
    str,
    typer.Option(
        "--metrics-of", metavar="WHO",
        help="Also of single members, beside --metrics: top:5:degree, ids:3,9, ...",
    ),
]  # fmt: skip
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Save over a file that holds another world, or this one further on; with --journal: "
        "go on where not all of a journal can be carried over, and put it aside.",
    ),
]
Journal = Annotated[bool, RUN_JOURNAL]
Checkpoint = Annotated[str | None, RUN_CHECKPOINT]


def run(
    context: typer.Context, world: World,
    inject: Inject = None, seeds: Seeds = None, model: Model = None, parameter: Pairs = None,
    author: Author = None, tags: Tags = None, priority: Priority = 0, draws: Draws = None,
    channel: Channel = None, ticks: Ticks = None, until_quiet: Quiet = False, seed: Seed = None,
    json: Json = None, csv: Csv = None, save: Save = None, metrics: Series = None,
    platform: Host = "", variant: Variant = "", journal: Journal = False,
    checkpoint: Checkpoint = None, minds: Who = None, mind: MindName = None, goal: Goal = None,
    budget: Cap = None, least_share: Least = None, offline: Offline = False,
    manifest: Manifest = None, force: Force = False, metrics_of: Members = "",
    replicates: Replicates = None, workers: Workers = None, backend: Backend = "",
    into: Into = None, resume: Resume = False, parquet: Parquet = None,
) -> None:  # fmt: skip
    """Run a world without the screen, and print the command that repeats it.

    A whole run can stand in a scenario file, NAME.toml: sections and keys are in sim/README.md,
    under "Scenario files".
    """
    prepare(context.obj)
    from sim.cli.runs.replicates import Replication
    from sim.cli.runs.run import Outputs
    from sim.cli.worlds.make import MessageOptions, only
    from sim.scenario.plan import Stop

    said = MessageOptions(
        only(inject), seeds, model, tuple(parameter or ()), author, tags, priority, draws, channel
    )
    ends: dict[str, Any] = {"seed": seed, "stop": Stop(ticks, until_quiet)}
    ends["outputs"] = Outputs(json, csv, save, metrics, manifest, force, metrics_of)
    own: dict[str, Any] = {"journal": journal, "checkpoint": checkpoint, "platform": platform}
    own["minds"] = minds_asked(minds, mind, goal, offline, budget or (), least_share)
    ends["replication"] = Replication.asked(
        replicates, workers=workers, backend=backend, into=into, resume=resume, parquet=parquet
    )
    raise typer.Exit(_carried_out(context.obj, world, said, variant, own, ends))


def _carried_out(
    flags: Any, world: str, said: Any, variant: str, own: dict[str, Any], ends: dict[str, Any]
) -> int:
    """Run a scenario or a world; ``own`` is what belongs to worlds alone."""
    from sim.cli.worlds.make import run_scenario, run_world

    shared = {"flags": flags.words, "isolated": flags.isolated, **ends}
    if is_scenario(world):
        if own["journal"]:
            raise InputError("A scenario is run from its beginning; --journal goes on with worlds.")
        if own["platform"]:
            raise InputError(
                "A scenario says itself who ranks feeds, as recommender under [platform]; leave "
                "out --platform."
            )
        return run_scenario(world, said, variant=variant, minds=own["minds"], **shared)
    if variant:
        raise InputError("Variants belong to scenarios; leave out --variant.")
    return run_world(world, said, **own, **shared)
