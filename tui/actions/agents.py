"""Member actions: look through them, filter and sort, draw the ties of one, explain its feed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sim.core import whole_of
from sim.errors import InputError
from tui.actions.action import Words, does
from tui.actions.arguments import choice
from tui.figures import count

if TYPE_CHECKING:
    from sim.platform import Why
    from tui.viewer import Viewer

SHOWN = 30
"""Characters of an expression in front of what is wrong with it: a line has to hold both."""


@does("agents")
async def agents(app: Viewer, _words: Words) -> None:
    """Go to Agents."""
    app.go("agents")


@does("filter")
async def filter_(app: Viewer, words: Words) -> None:
    """List the members that fit an expression; all of them where none was typed."""
    expression = _of_focus(app, " ".join(words))
    app.go("agents")
    try:
        many = await app.agents.filter(expression)
    except InputError as error:
        raise InputError(pointed(expression, str(error))) from None
    if not expression:
        app.say(f"All {count(many)} members.")
    else:
        app.say(
            f"{count(many)} members fit {expression}." if many else f"Nobody fits {expression}."
        )


def _of_focus(app: Viewer, expression: str) -> str:
    """Name the message shown where a state of a message is asked for without one."""
    focus = app.frame.focus if app.frame else None
    if focus is None or not re.match(r"state:[^:\s]+(\s|$)", expression):
        return expression
    return f"state:{focus.id}:{expression.removeprefix('state:')}"


def pointed(expression: str, sentence: str) -> str:
    """Return a refusal with the expression in front, a caret before what is wrong in it.

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
    if len(expression) > SHOWN:
        before = "..." * (at > SHOWN // 2) + before[-(SHOWN // 2) :]
        after = after[: SHOWN // 2] + "..." * (len(after) > SHOWN // 2)
    return f"{before}^{after}  {found[2][:1].upper()}{found[2][1:]}"


@does("sort")
async def sort(app: Viewer, words: Words) -> None:
    """Sort the members by a column; by the same again: the other way round."""
    from tui.draw.agent_table import sortable

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
        raise InputError("No member is chosen; / with nothing lists all of them.")
    app.agents.turn(ego=not app.agents.is_ego)


@does("why")
async def why(app: Viewer, words: Words) -> None:
    """Say why the chosen member was shown each message of its feed, or the one named."""
    from sim.runtime.queries import feeds
    from tui.dialogs.dialog import Notice
    from tui.modes.inspector import Inspector

    inspector = app.agents.query_one(Inspector)
    member, feed = inspector.member, inspector.feed
    if member is None:
        raise InputError("No member is chosen; 3 lists all of them.")
    if feed is None:
        raise InputError(
            "This world has no platform, so nobody has a feed; :platform on opens one."
        )
    if feed.unknown:
        raise InputError(
            f"{feed.unknown} `hubbub show FILE feed {member.id}` runs the last tick again."
        )
    said = (whole_of(word.lstrip("m#")) for word in words)
    wanted = tuple(number for number in said if number is not None)
    # As it is by now: while time runs, the feed in sight may be a tick old.
    tick, found = await app.work.of_engine(
        "looking why", app.simulation.query(feeds.whys_of, member.agent, wanted)
    )
    if not found:
        empty = "nothing, though it was online," if feed.is_online else "no feed: it was not online"
        what = "none of these" if wanted else empty if feed.tick == tick else "nothing"
        raise InputError(f"{member.name} was shown {what} in tick {tick:,}.")
    title = f"The feed of {member.name}, tick {count(tick)}"
    await app.push_screen_wait(Notice(title, "\n\n".join(_told(*each) for each in found)))


def _told(why: Why, source: str, text: str) -> str:
    whence = (
        f"shared by {source}, whom it follows" if why.followed else f"beyond its ties, {source}"
    )
    if why.friends > 1:
        whence += f" and {why.friends - 1} more"
    parts = ", ".join(f"{name} {value:.3g}" for name, value in why.parts.items() if value)
    return (
        f"{why.slot + 1}. m{why.message} {text}\n   {whence}\n"
        f"   {why.recommender} gave it {why.score:.3g}" + (f": {parts}" if parts else "")
    )
