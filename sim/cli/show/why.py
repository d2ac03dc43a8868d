"""``show WORLD feed`` and ``why``: what a member was shown, and what brought it there."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import pairs, table, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.platform.feed.why import Why
    from sim.platform.platform import Platform
    from sim.world.world import World


def show_why(where: str, agent: str, message: int, tick: int | None, shape: Shape) -> None:
    """Write what brought a message into a feed.

    Raises
    ------
    HubbubError
        For a world, a member, a message or a tick that there is not.
    """
    world, platform, who = _then(where, agent, tick)
    found = platform.why(who, message)
    answer(shape, _facts(world, found), lambda facts, _: _text(found, facts))


def show_feed(where: str, agent: str, tick: int | None, shape: Shape) -> None:
    """Write what a member was shown in a tick; as :func:`show_why`."""
    from sim.runtime.queries.feeds import shown_of

    world, platform, who = _then(where, agent, tick)
    rows = [dataclasses.asdict(one) for one in shown_of(world, platform, who)]
    facts = {"viewer": agent, "name": world.agents.name(who), "tick": world.tick, "rows": rows}
    answer(shape, facts, _feed_text)


def _then(where: str, agent: str, tick: int | None) -> tuple[World, Platform, int]:
    """Return a world as it was, its platform, and a member."""
    from sim.runtime.queries.why import as_it_was
    from sim.scenario.worlds import world_file

    with watched() as report, world_file(where, report) as path:
        world = as_it_was(path, tick, report=report)
    if world.platform is None:
        raise InputError("This world has no platform, so nobody reads a feed.")
    return world, world.platform, world.agents.index(agent)


def _text(found: Why, facts: Facts) -> str:
    said: dict[str, Any] = {
        "message": f"{found.message:,}  {facts['line']}",
        "shown to": facts["viewer_name"],
        "in tick": f"{found.tick:,}",
        "place": f"{found.slot + 1} of {found.shown}",
        "through": f"{facts['source_name']} ({'followed' if found.followed else 'a stranger'})",
        "ranked by": found.recommender,
        "score": f"{found.score:.4g}",
    }
    said |= {f"  {name}": f"{value:+.4g}" for name, value in found.parts.items()}
    said["beside it"] = ", ".join(f"{n:,} ({score:.3g})" for n, score in found.rivals) or "nothing"
    return pairs(said)


def _facts(world: World, found: Why) -> dict[str, Any]:
    from sim.cli.show.acts import said_facts
    from sim.platform.posts.texts import QuotedTexts, said_in_message

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
    empty = f"{facts['name']} was shown nothing in tick {facts['tick']:,}."
    return table([("", "message", "score", "through", "text"), *rows]) if rows else empty
