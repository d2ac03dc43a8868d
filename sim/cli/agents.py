"""``show WORLD agents``, ``moves``, ``compatibility``, ``groups``, ``minds``: members."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.character import ARCHETYPES, archetype, credulity, expertise, verification
from sim.agents.languages import LANGUAGES
from sim.agents.lifecycle import Lifecycle
from sim.agents.profiles import TRAITS
from sim.arrays import Ids
from sim.cli.output import Facts, OutputFormat, answer, listed, pairs, safe, table
from sim.cli.worlds import opened
from sim.core.checks import number_or_word
from sim.core.text import clip, one_line, plural
from sim.minds.deciding.commands import told
from sim.network.relations.membership import ENDLESS
from sim.platform.acts.policy_dispatch import ruled_by
from sim.platform.members import SHIFTS
from sim.runtime.queries.members import about, member_of
from sim.world.compatibility import WEIGHTS
from sim.world.members import activity_records, in_state
from sim.world.minds.state import OUTCOMES

if TYPE_CHECKING:
    from sim.platform.acts.policy import Policy
    from sim.platform.feed.recommender import Recommender
    from sim.world.world import World


_LISTED = 10_000


def show_agents(where: str, condition: str | None, state: str | None, shape: OutputFormat) -> None:
    """List the members that match a condition, or are in a given state of a message."""
    world = opened(where)
    who = world.agents_where(condition or "")
    if state is not None:
        who = np.intersect1d(who, in_state(world, state))
    answer(shape, _found(world, who, shape.most), _text)


def show_moves(
    where: str, condition: str | None, first: int | None, last: int | None, shape: OutputFormat
) -> None:
    """List lifecycle transitions of members."""
    answer(shape, _moves(opened(where), condition, first, last), _moves_text)


def show_member(where: str, agent: str, shape: OutputFormat) -> None:
    """Print everything that is known about one member."""
    world = opened(where)
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
    agents = world.agents
    label = int(agents.community[agent])
    return {
        "id": agents.id(agent),
        "name": agents.name(agent),
        "status": Lifecycle(int(agents.status[agent])).name.lower(),
        "activity": round(float(agents.activity[agent]), 3),
        "community": agents.communities[label] if label >= 0 else None,
        "language": [*LANGUAGES][agents.language[agent]],
        "interests": list(agents.vocabulary.names(int(agents.interests[agent]))),
        "biography": one_line(agents.lore.cold.text(agent, "biography"), 200),
    }


def _moves(world: World, where: str | None, first: int | None, last: int | None) -> Facts:
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
    lines = [f"{plural(facts['count'], 'member')}."]
    if rows:
        head = (
            "id", "name", "status", "activity", "community", "language", "interests", "biography",
            "active at",
        )  # fmt: skip
        lines.append(listed(head, rows, facts["count"]))
    cold = facts["cold data"]
    if cold["asked"]:
        share = cold["hits"] / cold["asked"]
        lines.append(f"Names and texts: {cold['asked']:,} looked up, {share:.0%} already loaded.")
    return "\n".join(lines)


def _moves_text(facts: Facts, top: int) -> str:
    rows = [(f"{m['tick']:,}", str(m["agent"]), m["from"], m["to"]) for m in facts["rows"]]
    if not rows:
        return "No lifecycle transitions on record."
    return table([("tick", "agent", "from", "to"), *rows[-top:]])


def _row(agent: Facts) -> tuple[str, ...]:
    said = {**agent, "interests": ", ".join(agent["interests"])}
    said["biography"] = one_line(agent["biography"], 60)
    return tuple("" if value is None else str(value) for value in said.values())


def show_compatibility(where: str, first: str, second: str, shape: OutputFormat) -> None:
    """Print how compatible two members are, and why."""
    world = opened(where)
    facts = compatibility_facts(world, *(world.agents.index(each) for each in (first, second)))
    answer(shape, facts, lambda found, _: _compatibility_text(found))


def compatibility_facts(world: World, first: int, second: int) -> Facts:
    """Return the compatibility score of two agents and its parts, unweighted and weighted."""
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
        "friends": f"{plural(facts['common_friends'], 'member')} tied to both",
        "communities": "same community, or shared groups",
    }
    rows = [
        (name, f"{part['value']:.3f}", f"x {part['weight']:g}", f"= {part['adds']:.3f}", why[name])
        for name, part in facts["parts"].items()
    ]
    return f"{one} and {other}: {facts['score']:.3f}\n{table(rows)}"


_LONGEST = 200


def member_facts(world: World, agent: int) -> Facts:
    """Return a member's profile, the values derived from it, its opinions and its history."""
    agents = world.agents
    label = int(agents.community[agent])
    traits = (agents.personality[agent] / 255.0).tolist()
    facts: Facts = {
        "id": agents.id(agent),
        "name": agents.name(agent),
        "status": Lifecycle(int(agents.status[agent])).name.lower(),
        "archetype": ARCHETYPES[int(archetype(agents)[agent])],
        "activity": round(float(agents.activity[agent]), 3),
        "community": agents.communities[label] if label >= 0 else None,
        "language": [*LANGUAGES.values()][agents.language[agent]],
        "traits": {name: round(value, 3) for name, value in zip(TRAITS, traits, strict=True)},
        "credulity": round(float(credulity(agents)[agent]), 3),
        "verification": round(float(verification(agents)[agent]), 3),
        "interests": _interests(world, agent),
        "opinions": {
            topic: round(float(world.opinions[topic][agent]), 4)
            for topic in world.opinions
            if not math.isnan(world.opinions[topic][agent])
        },
        "groups": [world.groups.names[number] for number in world.groups.of(agent)],
    }
    facts |= _on_platform(world, agent)
    texts = ("biography", "persona")
    facts |= {name: agents.lore.cold.text(agent, name) for name in texts}
    facts["profile"] = agents.lore.cold.get(agent).get("more", {})
    history = world.personal_history(agent)
    facts["history"] = [{"tick": tick, "line": line} for tick, line in history]
    facts["messages"] = _messages(world, agent)
    if world.platform is not None:  # facts of the platform and its groups, for ticks on record
        facts["letters"] = [
            {"tick": tick, "from": agents.id(sender), "text": text}
            for tick, sender, text in world.platform.inbox(agent)
        ]
    return facts


