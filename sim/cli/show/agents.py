"""``show WORLD agents``, ``moves`` and ``compatibility``: who lives in a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.arrays import Ids
from sim.cli.program.output import table, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.cli.worlds.open_save import open_world
from sim.core.text import one_line
from sim.runtime.queries.members import in_state
from sim.world.members import activity_records

if TYPE_CHECKING:
    from sim.world.world import World


_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the agents of a world.

    Parameters
    ----------
    world
        A file, a saved name, ``demo`` or ``new:...``.
    where
        A condition; None: everybody.
    moves
        The first and the last tick whose moves of life are shown instead of agents.
    state
        ``MESSAGE:STATE``: only who is in it now.
    """

    world: str
    where: str | None = None
    moves: tuple[int | None, int | None] | None = None
    state: str | None = None


def show_agents(order: Order, shape: Shape) -> None:
    """List agents, or their moves of life.

    Raises
    ------
    HubbubError
        One sentence.
    """
    with watched() as report:
        world = open_world(order.world, report)
        if order.moves is not None:
            facts = _moves(world, order.where, *order.moves)
        else:
            facts = _found(world, _asked(world, order), shape.most)
    answer(shape, facts, _text if order.moves is None else _moves_text)


def _asked(world: World, order: Order) -> Ids:
    """Return whom an order is about."""
    who = world.agents_where(order.where or "")
    if order.state is None:
        return who
    return np.intersect1d(who, in_state(world, order.state))


def show_member(where: str, agent: str, shape: Shape) -> None:
    """Write all that is known of one member.

    Raises
    ------
    HubbubError
        For a world or a member that there is not.
    """
    from sim.cli.show.member import member_facts, member_text

    with watched() as report:
        world = open_world(where, report)
        facts = member_facts(world, world.agents.index(agent))
    answer(shape, facts, lambda found, _: member_text(found))


def _found(world: World, who: Ids, most: int | None) -> Facts:
    cold = world.agents.lore.cold
    hits, asked = cold.hits, cold.asked
    last = activity_records(world).last()
    listed = [_agent(world, int(a)) | {"last_active": int(last[a])} for a in who[: most or _LISTED]]
    told = {"asked": cold.asked - asked, "hits": cold.hits - hits}
    return {"count": int(who.size), "rows": listed, "cold data": told}


def _agent(world: World, agent: int) -> Facts:
    from sim.agents.lifecycle import Lifecycle

    agents = world.agents
    label = int(agents.community[agent])
    return {
        "id": agents.id(agent),
        "name": agents.name(agent),
        "status": Lifecycle(int(agents.status[agent])).name.lower(),
        "activity": round(float(agents.activity[agent]), 3),
        "community": agents.communities[label] if label >= 0 else None,
        "interests": list(agents.vocabulary.names(int(agents.interests[agent]))),
        "biography": one_line(agents.lore.cold.text(agent, "biography"), 200),
    }


def _moves(world: World, where: str | None, first: int | None, last: int | None) -> Facts:
    from sim.agents.lifecycle import Lifecycle

    moves = world.moves(first or 0, last)
    kept = np.ones(moves.tick.size, np.bool_)
    if where:
        kept = np.isin(moves.agent, world.agents_where(where))
    stages = [stage.name.lower() for stage in Lifecycle]
    rows = zip(*(column[kept].tolist() for column in moves), strict=True)
    listed = [
        {"tick": tick, "agent": world.agents.id(who), "from": stages[old], "to": stages[new]}
        for tick, who, old, new in rows
    ]
    return {"count": len(listed), "rows": listed}


def _text(facts: Facts, most: int) -> str:
    rows = [_row(each) for each in facts["rows"][:most]]
    more = facts["count"] - len(rows)
    lines = [f"{facts['count']:,} agents."]
    if rows:
        head = (
            "id",
            "name",
            "status",
            "activity",
            "community",
            "interests",
            "biography",
            "active at",
        )
        lines.append(table([head, *rows]))
    lines += [f"and {more:,} more (--limit)"] if more > 0 else []
    return "\n".join([*lines, *_cold_text(**facts["cold data"])])


def _cold_text(asked: int, hits: int) -> list[str]:
    """Return how often texts and names need not be unpacked; nothing where none was asked for."""
    if not asked:
        return []
    return [f"Names and texts: {asked:,} were looked up, {hits / asked:.0%} were at hand already."]


def _moves_text(facts: Facts, top: int) -> str:
    rows = [(f"{m['tick']:,}", str(m["agent"]), m["from"], m["to"]) for m in facts["rows"]]
    if not rows:
        return "No moves between stages of life are remembered there."
    return table([("tick", "agent", "from", "to"), *rows[-top:]])


def _row(agent: Facts) -> tuple[str, ...]:
    said = {**agent, "interests": ", ".join(agent["interests"])}
    said["biography"] = one_line(agent["biography"], 60)
    return tuple("" if value is None else str(value) for value in said.values())


def show_compatibility(where: str, first: str, second: str, shape: Shape) -> None:
    """Write how well two agents would get on, and why.

    Raises
    ------
    HubbubError
        For a world or an agent that there is not.
    """
    with watched() as report:
        world = open_world(where, report)
        pair = [world.agents.index(each) for each in (first, second)]
        facts = compatibility_facts(world, *pair)
    answer(shape, facts, lambda found, _: _compatibility_text(found))


def compatibility_facts(world: World, first: int, second: int) -> Facts:
    """Return the score of two agents with its parts, before and after they are weighed."""
    from sim.world.compatibility import WEIGHTS

    found = world.compatibility(first, second)
    agents = world.agents
    shared = agents.vocabulary.names(int(agents.interests[first] & agents.interests[second]))
    parts = {
        name: {
            "value": round(float(getattr(found, name)[0]), 4),
            "weight": WEIGHTS[name],
            "adds": round(float(added[0]), 4),
        }
        for name, added in found.parts.items()
    }
    return {
        "agents": [{"id": agents.id(each), "name": agents.name(each)} for each in (first, second)],
        "score": round(float(found.score[0]), 4),
        "parts": parts,
        "shared_interests": list(shared),
        "common_friends": int(found.common[0]),
    }


def _compatibility_text(facts: Facts) -> str:
    one, other = (f"{each['name']} ({each['id']})" for each in facts["agents"])
    why = {
        "interests": ", ".join(facts["shared_interests"]) or "none shared",
        "personality": "1 - mean difference of the five traits",
        "friends": f"{facts['common_friends']:,} members tied to both",
        "communities": "same community, or shared groups",
    }
    rows = [
        (name, f"{part['value']:.3f}", f"x {part['weight']:g}", f"= {part['adds']:.3f}", why[name])
        for name, part in facts["parts"].items()
    ]
    return f"{one} and {other}: {facts['score']:.3f}\n{table(rows)}"
