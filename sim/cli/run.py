"""``hubbub run``: run a world or a scenario without the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.output import Pairs, files_of, form_of
from sim.cli.start import completed, prepare
from sim.errors import InputError
from sim.scenario.gallery import is_scenario
from sim.scenario.minds import AWAKE, MindsRequest

_MESSAGE, _MINDS, _MANY, _WORLD, _KEPT = (
    "The message", "Minds", "Many runs", "The world", "What is kept"
)  # fmt: skip

AnyWorld = Annotated[
    str,
    typer.Argument(
        metavar="WORLD",
        help="A world file, a saved name, demo, new:AGENTS, scenario.toml, or gallery:NAME.",
    ),
]

# The message

Inject = Annotated[list[str] | None, typer.Option(metavar="TEXT", help="The message to send.")]
Seeds = Annotated[
    str | None,
    typer.Option(
        help="First adopters: top:40:pagerank, random:40, ids:0,33, ...; default: top:10:degree."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Propagation model; default: the setting, at first independent-cascade.",
        autocompletion=completed("models"),
    ),
]
Author = Annotated[str | None, typer.Option(help="Id of the author.", rich_help_panel=_MESSAGE)]
Tags = Annotated[
    str | None,
    typer.Option(
        help="Topics, separated by commas; default: found in the text.", rich_help_panel=_MESSAGE
    ),
]
Priority = Annotated[
    int,
    typer.Option(
        help="Of several waiting messages the highest starts first.", rich_help_panel=_MESSAGE
    ),
]
Draws = Annotated[
    str | None,
    typer.Option(help="coins or skips; default: the model's.", rich_help_panel=_MESSAGE),
]
Channel = Annotated[
    str | None,
    typer.Option(
        help="Who hears whom: broadcast (all who could); feed (whom the platform shows it); "
        "stream, stream:TICKS (who met then, in a network with times); or NAME,KEY=VALUE,... of "
        "hubbub models --kind channel.",
        rich_help_panel=_MESSAGE,
    ),
]
Image = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="A picture of the message: PNG, JPEG, GIF or WebP, at most 512 KiB.",
        rich_help_panel=_MESSAGE,
    ),
]  # fmt: skip
Alt = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="Alt text of that picture, read wherever it is not seen.",
        rich_help_panel=_MESSAGE,
    ),
]  # fmt: skip

# When it ends, and what is written

Ticks = Annotated[
    int | None, typer.Option(help="Ticks to run; default: until quiet, at most 1000.")
]
Quiet = Annotated[bool, typer.Option("--until-quiet", help="End when nothing is spreading.")]
Json = Annotated[bool, typer.Option("--json", help="Print all results as JSON.")]
Csv = Annotated[
    bool,
    typer.Option(
        "--csv",
        help="Print one CSV row per tick and replicate. r is that of complete "
        "cohorts: empty where nobody adopted, and from the first that is still spreading; seeds_r, "
        "in the first row, is that of the seeds.",
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
        help="Write the world's metrics, one row per tick, to .csv or .jsonl.",
        rich_help_panel=_KEPT,
    ),
]

# Replicates

Replicates = Annotated[
    int | None,
    typer.Option(help="Number of replicates (different random draws); --csv has each tick of all."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, help="Replicates run at once; default: one per core.", rich_help_panel=_MANY
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        help="Backend: loky (default), threading, or a cluster: ray, dask.", rich_help_panel=_MANY
    ),
]
Into = Annotated[
    Path | None,
    typer.Option(
        help="Keep each replicate in this file as soon as it is finished.", rich_help_panel=_MANY
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Resume from that file: only what is missing is run.",
        rich_help_panel=_MANY,
    ),
]  # fmt: skip

# The world

Seed = Annotated[int | None, typer.Option(help="Random seed: the same seed, the same run.")]
Host = Annotated[
    str,
    typer.Option(
        help="Open a platform where the world has none; its recommender: blend, ...",
        rich_help_panel=_WORLD,
    ),
]
Manifest = Annotated[
    Path | None,
    typer.Option(
        help="Write all that hubbub replay --decide FILE needs to repeat it.",
        rich_help_panel=_KEPT,
    ),
]
Variant = Annotated[
    str, typer.Option(help="Which variant of the scenario to use.", rich_help_panel=_WORLD)
]
Members = Annotated[
    str,
    typer.Option(
        "--metrics-of", metavar="WHO",
        help="Also write metrics of single members, beside --metrics: top:5:degree, ids:3,9, ...",
        rich_help_panel=_KEPT,
    ),
]  # fmt: skip
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Overwrite a file that holds another world, or later ticks of this one; with "
        "--journal: continue where part of a journal cannot be recovered, and set it aside.",
        rich_help_panel=_KEPT,
    ),
]
Journal = Annotated[
    bool,
    typer.Option(
        "--journal/--no-journal",
        help="Keep a journal beside the file, and continue the one there. Without it a run starts "
        "from the file as it was saved, so that the same command gives the same result.",
        rich_help_panel=_KEPT,
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        metavar="30s|500",
        help="With --journal: seconds or ticks between checkpoints; default: the setting.",
        rich_help_panel=_KEPT,
    ),
]

# Minds

Who = Annotated[
    str | None,
    typer.Option(
        "--minds", help="Members that decide by themselves: top:50:pagerank, share:0.001, awake.",
        rich_help_panel=_MINDS,
    ),
]  # fmt: skip
MindName = Annotated[
    str | None,
    typer.Option(
        "--mind",
        help="What decides for them: model, rule, archetype, or model,model=NAME,language=German.",
        rich_help_panel=_MINDS,
    ),
]
Goal = Annotated[
    str | None,
    typer.Option("--goal", help="What those members want, in words.", rich_help_panel=_MINDS),
]
Cap = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        help="Limit of the run's minds, kept with the world: '$0.50', '200 requests', "
        "'50000 tokens', 'none tokens'; may be repeated.",
        rich_help_panel=_MINDS,
    ),
]
Least = Annotated[
    float | None,
    typer.Option(
        "--least-share", min=0, max=1,
        help="Stop when models make less than this share of decisions; default: the setting.",
        rich_help_panel=_MINDS,
    ),
]  # fmt: skip
Offline = Annotated[
    bool,
    typer.Option(
        "--offline", help="Use rules in place of language models.", rich_help_panel=_MINDS
    ),
]


def minds_asked(
    who: str | None, mind: str | None, goal: str | None, offline: bool,
    budget: Sequence[str] = (), least: float | None = None,
) -> MindsRequest | None:  # fmt: skip
    """Return the request for minds; None if there is none."""
    if who is None:
        if mind is not None or goal is not None or budget or least is not None:
            raise InputError("--mind, --goal, --budget and --least-share need --minds WHO.")
        return MindsRequest(offline=True) if offline else None
    bare = MindsRequest(offline=offline, budget=tuple(budget), least=least)
    _ = bare.caps  # raises if a cap is invalid
    if who == AWAKE:
        return bare
    return replace(bare, who=who, mind=mind or "model", goal=goal or "")


def run(
    context: typer.Context, world: AnyWorld,
    inject: Inject = None, seeds: Seeds = None, model: Model = None, parameter: Pairs = None,
    author: Author = None, tags: Tags = None, priority: Priority = 0, draws: Draws = None,
    channel: Channel = None, image: Image = None, alt: Alt = None, ticks: Ticks = None,
    until_quiet: Quiet = False, seed: Seed = None, json: Json = False, csv: Csv = False,
    out: Out = None, save: Save = None, metrics: Series = None, platform: Host = "",
    variant: Variant = "", journal: Journal = False,
    checkpoint: Checkpoint = None, minds: Who = None, mind: MindName = None, goal: Goal = None,
    budget: Cap = None, least_share: Least = None, offline: Offline = False,
    manifest: Manifest = None, force: Force = False, metrics_of: Members = "",
    replicates: Replicates = None, workers: Workers = None, backend: Backend = "",
    into: Into = None, resume: Resume = False,
) -> None:  # fmt: skip
    """Run a world without the screen, and print the command that repeats it.

    The world's file is left unchanged; --save keeps the result, and --journal every tick.

    A whole run can stand in a scenario file, NAME.toml: hubbub scenario from-world writes one from
    what was done to a world; sim/README.md lists every key under "Scenario files".
    """
    prepare(context.obj)
    from sim.cli import running
    from sim.scenario.plan import Stop

    if inject is not None and len(inject) > 1:
        raise InputError(
            f"--inject sends one message, got {len(inject)}; for several write a scenario file "
            "with one [[messages]] each, and run that (hubbub scenario from-world shows how)."
        )
    sent = running.message_of(
        inject[0] if inject else None, tags, parameter or (), seeds=seeds, model=model,
        author=author, priority=priority, draws=draws, channel=channel, image=image, alt=alt,
    )  # fmt: skip
    files = files_of(out or (), (".json", ".csv", ".parquet"))
    outputs = running.Outputs(
        form_of(json=json, csv=csv), files.get(".json"), files.get(".csv"), files.get(".parquet"),
        save, metrics, manifest, force, metrics_of,
    )  # fmt: skip
    members = minds_asked(minds, mind, goal, offline, budget or (), least_share)
    many = running.Replication.asked(
        replicates, workers=workers, backend=backend, into=into, resume=resume
    )
    stop, isolated = Stop(ticks, until_quiet), context.obj.isolated
    if is_scenario(world):
        if journal:
            raise InputError("--journal is for worlds; a scenario always runs from its beginning.")
        if platform:
            raise InputError(
                "A scenario names its recommender under [platform]; leave out --platform."
            )
        request = running.of_scenario(world, sent, stop, outputs, members, seed, variant)
    elif variant:
        raise InputError("--variant is for scenarios; leave it out.")
    else:
        running.refuse_together(journal, checkpoint, isolated)
        request = running.of_world(world, sent, stop, outputs, members, seed, platform)
        if journal:
            place = running.journalled_run(world, save, checkpoint, force=force)
            request = replace(request, journal=place)
    request = replace(request, isolated=isolated, replication=many)
    raise typer.Exit(running.carry_out(request))
