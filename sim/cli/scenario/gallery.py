"""``hubbub scenario``: the gallery, descriptions, and variants side by side, as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.cli.program.output import as_json, safe, say, table, tell, watched
from sim.cli.worlds.open_save import AUTHOR, open_world
from sim.core.progress import quiet
from sim.scenario.gallery import PREFIX, gallery_names, is_scenario, open_scenario

if TYPE_CHECKING:
    from sim.scenario.plan import RunPlan
    from sim.scenario.spec import Scenario
    from sim.world.world import World


def show_gallery(name: str | None, *, json: bool) -> None:
    """List the gallery, or tell what one of its scenarios asks, shows and rests on.

    Raises
    ------
    UnknownNameError
        For a scenario that there is not.
    """
    names = gallery_names() if name is None else (name.removeprefix(PREFIX),)
    found = {each: open_scenario(PREFIX + each) for each in names}
    facts = [
        {"name": each, **scenario.about.model_dump(), "variants": list(scenario.variants)}
        for each, scenario in found.items()
    ]
    if json:
        say(as_json(facts if name is None else facts[0]))
    elif name is None:
        rows = [(each, s.about.title, ", ".join(s.variants)) for each, s in found.items()]
        say(table([("name", "what it shows", "variants"), *rows]))
        say("\nhubbub run gallery:NAME runs one; hubbub scenario variants gallery:NAME all of its.")
    else:
        say(_told(names[0], found[names[0]]))


def _told(name: str, scenario: Scenario) -> str:
    about = scenario.about
    lines = [about.title, "", f"asks      {about.question}", f"shows     {about.sees}"]
    lines += [f"expects   {line}" for line in about.expect]
    lines += [f"source    {about.source}", f"variants  {', '.join(scenario.variants) or 'none'}"]
    return "\n".join([*lines, "", f"hubbub scenario variants {PREFIX}{name}"])


def show_variants(
    where: str,
    *,
    vary: Sequence[str] = (),
    seed: int | None = None,
    ticks: int | None = None,
    agents: int | None = None,
    json: bool = False,
) -> int:
    """Show a scenario's variants side by side; returns 0."""
    from sim.scenario.variants import compare_variants

    with watched() as report:
        found = compare_variants(
            where, vary=vary, seed=seed, ticks=ticks, agents=agents, report=report,
            author=AUTHOR, run=_run,
            make=lambda scenario, used: scenario.world(quiet, used, tell=tell, author=AUTHOR),
        )  # fmt: skip
    if json:
        variants = {
            name: dict(zip(found.measures, values, strict=True))
            for name, values in found.variants.items()
        }
        say(as_json({"variants": variants, "expected": found.seen}))
        return 0
    rows = [
        (safe(name), *(f"{value:.4g}" for value in values))
        for name, values in found.variants.items()
    ]
    say(table([("variant", *found.measures), *rows]))
    for line, is_seen in found.seen.items():
        say(f"{'seen' if is_seen else 'NOT SEEN'}: {line}")
    return 0


def _run(plan: RunPlan, world: World) -> None:
    """Run a variant as ``hubbub run`` does, and say what failed."""
    from sim.cli.runs.results import tell_failed
    from sim.cli.runs.thread import run_here

    run_here(world, plan, None, None, quiet)
    tell_failed(world)


def show_description(what: str, variant: str = "") -> None:
    """Print the description of a scenario, or of a world.

    Raises
    ------
    HubbubError
        One sentence for what cannot be read.
    """
    from sim.scenario.odd import described, described_world

    if is_scenario(what):
        say(described(open_scenario(what, variant)))
        return
    with watched() as report:
        world = open_world(what, report)
    say(described_world(what, world))
