"""Describe a scenario or a world by the ODD protocol (Grimm et al., JASSS 23 (2), 2020).

Overview, design concepts, details: all text comes from the scenario's keys, the phases of a
tick, and the cards of the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sim.core.cards import card_of
from sim.core.registry import make
from sim.core.text import one_line, plural
from sim.platform.opening import phases_of
from sim.settings.settings import current
from sim.world.interventions.kinds import OPENS

if TYPE_CHECKING:
    from sim.core.params import Parameters
    from sim.scenario.spec import Scenario
    from sim.world.world import World


_ENTITIES = (
    "Agents: personality (five traits in [0, 1]), interests (tags), activity (share of ticks "
    "online), community, status: active members alone wake, hear and speak; destroyed ones have "
    "no ties.",
    "Ties: directed; who hears whom, each with trust in [0, 1] and a kind.",
    "Messages: text, tags, author, seeds; for each a propagation model and the state of every "
    "agent towards it.",
)
_ON_PLATFORM = (
    "Posts: author, topic, appeal, likes, shares, replies, reports, flags.",
    "Members also have a ring of what they shared last, a memory of what they saw, a chronotype.",
)
_DRAWS = (
    "Every draw has an address (seed, purpose, tick, agents): the same seed makes the same run, "
    "bit for bit, on any number of threads."
)


def described(scenario: Scenario) -> str:
    """Return the ODD description of a scenario, in Markdown."""
    about, setup = scenario.about, scenario.setup
    name = about.title or scenario.called or scenario.path.stem
    lives = setup.settings is not None or (
        scenario.minds is not None
        or any(planned.do == OPENS for planned in scenario.setup.interventions)
    )
    purpose = [about.question, about.sees and f"Expected: {about.sees}",
               about.source and f"Source: {about.source}"]  # fmt: skip
    minutes = scenario.population.tick_minutes
    return _page(
        name,
        [line for line in purpose if line] or ["The file does not say."],
        lives,
        f"One tick is {minutes:g} simulated minutes. {_length(scenario)}",
        _beginning(scenario),
        _events(scenario),
        [_key_line(f"network {key}", value) for key, value in _said(scenario.network).items()],
        _submodels(
            plugins_of(scenario), None if setup.settings is None else setup.settings.values()
        ),
    )


def plugins_of(scenario: Scenario) -> list[Parameters]:
    """Return the models, recommenders and policies of a scenario, with its parameters."""
    setup = scenario.setup
    models = [make(message.model or _usual(), "propagation", **message.parameters)
              for message in scenario.messages]  # fmt: skip
    found = []
    for planned in scenario.setup.interventions:
        said = planned.said
        for key, kind in (
            ("model", "propagation"), ("recommender", "recommender"), ("policy", "policy"),
        ):  # fmt: skip
            if said.get(key):
                own = {} if planned.do == OPENS and kind == "policy" else said.get("parameters", {})
                found.append(make(said[key], kind, **own))
    plugins: list[Parameters] = [*models, *found]
    if setup.settings is not None:
        plugins += [make(setup.recommender, "recommender", **setup.parameters)]
        plugins += [make(setup.policy, "policy", **setup.policy_parameters)]
    return plugins


def described_world(where: str, world: World) -> str:
    """Return the ODD description of a world, in Markdown; ``where`` is its name."""
    plugins: list[Parameters] = [cascade.model for cascade in world.cascades]
    settings = None
    if world.platform is not None:
        plugins += [*world.platform.recommenders, *world.platform.policies]
        settings = world.platform.settings.values()
    begun = world.trail.acts[0]
    return _page(
        where,
        ["A saved world; its purpose stands in no file."],
        world.platform is not None,
        f"One tick is {world.tick_minutes:g} simulated minutes; {world.tick:,} have been run.",
        [f"{begun.kind}: {begun.result or one_line(begun.said, 200)}",
         f"seed {world.seed}, {len(world.agents):,} agents, {plural(world.ties.count, 'tie')}"],
        [str(planned) for planned in world.interventions] or ["None."],
        ["None beside the network, if it was imported."],
        _submodels(plugins, settings),
    )  # fmt: skip


def _page(
    name: str,
    purpose: Sequence[str],
    lives: bool,
    scale: str,
    start: Sequence[str],
    events: Sequence[str],
    inputs: Sequence[str],
    submodels: Sequence[str],
) -> str:
    entities = [*_ENTITIES, *(_ON_PLATFORM if lives else ())]
    parts: list[tuple[str, Iterable[str]]] = [
        ("1. Purpose and patterns", purpose),
        ("2. Entities, state variables, scales", [*entities, scale]),
        ("3. Process overview and scheduling", _schedule(lives)),
        ("4. Design concepts", _concepts(lives)),
        ("5. Initialisation", start),
        ("6. Input data and interventions", [*inputs, *events]),
        ("7. Submodels", submodels),
    ]
    text = [f"# {name}: ODD description\n"]
    for heading, lines in parts:
        text.append(f"## {heading}\n")
        text.append("\n".join(line if line.startswith("#") else f"- {line}" for line in lines))
        text.append("")
    return "\n".join(text).rstrip()


def _schedule(lives: bool) -> list[str]:
    phases = phases_of(platform=lives, metrics=True)
    return [
        "Between two ticks: interventions that are due, in the order planned.",
        *(f"{phase.name}: {phase.says}" for phase in phases),
    ]


def _concepts(lives: bool) -> list[str]:
    found = [
        "Emergence: how far, how fast and among whom messages spread, and what members come to "
        "think, follow from single contacts.",
        f"Stochasticity: {_DRAWS}",
        "Interaction: along ties only, unless a model or a recommender says otherwise.",
        "Observation: states and adoptions of every message in each tick; metrics of the world.",
    ]
    if lives:
        found.insert(1, "Sensing: members see what their recommender shows them, and its likes "
                        "through it alone; of the last 24 or so messages none again.")  # fmt: skip
        found.insert(2, "Adaptation: members follow, mute and share by what they were shown.")
    return found


def _beginning(scenario: Scenario) -> list[str]:
    said = [f"population: {scenario.population.tick_minutes:g} minutes a tick"]
    for message in scenario.messages:
        when = f"tick {message.at}" if message.at else "the start"
        said.append(
            f"At {when}, {one_line(message.text)!r} is held by {message.seeds} under "
            f"{message.model or _usual()}."
        )
    return said


def _events(scenario: Scenario) -> list[str]:
    found = []
    for planned in scenario.setup.interventions:
        when = f"at tick {planned.at}" if planned.at is not None else f"when {planned.when}"
        keys = ", ".join(f"{key} = {value!r}" for key, value in planned.said.items())
        found.append(f"Intervention {when}: {planned.do}" + (f" ({keys})" if keys else ""))
    found += [f"Command at tick {c.at}: {c.agents} {c.do} {c.others}" for c in scenario.commands]
    if (minds := scenario.minds) is not None:
        want = f", who want: {minds.goal}" if minds.goal else ""
        found.append(f"Minds: {minds.members} by {minds.mind}{want}.")
    return found or ["No interventions."]


def _length(scenario: Scenario) -> str:
    ticks = scenario.stop.ticks
    end = "until nothing can happen" if ticks is None else plural(ticks, "tick")
    return f"The run takes {end}{' at most' if ticks and scenario.stop.until_quiet else ''}."


def _submodels(plugins: Iterable[Parameters], settings: dict[str, Any] | None) -> list[str]:
    """Return each plugin once: its name, its source, its rule, its parameters here."""
    found: list[str] = []
    if settings is not None:
        found += ["### platform", *(_key_line(key, value) for key, value in settings.items())]
    known = set()
    for plugin in plugins:
        values = plugin.values()
        key = (plugin.plugin_name, str(values))
        if key in known:
            continue
        known.add(key)
        found.append(f"### {plugin.plugin_name}")
        found.append(one_line((type(plugin).__doc__ or "").strip().partition("\n")[0]))
        card = card_of(type(plugin))
        found += [f"source: {one_line(card.source)}"] if card.source else []
        found += [f"state {name}: {one_line(says)}" for name, says in card.meaning.items()]
        found += [f"rule: {one_line(line)}" for line in card.equations]
        for label in ("update", "comparison", "ties", "direction", "time_unit"):
            stated = getattr(card, label)
            found += [f"{label.replace('_', ' ')}: {one_line(stated)}"] if stated else []
        found += [_key_line(name, value) for name, value in values.items()]
    return found or ["None: no message was sent."]


def _said(section: Any) -> dict[str, Any]:
    """Return the keys that were set in the file."""
    return {key: getattr(section, key) for key in sorted(section.model_fields_set)}


def _key_line(key: str, value: object, behind: str = "") -> str:
    return f"{key}: {value if value != '' else 'none'}{behind}"


def _usual() -> str:
    return current().model
