"""``show WORLD acts``, ``posts``, ``feed``, ``why``: what members did, and were shown."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.cli.output import Facts, OutputFormat, answer, listed, pairs, table
from sim.cli.watch import watched
from sim.cli.worlds import opened
from sim.core.text import one_line
from sim.errors import InputError
from sim.platform.acts.kinds import OF_GROUPS, Act, act_of
from sim.platform.acts.log import NOBODY, ActColumns
from sim.platform.posts.texts import QuotedTexts, said_by, said_in_message
from sim.runtime.queries.feeds import shown_of
from sim.runtime.queries.messages import organic, texts
from sim.runtime.queries.why import Chain, as_it_was, chain_of
from sim.scenario.worlds import world_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.platform.feed.why import Why
    from sim.platform.platform import Platform
    from sim.world.world import World


_EARLIER = "\nEarlier acts: hubbub show WORLD history."
_TEXT = 60


def show_acts(
    where: str, agent: str | None, other: str | None, act: str | None,
    first: int | None, last: int | None, shape: OutputFormat,
) -> None:  # fmt: skip
    """Print what members did, newest first."""
    if other is not None and agent is None:
        raise InputError("--other needs --agent.")
    world = opened(where)
    facts = act_facts(world, agent, other=other, act=act, first=first, last=last)
    answer(shape, facts, _acts_text)


def act_facts(
    world: World, agent: str | None = None, *, other: str | None = None, act: str | None = None,
    first: int | None = None, last: int | None = None,
) -> Facts:  # fmt: skip
    """Return acts on record by or about a member, or between two members, newest first."""
    platform = world.platform
    if platform is None:
        raise InputError(
            "This world has no platform, so no acts; open one with hubbub run --platform."
        )
    one = None if agent is None else world.agents.index(agent)
    two = None if other is None else world.agents.index(other)
    kind = None if act is None else int(act_of(act))
    rows: list[Facts] = []
    for tick, acts in platform.log:
        if (first or 0) <= tick and (last is None or tick <= last):
            rows += _rows(world, platform, tick, acts.chosen(_meant(acts, one, two, kind)))
    kept = [tick for tick, _ in platform.log]
    return {"count": len(rows), "kept": kept[:1] + kept[-1:], "rows": rows[::-1]}


def _meant(
    acts: ActColumns, one: int | None, two: int | None, kind: int | None
) -> npt.NDArray[Any]:
    meant = np.ones(acts.agent.size, np.bool_)
    whom = np.where(np.isin(acts.act, OF_GROUPS), NOBODY, acts.other)
    if one is not None and two is not None:
        meant &= ((acts.agent == one) & (whom == two)) | ((acts.agent == two) & (whom == one))
    elif one is not None:
        meant &= (acts.agent == one) | (whom == one)
    if kind is not None:
        meant &= acts.act == kind
    return np.flatnonzero(meant)


def _rows(world: World, platform: Platform, tick: int, acts: ActColumns) -> list[Facts]:
    name = world.agents.id
    rows = []
    for who, act, message, other in zip(*(column.tolist() for column in acts), strict=True):
        said = said_by(world, platform, tick, who, act, message)
        rows.append({
            "tick": tick,
            "who": name(who),
            "act": Act(act).says,
            "message": None if message == NOBODY else message,
            "whom": _whom(world, act, other),
            **said_facts(said, world.agents.id),
            "line": said.line(said.by, world.agents.name),
        })  # fmt: skip
    return rows


def said_facts(said: QuotedTexts, name: Callable[[int], Any]) -> Facts:
    """Return quoted texts and their authors as facts: ``text``, ``by``, ``upon``, ``upon_by``."""
    return {
        "text": said.text,
        "by": None if said.by < 0 else name(said.by),
        "upon": said.upon,
        "upon_by": None if said.upon_by < 0 else name(said.upon_by),
    }


def _whom(world: World, act: int, other: int) -> object:
    """Return the target of an act: a member, or the name of a group."""
    if act in OF_GROUPS:
        return world.groups.names[other] if other < len(world.groups) else None
    return None if other == NOBODY or other >= len(world.agents) else world.agents.id(other)


def _acts_text(facts: Facts, top: int) -> str:
    if not facts["rows"]:
        kept = " to ".join(f"{tick:,}" for tick in facts["kept"])
        return f"No such acts in the ticks on record ({kept or 'none'}).{_EARLIER}"
    rows = [
        (f"{row['tick']:,}", str(row["who"]), row["act"], _or_none(row["message"]),
         _or_none(row["whom"]), one_line(row["line"], _TEXT))
        for row in facts["rows"][:top]
    ]  # fmt: skip
    return (
        listed(("tick", "who", "act", "message", "whom", "text"), rows, facts["count"]) + _EARLIER
    )


def _or_none(value: object) -> str:
    return "" if value is None else str(value)


_COUNTS = ("likes", "dislikes", "shares", "replies", "reports", "shown")


def show_posts(where: str, agent: str | None, shape: OutputFormat) -> None:
    """Print the posts in feeds, newest first."""
    answer(shape, post_facts(opened(where), agent, shape.most), _posts_text)


def post_facts(world: World, agent: str | None = None, most: int | None = None) -> Facts:
    """Return the posts that are in feeds, of one member or of all, newest first."""
    if world.platform is None:
        raise InputError(
            "This world has no platform, so no posts; open one with hubbub run --platform."
        )
    posts = world.platform.posts
    found = organic(world, list(range(posts.first, posts.next)))
    who = None if agent is None else world.agents.index(agent)
    places = [k for k, one in enumerate(found.author.tolist()) if who in (None, one)][::-1]
    kept = places[:most]
    said = texts(world, found.number[kept].tolist())
    rows = [
        {
            "message": int(found.number[k]),
            "tick": int(found.created[k]),
            "author": world.agents.id(int(found.author[k])),
            "name": name,
            **{each: int(getattr(found, each)[k]) for each in _COUNTS},
            "text": text,
        }
        for k, (name, text) in zip(kept, said, strict=True)
    ]
    return {"count": len(places), "rows": rows}


def _posts_text(facts: Facts, most: int) -> str:
    rows = [
        (f"{row['message']:,}", f"{row['tick']:,}", f"{row['name']} ({row['author']})",
         *(f"{row[each]:,}" for each in _COUNTS), one_line(row["text"], _TEXT))
        for row in facts["rows"][:most]
    ]  # fmt: skip
    if not rows:
        return "No posts in feeds."
    return listed(("message", "tick", "who", *_COUNTS, "text"), rows, facts["count"])


def show_why(where: str, agent: str, message: int, tick: int | None, shape: OutputFormat) -> None:
    """Print why a message was in a feed."""
    world, platform, who = _then(where, agent, tick)
    found = platform.why(who, message)
    answer(shape, why_facts(world, found), lambda facts, _: _why_text(found, facts))


def show_chain(where: str, agent: str, message: int | None, shape: OutputFormat) -> None:
    """Print through whom a member adopted a message."""
    world = opened(where)
    found = chain_of(world, world.agents.index(agent), message)
    rows = [
        {**dataclasses.asdict(step), "member": world.agents.id(step.member)}
        | {"source": None if step.source < 0 else world.agents.id(step.source)}
        for step in found.steps
    ]
    facts = {"message": found.message, "text": found.text, "sentence": found.sentence, "rows": rows}
    answer(shape, facts, partial(_chain_text, found))


def _chain_text(found: Chain, _: Facts, most: int) -> str:
    rows = [
        (f"{step.tick:,}", f"{step.name}",
         step.source_name or ("seed" if step.is_seed else "on its own"),
         "" if step.heard < 0 else f"{step.heard:,} of {step.follows:,} followed")
        for step in found.steps[:most]
    ]  # fmt: skip
    steps = listed(("tick", "member", "from", "adopted before"), rows, len(found.steps))
    return f"#{found.message} {one_line(found.text, _TEXT)}\n{found.sentence}\n\n{steps}"


def show_feed(where: str, agent: str, tick: int | None, shape: OutputFormat) -> None:
    """Print what a member was shown in a tick."""
    world, platform, who = _then(where, agent, tick)
    rows = [dataclasses.asdict(one) for one in shown_of(world, platform, who)]
    facts = {"viewer": agent, "name": world.agents.name(who), "tick": world.tick, "rows": rows}
    answer(shape, facts, _feed_text)


def _then(where: str, agent: str, tick: int | None) -> tuple[World, Platform, int]:
    """Return a world as it was at a tick, its platform, and a member."""
    with watched() as report, world_file(where, report) as path:
        world = as_it_was(path, tick, report=report)
    if world.platform is None:
        raise InputError("This world has no platform, so no feeds.")
    return world, world.platform, world.agents.index(agent)


def _why_text(found: Why, facts: Facts) -> str:
    said: dict[str, Any] = {
        "message": f"{found.message:,}  {facts['line']}",
        "shown to": facts["viewer_name"],
        "in tick": f"{found.tick:,}",
        "place": f"{found.slot + 1} of {found.shown}",
        "through": f"{facts['source_name']} ({'followed' if found.followed else 'not followed'})",
        "ranked by": found.recommender,
        "score": f"{found.score:.4g}",
    }
    said |= {f"  {name}": f"{value:+.4g}" for name, value in found.parts.items()}
    said["next to it"] = ", ".join(f"{n:,} ({score:.3g})" for n, score in found.rivals) or "nothing"
    return pairs(said)


def why_facts(world: World, found: Why) -> Facts:
    """Return why a message was in a feed."""
    agents, platform = world.agents, world.platform
    said = QuotedTexts() if platform is None else said_in_message(world, platform, found.message)
    return dataclasses.asdict(found) | {
        "viewer": agents.id(found.viewer),
        "viewer_name": agents.name(found.viewer),
        "source": agents.id(found.source),
        "source_name": agents.name(found.source),
        **said_facts(said, agents.id),
        "line": said.line(-1, agents.name),
    }


def _feed_text(facts: Facts, most: int) -> str:
    rows = [
        (f"{place}.", f"{one['message']:,}", f"{one['score']:.4g}", one["source"], one["text"])
        for place, one in enumerate(facts["rows"][:most], 1)
    ]
    empty = f"{facts['name']}: no impressions in tick {facts['tick']:,}."
    return table([("", "message", "score", "through", "text"), *rows]) if rows else empty
