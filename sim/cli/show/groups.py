"""``show WORLD groups``: the groups of a world, and who is in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.program.output import table, watched
from sim.cli.show.shape import Facts, Shape, answer

if TYPE_CHECKING:
    from sim.world.world import World


def show_groups(where: str, name: str | None, shape: Shape) -> None:
    """Write all groups, or the members of one.

    Raises
    ------
    HubbubError
        For a world or a group that there is not.
    """
    from sim.cli.worlds.open_save import open_world

    with watched() as report:
        world = open_world(where, report)
        names = world.groups.names if name is None else (name,)
        facts = [group_facts(world, each) for each in names]
    if name is None:
        answer(shape, {"rows": facts}, _listed)
    else:
        answer(shape, {**facts[0], "rows": facts[0].pop("members")}, _members)


def group_facts(world: World, name: str) -> Facts:
    """Return a group's size, limit (None: there is none) and members."""
    from sim.network.relations.membership import ENDLESS

    agents, limit = world.agents, world.groups.limit(name)
    members = [{"id": agents.id(k), "name": agents.name(k)} for k in world.groups.members(name)]
    return {
        "name": name,
        "size": len(members),
        "limit": limit if limit < ENDLESS else None,
        "members": members,
    }


def _listed(facts: Facts, most: int) -> str:
    rows = [(each["name"], f"{each['size']:,}", _limit(each)) for each in facts["rows"]]
    if not rows:
        return "There are no groups."
    more = f"\nand {len(rows) - most:,} more (--limit)" if len(rows) > most else ""
    return table([("group", "members", "at most"), *rows[:most]]) + more


def _members(facts: Facts, top: int) -> str:
    rows = [(each["name"], str(each["id"])) for each in facts["rows"][:top]]
    more = facts["size"] - len(rows)
    head = f"{facts['name']}: {facts['size']:,} members, at most {_limit(facts)}"
    shown = [table([("name", "id"), *rows])] if rows else []
    return "\n".join([head, *shown, *([f"and {more:,} more (--limit)"] if more > 0 else [])])


def _limit(facts: Facts) -> str:
    return "any" if facts["limit"] is None else f"{facts['limit']:,}"