def _messages(world: World, agent: int) -> list[Facts]:
    """Return its state under each of the newest messages, when it adopted it and from whom."""
    member = member_of(about(world, agent))
    adopted = {number: (tick, whence) for number, tick, whence, _ in member.adopted}
    found = []
    for number, state in member.states:
        tick, whence = adopted.get(number, (None, ""))
        source = world.agents.id(int(whence)) if whence else None
        message = world.cascades.find(number)
        text = "" if message is None else message.text
        found.append(
            {"message": number, "state": state, "adopted": tick, "from": source, "text": text}
        )
    return found


def _interests(world: World, agent: int) -> dict[str, float]:
    """Return a member's interests and its expertise in each."""
    names = world.agents.vocabulary.names(int(world.agents.interests[agent]))
    bits = [list(world.agents.vocabulary).index(name) for name in names]
    known = expertise(world.agents, agent, bits).tolist() if bits else []
    return {name: round(value, 3) for name, value in zip(names, known, strict=True)}


def _on_platform(world: World, agent: int) -> Facts:
    platform = world.platform
    if platform is None or agent >= len(platform.members):  # it joins the platform at the next tick
        return {}

    which = platform.recommenders[int(platform.members.recommender[agent])]
    decides = platform.policies[int(ruled_by(platform)[agent])]
    return {
        "hours late": SHIFTS[int(platform.members.chronotype[agent])],
        "mood": round(float(platform.moods[agent]), 3),
        "reputation": round(float(platform.reputation[agent]), 3),
        "recommender": _called(which),
        "policy": _called(decides),
    }


def _called(plugin: Recommender | Policy) -> str:
    """Return a plugin's name; for a missing plugin with a stand-in, the missing one's name."""
    lost = getattr(plugin, "lost", None)
    return f"{lost['name']} (not here)" if lost else plugin.plugin_name or type(plugin).__name__


