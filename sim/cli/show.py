"""The nouns of ``hubbub show WORLD``; each imports what it needs when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.help import VerbApp, world_of
from sim.cli.output import Csv, Json, Limit, OutputFormat, Pairs, WorldName
from sim.cli.start import prepare
from sim.errors import InputError

show = VerbApp("Look at a world without changing it; with --json, --csv, --limit.")

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="Id of a member.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="Id of another member.")]
Of = Annotated[str | None, typer.Option("--agent", "-a", help="Only this member (id).")]
Where = Annotated[
    str | None, typer.Option(help="Condition, such as 'activity > .5 and community == \"x\"'.")
]
First = Annotated[int | None, typer.Option("--from", help="First tick.")]
Last = Annotated[int | None, typer.Option("--to", help="Last tick.")]
Tick = Annotated[int | None, typer.Option(help="Tick, which is run again; default: the last one.")]


@show.callback()
def of_world(context: typer.Context, world: WorldName) -> None:
    """Take the world that all the nouns are about."""
    del world  # world_of returns it
    prepare(context.obj)


@show.command("agents")
def show_agents(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="Show all about this member (id).")
    ] = None,
    where: Where = None,
    state: Annotated[
        str | None, typer.Option(help="Only members in a state of a message: MESSAGE:STATE.")
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List members, or show all about one."""
    from sim.cli.agents import show_agents, show_member

    shape = OutputFormat(json, csv, limit)
    if agent is None:
        show_agents(world_of(context), where, state, shape)
    elif where or state:
        raise InputError("--where and --state select members; leave them out with AGENT.")
    else:
        show_member(world_of(context), agent, shape)


@show.command("moves")
def show_moves(
    context: typer.Context, where: Where = None, first: First = None, last: Last = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List lifecycle transitions of members."""
    from sim.cli.agents import show_moves

    show_moves(world_of(context), where, first, last, OutputFormat(json, csv, limit))


@show.command("ties")
def show_ties(
    context: typer.Context,
    agent: Agent,
    kind: Annotated[
        str | None,
        typer.Option(help="follows, followers, friends, muted, blocked, blocked by; default: all."),
    ] = None,
    relation: Annotated[
        str | None, typer.Option("--type", help="Only ties of a type, such as friend.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Show recorded changes instead, oldest first.")
    ] = False,
    radius: Annotated[
        int | None, typer.Option(min=1, help="Show all members within this many steps instead.")
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List whom a member follows, its followers, friends, mutes and blocks."""
    from sim.cli.ties import show_around, show_changes, show_ties

    shape = OutputFormat(json, csv, limit)
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
    from sim.cli.ties import show_network

    show_network(world_of(context), where, OutputFormat(json, csv))


@show.command("pair")
def show_pair(
    context: typer.Context, agent: Agent, other: Other,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Show ties, acts and changes between two members."""
    from sim.cli.ties import show_pair

    show_pair(world_of(context), agent, other, OutputFormat(json, csv, limit))


@show.command("compatibility")
def show_compatibility(
    context: typer.Context, agent: Agent, other: Other,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Show how compatible two members are, and why."""
    from sim.cli.agents import show_compatibility

    show_compatibility(world_of(context), agent, other, OutputFormat(json, csv, limit))


@show.command("path")
def show_path(
    context: typer.Context,
    start: Annotated[str, typer.Argument(help="Id of the member that speaks.")],
    goal: Annotated[str, typer.Argument(help="Id of the member that is to hear it.")],
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Find a shortest path of a message from one member to another."""
    from sim.cli.ties import show_path

    show_path(world_of(context), start, goal, OutputFormat(json, csv, limit))


@show.command("suggestions")
def show_suggestions(
    context: typer.Context,
    agent: Agent,
    by: Annotated[
        str, typer.Option(help="Recommender: see hubbub models --kind friend-recommender.")
    ] = "adamic-adar",
    parameter: Pairs = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Suggest members to follow."""
    from sim.cli.ties import show_suggestions
    from sim.scenario.worlds import assignments

    given = assignments(parameter or ())
    show_suggestions(world_of(context), agent, by, given, OutputFormat(json, csv, limit))


@show.command("groups")
def show_groups(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Show the members of this group.")] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List groups with their limits, or the members of one."""
    from sim.cli.agents import show_groups

    show_groups(world_of(context), name, OutputFormat(json, csv, limit))


@show.command("posts")
def show_posts(
    context: typer.Context, agent: Of = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List posts in feeds, newest first."""
    from sim.cli.posts import show_posts

    show_posts(world_of(context), agent, OutputFormat(json, csv, limit))


@show.command("feed")
def show_feed(
    context: typer.Context, agent: Agent, tick: Tick = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List what a member was shown in a tick."""
    from sim.cli.posts import show_feed

    show_feed(world_of(context), agent, tick, OutputFormat(json, csv, limit))


@show.command("why")
def show_why(
    context: typer.Context,
    agent: Agent,
    message: Annotated[
        int | None,
        typer.Argument(help="Number of the message; default: the newest that it adopted."),
    ] = None,
    adopted: Annotated[
        bool, typer.Option("--adopted", help="Show through whom it adopted an injected message.")
    ] = False,
    tick: Tick = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Show why a member was shown a message, or through whom it adopted one."""
    from sim.cli.posts import show_chain, show_why

    shape = OutputFormat(json, csv, limit)
    if message is None or adopted:
        if tick is not None:
            raise InputError("--tick is for feeds; adoptions stay on record.")
        show_chain(world_of(context), agent, message, shape)
    else:
        show_why(world_of(context), agent, message, tick, shape)


@show.command("acts")
def show_acts(
    context: typer.Context,
    agent: Of = None,
    other: Annotated[str | None, typer.Option(help="Only with this other member (id).")] = None,
    act: Annotated[str | None, typer.Option(help="Only acts of one kind, such as like.")] = None,
    first: First = None, last: Last = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List what members did, newest first."""
    from sim.cli.posts import show_acts

    shape = OutputFormat(json, csv, limit)
    show_acts(world_of(context), agent, other, act, first, last, shape)


@show.command("history")
def show_history(
    context: typer.Context,
    agent: Of = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Adoptions between two members (ids)."),
    ] = None,
    message: Annotated[
        int | None, typer.Option("--message", "-m", help="Adoptions of a message, and from whom.")
    ] = None,
    first: First = None, last: Last = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """Show what happened: counts per tick, or events of a member, a pair or a message."""
    from sim.cli.history import show_history

    shape = OutputFormat(json, csv, limit)
    show_history(world_of(context), agent, pair, message, (first, last), shape)


@show.command("audit")
def show_audit(
    context: typer.Context,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List the commands given to the world, and by whom."""
    from sim.cli.audit import show_audit

    raise typer.Exit(show_audit(world_of(context), OutputFormat(json, csv, limit)))


@show.command("minds")
def show_minds(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="Show the plan and memory of this member.")
    ] = None,
    json: Json = False, csv: Csv = False, limit: Limit = None,
) -> None:  # fmt: skip
    """List members with a mind, or show what one plans and remembers."""
    from sim.cli.agents import show_minds

    show_minds(world_of(context), agent, OutputFormat(json, csv, limit))
