"""``show WORLD ties``, ``pair`` and ``path``: who is tied to one member, and how far another is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.program.output import table, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.cli.worlds.open_save import open_world

if TYPE_CHECKING:
    from sim.runtime.queries.pairs import Pair
    from sim.world.world import World


_KINDS = ("follow", "friend")


def show_ties(
    where: str, agent: str, kind: str | None, shape: Shape, relation: str | None = None
) -> None:
    """Write the ties of one member.

    Raises
    ------
    HubbubError
        For a world, a member or a kind that there is not.
    """
    with watched() as report:
        world = open_world(where, report)
        facts = tie_facts(world, world.agents.index(agent), kind, relation)
    rows = [{"tie": name, **each} for name, found in facts["ties"].items() for each in found]
    told = {name: value for name, value in facts.items() if name != "ties"} | {"rows": rows}
    answer(shape, told, lambda _, most: _ties_text(facts, most))


def show_changes(where: str, agent: str, shape: Shape) -> None:
    """Write what is remembered of changes of a member's ties; as :func:`show_ties`."""
    with watched() as report:
        world = open_world(where, report)
        who = world.agents.index(agent)
        facts = _member(world, who) | {"rows": _history(world, who)}
    answer(shape, facts, _changes_text)


def show_around(where: str, agent: str, radius: int, shape: Shape) -> None:
    """Write who is within some steps of a member, and how they are tied; as :func:`show_ties`."""
    with watched() as report:
        world = open_world(where, report)
        facts = around_facts(world, world.agents.index(agent), radius)
    answer(shape, facts, _around_text)


def around_facts(world: World, agent: int, radius: int) -> Facts:
    """Return the part of the network within so many steps of an agent, at most 10,000 members."""
    found = world.subgraph(agent, radius)
    ids = world.agents.id
    ties = zip(found.sources.tolist(), found.targets.tolist(), strict=True)
    members = [
        _member(world, int(one)) | {"steps": int(steps)}
        for one, steps in zip(found.agents, found.steps, strict=True)
    ]
    members.sort(key=lambda member: member["steps"])
    return _member(world, agent) | {
        "radius": radius,
        "rows": members,
        "ties": [{"from": ids(one), "to": ids(other)} for one, other in ties],
        "is_cut": bool(found.is_cut),
    }


def _around_text(facts: Facts, top: int) -> str:
    steps = [member["steps"] for member in facts["rows"]]
    counts = ", ".join(f"{steps.count(k):,} at {k}" for k in range(1, facts["radius"] + 1))
    more = " Only the nearest 10,000 are shown." if facts["is_cut"] else ""
    said = f"Around {facts['name']} ({facts['id']}): {counts} steps; {len(facts['ties']):,} ties."
    rows = [(m["name"], str(m["id"]), str(m["steps"])) for m in facts["rows"][:top]]
    return f"{said}{more}\n{table([('name', 'id', 'steps'), *rows])}"


def show_pair(where: str, agent: str, other: str, shape: Shape) -> None:
    """Write what is between two members; as :func:`show_ties`."""
    from dataclasses import asdict

    from sim.runtime.queries.pairs import pair_of

    with watched() as report:
        world = open_world(where, report)
        found = pair_of(world, world.agents.index(agent), world.agents.index(other))
    answer(shape, asdict(found), lambda _, most: _pair_text(found, most))


def _pair_text(pair: Pair, top: int) -> str:
    lines = list(pair.ties) or [f"Nothing ties {pair.names[0]} and {pair.names[1]}."]
    lines.append(
        f"How well they would get on: {pair.score:.3f} of 1 (hubbub show WORLD compatibility)."
    )
    acts = [
        (f"{tick:,}", who, act, "" if message < 0 else str(message))
        for tick, who, act, message in pair.acts
    ]
    changes = [(f"{tick:,}", who, act, "") for tick, who, act in pair.changes]
    for title, rows in (("acts", acts), ("changes of ties", changes)):
        if rows:
            lines += ["", table([("tick", title, "did", "message"), *rows[:top]])]
            lines += [f"and {len(rows) - top:,} more (--limit)"] if len(rows) > top else []
    return "\n".join(lines)


def show_path(where: str, start: str, goal: str, shape: Shape) -> None:
    """Write a shortest way between two members; as :func:`show_ties`."""
    with watched() as report:
        world = open_world(where, report)
        facts = path_facts(world, world.agents.index(start), world.agents.index(goal))
    answer(shape, facts, lambda found, _: _path_text(found))


