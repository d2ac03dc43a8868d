"""The plan of a run: what is sent, done and decided in a world, and when that ends.

A plan is a value: it can be pickled, and holds no file to write and no word of a command line. It
is carried out on any world, as often as wanted: by ``hubbub run`` in this process or another, by
the lab on copies of one base world, by a script::

    scenario = read_scenario("storm.toml")
    world = scenario.world(quiet, seed=7)       # the base: network and members, nothing else
    plan = scenario.plan()
    plan.begin(world)                           # platform, metrics, interventions, messages
    for done in drive(plan, world, 48):         # does what is due, and ends where nothing can
        world.step()                            # happen any more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.arrays import Ids
from sim.core.checks import LAST_TICK
from sim.errors import InputError
from sim.scenario.sections import SEEDS, placed

if TYPE_CHECKING:
    from sim.scenario.minds import MindsRequest
    from sim.scenario.setup import WorldSetup
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


Named = str | Sequence[str | int]

LIMIT = 1000
"""Ticks after which a run ends that was told no other end."""

MOST_PAIRS = 10_000_000
"""Pairs that one command may name."""


def at_rest(world: World) -> bool:
    """Whether no message can change any more, and no intervention waits for a tick."""
    if world.interventions.waits_for_tick:
        return False
    return not any(cascade.alive for cascade in world.cascades.loose)


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message to inject.

    Parameters
    ----------
    text, model, priority, draws, channel
        As ``world.inject`` takes them; ``model`` None is the one of the settings.
    seeds
        An expression such as ``top:40:pagerank``.
    author
        An agent's foreign id.
    tags
        Interests; None: what the text says.
    at
        Ticks after the start; None: at once.
    parameters
        Of the model, as typed or plain.
    place
        The file and section that it comes from, for errors.
    """

    text: str
    seeds: str = SEEDS
    model: str | None = None
    author: str | None = None
    tags: Sequence[str] | None = None
    at: int | None = None
    priority: int = 0
    draws: str | None = None
    channel: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[Path, str] | None = None

    def check(self) -> None:
        """Refuse a wrong model or parameter before any world is made.

        Raises
        ------
        ParameterError, UnknownNameError, FileError
            One sentence.
        """
        from sim.core.registry import make
        from sim.world.channels import channel_of
        from sim.world.seeding import check_seeds

        with placed(self.place):
            check_seeds(self.seeds)
            make(self.named_model, **self.parameters)
            if self.channel is not None:
                channel_of(self.channel)

    def inject(self, world: World) -> Cascade:
        """Start it.

        Raises
        ------
        InputError, ParameterError, UnknownNameError, FileError
            One sentence; nothing is changed.
        """
        from sim.world.seeding import choose_seeds

        with placed(self.place):
            about = {"model": self.named_model, **self.parameters}
            return world.inject(
                text=self.text,
                seeds=choose_seeds(world, self.seeds, message=about),
                model=self.named_model,
                author=None if self.author is None else world.agents.index(self.author),
                tags=self.tags,
                at=world.tick + self.at if self.at else None,
                priority=self.priority,
                draws=self.draws,  # type: ignore[arg-type]  # checked there
                channel=self.channel,
                **self.parameters,
            )

    @property
    def named_model(self) -> str:
        """The model's name, the settings' own when none was given."""
        if self.model is not None:
            return self.model
        from sim.settings.settings import current

        return current().model


