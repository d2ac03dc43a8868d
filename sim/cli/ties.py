"""``show WORLD ties``, ``pair``, ``path``, ``suggestions`` and ``network``: who follows whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sim.cli.output import Facts, OutputFormat, answer, table
from sim.cli.watch import watched
from sim.cli.worlds import open_world, opened
from sim.core.progress import Report
from sim.core.text import plural
from sim.lab.recommenders import suggested
from sim.network import induced, network_report, report_text
from sim.network.analysis.analysis import shortest_path
from sim.network.graph.changes import ACTS
from sim.runtime.queries.pairs import pair_of
from sim.world.ties import NEIGHBOURS, TYPED

if TYPE_CHECKING:
    from sim.world.world import World


_KINDS = ("follow", "friend")


def show_ties(
    where: str, agent: str, kind: str | None, shape: OutputFormat, relation: str | None = None
) -> None:
    """Print the ties of one member."""
    world = opened(where)
    facts = tie_facts(world, world.agents.index(agent), kind, relation)
    rows = [{"tie": name, **each} for name, ties in facts["ties"].items() for each in ties]
    flat = {name: value for name, value in facts.items() if name != "ties"} | {"rows": rows}
    answer(shape, flat, lambda _, most: _ties_text(facts, most))


def show_changes(where: str, agent: str, shape: OutputFormat) -> None:
    """Print the recorded changes of a member's ties."""
    world = opened(where)
    who, ids = world.agents.index(agent), world.agents.id
    rows = [
        {"tick": tick, "who": ids(one), "act": ACTS[act], "whom": ids(other)}
        for tick, act, one, other in zip(
            *(column.tolist() for column in world.tie_history(who)), strict=True
        )
    ]
    answer(shape, _member(world, who) | {"rows": rows}, _changes_text)


def show_around(where: str, agent: str, radius: int, shape: OutputFormat) -> None:
    """Print the members within some steps of a member, and how they are tied."""
    world = opened(where)
    answer(shape, around_facts(world, world.agents.index(agent), radius), _around_text)


def around_facts(world: World, agent: int, radius: int) -> Facts:
    """Return the network within a number of steps of an agent, at most 10,000 members."""
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
    ties = plural(len(facts["ties"]), "tie")
    said = f"Around {facts['name']} ({facts['id']}): {counts} steps; {ties}."
    rows = [(m["name"], str(m["id"]), str(m["steps"])) for m in facts["rows"][:top]]
    return f"{said}{more}\n{table([('name', 'id', 'steps'), *rows])}"


def show_pair(where: str, agent: str, other: str, shape: OutputFormat) -> None:
    """Print what is known between two members."""
    world = opened(where)
    found = pair_of(world, world.agents.index(agent), world.agents.index(other))
    answer(shape, asdict(found), lambda _, most: found.told(most))


def show_path(where: str, start: str, goal: str, shape: OutputFormat) -> None:
    """Print a shortest path of a message between two members."""
    world = opened(where)
    facts = path_facts(world, world.agents.index(start), world.agents.index(goal))
    answer(shape, facts, lambda found, _: _path_text(found))


def tie_facts(world: World, agent: int, kind: str | None, relation: str | None = None) -> Facts:
    """Return the ties of an agent by kind, with trust if there is a tie."""
    every = NEIGHBOURS if relation is None else TYPED
    kinds = every if kind is None else (kind,)
    found = {name: _others(world, agent, name, relation) for name in kinds}
    groups = [world.groups.names[number] for number in world.groups.of(agent)]
    return _member(world, agent) | {"ties": found, "groups": groups}


def path_facts(world: World, start: int, goal: int) -> Facts:
    """Return a shortest path of a message; if there is none, ``steps`` is None, ``rows`` empty."""
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
    heading = ["tick", "who", "act", "whom"]
    return table([heading, *rows]) if rows else "No tie changes on record."


def _trust(member: Facts) -> str:
    value = member.get("trust")
    return "" if value is None else f"{value:.2f}"


def _properties(member: Facts) -> str:
    return ", ".join(f"{name}={value}" for name, value in member.get("properties", {}).items())


def _path_text(facts: Facts) -> str:
    if facts["steps"] is None:
        return f"No path from {facts['from']['name']} to {facts['to']['name']}."
    names = " -> ".join(f"{one['name']} ({one['id']})" for one in facts["rows"])
    return f"{plural(facts['steps'], 'step')}: {names}"


_NAMED = 3
_MOST = 10


def show_suggestions(
    where: str, agent: str, by: str, parameters: dict[str, Any], shape: OutputFormat
) -> None:
    """Print suggestions of members to follow."""
    world = opened(where)
    who, ids, name = world.agents.index(agent), world.agents.id, world.agents.name
    rows = [
        {
            "id": ids(one.agent),
            "name": name(one.agent),
            "score": one.score,
            "through": [ids(member) for member in one.through],
            "through_names": [name(member) for member in one.through],
        }
        for one in suggested(world, who, by, count=shape.limit or _MOST, **parameters)
    ]
    facts = {"agent": ids(who), "name": name(who), "by": by, "rows": rows}
    answer(shape, facts, lambda found, _: _text(found))


def _text(facts: Facts) -> str:
    if not facts["rows"]:
        return f"{facts['name']} ({facts['agent']}): {facts['by']} has no suggestions."
    return table([("name", "id", "score", "through"), *(_row(one) for one in facts["rows"])])


def _row(facts: dict[str, Any]) -> tuple[str, str, str, str]:
    names = facts["through_names"]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    through = ", ".join(names[:_NAMED]) + more if names else "a longer path"
    return facts["name"], str(facts["id"]), f"{facts['score']:.4g}", through


_BAR = 40


def show_network(where: str, condition: str | None, shape: OutputFormat) -> None:
    """Measure a network, or the ties between the members of a condition."""
    with watched() as report:
        world = open_world(where, report)
        facts = network_facts(world, report, condition)
    answer(shape, facts, lambda found, _: network_text(found))


def network_facts(world: World, report: Report, where: str | None = None) -> Facts:
    """Measure the network of a world."""
    ties, who = world.ties, None
    if where is not None:
        ties, who = induced(ties, world.agents_where(where))
    facts = network_report(ties, seed=world.seed, report=report).as_dict()
    for member in facts["influential"]:
        member["agent"] = member["agent"] if who is None else int(who[member["agent"]])
        member["id"] = world.agents.id(member["agent"])
        member["name"] = world.agents.name(member["agent"])
    return facts


def network_text(facts: Facts) -> str:
    """Return the facts as text, with the distribution of followers."""
    return f"{report_text(facts)}\n\n{_distribution(facts['listeners']['bins'])}"


def _distribution(bins: Sequence[tuple[int, int, int]]) -> str:
    """Return the number of agents per number of listeners, with bars."""
    most = max((agents for _, _, agents in bins), default=1)
    rows = [
        (_span(low, high - 1), f"{agents:,}", "#" * round(_BAR * agents / most))
        for low, high, agents in bins
    ]
    return table([("followers", "members", ""), *rows])


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