def tie_facts(world: World, agent: int, kind: str | None, relation: str | None = None) -> Facts:
    """Return the ties of an agent by kind, with trust where there is a tie to trust.

    Ties that came with a type or properties have these too.

    Parameters
    ----------
    world
        Left as it is.
    agent
        An index.
    kind
        One of :data:`~sim.world.ties.NEIGHBOURS`, or None for all.
    relation
        Only ties of this type; None: all.
    """
    from sim.world.ties import NEIGHBOURS, TYPED

    every = NEIGHBOURS if relation is None else TYPED
    kinds = every if kind is None else (kind,)
    found = {name: _others(world, agent, name, relation) for name in kinds}
    groups = [world.groups.names[number] for number in world.groups.of(agent)]
    return _member(world, agent) | {"ties": found, "groups": groups}


def path_facts(world: World, start: int, goal: int) -> Facts:
    """Return a shortest way of a message: ``steps`` None and no ``rows`` where there is none."""
    from sim.network.analysis.analysis import shortest_path

    found = shortest_path(world.ties, start, goal)
    members = [_member(world, int(agent)) for agent in found or ()]
    return {
        "from": _member(world, start),
        "to": _member(world, goal),
        "steps": len(members) - 1 if members else None,
        "rows": members,
    }


def _member(world: World, agent: int) -> Facts:
    return {"id": world.agents.id(agent), "name": world.agents.name(agent)}


def _others(world: World, agent: int, name: str, relation: str | None) -> list[Facts]:
    others = world.neighbours(agent, name, relation)
    members = [_member(world, int(other)) for other in others]
    if name in {"follows", "friends"}:
        at = world.ties.find(others, agent)
        records = world.tie_records.places(others, agent)
    elif name == "followers":
        at = world.ties.find(agent, others)
        records = world.tie_records.places(agent, others)
    else:
        return members
    live = world.ties.live
    for member, place, record in zip(members, at.tolist(), records.tolist(), strict=True):
        if record >= 0:
            told = world.tie_records[record]
            member |= {"type": told.type or None, "properties": dict(told.properties)}
        member["trust"] = 1.0
        if place < 0:
            member["trust"], member["kind"] = None, "suspended by a mute"
            continue
        if live.trust.size:
            member["trust"] = round(int(live.trust[place]) / 65535, 4)
        member["kind"] = _KINDS[int(live.kind[place])] if live.kind.size else _KINDS[0]
    return members


def _history(world: World, agent: int) -> list[Facts]:
    from sim.network.graph.changes import ACTS

    told = world.tie_history(agent)
    rows = zip(*(column.tolist() for column in told), strict=True)
    return [
        {
            "tick": tick,
            "who": world.agents.id(who),
            "act": ACTS[act],
            "whom": world.agents.id(whom),
        }
        for tick, act, who, whom in rows
    ]


def _ties_text(facts: Facts, top: int) -> str:
    parts = [f"{facts['name']} ({facts['id']})"]
    shown = {name: members for name, members in facts["ties"].items() if members}
    for name, members in (shown or facts["ties"]).items():
        heading = [f"{name} {len(members):,}", "id", "trust", "kind"]
        rows = [[m["name"], str(m["id"]), _trust(m), str(m.get("kind", ""))] for m in members[:top]]
        if any("type" in member for member in members):
            heading += ["type", "properties"]
            for row, member in zip(rows, members, strict=False):
                row += [member.get("type") or "", _properties(member)]
        rest = [""] * (len(heading) - 1)
        more = [[f"and {len(members) - top:,} more", *rest]] if len(members) > top else []
        parts.append(table([heading, *rows, *more]))
    if facts["groups"]:
        parts.append(f"groups: {', '.join(facts['groups'])}")
    return "\n\n".join(parts)


def _changes_text(facts: Facts, most: int) -> str:
    rows = [
        [f"{row['tick']:,}", str(row["who"]), row["act"], str(row["whom"])]
        for row in facts["rows"][-most:]
    ]
    heading = ["tick", "who", "did", "whom"]
    return table([heading, *rows]) if rows else "No change of ties is remembered."


def _trust(member: Facts) -> str:
    value = member.get("trust")
    return "" if value is None else f"{value:.2f}"


def _properties(member: Facts) -> str:
    return ", ".join(f"{name}={value}" for name, value in member.get("properties", {}).items())


def _path_text(facts: Facts) -> str:
    if facts["steps"] is None:
        return f"Nothing that {facts['from']['name']} says can reach {facts['to']['name']}."
    names = " -> ".join(f"{one['name']} ({one['id']})" for one in facts["rows"])
    return f"{facts['steps']:,} {'step' if facts['steps'] == 1 else 'steps'}: {names}"