@dataclass(frozen=True, slots=True)
class ScenarioCommand:
    """Each of some agents does something about each of some others, between two ticks.

    Parameters
    ----------
    do
        The name of a command of a world: ``follow``, ``unfollow``, ``befriend`` ...
    agents, others
        Foreign ids, or an expression as for seeds. An agent that is among both leaves itself out.
    at
        Ticks after the start.
    place
        The file and section that it comes from, for errors.
    """

    do: str
    agents: Named
    others: Named
    at: int = 0
    place: tuple[Path, str] | None = None

    def carry_out(self, world: World) -> None:
        """Do it.

        Raises
        ------
        InputError, FileError
            One sentence; nothing is changed.
        """
        with placed(self.place):
            who, whom = self._pairs(_chosen(world, self.agents), _chosen(world, self.others))
            getattr(world, self.do)(who, whom)

    def _pairs(self, agents: Ids, others: Ids) -> tuple[Ids, Ids]:
        if agents.size * others.size > MOST_PAIRS:
            raise InputError(
                f"A command is about at most {MOST_PAIRS:,} pairs, and {agents.size:,} agents with "
                f"{others.size:,} others are {agents.size * others.size:,}."
            )
        who, whom = np.repeat(agents, others.size), np.tile(others, agents.size)
        apart = who != whom
        if who.size and not apart.any():
            raise InputError(f"nobody can {self.do} itself; name others")
        return who[apart], whom[apart]


def _chosen(world: World, named: Named) -> Ids:
    from sim.world.seeding import choose_seeds

    if isinstance(named, str):
        return choose_seeds(world, named)
    return np.array([world.agents.index(one) for one in named], np.uint32)


def _stated(spec: MessageSpec | ScenarioCommand) -> dict[str, Any]:
    """Return the fields of a message or command, but for where it was read."""
    return {name: value for name, value in asdict(spec).items() if name != "place"}


