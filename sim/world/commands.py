"""The table of commands: all that is done to a world, each a name, arguments and a function.

A command follows from the world and its arguments alone, which JSON holds: so it can be done again.
Whoever deals with commands reads :data:`COMMANDS`: the world's trail and the journal have their
names and arguments, recovery, replay and manifests apply them, an engine in another process takes
them as they are, and :mod:`sim.scenario.from_world` writes them as a scenario. Rooms above add
theirs by :func:`command`: minds, and work on many agents at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from sim.core.checks import LAST_TICK, whole_number
from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.network.graph.changes import GAIN, LOSS, AppliedChanges

if TYPE_CHECKING:
    from sim.platform.platform import Platform
    from sim.spread.cascade.cascade import Cascade
    from sim.world.members import ProfilesTaken
    from sim.world.world import World


F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    apply: Callable[..., Any]
    holds: str = ""

    @property
    def arguments(self) -> Signature:
        """What it takes besides the world, and a report."""
        whole = signature(self.apply)
        world, *rest = whole.parameters.values()
        del world
        return whole.replace(parameters=[each for each in rest if each.name != "report"])

    def check(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        """Raise InputError when these are no arguments of it.

        Examples
        --------
        >>> COMMANDS["limit"].check((5,), {})
        >>> COMMANDS["limit"].check((5, 6), {})
        Traceback (most recent call last):
        sim.errors.InputError: The command limit takes (max_running): too many positional arguments.
        """
        taken = self.arguments
        try:
            taken.bind(*args, **keywords)
        except TypeError as error:
            names = ", ".join(taken.parameters)
            raise InputError(f"The command {self.name} takes ({names}): {error}.") from None


COMMANDS: dict[str, Command] = {}
"""Every command by its name."""

_NAMES: dict[Callable[..., Any], str] = {}

_PASS_ON = frozenset({__name__, "sim.world.log"})
"""Modules whose functions only pass on what a command was given."""


def command(name: str = "", *, holds: str = "") -> Callable[[F], F]:
    """Add a function to :data:`COMMANDS`, under its own name or another; as :class:`Command`."""

    def add(function: F) -> F:
        called = name or function.__name__
        if called in COMMANDS:
            raise ValueError(f"There is a command {called} already.")
        applied = _refusing(called, function)
        COMMANDS[called] = Command(called, applied, holds)
        _NAMES[applied] = called
        return applied

    return add


def _refusing(name: str, function: F) -> F:
    """Return a function whose arguments are refused in a sentence where what it calls has others.

    Some commands pass on what they are given, so their own parameters do not say what fits.
    """

    @wraps(function)
    def applied(*args: Any, **keywords: Any) -> Any:
        try:
            return function(*args, **keywords)
        except TypeError as error:
            at = error.__traceback__
            while at and at.tb_next:
                at = at.tb_next
            if at is None or at.tb_frame.f_globals["__name__"] not in _PASS_ON:
                raise  # it was called as it asks for, and failed within
            raise InputError(f"The command {name} has other arguments: {error}.") from None

    return cast("F", applied)


def holds(name: str, what: str) -> bool:
    """Return whether a command is there and holds something (:attr:`Command.holds`).

    Examples
    --------
    >>> holds("take_profiles", "profiles"), holds("step", "profiles"), holds("sign", "profiles")
    (True, False, False)
    """
    return name in COMMANDS and COMMANDS[name].holds == what


def name_of(function: Callable[..., Any]) -> str | None:
    """Return the name of the command that a function is; None: it is none."""
    return _NAMES.get(function) if isinstance(function, Hashable) else None


# Time


@command()
def step(world: World, ticks: int) -> None:
    """Run ticks, one after another."""
    for _ in range(whole_number(ticks, "Ticks", low=0, high=LAST_TICK)):
        world.step(1)
        world.woken.clear()


@command()
def reseed(world: World, seed: int) -> None:
    """Draw what is to come from another seed, any whole number."""
    world.seed = seed


# Messages


@command()
def inject(world: World, *text: str, **said: Any) -> Cascade:
    """Send a message on its way, as ``world.inject``."""
    return world.inject(*text, **said)


@command()
def set_parameter(world: World, number: int, name: str, value: object) -> None:
    """Change a parameter of a message's model from the next tick on."""
    _cascade(world, number).revise(**{name: value})


@command()
def cancel(world: World, number: int) -> None:
    """Stop a message; what it reached stays."""
    _cascade(world, number).cancel()


@command()
def limit(world: World, max_running: int) -> None:
    """Let so many messages run at once; 0: none begins."""
    world.max_running = max_running


def _cascade(world: World, number: int) -> Any:
    found = world.cascades.find(whole_number(number, "The number of a message"))
    if found is None:
        raise InputError(f"There is no message #{number}; {len(world.cascades):,} are there.")
    return found


# Agents


@command()
def set_status(world: World, ids: Any, status: int, report: Report = quiet) -> None:
    """Give agents a status of :class:`~sim.agents.lifecycle.Lifecycle`."""
    report("changing agents", 0.0)
    world.agents.set_status(ids, status)


@command(holds="profiles")
def take_profiles(
    world: World,
    profiles: Any,
    match: Any = "auto",
    interests: Any = "known",
    report: Report = quiet,
) -> ProfilesTaken:
    """Give profiles, as plain values, to agents."""
    report("giving profiles", 0.0)
    return world.take_profiles(profiles, match, interests)


