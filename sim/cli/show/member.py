"""``show WORLD agents AGENT``: all that is known of one member."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import pairs, table
from sim.core.text import one_line

if TYPE_CHECKING:
    from sim.platform.acts.policy import Policy
    from sim.platform.feed.recommender import Recommender
    from sim.world.world import World


Facts = dict[str, Any]

_LONGEST = 200


def member_facts(world: World, agent: int) -> Facts:
    """Return who a member is, what follows from that, what it thinks, and what became of it.

    Parameters
    ----------
    world
        Left as it is.
    agent
        An index.
    """
    from sim.agents.character import ARCHETYPES, archetype, credulity, verification
    from sim.agents.lifecycle import Lifecycle
    from sim.agents.traits import TRAITS

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
        "traits": {name: round(value, 3) for name, value in zip(TRAITS, traits, strict=True)},
        "credulity": round(float(credulity(agents)[agent]), 3),
        "verification": round(float(verification(agents)[agent]), 3),
        "interests": _interests(world, agent),
        "opinions": _opinions(world, agent),
        "groups": [world.groups.names[number] for number in world.groups.of(agent)],
    }
    facts |= _on_platform(world, agent)
    texts = ("biography", "persona")
    facts |= {name: agents.lore.cold.text(agent, name) for name in texts}
    facts["profile"] = agents.lore.cold.get(agent).get("more", {})
    history = world.personal_history(agent)
    facts["history"] = [{"tick": tick, "line": line} for tick, line in history]
    facts["messages"] = _messages(world, agent)
    return facts | ({} if world.platform is None else {"letters": _letters(world, agent)})


def _messages(world: World, agent: int) -> list[Facts]:
    """Return its state under each of the newest messages, and when it adopted, from whom."""
    from sim.runtime.queries.members import about, member_of

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


def _letters(world: World, agent: int) -> list[Facts]:
    """Return what it and its groups were sent, in the ticks whose acts are kept."""
    found = [] if world.platform is None else world.platform.inbox(agent)
    return [
        {"tick": tick, "from": world.agents.id(sender), "text": text}
        for tick, sender, text in found
    ]


def _interests(world: World, agent: int) -> dict[str, float]:
    """Return what a member cares for, and how much it knows of each."""
    from sim.agents.character import expertise

    names = world.agents.vocabulary.names(int(world.agents.interests[agent]))
    bits = [list(world.agents.vocabulary).index(name) for name in names]
    known = expertise(world.agents, agent, bits).tolist() if bits else []
    return {name: round(value, 3) for name, value in zip(names, known, strict=True)}


def _opinions(world: World, agent: int) -> dict[str, float]:
    held = {topic: float(world.opinions[topic][agent]) for topic in world.opinions}
    return {topic: round(value, 4) for topic, value in held.items() if not math.isnan(value)}


def _on_platform(world: World, agent: int) -> Facts:
    platform = world.platform
    if platform is None or agent >= len(platform.members):  # it signs up with the next tick
        return {}
    from sim.platform.acts.moods import moods
    from sim.platform.acts.policy_dispatch import ruled_by
    from sim.platform.rhythm import SHIFTS

    which = platform.recommenders[int(platform.members.recommender[agent])]
    decides = platform.policies[int(ruled_by(platform)[agent])]
    return {
        "hours late": SHIFTS[int(platform.members.chronotype[agent])],
        "mood": round(float(moods(platform)[agent]), 3),
        "reputation": round(float(platform.reputation[agent]), 3),
        "recommender": _called(which),
        "policy": _called(decides),
    }


def _called(plugin: Recommender | Policy) -> str:
    """Return a plugin's name; of one that is not here, whose place another takes, its own."""
    lost = getattr(plugin, "lost", None)
    return f"{lost['name']} (not here)" if lost else plugin.plugin_name or type(plugin).__name__


def member_text(facts: Facts) -> str:
    """Return the facts for people."""
    said = {
        name: value
        for name, value in facts.items()
        if name == "id" or (name not in {"history", "letters", "messages"} and value)
    }
    for name in ("traits", "interests", "opinions"):
        if name in said:
            said[name] = ", ".join(f"{one} {value:g}" for one, value in said[name].items())
    said["interests (known)"] = said.pop("interests", "none")
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
    heads = ("message", "its state now", "adopted at", "from", "text")
    parts += [table([heads, *stories])] if stories else []
    return "\n\n".join(
        [*parts, *([table([("tick", "from", "letter"), *letters])] if letters else [])]
    )
