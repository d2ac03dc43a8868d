"""``show WORLD minds``: who in a world has a mind of its own, what it wants and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.cli.program.output import safe, table, watched
from sim.cli.show.shape import Shape, answer
from sim.core.checks import number_or_word

if TYPE_CHECKING:
    from sim.world.world import World


def show_minds(where: str, agent: str | None, shape: Shape) -> None:
    """Write who has a mind, or what one member wants, plans and remembers.

    Raises
    ------
    HubbubError
        For a world or a member that there is not.
    """
    with watched() as report:
        from sim.cli.worlds.open_save import open_world

        world = open_world(where, report)
    if agent is not None:
        facts = _one(world, int(world.agents.index(_id(agent))))
        answer(shape, facts, lambda found, _: "\n".join(map(safe, _told(found))))
        return
    every = [_one(world, member) for member in _minded(world)]
    answer(shape, {"rows": every}, lambda facts, most: _listed(world, facts["rows"], most))


def _id(agent: str) -> int | str:
    return number_or_word(agent)


def _minded(world: World) -> list[int]:
    return [] if world.platform is None else [int(who) for who in world.platform.minds.members]


def _one(world: World, member: int) -> dict[str, Any]:
    from sim.world.minds.news import OUTCOMES

    facts: dict[str, Any] = {
        "agent": world.agents.id(member),
        "name": world.agents.name(member),
        "mind": "",
    }
    if world.platform is None:
        return facts
    minds = world.platform.minds
    plan = minds.plans.get(member, {})
    outcomes = plan.get("outcomes", [0] * len(OUTCOMES))
    more = "".join(f",{name}={value}" for name, value in minds.options.get(member, {}).items())
    return facts | {
        "mind": minds.kinds.get(member, "") + more,
        "goal": minds.goals.get(member, ""),
        "language": minds.languages.get(member, ""),
        "plan": list(plan.get("steps", ())),
        "outcomes": dict(zip(OUTCOMES, outcomes, strict=True)),
        "memories": [[row[0], row[1]] for row in minds.memories.get(member, ())],
        "letters": [row[3] for row in minds.letters.get(member, ())],
    }


def _listed(world: World, every: list[dict[str, Any]], most: int) -> str:
    from sim.minds.deciding.commands import told

    if not every:
        return "Nobody in this world has a mind of its own."
    rows = [("agent", "name", "mind", "wants", "writes in", "plan", "memories")]
    for one in every[:most]:
        row = [one["agent"], one["name"], one["mind"], one["goal"], one["language"]]
        row += [" / ".join(one["plan"]), len(one["memories"])]
        rows.append(tuple(safe(_short(str(cell))) for cell in row))  # type: ignore[arg-type]
    more = len(every) - most
    note = f"\nand {more:,} more (--limit)" if more > 0 else ""
    return f"{safe(told(world))}\n\n{table(rows)}{note}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _told(one: dict[str, Any]) -> list[str]:
    if not one["mind"]:
        return [f"{one['name']} has no mind of its own; it goes by the rules."]
    lines = [f"{one['name']}, agent {one['agent']}: {one['mind']}."]
    lines += [f"Wants: {one['goal']}"] if one["goal"] else []
    lines += [f"Writes in {one['language']}."] if one["language"] else []
    lines += [f"Plan, step {number}: {step}" for number, step in enumerate(one["plan"], 1)]
    if one["plan"]:
        lines.append(", ".join(f"{name} {many}" for name, many in one["outcomes"].items()))
    lines += [f"Letter, not answered: {text}" for text in one["letters"]]
    lines += [f"Remembers, hour {hour:g}: {text}" for hour, text in one["memories"]]
    return lines