@command()
def change_agents(world: World, agents: Any, report: Report = quiet, **values: Any) -> int:
    """Set properties of the agents of a condition, or of indices; returns how many they are."""
    report("changing agents", 0.0)
    return int(world.change_agents(agents, **values).size)


@command()
def note(world: World, agents: Any, text: str) -> None:
    """Add a line to the personal history of agents."""
    world.note(np.asarray(agents), text)


# Ties and groups


@command()
def add_ties(
    world: World, sources: Any, targets: Any, trust: Any = None, report: Report = quiet
) -> int:
    """Add ties ``sources[i] -> targets[i]``; returns how many were new."""
    report("adding ties", 0.0)
    before = world.ties.count
    world.add_ties(np.asarray(sources), np.asarray(targets), trust)
    return world.ties.count - before


def _on_pairs(does: str, doing: str, says: str) -> Callable[..., AppliedChanges]:
    """Add a command that is one method of a world about pairs of agents."""

    def act(world: World, agents: Any, others: Any, report: Report = quiet) -> AppliedChanges:
        report(doing, 0.0)
        done: AppliedChanges = getattr(world, does)(np.asarray(agents), np.asarray(others))
        return done

    act.__name__ = act.__qualname__ = does
    act.__doc__ = f"{says}; as ``World.{does}``."
    return command()(act)


follow = _on_pairs("follow", "following", "Let agents follow others")
unfollow = _on_pairs("unfollow", "unfollowing", "Let agents follow others no more")
befriend = _on_pairs("befriend", "befriending", "Make friends")
unfriend = _on_pairs("unfriend", "unfriending", "End friendships")
block = _on_pairs("block", "blocking", "Let agents block others")
unblock = _on_pairs("unblock", "unblocking", "Lift blocks")
mute = _on_pairs("mute", "muting", "Let agents mute others")
unmute = _on_pairs("unmute", "unmuting", "Lift mutes")


@command()
def remove_ties(world: World, sources: Any, targets: Any, report: Report = quiet) -> int:
    """Cut ties ``sources[i] -> targets[i]``; returns how many there were."""
    report("cutting ties", 0.0)
    return world.remove_ties(np.asarray(sources), np.asarray(targets)).removed


@command()
def set_relations(
    world: World,
    sources: Any,
    targets: Any,
    kind: str | None = None,
    properties: Mapping[str, Any] | None = None,
    report: Report = quiet,
) -> int:
    """Set the type and properties of ties; as ``World.set_relations``."""
    report("setting ties", 0.0)
    return world.set_relations(np.asarray(sources), np.asarray(targets), kind, properties)


@command()
def learn(
    world: World,
    agents: Any,
    others: Any,
    good: Any,
    gain: float = GAIN,
    loss: float = LOSS,
    report: Report = quiet,
) -> int:
    """Let trust move by outcomes; as ``World.learn``."""
    report("learning", 0.0)
    given = (np.asarray(agents), np.asarray(others), np.asarray(good))
    return world.learn(*given, gain=gain, loss=loss)


@command()
def create_group(world: World, name: str, limit: int | None = None, report: Report = quiet) -> int:
    """Make a group; as ``World.groups.create``."""
    report("making a group", 0.0)
    return world.groups.create(name, limit)


@command()
def join_group(world: World, agents: Any, group: int | str, report: Report = quiet) -> int:
    """Let agents into a group; as ``World.groups.join``."""
    report("joining", 0.0)
    return world.groups.join(np.asarray(agents), group)


@command()
def leave_group(world: World, agents: Any, group: int | str, report: Report = quiet) -> int:
    """Let agents out of a group; as ``World.groups.leave``."""
    report("leaving", 0.0)
    return world.groups.leave(np.asarray(agents), group)


# The platform


@command()
def open_platform(world: World, settings: Any = None, **more: Any) -> None:
    """Let a world run a platform, as ``world.open_platform``."""
    world.open_platform(settings, **more)


@command()
def act(world: World, agent: int, what: Any, **said: Any) -> None:
    """Let a member do something in the next tick, as ``world.platform.act``."""
    _platform(world).act(agent, what, **said)


@command()
def recommend(world: World, recommender: Any, members: Any = None, **parameters: Any) -> None:
    """Let another recommender rank feeds, as ``world.recommend``."""
    world.recommend(recommender, members, **parameters)


@command()
def behave(world: World, policy: Any, members: Any = None, **parameters: Any) -> None:
    """Let another policy decide what members do, as ``world.behave``."""
    world.behave(policy, members, **parameters)


@command()
def flag(world: World, message: int, name: str, on: bool = True) -> None:
    """Put a flag on a message or take it off, as ``world.platform.flag``."""
    _platform(world).flag(message, name, on=on)


def _platform(world: World) -> Platform:
    if world.platform is None:
        raise InputError("This world has no platform; open one first.")
    return world.platform


# Interventions, metrics, alerts


@command()
def at(world: World, /, when: int | str, does: str, **said: Any) -> int:
    """Plan an intervention, as ``world.at``; returns its number."""
    return world.at(when, does, **said).number


@command()
def open_metrics(world: World, /, settings: Any = None, **more: Any) -> None:
    """Let a world take metrics, as ``world.open_metrics``."""
    world.open_metrics(settings, **more)


@command()
def set_alert(world: World, /, name: str, **changes: Any) -> None:
    """Change an alert, as ``world.metrics.alerts.set``; opens metrics where there are none."""
    metrics = world.open_metrics() if world.metrics is None else world.metrics
    if changes.pop("off", False):
        metrics.alerts.off(name)
    else:
        metrics.alerts.set(name, **changes)
