"""``hubbub agents`` and ``hubbub compatibility``: who lives in a world, and changes to many."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.cli.program.output import as_json, require_folder, say, table, tell, watched
from sim.cli.worlds.names import AUTHOR, assignments, open_world, save_world
from sim.core.text import one_line
from sim.errors import InputError
from sim.runtime.queries.members import in_state

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.world.world import World

__all__ = ["Order", "give_profiles", "show_agents", "show_compatibility", "show_member", "span"]

Ids = npt.NDArray[np.uint32]
Facts = dict[str, Any]

_TICKS = re.compile(r"(\d*):(\d*)|(\d+)")
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
    values
        ``NAME=VALUE`` words to set.
    profiles, match
        A file of profiles, and how they find their agents.
    moves
        Ticks ``FROM:TO`` whose moves of life are shown instead of agents.
    out
        Where the changed world is saved.
    state
        ``MESSAGE:STATE``: only who is in it now.
    """

    world: str
    where: str | None = None
    values: Sequence[str] = ()
    profiles: Path | None = None
    match: str = "auto"
    moves: str | None = None
    out: Path | None = None
    state: str | None = None

    @property
    def changes(self) -> bool:
        """Whether the world comes out changed."""
        return bool(self.values) or self.profiles is not None

    def check(self) -> None:
        """Refuse before a large world is loaded what cannot be done."""
        if self.changes and self.out is None:
            raise InputError("A changed world needs a file: add --out FILE.")
        if not self.changes and self.out is not None:
            raise InputError("Nothing would change: add --set NAME=VALUE or --profiles FILE.")
        if self.state is not None and (self.changes or self.moves is not None):
            raise InputError("Who is in a state is listed: leave --set, --profiles, --moves out.")
        if self.changes and self.moves is not None:
            raise InputError("Show moves and change agents in two commands.")
        require_folder(self.out)


def show_agents(order: Order, top: int, *, json: bool) -> None:
    """List agents, or change them and save the world.

    Raises
    ------
    HubbubError
        One sentence; nothing is written.
    """
    order.check()
    values = assignments(order.values, "--set")
    with watched() as report:
        world = open_world(order.world, report)
        if order.moves is not None:
            facts = _moves(world, order)
        elif order.changes:
            facts = _changed(world, order, values, report)
        else:
            facts = _found(world, _asked(world, order), top)
    say(as_json(facts) if json else _text(facts, top))


def _asked(world: World, order: Order) -> Ids:
    """Return whom an order is about."""
    who = world.agents_where(order.where or "")
    if order.state is None:
        return who
    return np.intersect1d(who, in_state(world, order.state))


def show_member(where: str, agent: str, *, json: bool) -> None:
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
    say(as_json(facts) if json else member_text(facts))


def _changed(world: World, order: Order, values: dict[str, str], report: Report) -> Facts:
    world.trail.by(world, AUTHOR)
    facts: Facts = {}
    if order.profiles is not None:
        facts["profiles"], facts["remarks"] = give_profiles(world, order.profiles, order.match)
    if values:
        facts["changed"] = int(world.change_agents(order.where or "", **values).size)
        facts["set"] = values
    facts["saved"] = "" if order.out is None else save_world(world, order.out, report)
    return facts


def give_profiles(
    world: World, path: Path, match: str = "auto", interests: str = "known"
) -> tuple[int, list[str]]:
    """Give the profiles of a file to a world's agents; returns how many, and remarks."""
    from sim.io.importing.profiles import read_profiles

    profiles = read_profiles(path)
    taken = world.take_profiles(profiles, match, interests)  # type: ignore[arg-type]  # checked there
    return len(profiles), [*profiles.remarks, *taken.remarks]


def _found(world: World, who: Ids, top: int) -> Facts:
    cold = world.agents.lore.cold
    hits, asked = cold.hits, cold.asked
    listed = [_agent(world, int(a)) for a in who[: _most(top)]]
    told = {"asked": cold.asked - asked, "hits": cold.hits - hits}
    return {"count": int(who.size), "agents": listed, "cold data": told}


def _most(top: int) -> int:
    return min(top, _LISTED)


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


def _moves(world: World, order: Order) -> Facts:
    from sim.agents.lifecycle import Lifecycle

    start, stop = span(order.moves or "", "--moves")
    moves = world.moves(start, stop)
    kept = np.ones(moves.tick.size, np.bool_)
    if order.where:
        kept = np.isin(moves.agent, world.agents_where(order.where))
    stages = [stage.name.lower() for stage in Lifecycle]
    rows = zip(*(column[kept].tolist() for column in moves), strict=True)
    listed = [
        {"tick": tick, "agent": world.agents.id(who), "from": stages[old], "to": stages[new]}
        for tick, who, old, new in rows
    ]
    return {"count": len(listed), "moves": listed}


def span(text: str, option: str) -> tuple[int, int | None]:
    """Return the ticks of ``3:9``, ``3:``, ``:9``, ``3`` or ``:``.

    Raises
    ------
    InputError
        For anything else; it names the option.
    """
    found = _TICKS.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{option} takes ticks such as 0:48, got {text!r}.")
    if found[3]:
        return int(found[3]), int(found[3])
    return int(found[1] or 0), int(found[2]) if found[2] else None


def _text(facts: Facts, top: int) -> str:
    if "saved" in facts:
        return _changed_text(facts)
    if "moves" in facts:
        return _moves_text(facts, top)
    rows = [_row(each) for each in facts["agents"]]
    more = facts["count"] - len(rows)
    lines = [f"{facts['count']:,} agents."]
    if rows:
        head = ("id", "name", "status", "activity", "community", "interests", "biography")
        lines.append(table([head, *rows]))
    lines += [f"and {more:,} more (--top)"] if more > 0 else []
    return "\n".join([*lines, *_cold_text(**facts["cold data"])])


def _cold_text(asked: int, hits: int) -> list[str]:
    """Return how often texts and names need not be unpacked; nothing where none was asked for."""
    if not asked:
        return []
    return [f"Names and texts: {asked:,} were looked up, {hits / asked:.0%} were at hand already."]


def _moves_text(facts: Facts, top: int) -> str:
    rows = [(f"{m['tick']:,}", str(m["agent"]), m["from"], m["to"]) for m in facts["moves"]]
    if not rows:
        return "No moves between stages of life are remembered there."
    return table([("tick", "agent", "from", "to"), *rows[-top:]])


def _row(agent: Facts) -> tuple[str, ...]:
    said = {**agent, "interests": ", ".join(agent["interests"])}
    said["biography"] = one_line(agent["biography"], 60)
    return tuple("" if value is None else str(value) for value in said.values())


def _changed_text(facts: Facts) -> str:
    lines = []
    if "profiles" in facts:
        lines.append(f"{facts['profiles']:,} profiles were given to agents.")
        for remark in facts["remarks"]:
            tell(remark)
    if "set" in facts:
        said = ", ".join(f"{name}={shlex.quote(value)}" for name, value in facts["set"].items())
        lines.append(f"{facts['changed']:,} agents were set to {said}.")
    return "\n".join([*lines, facts["saved"]])


def show_compatibility(where: str, first: str, second: str, *, json: bool) -> None:
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
    say(as_json(facts) if json else _compatibility_text(facts))


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