@dataclass(frozen=True, slots=True)
class Stop:
    """When a run ends: after ``ticks``, or earlier once every message is quiet."""

    ticks: int | None = None
    until_quiet: bool = False

    @property
    def limit(self) -> int:
        """The most ticks."""
        return LIMIT if self.ticks is None else self.ticks

    @property
    def waits_for_quiet(self) -> bool:
        """Whether it ends early; it does when no number of ticks is given."""
        return self.until_quiet or self.ticks is None

    def check(self) -> None:
        """Refuse a number of ticks that no run has with ``InputError``."""
        if self.ticks is not None and not 0 <= self.ticks <= LAST_TICK:
            raise InputError(f"A run takes 0 to {LAST_TICK:,} ticks, got {self.ticks}.")

    def reached(self, world: World) -> bool:
        """Whether nothing can happen any more, and that is asked for."""
        return self.waits_for_quiet and at_rest(world)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run does to a world: a :class:`~sim.scenario.driver.Program` that can be pickled.

    Parameters
    ----------
    name
        What it is called: the scenario, with its variant.
    setup
        What is opened in the world first: platform, metrics, alerts, interventions; None: nothing.
    platform
        Who ranks the feeds of a platform that is opened where there is none; empty: nobody.
    messages, commands
        What is sent; what members do about each other between ticks.
    minds
        Which members decide by themselves, if any more.
    stop
        When it ends.
    max_running
        Messages that run at once; None: as the settings say.
    author
        Who does all that, as the log of the world's acts has it.

    Examples
    --------
    >>> from sim import World
    >>> from sim.scenario import ScenarioCommand, MessageSpec, RunPlan, Stop, drive
    >>> word = MessageSpec("A word.", seeds="ids:0", model="si", parameters={"beta": 1.0})
    >>> plan = RunPlan(messages=(word,), commands=(ScenarioCommand("unfollow", [2], [1], at=1),))
    >>> world = World.from_edges([0, 1], [1, 2], 3)
    >>> plan.begin(world)
    >>> for done in drive(plan, world, plan.stop.limit):
    ...     world.step()
    >>> world.tick, world.cascades[0].size
    (2, 2)
    """

    name: str = "run"
    setup: WorldSetup | None = None
    platform: str = ""
    messages: tuple[MessageSpec, ...] = ()
    commands: tuple[ScenarioCommand, ...] = ()
    minds: MindsRequest | None = None
    stop: Stop = Stop()
    max_running: int | None = None
    author: str = "scenario"

    def check(self) -> None:
        """Refuse before any world is made what no world would take.

        Raises
        ------
        InputError, ParameterError, UnknownNameError, FileError
            One sentence.
        """
        self.stop.check()
        for message in self.messages:
            message.check()

    @property
    def most_running(self) -> int:
        """How many messages run at once."""
        if self.max_running is not None:
            return self.max_running
        from sim.settings.settings import current

        return current().max_running

    def facts(self) -> dict[str, Any]:
        """Return what it does as plain values, fit for JSON: not its name, nor where it was read.

        Two plans of the same facts do the same to the same world.
        """
        return {
            "kind": "plan",
            "setup": None if self.setup is None else self.setup.facts(),
            "platform": self.platform,
            "messages": [_stated(each) | {"model": each.named_model} for each in self.messages],
            "commands": [_stated(each) for each in self.commands],
            "minds": None if self.minds is None else asdict(self.minds),
            "stop": [self.stop.limit, self.stop.waits_for_quiet],
            "max_running": self.most_running,
        }

    # A program: begin, what is due between ticks, is it over

    def begin(self, world: World) -> None:
        """Do everything that comes before the first tick, in a world as it was made or opened.

        Raises
        ------
        HubbubError
            One sentence, for what this world cannot do; or where minds shall decide, which
            :func:`~sim.scenario.driver.run_plan` lets them do after each tick.
        """
        if self.minds is not None:
            raise InputError(
                "Members decide by themselves in single runs, by hubbub run; here leave [minds] "
                "out, or compare two minds by hubbub compare --minds."
            )
        self.prepare(world)
        self.host(world)
        self.send(world)

    def before(self, world: World, done: int) -> None:
        """Carry out the commands that are due after ``done`` ticks of the run.

        Raises
        ------
        InputError, FileError
            One sentence; the command that it is about changed nothing.
        """
        for command in self.commands:
            if command.at == done:
                world.trail.by(world, self.author)
                command.carry_out(world)

    def is_over(self, world: World, done: int) -> bool:
        """Whether the run ends after ``done`` ticks: nothing is left to do, or can happen."""
        if done >= self.stop.limit:
            return True
        return self.stop.reached(world) and not any(c.at > done for c in self.commands)

    def has_done(self, kinds: Sequence[str], done: int) -> bool:
        """Return whether acts of these kinds end with the commands due after so many ticks."""
        due = [each.do for each in self.commands if each.at == done]
        return list(kinds[len(kinds) - len(due) :]) == due

    def late(self) -> list[str]:
        """Say which commands are planned for later than the run lasts, a sentence each."""
        limit, said = self.stop.limit, list[str]()
        for each in self.commands:
            if each.at > limit:
                where = "A command" if each.place is None else f"{each.place[0]}: {each.place[1]}"
                end = f"the run ends at {limit:,}"
                said.append(f"{where}: {each.do} at {each.at:,} is not done; {end}.")
        return said

    # The parts of its beginning, for who does something in between

    def prepare(self, world: World) -> None:
        """Open platform and metrics, set alerts and plan interventions, as ``setup`` says."""
        if self.setup is not None:
            world.trail.by(world, self.author)
            self.setup.apply(world)

    def host(self, world: World) -> None:
        """Open a platform whose feeds the recommender ``platform`` ranks, where that is asked.

        Where it ranks all feeds already, nothing is done.

        Raises
        ------
        InputError
            When the world has a platform with others.
        """
        if not self.platform:
            return
        if world.platform is None:
            world.open_platform(recommender=self.platform)
            return
        ranks = [each.plugin_name or type(each).__name__ for each in world.platform.recommenders]
        if ranks != [self.platform]:
            raise InputError(
                f"This world has a platform, ranked by {', '.join(ranks)}; leave out --platform, "
                f'or let {self.platform!r} rank from a tick on: do = "recommend" in a scenario\'s '
                f"[[interventions]]."
            )

    def send(self, world: World) -> list[Cascade]:
        """Inject the messages, and let so many run at once; returns their cascades."""
        world.trail.by(world, self.author)
        if world.max_running != self.most_running:
            with world.trail.doing(world, "limit", (self.most_running,)):
                world.max_running = self.most_running
        return [message.inject(world) for message in self.messages]
