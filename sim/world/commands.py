"""The table of commands: everything that changes a world, each a name, arguments and a function.

The effect of a command depends only on the world and on its arguments, which JSON can hold, so it
can be repeated. All users of commands read :data:`COMMANDS`: the world's trail and the journal
store names and arguments; recovery, replay and manifests apply them; an engine in another process
receives them; :mod:`sim.scenario.from_world` writes them as a scenario. Rooms above add their own
with :func:`command`: minds, and work on many agents at once.
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
        """Its parameters, without the world and the report."""
        whole = signature(self.apply)
        world, *rest = whole.parameters.values()
        del world
        return whole.replace(parameters=[each for each in rest if each.name != "report"])

    def check(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        """Raise InputError if the command does not accept these arguments.

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
"""All commands by name."""

_NAMES: dict[Callable[..., Any], str] = {}

_PASS_ON = frozenset({__name__, "sim.world.log"})
"""Modules whose functions only forward the arguments of a command."""


def command(name: str = "", *, holds: str = "") -> Callable[[F], F]:
    """Add a function to :data:`COMMANDS` as a :class:`Command`, under its own or another name."""

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
    """Return a function that raises InputError if what it calls does not accept its arguments.

    Some commands only forward their arguments, so their own signature does not show what fits.
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
                raise  # the arguments fit; the failure came from inside
            raise InputError(f"The command {name} has other arguments: {error}.") from None

    return cast("F", applied)


def holds(name: str, what: str) -> bool:
    """Return whether a command exists and holds ``what`` (:attr:`Command.holds`).

    Examples
    --------
    >>> holds("take_profiles", "profiles"), holds("step", "profiles"), holds("sign", "profiles")
    (True, False, False)
    """
    return name in COMMANDS and COMMANDS[name].holds == what


def name_of(function: Callable[..., Any]) -> str | None:
    """Return the name of a function's command; None if it is not a command."""
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
    """Draw from another seed from now on; any integer."""
    world.seed = seed


# Messages


@command()
def inject(world: World, *text: str, **said: Any) -> Cascade:
    """Start a message, as ``world.inject``."""
    return world.inject(*text, **said)


@command()
def set_parameter(world: World, number: int, name: str, value: object) -> None:
    """Change a parameter of a message's model from the next tick on."""
    _cascade(world, number).revise(**{name: value})


@command()
def cancel(world: World, number: int) -> None:
    """Stop a message; its adopters stay."""
    _cascade(world, number).cancel()


@command()
def limit(world: World, max_running: int) -> None:
    """Set how many messages may run at once; 0: none starts."""
    world.max_running = max_running


def _cascade(world: World, number: int) -> Any:
    found = world.cascades.find(whole_number(number, "The number of a message"))
    if found is None:
        raise InputError(f"There is no message #{number}; {len(world.cascades):,} are there.")
    return found


# Agents


@command()
def set_status(world: World, ids: Any, status: int, report: Report = quiet) -> None:
    """Set the status of agents, a value of :class:`~sim.agents.lifecycle.Lifecycle`."""
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
    """Assign profiles, as plain values, to agents."""
    report("giving profiles", 0.0)
    return world.take_profiles(profiles, match, interests)


@command()
def change_agents(world: World, agents: Any, report: Report = quiet, **values: Any) -> int:
    """Set properties of agents, given by a condition or indices; return how many were set."""
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
    """Add ties ``sources[i] -> targets[i]``; return how many were new."""
    report("adding ties", 0.0)
    before = world.ties.count
    world.add_ties(np.asarray(sources), np.asarray(targets), trust)
    return world.ties.count - before


def _on_pairs(does: str, doing: str, says: str) -> Callable[..., AppliedChanges]:
    """Add a command that calls one of a world's methods on pairs of agents."""

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
    """Remove ties ``sources[i] -> targets[i]``; return how many existed."""
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
    """Update trust by outcomes; as ``World.learn``."""
    report("learning", 0.0)
    given = (np.asarray(agents), np.asarray(others), np.asarray(good))
    return world.learn(*given, gain=gain, loss=loss)


@command()
def create_group(world: World, name: str, limit: int | None = None, report: Report = quiet) -> int:
    """Create a group; as ``World.groups.create``."""
    report("making a group", 0.0)
    return world.groups.create(name, limit)


@command()
def join_group(world: World, agents: Any, group: int | str, report: Report = quiet) -> int:
    """Add agents to a group; as ``World.groups.join``."""
    report("joining", 0.0)
    return world.groups.join(np.asarray(agents), group)


@command()
def leave_group(world: World, agents: Any, group: int | str, report: Report = quiet) -> int:
    """Remove agents from a group; as ``World.groups.leave``."""
    report("leaving", 0.0)
    return world.groups.leave(np.asarray(agents), group)


# The platform


@command()
def open_platform(world: World, settings: Any = None, **more: Any) -> None:
    """Open a platform, as ``world.open_platform``."""
    world.open_platform(settings, **more)


@command()
def act(world: World, agent: int, what: Any, **said: Any) -> None:
    """Schedule an action of a member for the next tick, as ``world.platform.act``."""
    _platform(world).act(agent, what, **said)


@command()
def recommend(world: World, recommender: Any, members: Any = None, **parameters: Any) -> None:
    """Change the recommender that ranks feeds, as ``world.recommend``."""
    world.recommend(recommender, members, **parameters)


@command()
def behave(world: World, policy: Any, members: Any = None, **parameters: Any) -> None:
    """Change the policy that decides what members do, as ``world.behave``."""
    world.behave(policy, members, **parameters)


@command()
def flag(world: World, message: int, name: str, on: bool = True) -> None:
    """Set or clear a flag of a message, as ``world.platform.flag``."""
    _platform(world).flag(message, name, on=on)


def _platform(world: World) -> Platform:
    if world.platform is None:
        raise InputError("This world has no platform; open one first.")
    return world.platform


# Interventions, metrics, alerts


@command()
def at(world: World, /, when: int | str, does: str, **said: Any) -> int:
    """Plan an intervention, as ``world.at``; return its number."""
    return world.at(when, does, **said).number


@command()
def open_metrics(world: World, /, settings: Any = None, **more: Any) -> None:
    """Start recording metrics, as ``world.open_metrics``."""
    world.open_metrics(settings, **more)


@command()
def set_alert(world: World, /, name: str, **changes: Any) -> None:
    """Change an alert, as ``world.metrics.alerts.set``; open metrics if they are not open."""
    metrics = world.open_metrics() if world.metrics is None else world.metrics
    if changes.pop("off", False):
        metrics.alerts.off(name)
    else:
        metrics.alerts.set(name, **changes)