def member_text(facts: Facts) -> str:
    """Return the facts as text for people."""
    said = {
        name: value
        for name, value in facts.items()
        if name == "id" or (name not in {"history", "letters", "messages"} and value)
    }
    for name in ("traits", "interests", "opinions"):
        if name in said:
            said[name] = ", ".join(f"{one} {value:g}" for one, value in said[name].items())
    said["interests (expertise)"] = said.pop("interests", "none")
    if "profile" in said:
        said["profile"] = "; ".join(f"{name}: {value}" for name, value in said["profile"].items())
    if "groups" in said:
        said["groups"] = ", ".join(said["groups"])
    said = {name: one_line(str(value), _LONGEST) for name, value in said.items()}
    rows = [(f"{line['tick']:,}", line["line"]) for line in facts["history"]]
    parts = [pairs(said), *([table([("tick", "what happened"), *rows])] if rows else [])]
    letters = [
        (f"{one['tick']:,}", str(one["from"]), one_line(one["text"], _LONGEST))
        for one in facts.get("letters", ())
    ]
    stories = [
        (
            f"#{one['message']}",
            one["state"],
            "" if one["adopted"] is None else f"{one['adopted']:,}",
            "" if one["from"] is None else str(one["from"]),
            one_line(one["text"], _LONGEST),
        )
        for one in facts["messages"]
    ]
    heads = ("message", "state now", "adopted at", "from", "text")
    parts += [table([heads, *stories])] if stories else []
    return "\n\n".join(
        [*parts, *([table([("tick", "from", "direct message"), *letters])] if letters else [])]
    )


def show_groups(where: str, name: str | None, shape: OutputFormat) -> None:
    """Print all groups, or the members of one."""
    world = opened(where)
    names = world.groups.names if name is None else (name,)
    facts = [group_facts(world, each) for each in names]
    if name is None:
        answer(shape, {"rows": facts}, _groups_text)
    else:
        answer(shape, {**facts[0], "rows": facts[0].pop("members")}, _group_text)


def group_facts(world: World, name: str) -> Facts:
    """Return a group's size, limit (None: no limit) and members."""
    agents, limit = world.agents, world.groups.limit(name)
    members = [{"id": agents.id(k), "name": agents.name(k)} for k in world.groups.members(name)]
    return {
        "name": name,
        "size": len(members),
        "limit": limit if limit < ENDLESS else None,
        "members": members,
    }


def _groups_text(facts: Facts, most: int) -> str:
    rows = [(each["name"], f"{each['size']:,}", _limit(each)) for each in facts["rows"]]
    return listed(("group", "members", "limit"), rows[:most], len(rows)) if rows else "No groups."


def _group_text(facts: Facts, most: int) -> str:
    rows = [(each["name"], str(each["id"])) for each in facts["rows"][:most]]
    limit = "no limit" if facts["limit"] is None else f"at most {_limit(facts)}"
    head = f"{facts['name']}: {plural(facts['size'], 'member')}, {limit}"
    return f"{head}\n{listed(('name', 'id'), rows, facts['size'])}" if rows else head


def _limit(facts: Facts) -> str:
    return "any" if facts["limit"] is None else f"{facts['limit']:,}"


def show_minds(where: str, agent: str | None, shape: OutputFormat) -> None:
    """Print which members have a mind, or what one member wants, plans and remembers."""
    world = opened(where)
    if agent is not None:
        facts = _one(world, int(world.agents.index(number_or_word(agent))))
        answer(shape, facts, lambda found, _: "\n".join(map(safe, _told(found))))
        return
    minded = () if world.platform is None else world.platform.minds.members
    every = [_one(world, int(member)) for member in minded]
    answer(shape, {"rows": every}, lambda facts, most: _minds_text(world, facts["rows"], most))


def _one(world: World, member: int) -> dict[str, Any]:
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


def _minds_text(world: World, every: list[dict[str, Any]], most: int) -> str:
    if not every:
        return "No member of this world has a mind."
    heading = ("agent", "name", "mind", "goal", "language", "plan", "memories")
    rows = [
        [safe(clip(str(cell), 60)) for cell in (
            one["agent"], one["name"], one["mind"], one["goal"], one["language"],
            " / ".join(one["plan"]), len(one["memories"]),
        )]
        for one in every[:most]
    ]  # fmt: skip
    return f"{safe(told(world))}\n\n{listed(heading, rows, len(every))}"


def _told(one: dict[str, Any]) -> list[str]:
    if not one["mind"]:
        return [f"{one['name']} has no mind; rules decide for it."]
    lines = [f"{one['name']}, agent {one['agent']}: {one['mind']}."]
    lines += [f"Goal: {one['goal']}"] if one["goal"] else []
    lines += [f"Writes in {one['language']}."] if one["language"] else []
    lines += [f"Plan, step {number}: {step}" for number, step in enumerate(one["plan"], 1)]
    if one["plan"]:
        lines.append(", ".join(f"{name} {many}" for name, many in one["outcomes"].items()))
    lines += [f"Unanswered message: {text}" for text in one["letters"]]
    lines += [f"Remembers, hour {hour:g}: {text}" for hour, text in one["memories"]]
    return lines
