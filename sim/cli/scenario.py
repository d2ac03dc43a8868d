"""``hubbub scenario``: the gallery, descriptions, variants, and worlds as scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.help import VerbApp
from sim.cli.output import Json, SavedName, as_json, safe, say, table, tell
from sim.cli.start import prepare
from sim.cli.watch import watched
from sim.cli.worlds import AUTHOR, open_world
from sim.core.progress import quiet
from sim.scenario.gallery import PREFIX, gallery_names, is_scenario, open_scenario

if TYPE_CHECKING:
    from sim.scenario.plan import RunPlan
    from sim.world.world import World


scenarios = VerbApp("Scenario files: those that come with Hubbub, and yours.")


@scenarios.command("list")
def list_scenarios(context: typer.Context, json: Json = False) -> None:
    """List the scenarios that come with Hubbub."""
    prepare(context.obj)
    found = {name: open_scenario(PREFIX + name) for name in gallery_names()}
    if json:
        say(as_json([_facts(name) for name in found]))
        return
    rows = [(name, one.about.title, ", ".join(one.variants)) for name, one in found.items()]
    say(table([("name", "what it shows", "variants"), *rows]))
    say("\nTo run one: hubbub run gallery:NAME; all its variants: hubbub scenario variants NAME.")


@scenarios.command("show")
def show_scenario(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A scenario that comes with Hubbub.")],
    json: Json = False,
) -> None:
    """Show what a scenario asks, what to expect, and its source."""
    prepare(context.obj)
    name = name.removeprefix(PREFIX)
    facts = _facts(name)
    if json:
        say(as_json(facts))
        return
    lines = [facts["title"], "", f"asks      {facts['question']}", f"shows     {facts['sees']}"]
    lines += [f"expects   {line}" for line in facts["expect"]]
    lines += [f"source    {facts['source']}"]
    lines += [f"variants  {', '.join(facts['variants']) or 'none'}"]
    say("\n".join([*lines, "", f"hubbub scenario variants {PREFIX}{name}"]))


def _facts(name: str) -> dict[str, Any]:
    scenario = open_scenario(PREFIX + name)
    return {"name": name, **scenario.about.model_dump(), "variants": list(scenario.variants)}


@scenarios.command("variants")
def run_variants(
    context: typer.Context,
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="scenario.toml or gallery:NAME.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(help="SECTION.KEY=A,B,C in place of the file's variants; may be repeated."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed of all.")] = None,
    ticks: Annotated[
        int | None, typer.Option(help="Ticks to run; default: as the file says.")
    ] = None,
    agents: Annotated[
        int | None, typer.Option(help="Number of members; default: as the file says.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a scenario's variants from one seed, and show the results side by side."""
    prepare(context.obj)
    from sim.cli.results import tell_failed
    from sim.cli.running import run_here
    from sim.scenario.variants import compare_variants

    def run(plan: RunPlan, world: World) -> None:
        run_here(world, plan, None, None, quiet)
        tell_failed(world)

    with watched() as report:
        found = compare_variants(
            scenario, vary=tuple(vary or ()), seed=seed, ticks=ticks, agents=agents,
            report=report, author=AUTHOR, run=run,
            make=lambda one, used: one.world(quiet, used, tell=tell, author=AUTHOR),
        )  # fmt: skip
    variants = found.variants.items()
    if json:
        facts = {name: dict(zip(found.measures, row, strict=True)) for name, row in variants}
        say(as_json({"variants": facts, "expected": found.seen}))
        return
    rows = [(safe(name), *(f"{value:.4g}" for value in values)) for name, values in variants]
    say(table([("variant", *found.measures), *rows]))
    for line, is_seen in found.seen.items():
        say(f"{'seen' if is_seen else 'NOT SEEN'}: {line}")


@scenarios.command("describe")
def describe_scenario(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="scenario.toml, gallery:NAME, or a world.")
    ],
    variant: Annotated[str, typer.Option(help="Which variant of the scenario to use.")] = "",
) -> None:
    """Describe a scenario or a world by the ODD protocol, from its keys and its models' cards."""
    prepare(context.obj)
    from sim.scenario.odd import described, described_world

    if is_scenario(what):
        say(described(open_scenario(what, variant)))
        return
    with watched() as report:
        world = open_world(what, report)
    say(described_world(what, world))


@scenarios.command("from-world")
def scenario_from_world(
    context: typer.Context,
    world: SavedName,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: print it.")
    ] = None,
) -> None:
    """Write what was done to a world as a scenario that hubbub run repeats."""
    prepare(context.obj)
    from sim.cli.audit import write_script

    raise typer.Exit(write_script(world, out))
