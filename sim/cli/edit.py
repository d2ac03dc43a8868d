"""``hubbub edit WORLD``: change members and ties of a world, and save the result to a file."""

from __future__ import annotations

import shlex
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.help import VerbApp, world_of
from sim.cli.output import Json, WorldName, as_json, require_folder, say, tell
from sim.cli.start import prepare
from sim.cli.watch import watched
from sim.cli.worlds import AUTHOR, give_profiles, open_world, save_world
from sim.core.text import plural
from sim.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    pass


edit = VerbApp("Change a world, and save the result to a file.")

Out = Annotated[Path, typer.Option("--out", "-o", help="The changed world's file, NAME.hub.")]

_TIE_VERBS = (
    "follow", "unfollow", "befriend", "unfriend", "mute", "unmute", "block", "unblock", "set",
)  # fmt: skip


@edit.callback()
def of_world(context: typer.Context, world: WorldName) -> None:
    """Take the world that all the nouns are about."""
    del world  # world_of returns it
    prepare(context.obj)


@edit.command("agents")
def edit_agents(
    context: typer.Context,
    out: Out,
    where: Annotated[
        str | None,
        typer.Option(
            help="Condition, such as 'activity > .5 and community == \"x\"'; default: all."
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Status, activity, interests, community, language or a trait; may be repeated. "
            "Only active members take part; idle ones are still suggested as friends, banned ones "
            "make no new ties, destroyed ones lose ties, groups and community for good.",
        ),
    ] = None,
    profiles: Annotated[
        Path | None, typer.Option(help="A table, JSON list or JSON lines of people.")
    ] = None,
    match: Annotated[
        str, typer.Option(help="How profiles are matched to members: auto, id or order.")
    ] = "auto",
    json: Json = False,
) -> None:
    """Set values of many members, or give them profiles."""
    from sim.scenario.worlds import assignments

    if not values and profiles is None:
        raise InputError("Nothing would change: add --set NAME=VALUE or --profiles FILE.")
    require_folder(out)
    changes = assignments(values or (), "--set")
    facts: dict[str, Any] = {}
    lines: list[str] = []
    remarks: list[str] = []
    with watched() as report:
        world = open_world(world_of(context), report)
        world.trail.by(world, AUTHOR)
        if profiles is not None:
            count, remarks = give_profiles(world, profiles, match)
            facts = {"profiles": count, "remarks": remarks}
            lines.append(f"Loaded {plural(count, 'profile')}.")
        if changes:
            changed = int(world.change_agents(where or "", **changes).size)
            facts |= {"changed": changed, "set": changes}
            words = ", ".join(f"{name}={shlex.quote(value)}" for name, value in changes.items())
            lines.append(f"Set {plural(changed, 'member')} to {words}.")
        facts["saved"] = save_world(world, out, report)
    if json:
        say(as_json(facts))
        return
    for remark in remarks:
        tell(remark)
    say("\n".join([*lines, facts["saved"]]))


@edit.command("ties")
def edit_ties(
    context: typer.Context,
    does: Annotated[
        str,
        typer.Argument(
            metavar="DOES",
            help="follow, unfollow, befriend, unfriend, mute, unmute, block or unblock; or set, "
            "which changes the tie by which AGENT follows OTHER.",
        ),
    ],
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="Id of the member that acts.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Id of the other member.")],
    out: Out,
    relation: Annotated[
        str | None, typer.Option("--type", help="With set: the type, such as friend; '': none.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="With set: a property; no VALUE removes it."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Let a member follow, befriend, mute or block another, or undo that; or change a tie."""
    from sim.scenario.worlds import assignments

    if does not in _TIE_VERBS:
        raise UnknownNameError("change of ties", does, _TIE_VERBS)
    if (relation is not None or bool(values)) != (does == "set"):
        raise InputError("--type and --set need: set AGENT OTHER --type TYPE --set NAME=VALUE.")
    require_folder(out)
    texts = assignments(values or (), "--set")
    properties = {name: _value(text) for name, text in texts.items()}
    with watched() as report:
        world = open_world(world_of(context), report)
        one, two = (world.agents.index(each) for each in (agent, other))
        world.trail.by(world, AUTHOR)
        if does == "set":
            world.set_relations([two], [one], relation, properties)
        else:
            getattr(world, does)(one, two)
        saved = save_world(world, out, report)
    facts = {"does": does, "agent": agent, "other": other, "saved": saved}
    names = world.agents.name(one), world.agents.name(two)
    say(as_json(facts) if json else f"{names[0]}, {does}: {names[1]}.\n{saved}")


def _value(text: str) -> object:
    """Return a text as a number or boolean if it is one, else the text; None if it is empty."""
    try:
        found = loads(text)
    except (ValueError, RecursionError):
        return text or None
    return found if isinstance(found, bool | int | float) else text
