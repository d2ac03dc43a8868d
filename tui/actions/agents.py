"""The actions of the Agents mode: filter, sort, why, pair, suggest, change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import io, lab, runtime
from sim.core import plural, whole_of
from sim.errors import InputError
from tui.actions.command_line import choice, pairs
from tui.actions.table import Words, does
from tui.dialogs.dialog import Notice
from tui.dialogs.progress import in_thread
from tui.draw.agent_table import sortable
from tui.modes.inspector import Inspector
from tui.text import count

if TYPE_CHECKING:
    from sim import World
    from sim.platform import Why
    from sim.runtime import Pair
    from tui.viewer import Viewer


_EXCERPT = 30
"""Characters of an expression shown before the error position, so that both fit on a line."""


@does("agents")
async def agents(app: Viewer, _words: Words) -> None:
    """Go to Agents."""
    app.go("agents")


@does("filter")
async def filter_(app: Viewer, words: Words) -> None:
    """List the members that match an expression, or all members if none was typed."""
    expression = _of_focus(app, " ".join(words))
    app.go("agents")
    try:
        many = await app.agents.filter(expression)
    except InputError as error:
        raise InputError(pointed(expression, str(error))) from None
    if not expression:
        app.say(f"All {count(many)} members.")
    else:
        found = (
            "1 member matches" if many == 1 else f"{count(many) if many else 'No'} members match"
        )
        app.say(f"{found} {expression}.")


def _of_focus(app: Viewer, expression: str) -> str:
    """Add the message shown to an expression that asks for a message state without naming one."""
    focus = app.frame.focus if app.frame else None
    if focus is None or not re.match(r"state:[^:\s]+(\s|$)", expression):
        return expression
    return f"state:{focus.id}:{expression.removeprefix('state:')}"


def pointed(expression: str, sentence: str) -> str:
    """Return an error with the expression in front, and a caret before the error position.

    Examples
    --------
    >>> pointed("activity>0.5 colour:red", "Position 14 of the query: No field named 'colour'.")
    "activity>0.5 ^colour:red  No field named 'colour'."
    >>> pointed("activity > 0.3 and openess > 0.5", "Position 20 of the condition: No 'openess'.")
    "...ity > 0.3 and ^openess > 0.5  No 'openess'."
    >>> pointed("77", "No agent 77: agents are 0 to 9.")
    'No agent 77: agents are 0 to 9.'
    """
    found = re.match(r"Position (\d+) of the (?:query|condition): (.*)", sentence, re.DOTALL)
    if found is None:
        return sentence
    at = int(found[1]) - 1
    before, after = expression[:at], expression[at:]
    if len(expression) > _EXCERPT:
        before = "..." * (at > _EXCERPT // 2) + before[-(_EXCERPT // 2) :]
        after = after[: _EXCERPT // 2] + "..." * (len(after) > _EXCERPT // 2)
    return f"{before}^{after}  {found[2][:1].upper()}{found[2][1:]}"


@does("sort")
async def sort(app: Viewer, words: Words) -> None:
    """Sort the members by a column; sorting by the same column again reverses the order."""
    app.go("agents")
    title = choice("column", words, tuple(sortable()))
    if title:
        app.agents.table.sort_by(title)
    else:
        app.agents.table.action_sort()


@does("ego")
async def ego(app: Viewer, _words: Words) -> None:
    """Draw the ties of the chosen member, or go back to the table."""
    app.go("agents")
    if app.agents.chosen is None:
        raise InputError("No member selected; press / and Enter to list all.")
    app.agents.turn(ego=not app.agents.is_ego)


@does("why")
async def why(app: Viewer, words: Words) -> None:
    """Explain why the chosen member was shown each message of its feed, or the named one."""
    from sim.runtime.queries import feeds

    inspector = app.agents.query_one(Inspector)
    member, feed = inspector.member, inspector.feed
    if member is None:
        raise InputError("No member selected; press / and Enter to list all.")
    if feed is None:
        raise InputError("This world has no platform, so there are no feeds; type :platform on.")
    if feed.unknown:
        raise InputError(
            f"{feed.unknown} `hubbub show FILE feed {member.id}` runs the last tick again."
        )
    said = (whole_of(word.lstrip("m#")) for word in words)
    wanted = tuple(number for number in said if number is not None)
    # Fetched now: while time runs, the feed shown may be a tick old.
    tick, found = await app.work.of_engine(
        "explaining the feed", app.simulation.query(feeds.whys_of, member.agent, wanted)
    )
    if not found:
        is_offline = feed.tick == tick and not feed.is_online
        what = "was offline" if is_offline else "had no impressions"
        what = "was shown none of these" if wanted else what
        raise InputError(f"{member.name} {what} in tick {tick:,}.")
    title = f"Feed of {member.name}, tick {count(tick)}"
    await app.push_screen_wait(Notice(title, "\n\n".join(_told(*each) for each in found)))


def _told(why: Why, source: str, text: str) -> str:
    whence = (
        f"shared by {source} (followed)" if why.followed else f"from outside its network: {source}"
    )
    if why.friends > 1:
        whence += f" and {why.friends - 1} more"
    parts = ", ".join(f"{name} {value:.3g}" for name, value in why.parts.items() if value)
    return f"{why.slot + 1}. m{why.message} {text}\n   {whence}\n   score {why.score:.3g}" + (
        f" ({parts})" if parts else f" ({why.recommender})"
    )


_SHOWN = 40
"""Number of acts and changes of two members that are shown, newest first."""

_SETS = re.compile(r"[a-z_]+=(?!=)")
_TICKS = re.compile(r"(\d*):(\d*)|(\d+)")


@does("pair")
async def pair(app: Viewer, words: Words) -> None:
    """Show what is known between the chosen member and another, or between two named members."""
    ids = await _two(app, words)
    found = await app.work.of_engine("comparing members", app.simulation.query(_paired, ids))
    await app.push_screen_wait(Notice(" and ".join(found.names), pair_told(found)))


async def _two(app: Viewer, words: Words) -> tuple[str, str]:
    if len(words) == 2:
        return words[0], words[1]
    if len(words) != 1:
        raise InputError("Type the id of another member, such as `pair 17`, or two ids.")
    return app.agents.table.id_of(_chosen(app)), words[0]


def _chosen(app: Viewer) -> int:
    agent = app.agents.chosen if app.situation().mode == "agents" else None
    if agent is None:
        raise InputError("No member selected; press / and Enter to list all.")
    return agent


def _paired(world: World, ids: tuple[str, str]) -> Pair:
    one, other = (world.agents.index(each) for each in ids)
    return runtime.pair_of(world, one, other)


def pair_told(pair: Pair) -> str:
    """Return what is known between two members, as text."""
    first, second = pair.names
    lines = list(pair.ties) or [f"No tie between {first} and {second}."]
    lines += ["", f"Compatibility {pair.score:.2f}"]
    lines += [
        f"  {part.name:<12}{part.value:.2f} x {part.weight:g} = {part.value * part.weight:.2f}  "
        f"{part.why}"
        for part in pair.parts
    ]
    changes = [f"{count(tick):>6}  {who}: {act}" for tick, who, act in pair.changes[:_SHOWN]]
    acts = [
        f"{count(tick):>6}  {who}: {act}" + (f" m{message}" if message >= 0 else "")
        for tick, who, act, message in pair.acts[:_SHOWN]
    ]
    for title, rows in (("Interactions", acts), ("Tie changes", changes)):
        lines += ["", title, *(rows or ["  none on record"])]
    return "\n".join(lines)


@does("suggest")
async def suggest(app: Viewer, words: Words) -> None:
    """Suggest members that the chosen member might follow, by a friend recommender."""
    by = words[0] if words else "adamic-adar"
    agent = _chosen(app)
    name, rows = await app.work.of_engine(
        "looking for friends", app.simulation.query(_suggested, agent, by)
    )
    if not rows:
        raise InputError(f"{by} has no suggestions for {name}.")
    await app.push_screen_wait(Notice(f"Suggestions for {name} ({by})", "\n".join(rows)))


def _suggested(world: World, agent: int, by: str) -> tuple[str, list[str]]:
    name = world.agents.name
    found = lab.suggested(world, agent, by)
    return name(agent), [
        f"{place:>3}  {name(one.agent)} ({world.agents.id(one.agent)})  {one.score:.3g}, "
        f"{len(one.through)} in common"
        for place, one in enumerate(found, 1)
    ]


@does("moves")
async def moves(app: Viewer, words: Words) -> None:
    """List lifecycle transitions."""
    from sim.runtime.queries import members as moving

    start, stop = _span(words)
    many, rows = await app.simulation.query(moving.moves_told, start, stop)
    if not rows:
        raise InputError("No lifecycle transitions on record in those ticks.")
    lines = [
        f"{count(tick):>6}  {name} ({member}): {before} -> {after}"
        for tick, member, name, before, after in rows
    ]
    more = [f"and {count(many - len(rows))} earlier"] if many > len(rows) else []
    title = plural(many, "lifecycle transition")
    await app.push_screen_wait(Notice(title, "\n".join(lines + more)))


def _span(words: Words) -> tuple[int, int | None]:
    """Parse ticks such as ``0:48``, ``12:``, ``:9`` or ``3``; all ticks if none were typed."""
    found = _TICKS.fullmatch(words[0] if words else ":")
    if found is None or len(words) > 1:
        raise InputError(f"Type ticks such as `moves 0:48`, got {' '.join(words)!r}.")
    if found[3]:
        return int(found[3]), int(found[3])
    return int(found[1] or 0), int(found[2]) if found[2] else None


@does("change")
async def change(app: Viewer, words: Words) -> None:
    """Set properties of the chosen member, or of all members that match a condition."""
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
    app.say(f"Set {plural(many, 'member')} to {what}.", "good")


@does("profiles")
async def profiles(app: Viewer, words: Words) -> None:
    """Assign profiles from a file to members, and report what was found and what is missing."""
    said = pairs(words[1:])
    if not words or set(said) - {"match"}:
        raise InputError("Type a file, such as `profiles people.csv match=order`.")
    path = Path(words[0])
    people = await in_thread(lambda: io.read_profiles(path), "profiles")
    plain = [person.plain() for person in people]
    taken = await app.work.of_engine(
        "loading profiles",
        app.simulation.do("take_profiles", plain, said.get("match", "auto")),
    )
    app.agents.look_anew()
    told = [f"Loaded {plural(len(people), 'profile')}.", *people.remarks, *taken.remarks]
    await app.push_screen_wait(Notice(f"Profiles of {path.name}", "\n".join(told)))
