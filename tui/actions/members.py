"""Members beside each other, whom one might follow, their moves of life, and changes to many."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from tui.actions.action import Words, does
from tui.actions.arguments import pairs
from tui.dialogs.progress import in_thread
from tui.figures import count

if TYPE_CHECKING:
    from sim import World
    from sim.runtime import Pair
    from tui.viewer import Viewer


SHOWN = 40
"""Acts and changes of two members that are told, the newest."""

_SETS = re.compile(r"[a-z_]+=(?!=)")
_TICKS = re.compile(r"(\d*):(\d*)|(\d+)")


@does("pair")
async def pair(app: Viewer, words: Words) -> None:
    """Show what is between the chosen member and another, or between two that are named."""
    from tui.dialogs.dialog import Notice

    ids = await _two(app, words)
    found = await app.work.of_engine("looking at both", app.simulation.query(_paired, ids))
    await app.push_screen_wait(Notice(" and ".join(found.names), pair_told(found)))


async def _two(app: Viewer, words: Words) -> tuple[str, str]:
    if len(words) == 2:
        return words[0], words[1]
    if len(words) != 1:
        raise InputError("Type another member by id, such as `pair 17`, or two of them.")
    return app.agents.table.id_of(_chosen(app)), words[0]


def _chosen(app: Viewer) -> int:
    agent = app.agents.chosen if app.situation().mode == "agents" else None
    if agent is None:
        raise InputError("No member is chosen; 3 lists all of them.")
    return agent


def _paired(world: World, ids: tuple[str, str]) -> Pair:
    from sim.runtime import pair_of

    one, other = (world.agents.index(each) for each in ids)
    return pair_of(world, one, other)


def pair_told(pair: Pair) -> str:
    """Return what is between two members, for people."""
    first, second = pair.names
    lines = list(pair.ties) or [f"Nothing ties {first} and {second}."]
    lines += ["", f"How well they would get on: {pair.score:.2f} of 1"]
    lines += [
        f"  {part.name:<12}{part.value:.2f} x {part.weight:g} = {part.value * part.weight:.2f}  "
        f"{part.why}"
        for part in pair.parts
    ]
    changes = [f"{count(tick):>6}  {who}: {act}" for tick, who, act in pair.changes[:SHOWN]]
    acts = [
        f"{count(tick):>6}  {who}: {act}" + (f" m{message}" if message >= 0 else "")
        for tick, who, act, message in pair.acts[:SHOWN]
    ]
    for title, rows in (("What they did about each other", acts), ("Changes of ties", changes)):
        lines += ["", title, *(rows or ["  nothing that is remembered"])]
    return "\n".join(lines)


@does("suggest")
async def suggest(app: Viewer, words: Words) -> None:
    """Propose whom the chosen member might follow, by a friend recommender."""
    from tui.dialogs.dialog import Notice

    by = words[0] if words else "adamic-adar"
    agent = _chosen(app)
    name, rows = await app.work.of_engine(
        "looking for friends", app.simulation.query(_suggested, agent, by)
    )
    if not rows:
        raise InputError(f"{by} finds nobody within reach of {name}.")
    await app.push_screen_wait(Notice(f"{name} might follow, by {by}", "\n".join(rows)))


def _suggested(world: World, agent: int, by: str) -> tuple[str, list[str]]:
    from sim.lab import suggested

    name = world.agents.name
    found = suggested(world, agent, by)
    return name(agent), [
        f"{place:>3}  {name(one.agent)} ({world.agents.id(one.agent)})  {one.score:.3g}, "
        f"{len(one.through)} in common"
        for place, one in enumerate(found, 1)
    ]


@does("moves")
async def moves(app: Viewer, words: Words) -> None:
    """List moves from one stage of life to another."""
    from sim.runtime.queries import members as moving
    from tui.dialogs.dialog import Notice

    start, stop = _span(words)
    many, rows = await app.simulation.query(moving.moves_told, start, stop)
    if not rows:
        raise InputError("No moves between stages of life are remembered there.")
    lines = [
        f"{count(tick):>6}  {name} ({member}): {before} -> {after}"
        for tick, member, name, before, after in rows
    ]
    more = [f"and {count(many - len(rows))} before"] if many > len(rows) else []
    await app.push_screen_wait(Notice(f"{count(many)} moves of life", "\n".join(lines + more)))


def _span(words: Words) -> tuple[int, int | None]:
    """Read ticks such as ``0:48``, ``12:``, ``:9`` or ``3``; all where none were typed."""
    found = _TICKS.fullmatch(words[0] if words else ":")
    if found is None or len(words) > 1:
        raise InputError(f"Type ticks such as `moves 0:48`, got {' '.join(words)!r}.")
    if found[3]:
        return int(found[3]), int(found[3])
    return int(found[1] or 0), int(found[2]) if found[2] else None


@does("change")
async def change(app: Viewer, words: Words) -> None:
    """Set properties of the chosen member, or of all for whom a condition holds."""
    places = [at for at, word in enumerate(words) if _SETS.match(word)]
    first = places[0] if places else len(words)
    condition, said = " ".join(words[:first]), pairs(words[first:])
    if not said:
        raise InputError("Type what to set, such as `change 'activity > .5' status=paused`.")
    whom: Any = condition or [_chosen(app)]
    many = await app.work.of_engine(
        "changing members",
        app.simulation.do("change_agents", whom, **said),
    )
    app.agents.look_anew()
    what = ", ".join(f"{name}={value}" for name, value in said.items())
    app.say(f"{count(many)} {'member was' if many == 1 else 'members were'} set to {what}.", "good")


@does("profiles")
async def profiles(app: Viewer, words: Words) -> None:
    """Give the people of a file to members, and say what was found and what is missing."""
    from sim.io import read_profiles
    from tui.dialogs.dialog import Notice

    said = pairs(words[1:])
    if not words or set(said) - {"match"}:
        raise InputError("Type a file, such as `profiles people.csv match=order`.")
    path = Path(words[0])
    people = await in_thread(lambda: read_profiles(path), "profiles")
    plain = [person.plain() for person in people]
    taken = await app.work.of_engine(
        "giving profiles",
        app.simulation.do("take_profiles", plain, said.get("match", "auto")),
    )
    app.agents.look_anew()
    told = [f"{count(len(people))} profiles were given.", *people.remarks, *taken.remarks]
    await app.push_screen_wait(Notice(f"Profiles of {path.name}", "\n".join(told)))
