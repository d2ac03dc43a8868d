"""The nouns of ``hubbub show WORLD``; each imports what it needs when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.program.grammar import world_of
from sim.cli.program.panels import VerbApp
from sim.cli.program.start import prepare
from sim.cli.show.shape import Csv, Json, Limit, Shape
from sim.errors import InputError

show = VerbApp("Look at a world, which stays as it is; JSON, CSV: --json, --csv, --limit.")

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The id of a member.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The id of another.")]
Of = Annotated[str | None, typer.Option("--agent", "-a", help="Only of or about a member: an id.")]
Where = Annotated[
    str | None, typer.Option(help="A condition, such as 'activity > .5 and community == \"x\"'.")
]
First = Annotated[int | None, typer.Option("--from", help="The first tick.")]
Last = Annotated[int | None, typer.Option("--to", help="The last tick.")]
Tick = Annotated[int | None, typer.Option(help="The tick, which is run again; else the last one.")]


@show.callback()
def of_world(
    context: typer.Context,
    world: Annotated[
        str, typer.Argument(metavar="WORLD", help="A world file, a saved name, demo, new:AGENTS.")
    ],
) -> None:
    """Take the world that all the nouns are about."""
    del world  # world_of returns it
    prepare(context.obj)


@show.command("agents")
def show_agents(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="All that is known of one: an id.")
    ] = None,
    where: Where = None,
    state: Annotated[
        str | None, typer.Option(help="Who is in a state of a message now: MESSAGE:STATE.")
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List members, or tell all that is known of one."""
    from sim.cli.show.agents import Order, show_agents, show_member

    shape = Shape(json, csv, limit)
    if agent is None:
        show_agents(Order(world_of(context), where, state=state), shape)
    elif where or state:
        raise InputError("One member is shown by itself; leave --where and --state out.")
    else:
        show_member(world_of(context), agent, shape)


@show.command("moves")
def show_moves(
    context: typer.Context, where: Where = None, first: First = None, last: Last = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List moves of members between stages of life."""
    from sim.cli.show.agents import Order, show_agents

    show_agents(Order(world_of(context), where, moves=(first, last)), Shape(json, csv, limit))


@show.command("ties")
def show_ties(
    context: typer.Context,
    agent: Agent,
    kind: Annotated[
        str | None,
        typer.Option(help="follows, followers, friends, muted, blocked or 'blocked by'; else all."),
    ] = None,
    relation: Annotated[
        str | None, typer.Option("--type", help="Only ties of a type, such as friend.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="What is remembered of changes, oldest first.")
    ] = False,
    radius: Annotated[
        int | None, typer.Option(min=1, help="Instead: all within so many steps, either way.")
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List whom a member follows, its followers, friends, mutes and blocks."""
    from sim.cli.show.ties import show_around, show_changes, show_ties

    shape = Shape(json, csv, limit)
    if sum((kind is not None or relation is not None, history, radius is not None)) > 1:
        raise InputError("Ask for one thing: --kind and --type, --history, or --radius.")
    if radius is not None:
        show_around(world_of(context), agent, radius, shape)
    elif history:
        show_changes(world_of(context), agent, shape)
    else:
        show_ties(world_of(context), agent, kind, shape, relation)


@show.command("network", hidden=True)  # the list of nouns is one screen; the README names it
def show_network(
    context: typer.Context, where: Where = None,
    json: Json = False, csv: Csv = False,
) -> None:  # fmt: skip
    """Measure the network, or the ties between the members of a condition."""
    from sim.cli.show.network import show_network

    show_network(world_of(context), where, Shape(json, csv))


@show.command("pair")
def show_pair(
    context: typer.Context, agent: Agent, other: Other,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Tell all that is between two members: ties, acts, changes."""
    from sim.cli.show.ties import show_pair

    show_pair(world_of(context), agent, other, Shape(json, csv, limit))


@show.command("compatibility")
def show_compatibility(
    context: typer.Context, agent: Agent, other: Other,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Say how well two members would get on, and why."""
    from sim.cli.show.agents import show_compatibility

    show_compatibility(world_of(context), agent, other, Shape(json, csv, limit))


@show.command("path")
def show_path(
    context: typer.Context,
    start: Annotated[str, typer.Argument(help="The id of the member that speaks.")],
    goal: Annotated[str, typer.Argument(help="The id of the member that is to hear it.")],
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Find a shortest way of a message from one member to another."""
    from sim.cli.show.ties import show_path

    show_path(world_of(context), start, goal, Shape(json, csv, limit))


@show.command("suggestions")
def show_suggestions(
    context: typer.Context,
    agent: Agent,
    by: Annotated[
        str, typer.Option(help="Who proposes: see hubbub models --kind friend-recommender.")
    ] = "adamic-adar",
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="NAME=VALUE", help="A parameter; may be repeated."
        ),
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Propose whom a member might follow."""
    from sim.cli.show.suggestions import show_suggestions
    from sim.scenario.worlds import assignments

    given = assignments(parameter or ())
    show_suggestions(world_of(context), agent, by, given, Shape(json, csv, limit))


@show.command("groups")
def show_groups(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One group: who is in it.")] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List groups with their limits, or the members of one."""
    from sim.cli.show.groups import show_groups

    show_groups(world_of(context), name, Shape(json, csv, limit))


@show.command("posts")
def show_posts(
    context: typer.Context, agent: Of = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List what stands in feeds, the newest first."""
    from sim.cli.show.posts import show_posts

    show_posts(world_of(context), agent, Shape(json, csv, limit))


@show.command("feed")
def show_feed(
    context: typer.Context, agent: Agent, tick: Tick = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List what a member was shown in a tick."""
    from sim.cli.show.why import show_feed

    show_feed(world_of(context), agent, tick, Shape(json, csv, limit))


@show.command("why")
def show_why(
    context: typer.Context,
    agent: Agent,
    message: Annotated[int, typer.Argument(help="The number of the message.")],
    tick: Tick = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Say why a member was shown a message."""
    from sim.cli.show.why import show_why

    show_why(world_of(context), agent, message, tick, Shape(json, csv, limit))


@show.command("acts")
def show_acts(
    context: typer.Context,
    agent: Of = None,
    other: Annotated[str | None, typer.Option(help="Only between it and this member.")] = None,
    act: Annotated[str | None, typer.Option(help="Only of one kind, such as like.")] = None,
    first: First = None, last: Last = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List what members did, the newest first."""
    from sim.cli.show.acts import ActFilter, show_acts

    asked = ActFilter(agent, other, act, first, last)
    show_acts(world_of(context), asked, Shape(json, csv, limit))


@show.command("history")
def show_history(
    context: typer.Context,
    agent: Of = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(help="What two members convinced each other of: two ids."),
    ] = None,
    message: Annotated[
        int | None, typer.Option("--message", "-m", help="Who adopted a message, from whom.")
    ] = None,
    first: First = None, last: Last = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Tell what happened: counts, or of a member (--agent ID), a pair or a message."""
    from sim.cli.show.history import Question, show_history

    asked = Question(agent, pair, message, first, last)
    show_history(world_of(context), asked, Shape(json, csv, limit))


@show.command("audit")
def show_audit(
    context: typer.Context,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List what was done to the world, by whom."""
    from sim.cli.show.audit import show_audit

    raise typer.Exit(show_audit(world_of(context), Shape(json, csv, limit)))


@show.command("minds")
def show_minds(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="One member: its plan and memory.")
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List who has a mind, or tell what one plans and remembers."""
    from sim.cli.show.minds import show_minds

    show_minds(world_of(context), agent, Shape(json, csv, limit))
