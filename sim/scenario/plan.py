"""The plan of a run: messages, commands and decisions in a world, and when the run ends.

A plan is a value: it can be pickled, and contains no output files or command-line options. It
can be carried out repeatedly, on any world: by ``hubbub run`` in this process or another, by
the lab on copies of one base world, or by a script::

    scenario = read_scenario("storm.toml")
    world = scenario.world(quiet, seed=7)       # the base: network and members, nothing else
    plan = scenario.plan()
    plan.begin(world)                           # platform, metrics, interventions, messages
    for done in drive(plan, world, 48):         # does what is due, and ends where nothing can
        world.step()                            # happen any more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.arrays import Ids
from sim.core.checks import LAST_TICK
from sim.core.files import picture
from sim.errors import InputError
from sim.scenario.sections import SEEDS, placed

if TYPE_CHECKING:
    from sim.scenario.minds import MindsRequest
    from sim.scenario.setup import WorldSetup
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


Named = str | Sequence[str | int]

LIMIT = 1000
"""Maximum ticks of a run without any other end."""

MOST_PAIRS = 10_000_000
"""Maximum number of pairs in one command."""


def at_rest(world: World) -> bool:
    """Return whether no message can change any more, and no intervention waits for a tick."""
    if world.interventions.waits_for_tick:
        return False
    return not any(cascade.alive for cascade in world.cascades.loose)


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """A message to inject.

    Parameters
    ----------
    text, model, priority, draws, channel, alt
        As for ``world.inject``; ``model`` None: the one in the settings.
    seeds
        An expression such as ``top:40:pagerank``.
    author
        The foreign id of an agent.
    tags
        Interests; None: recognised from the text.
    at
        Ticks after the start; None: at once.
    image
        A picture: its file, beside the scenario's, or a data URL.
    parameters
        Parameters of the model, as typed or as values.
    place
        Its file and section, for errors.
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
    image: str | None = None
    alt: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[Path, str] | None = None

    def check(self) -> None:
        """Refuse an invalid model or parameter before any world is made.

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
        """Send the message.

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
                image=self.picture,
                alt=self.alt,
                **self.parameters,
            )

    @property
    def picture(self) -> str | None:
        """Its picture as a data URL; None without one."""
        if self.image is None or self.image.startswith("data:"):
            return self.image
        beside = Path() if self.place is None else self.place[0].parent
        return picture(self.image if self.image.startswith("~") else beside / self.image)

    def with_picture(self) -> MessageSpec:
        """Return it with the picture itself, so that the run may begin elsewhere, or later."""
        with placed(self.place):
            return replace(self, image=self.picture)

    @property
    def named_model(self) -> str:
        """The model's name, or that in the settings if none was given."""
        if self.model is not None:
            return self.model
        from sim.settings.settings import current

        return current().model


@dataclass(frozen=True, slots=True)
class ScenarioCommand:
    """A command between two ticks by which some agents act on some others.

    Parameters
    ----------
    do
        The name of a command of a world: ``follow``, ``unfollow``, ``befriend`` ...
    agents, others
        Foreign ids, or an expression as for seeds. An agent in both is not paired with itself.
    at
        Ticks after the start.
    place
        Its file and section, for errors.
    """

    do: str
    agents: Named
    others: Named
    at: int = 0
    place: tuple[Path, str] | None = None

    def carry_out(self, world: World) -> None:
        """Carry out the command.

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
    """Return the fields of a message or command, except where it was read."""
    return {name: value for name, value in asdict(spec).items() if name != "place"}


@dataclass(frozen=True, slots=True)
class Stop:
    """When a run ends: after ``ticks``, or earlier once every message has died out."""

    ticks: int | None = None
    until_quiet: bool = False

    @property
    def limit(self) -> int:
        """The maximum number of ticks."""
        return LIMIT if self.ticks is None else self.ticks

    @property
    def waits_for_quiet(self) -> bool:
        """Whether it ends early; it does if no number of ticks is given."""
        return self.until_quiet or self.ticks is None

    def check(self) -> None:
        """Raise ``InputError`` for an invalid number of ticks."""
        if self.ticks is not None and not 0 <= self.ticks <= LAST_TICK:
            raise InputError(f"A run takes 0 to {LAST_TICK:,} ticks, got {self.ticks}.")

    def reached(self, world: World) -> bool:
        """Return whether nothing can happen any more, and the run ends then."""
        return self.waits_for_quiet and at_rest(world)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run does to a world: a program (:mod:`~sim.runtime.engine.run_control`), picklable.

    Parameters
    ----------
    name
        Its name: the scenario, with its variant.
    setup
        What to open in the world first: platform, metrics, alerts, interventions; None: nothing.
    platform
        The recommender of a platform to open if there is none; empty: no platform is opened.
    messages, commands
        The messages to send; commands by which members act on each other between ticks.
    minds
        The request for minds, if any.
    stop
        When the run ends.
    max_running
        Maximum number of messages spreading at once; None: as in the settings.
    author
        The author of its commands in the world's log.

    Examples
    --------
    >>> from hubbub import World
    >>> from hubbub.scenario import ScenarioCommand, MessageSpec, RunPlan, Stop, drive
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
        """Refuse, before any world is made, what no world would accept.

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
        """The maximum number of messages spreading at once."""
        if self.max_running is not None:
            return self.max_running
        from sim.settings.settings import current

        return current().max_running

    def facts(self) -> dict[str, Any]:
        """Return the plan as plain values that fit JSON, without its name and where it was read.

        Two plans with equal facts have the same effect on the same world.
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

    # A program: begin, do what is due between ticks, decide whether it is over

    def begin(self, world: World) -> None:
        """Do everything that precedes the first tick, in a world as it was made or opened.

        Raises
        ------
        HubbubError
            One sentence, for what this world cannot do; or if minds are to decide, which
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
        """Return whether the command kinds end with those due after ``done`` ticks."""
        due = [each.do for each in self.commands if each.at == done]
        return list(kinds[len(kinds) - len(due) :]) == due

    def late(self) -> list[str]:
        """Return one sentence for each command that is planned for after the end of the run."""
        limit, said = self.stop.limit, list[str]()
        for each in self.commands:
            if each.at > limit:
                where = "A command" if each.place is None else f"{each.place[0]}: {each.place[1]}"
                end = f"the run ends at {limit:,}"
                said.append(f"{where}: {each.do} at {each.at:,} is not done; {end}.")
        return said

    # The parts of its beginning, for callers that act between them

    def prepare(self, world: World) -> None:
        """Open platform and metrics, set alerts and plan interventions, as in ``setup``."""
        if self.setup is not None:
            world.trail.by(world, self.author)
            self.setup.apply(world)

    def host(self, world: World) -> None:
        """Open a platform ranked by the recommender ``platform``, if there is one.

        Nothing is done if it already ranks all feeds.

        Raises
        ------
        InputError
            If the world has a platform with other recommenders.
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
        """Inject the messages, and set how many may spread at once; return their cascades."""
        world.trail.by(world, self.author)
        if world.max_running != self.most_running:
            with world.trail.doing(world, "limit", (self.most_running,)):
                world.max_running = self.most_running
        return [message.inject(world) for message in self.messages]
