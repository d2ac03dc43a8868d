"""The actions on members: filter, sort, why, pair, suggest, change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static

from sim import World, io, lab, runtime
from sim.core import plural, whole_of
from sim.errors import InputError
from sim.platform import Why
from sim.runtime import Chain, ChainStep, Pair
from sim.runtime.queries import feeds, members
from tui.actions.command_line import choice, pairs
from tui.actions.table import Words, does
from tui.app import Hubbub as Viewer
from tui.dialogs.dialog import Dialog, Notice
from tui.dialogs.progress import in_thread
from tui.draw.community_table import CommunityTable
from tui.draw.table import ColumnTable
from tui.safe_text import line, plain
from tui.text import count


@does("agents")
async def agents(app: Viewer, _words: Words) -> None:
    app.go("groups")
    if app.groups.view == "communities":
        app.groups.turn("members")


@does("filter")
async def filter_(app: Viewer, words: Words) -> None:
    expression = " ".join(words)
    app.go("groups")
    if not expression:
        app.groups.open_filter()
        return
    try:
        many = await app.groups.filter(expression)
    except InputError as error:
        raise InputError(pointed(expression, str(error))) from None
    found = plural(many, "member matches", "members match") if many else "No members match"
    app.say(f"{found} {expression}.")


def pointed(expression: str, sentence: str) -> str:
    """Return an error with the expression in front, and a caret before the error position.

    >>> pointed("activity>0.5 colour:red", "Position 14 of the query: No field named 'colour'.")
    "activity>0.5 ^colour:red  No field named 'colour'."
    """
    found = re.match(r"Position (\d+) of the (?:query|condition): (.*)", sentence, re.DOTALL)
    if found is None:
        return sentence
    at = int(found[1]) - 1
    told = f"{found[2][:1].upper()}{found[2][1:]}"
    return f"{expression[:at]}^{expression[at:]}  {told}"


@does("sort")
async def sort(app: Viewer, words: Words) -> None:
    table = app.screen.focused
    if not isinstance(table, ColumnTable):
        app.go("groups")
        table = app.groups.table
        if app.groups.view == "communities":
            table = app.groups.query_one(CommunityTable)
    title = choice("column", (" ".join(words),) if words else (), table.titles)
    table.action_sort(table.titles.index(title) if title else -1)


@does("ego")
async def ego(app: Viewer, _words: Words) -> None:
    _chosen(app)
    app.groups.turn("members" if app.groups.view == "ties" else "ties")


def _chosen(app: Viewer) -> int:
    agent: int | None = app.groups.member
    if agent is None:
        raise InputError("No member selected; press / to find one.")
    return agent


@does("why")
async def why(app: Viewer, words: Words) -> None:
    agent, frame = app.groups.member, app.frame
    focus = frame.focus if frame is not None else None
    if agent is None:
        app.go("groups")
        many = await app.groups.filter("" if focus is None else "adopted")
        app.say("Select a member and press W." if many else "Nobody has adopted the message yet.")
        return
    said = tuple(n for word in words if (n := whole_of(word.lstrip("m#"))) is not None)
    is_post = any(word.startswith("m") for word in words)
    chain, feed, refusals = None, "", []
    try:
        if not is_post:
            message = said[0] if said else focus.id if focus is not None else None
            chain = await app.work.of_engine(
                "looking for the chain", app.simulation.why_adopted(agent, message)
            )
    except InputError as error:
        refusals.append(str(error))
    try:
        if frame is not None and frame.platform is not None and (is_post or not said):
            feed = await _feed_told(app, agent, said)
    except InputError as error:
        refusals.append(str(error))
    if chain is None and not feed:
        raise InputError(" ".join(refusals))
    if chain is None:
        await app.push_screen_wait(Notice("Why", feed))
        return
    chosen = await app.push_screen_wait(WhyDialog(chain, feed or " ".join(refusals)))
    if chosen is not None:
        app.groups.go_to(chosen, [step.member for step in chain.steps])
        app.groups.turn("ties")


async def _feed_told(app: Viewer, agent: int, wanted: tuple[int, ...]) -> str:
    name, feed, found = await app.work.of_engine(
        "explaining the feed", app.simulation.query(_feed_of, agent, wanted)
    )
    if feed.unknown:
        known = f"`hubbub show FILE feed {app.groups.table.chosen_id}` runs the last tick again."
        raise InputError(f"{feed.unknown} {known}")
    if not found:
        what = "had no impressions" if feed.is_online else "was offline"
        what = "was shown none of these" if wanted else what
        raise InputError(f"{name} {what} in tick {feed.tick:,}.")
    return "\n\n".join([f"Feed of tick {count(feed.tick)}", *(_told(*each) for each in found)])


def _feed_of(world: World, agent: int, wanted: tuple[int, ...]) -> tuple[str, Any, Any]:
    feed: Any = feeds.feed_of(world, agent)
    found = () if feed.unknown else feeds.whys_of(world, agent, wanted)[1]
    return world.agents.name(agent), feed, found


class WhyDialog(Dialog[int]):
    """The chain by which a message came to a member, and the reasons of its feed."""

    AUTO_FOCUS = "#steps"

    def __init__(self, chain: Chain, feed: str) -> None:
        title = f"Why {chain.steps[0].name} adopted #{chain.message}"
        super().__init__(title, yes="Show ties", no="Close")
        self._chain, self._feed = chain, feed

    def body(self) -> ComposeResult:
        yield Static(plain(self._chain.sentence), markup=False)
        steps = OptionList(*map(_step, self._chain.steps), id="steps", markup=False, compact=True)
        steps.highlighted = min(1, len(self._chain.steps) - 1)
        yield steps
        yield Static(plain(self._feed), markup=False)

    def result(self) -> int:
        return self._chain.steps[self.query_one(OptionList).highlighted or 0].member


def _step(step: ChainStep) -> Content:
    told = f"{count(step.tick)}  {step.name}"
    if step.source < 0:
        return Content(line(f"{told}, {'seed' if step.is_seed else 'on its own'}", 100))
    before = (
        f"; {step.heard:,} of {step.follows:,} they follow had adopted" if step.heard >= 0 else ""
    )
    return Content(line(f"{told} from {step.source_name}{before}", 100))


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
    if not 1 <= len(words) <= 2:
        raise InputError("Type the id of another member, such as `pair 17`, or two ids.")
    if len(words) == 1:
        _chosen(app)
        words = app.groups.table.chosen_id, *words
    found = await app.work.of_engine("comparing members", app.simulation.query(_paired, words))
    await app.push_screen_wait(Notice(" and ".join(found.names), found.told(_SHOWN)))


def _paired(world: World, ids: Words) -> Pair:
    one, other = (world.agents.index(each) for each in ids)
    return runtime.pair_of(world, one, other)


@does("suggest")
async def suggest(app: Viewer, words: Words) -> None:
    by = words[0] if words else "adamic-adar"
    name, rows = await app.work.of_engine(
        "looking for friends", app.simulation.query(_suggested, _chosen(app), by)
    )
    if not rows:
        raise InputError(f"{by} has no suggestions for {name}.")
    await app.push_screen_wait(Notice(f"Suggestions for {name} ({by})", "\n".join(rows)))


def _suggested(world: World, agent: int, by: str) -> tuple[str, list[str]]:
    name = world.agents.name
    return name(agent), [
        f"{place:>3}  {name(one.agent)} ({world.agents.id(one.agent)})  {one.score:.3g}, "
        f"{len(one.through)} in common"
        for place, one in enumerate(lab.suggested(world, agent, by), 1)
    ]


@does("moves")
async def moves(app: Viewer, words: Words) -> None:
    start, stop = _span(words)
    many, rows = await app.simulation.query(members.moves_told, start, stop)
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
    places = [at for at, word in enumerate(words) if _SETS.match(word)]
    first = places[0] if places else len(words)
    condition, said = " ".join(words[:first]), pairs(words[first:])
    if not said:
        raise InputError("Type what to set, such as `change 'activity > .5' status=paused`.")
    whom: Any = condition or [_chosen(app)]
    many = await app.work.of_engine(
        "changing members", app.simulation.do("change_agents", whom, **said)
    )
    app.groups.look_anew()
    what = ", ".join(f"{name}={value}" for name, value in said.items())
    app.say(f"Set {plural(many, 'member')} to {what}.", "good")


@does("profiles")
async def profiles(app: Viewer, words: Words) -> None:
    said = pairs(words[1:])
    if not words or set(said) - {"match"}:
        raise InputError("Type a file, such as `profiles people.csv match=order`.")
    path = Path(words[0])
    people = await in_thread(lambda: io.read_profiles(path), "profiles")
    plain = [person.plain() for person in people]
    taken = await app.work.of_engine(
        "loading profiles", app.simulation.do("take_profiles", plain, said.get("match", "auto"))
    )
    app.groups.look_anew()
    told = [f"Loaded {plural(len(people), 'profile')}.", *people.remarks, *taken.remarks]
    await app.push_screen_wait(Notice(f"Profiles of {path.name}", "\n".join(told)))
