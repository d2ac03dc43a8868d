"""``show WORLD suggestions``: whom a member might follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.cli.program.output import table, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.cli.worlds.open_save import open_world

if TYPE_CHECKING:
    from sim.lab.recommenders import Suggestion
    from sim.world.world import World


_NAMED = 3
_MOST = 10


def show_suggestions(
    where: str, agent: str, by: str, parameters: dict[str, Any], shape: Shape
) -> None:
    """Write whom a member might follow.

    Raises
    ------
    HubbubError
        For a world, a member, a recommender or a parameter that there is not.
    """
    with watched() as report:
        from sim.lab.recommenders import suggested

        world = open_world(where, report)
        who = world.agents.index(agent)
        found = suggested(world, who, by, count=shape.limit or _MOST, **parameters)
    facts = [_facts(world, one) for one in found]
    told = {"agent": world.agents.id(who), "name": world.agents.name(who), "by": by, "rows": facts}
    answer(shape, told, lambda found, _: _text(found))


def _text(facts: Facts) -> str:
    if not facts["rows"]:
        return f"{facts['name']} ({facts['agent']}): {facts['by']} finds nobody within reach."
    return table([("name", "id", "score", "through"), *(_row(one) for one in facts["rows"])])


def _facts(world: World, one: Suggestion) -> dict[str, Any]:
    name = world.agents.name
    return {
        "id": world.agents.id(one.agent),
        "name": name(one.agent),
        "score": one.score,
        "through": [world.agents.id(member) for member in one.through],
        "through_names": [name(member) for member in one.through],
    }


def _row(facts: dict[str, Any]) -> tuple[str, str, str, str]:
    names = facts["through_names"]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    through = ", ".join(names[:_NAMED]) + more if names else "a longer way"
    return facts["name"], str(facts["id"]), f"{facts['score']:.4g}", through
