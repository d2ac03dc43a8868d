"""``hubbub edit WORLD``: changes to many members of a world, and to ties; the result is saved."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import as_json, require_folder, say, tell, watched
from sim.cli.worlds.open_save import AUTHOR, open_world, save_world
from sim.errors import InputError, UnknownNameError
from sim.scenario.worlds import assignments

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.world.world import World


Facts = dict[str, Any]

_DOES = (
    "follow", "unfollow", "befriend", "unfriend", "mute", "unmute", "block", "unblock", "set",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgentEdit:
    """What is to become of members.

    Parameters
    ----------
    world
        A file, a saved name, ``demo`` or ``new:...``.
    where
        A condition; None: everybody.
    values
        ``NAME=VALUE`` words to set.
    profiles, match
        A file of profiles, and how they find their agents.
    out
        Where the changed world is saved.
    """

    world: str
    where: str | None
    values: Sequence[str]
    profiles: Path | None
    match: str
    out: Path

    def check(self) -> None:
        """Refuse before a large world is loaded what cannot be done."""
        if not self.values and self.profiles is None:
            raise InputError("Nothing would change: add --set NAME=VALUE or --profiles FILE.")
        require_folder(self.out)


def edit_agents(order: AgentEdit, *, json: bool) -> None:
    """Change agents and save the world.

    Raises
    ------
    HubbubError
        One sentence; nothing is written.
    """
    order.check()
    values = assignments(order.values, "--set")
    with watched() as report:
        world = open_world(order.world, report)
        facts = _changed(world, order, values, report)
    say(as_json(facts) if json else _changed_text(facts))


def _changed(world: World, order: AgentEdit, values: dict[str, str], report: Report) -> Facts:
    world.trail.by(world, AUTHOR)
    facts: Facts = {}
    if order.profiles is not None:
        facts["profiles"], facts["remarks"] = give_profiles(world, order.profiles, order.match)
    if values:
        facts["changed"] = int(world.change_agents(order.where or "", **values).size)
        facts["set"] = values
    facts["saved"] = save_world(world, order.out, report)
    return facts


def give_profiles(
    world: World, path: Path, match: str = "auto", interests: str = "known"
) -> tuple[int, list[str]]:
    """Give the profiles of a file to a world's agents; returns how many, and remarks."""
    from sim.io.importing.profiles import read_profiles

    profiles = read_profiles(path)
    taken = world.take_profiles(profiles, match, interests)  # type: ignore[arg-type]  # checked there
    return len(profiles), [*profiles.remarks, *taken.remarks]


def _changed_text(facts: Facts) -> str:
    lines = []
    if "profiles" in facts:
        lines.append(f"{facts['profiles']:,} profiles were given to agents.")
        for remark in facts["remarks"]:
            tell(remark)
    if "set" in facts:
        said = ", ".join(f"{name}={shlex.quote(value)}" for name, value in facts["set"].items())
        lines.append(f"{facts['changed']:,} agents were set to {said}.")
    return "\n".join([*lines, facts["saved"]])


@dataclass(frozen=True, slots=True)
class TieEdit:
    """What is to become of the tie by which one member follows another, or between both."""

    world: str
    does: str
    agent: str
    other: str
    relation: str | None
    values: Sequence[str]
    out: Path

    def check(self) -> dict[str, Any]:
        """Refuse what cannot be done before a large world is loaded; returns the properties."""
        if self.does not in _DOES:
            raise UnknownNameError("change of ties", self.does, _DOES)
        is_said = self.relation is not None or bool(self.values)
        if is_said != (self.does == "set"):
            raise InputError("Ties are set by: set AGENT OTHER --type TYPE --set NAME=VALUE.")
        require_folder(self.out)
        return {name: _value(text) for name, text in assignments(self.values, "--set").items()}


def _value(text: str) -> object:
    """Return the number or truth that a text says, or the text; None for an empty one."""
    try:
        found = loads(text)
    except (ValueError, RecursionError):
        return text or None
    return found if isinstance(found, bool | int | float) else text


def edit_ties(order: TieEdit, *, json: bool) -> None:
    """Let one member do to another what ties or parts them, and save the world.

    Raises
    ------
    HubbubError
        One sentence; nothing is written.
    """
    properties = order.check()
    with watched() as report:
        world = open_world(order.world, report)
        one, two = (world.agents.index(each) for each in (order.agent, order.other))
        world.trail.by(world, AUTHOR)
        if order.does == "set":
            world.set_relations([two], [one], order.relation, properties)
        else:
            getattr(world, order.does)(one, two)
        facts = {"does": order.does, "agent": order.agent, "other": order.other}
        facts["saved"] = save_world(world, order.out, report)
    names = world.agents.name(one), world.agents.name(two)
    say(as_json(facts) if json else f"{names[0]}, {order.does}: {names[1]}.\n{facts['saved']}")
