"""``hubbub why``: what brought a message into somebody's feed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.program.output import as_json, pairs, say, table, watched
from sim.cli.program.start import prepare
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.platform.feed.why import Why
    from sim.world.world import World

__all__ = ["show_why", "why"]


def why(
    context: typer.Context,
    world: Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")],
    agent: Annotated[str, typer.Argument(help="The id of the member whose feed it was.")],
    message: Annotated[
        int | None, typer.Argument(help="The number of the message; else the whole feed.")
    ] = None,
    tick: Annotated[
        int | None, typer.Option(help="The tick, which is run again; else the last one.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Say why a member was shown a message; of an earlier tick too."""
    prepare(context.obj)
    show_why(world, agent, message, tick, json=json)


def show_why(where: str, agent: str, message: int | None, tick: int | None, *, json: bool) -> None:
    """Write what brought a message into a feed, or what stood in it.

    Raises
    ------
    HubbubError
        For a world, a member, a message or a tick that there is not.
    """
    from sim.cli.worlds.names import saved_path
    from sim.runtime.queries.why import as_it_was

    with watched() as report:
        world = as_it_was(saved_path(where), tick, report=report)
    if world.platform is None:
        raise InputError("This world has no platform, so nobody reads a feed.")
    who = world.agents.index(agent)
    if message is None:
        _show_feed(world, who, json=json)
        return
    found = world.platform.why(who, message)
    facts = _facts(world, found)
    if json:
        say(as_json(facts))
        return
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
    say(pairs(said))


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


def _show_feed(world: World, who: int, *, json: bool) -> None:
    from sim.runtime.queries.feeds import shown_of

    platform = world.platform
    shown = () if platform is None else shown_of(world, platform, who)
    rows = [
        (f"{place}.", f"{one.message:,}", f"{one.score:.4g}", one.source, one.text)
        for place, one in enumerate(shown, 1)
    ]
    facts = [dataclasses.asdict(one) for one in shown]
    empty = f"{world.agents.name(who)} was shown nothing in tick {world.tick:,}."
    text = table([("", "message", "score", "through", "text"), *rows]) if rows else empty
    say(as_json(facts) if json else text)
