"""The verb that runs a world or a scenario without the screen; its options, named once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.minds.run import Cap, Goal, Least, MindName, Offline, Who, minds_asked
from sim.cli.program.options import Pairs
from sim.cli.program.start import completed, prepare
from sim.cli.worlds.open_app import RUN_CHECKPOINT, RUN_JOURNAL
from sim.errors import InputError
from sim.scenario.gallery import is_scenario

World = Annotated[
    str,
    typer.Argument(
        metavar="WORLD",
        help="A world file, a saved name, demo, new:AGENTS, scenario.toml, or gallery:NAME.",
    ),
]

# The message

Inject = Annotated[list[str] | None, typer.Option(metavar="TEXT", help="Send this message; one.")]
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
Author = Annotated[
    str | None,
    typer.Option(
        help="The id of its author.",
        rich_help_panel="The message",
    ),
]
Tags = Annotated[
    str | None,
    typer.Option(
        help="Interests, by commas; else found.",
        rich_help_panel="The message",
    ),
]
Priority = Annotated[
    int,
    typer.Option(
        help="The highest waiting message starts first.",
        rich_help_panel="The message",
    ),
]
Draws = Annotated[
    str | None,
    typer.Option(
        help="coins or skips; else the model's.",
        rich_help_panel="The message",
    ),
]
Channel = Annotated[
    str | None,
    typer.Option(
        help="Who hears whom: broadcast (all who could); feed (whom the platform shows it); "
        "stream, stream:TICKS (who met then, in a network with times); or NAME,KEY=VALUE,... of "
        "hubbub models --kind channel.",
        rich_help_panel="The message",
    ),
]

# When it ends, and what is written

Ticks = Annotated[
    int | None, typer.Option(help="Ticks to run; else until quiet, at most 1000.")
]  # fmt: skip
Quiet = Annotated[
    bool, typer.Option("--until-quiet", help="End once nothing can happen any more.")
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print all results as JSON.")]
Csv = Annotated[
    bool,
    typer.Option(
        "--csv",
        help="Print a line a tick, and replicate. r is empty where nobody adopted, and in the last "
        "tick of a message that still runs.",
    ),
]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", metavar="FILE",
        help="Write results to NAME.json (all), or NAME.csv or .parquet (as --csv); one of each.",
    ),
]  # fmt: skip
Save = Annotated[Path | None, typer.Option(help="Save the world at the end.")]
Series = Annotated[
    Path | None,
    typer.Option(
        help="Write what the world is like tick by tick; .csv or .jsonl.",
        rich_help_panel="What is kept",
    ),
]

# The same many times over

Replicates = Annotated[
    int | None,
    typer.Option(
        help="Run it so often, each time with other draws; --csv has a line a tick of each."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many replicates run at once; else a core each.",
        rich_help_panel="Many runs",
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        help="Who runs them: loky (processes; else), threading, or a cluster: ray, dask.",
        rich_help_panel="Many runs",
    ),
]
Into = Annotated[
    Path | None,
    typer.Option(
        help="Keep each replicate in this file as soon as it is finished.",
        rich_help_panel="Many runs",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with that file: only what is missing is run.",
        rich_help_panel="Many runs",
    ),
]

# What else is asked of the world

Seed = Annotated[int | None, typer.Option(help="The same seed makes the same run.")]
Host = Annotated[
    str,
    typer.Option(
        help="Open a platform where the world has none, and who ranks its feeds: blend, ...",
        rich_help_panel="The world",
    ),
]
Manifest = Annotated[
    Path | None,
    typer.Option(
        help="Write what suffices to repeat it: hubbub replay --decide FILE.",
        rich_help_panel="What is kept",
    ),
]
Variant = Annotated[
    str,
    typer.Option(
        help="Of a scenario that has several.",
        rich_help_panel="The world",
    ),
]
Members = Annotated[
    str,
    typer.Option(
        "--metrics-of",
        metavar="WHO",
        help="Also of single members, beside --metrics: top:5:degree, ids:3,9, ...",
        rich_help_panel="What is kept",
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Save over a file that holds another world, or this one further on; with --journal: "
        "go on where not all of a journal can be carried over, and put it aside.",
        rich_help_panel="What is kept",
    ),
]
Journal = Annotated[bool, RUN_JOURNAL]
Checkpoint = Annotated[str | None, RUN_CHECKPOINT]


def run(
    context: typer.Context, world: World,
    inject: Inject = None, seeds: Seeds = None, model: Model = None, parameter: Pairs = None,
    author: Author = None, tags: Tags = None, priority: Priority = 0, draws: Draws = None,
    channel: Channel = None, ticks: Ticks = None, until_quiet: Quiet = False, seed: Seed = None,
    json: Json = False, csv: Csv = False, out: Out = None, save: Save = None,
    metrics: Series = None,
    platform: Host = "", variant: Variant = "", journal: Journal = False,
    checkpoint: Checkpoint = None, minds: Who = None, mind: MindName = None, goal: Goal = None,
    budget: Cap = None, least_share: Least = None, offline: Offline = False,
    manifest: Manifest = None, force: Force = False, metrics_of: Members = "",
    replicates: Replicates = None, workers: Workers = None, backend: Backend = "",
    into: Into = None, resume: Resume = False,
) -> None:  # fmt: skip
    """Run a world without the screen, and print the command that repeats it.

    The world's file stays as it is; --save keeps what came of it, and --journal every tick.

    A whole run can stand in a scenario file, NAME.toml: hubbub scenario from-world writes one of
    what was done to a world; the source's sim/README.md lists every key, at "Scenario files".
    """
    prepare(context.obj)
    from sim.cli.program.output import files_of, form_of
    from sim.cli.runs.replicates import Replication
    from sim.cli.runs.run import Outputs
    from sim.cli.worlds.make import MessageOptions, only
    from sim.scenario.plan import Stop

    said = MessageOptions(
        only(inject), seeds, model, tuple(parameter or ()), author, tags, priority, draws, channel
    )
    ends: dict[str, Any] = {"seed": seed, "stop": Stop(ticks, until_quiet)}
    files = files_of(out or (), (".json", ".csv", ".parquet"))
    ends["outputs"] = Outputs(
        form_of(json=json, csv=csv), files.get(".json"), files.get(".csv"), files.get(".parquet"),
        save, metrics, manifest, force, metrics_of,
    )  # fmt: skip
    own: dict[str, Any] = {"journal": journal, "checkpoint": checkpoint, "platform": platform}
    own["minds"] = minds_asked(minds, mind, goal, offline, budget or (), least_share)
    ends["replication"] = Replication.asked(
        replicates, workers=workers, backend=backend, into=into, resume=resume
    )
    raise typer.Exit(_carried_out(context.obj, world, said, variant, own, ends))


def _carried_out(
    flags: Any, world: str, said: Any, variant: str, own: dict[str, Any], ends: dict[str, Any]
) -> int:
    """Run a scenario or a world; ``own`` is what belongs to worlds alone."""
    from sim.cli.worlds.make import run_scenario, run_world

    shared = {"isolated": flags.isolated, **ends}
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
