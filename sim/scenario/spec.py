"""A scenario: a whole run in one TOML file, the thing that people share.

::

    [network]
    kind = "small-world"            # or: world = "demo" | "saved.hub", or: file = "edges.txt"
    agents = 10000
    seed = 7
    parameters = { rewiring = 0.1 }

    [population]
    tick_minutes = 60

    [[messages]]
    text = "The bridge is closed."
    seeds = "top:40:pagerank"
    model = "independent-cascade"
    parameters = { probability = 0.1 }

    [[messages]]
    text = "The bridge is open again."
    at = 12
    seeds = "random:100"
    model = "sir"

    [[commands]]                    # between ticks: ties that are made and cut
    at = 20
    do = "unfollow"                 # follow, befriend, unfriend, block, unblock, mute, unmute
    agents = "community:North:100"
    others = ["42"]

    [platform]                      # members post, read feeds and act
    recommender = "blend"           # with parameters = { ... }; else the platform's settings
    policy = "rule"                 # who decides what members do; policy_parameters = { ... }
    slots = 10
    rhythm = "daily"

    [[interventions]]               # at a tick, or when a condition holds
    when = "share > 0.1"
    do = "fact-check"               # inject, label, down-rank, hide, ban, freeze, thaw, recommend,
    reach = 0.2                     # set, ties, cut, group, shock, vote, newcomers, behave, act,
                                    # open-platform (a platform that opens late)

    [minds]                         # members that decide by themselves, as run --minds
    members = "top:50:pagerank"
    mind = "archetype"
    goal = "be kind"

    [metrics]
    every = 6

    [alerts]
    "spread too fast" = { warning = 0.02, critical = 0.1 }

    [sweep]                         # for hubbub sweep
    parameters = { probability = "0.02:0.2:7", "network.mean_degree" = [5, 10, 20] }
    replicates = 10

    [variants.unchecked]            # other keys of any section, for --variant and scenario variants
    interventions = []

    [stop]
    ticks = 200
    until_quiet = true

    [outputs]
    json = "out.json"
    csv = "out.csv"
    save = "out.hub"

Paths are relative to the file. Whatever is unknown or not allowed is refused with its place.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from sim.core.files import from_toml, read_bounded_text
from sim.core.params import refusals
from sim.core.progress import Report, Tell, unheard
from sim.errors import FileError
from sim.scenario.minds import AWAKE, MindsRequest
from sim.scenario.plan import MessageSpec, RunPlan, ScenarioCommand, Stop
from sim.scenario.sections import (
    AboutSection,
    CommandSection,
    InterventionSection,
    MessageSection,
    MindsSection,
    NetworkSection,
    OutputSection,
    PopulationSection,
    Section,
    StopSection,
    SweepSection,
    as_clause,
    placed,
)
from sim.scenario.setup import WorldSetup
from sim.scenario.worlds import ImportedWorld, NewWorld, data_file, named_world

if TYPE_CHECKING:
    from sim.world.world import World


_MOST_BYTES = 1 << 20
_OWNERS = ("recommender", "kind", "model")
"""Keys that name the owner of a table's parameters."""

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A checked scenario file.

    Parameters
    ----------
    path
        The file that it was read from.
    network, population, messages, stop, outputs, commands, minds
        Its sections.
    setup
        Platform, metrics, alerts and interventions.
    about
        Its description, for people.
    variants
        Names of the variants in the file.
    called
        Its name as typed, if that is not its path: ``gallery:NAME``.
    variant
        The name of this variant; empty: the file itself.
    sweep
        The parameters that a sweep varies, if the file names any.
    """

    path: Path
    network: NetworkSection
    population: PopulationSection
    messages: tuple[MessageSection, ...]
    stop: StopSection
    outputs: OutputSection
    commands: tuple[CommandSection, ...] = ()
    setup: WorldSetup = field(default_factory=WorldSetup)
    about: AboutSection = field(default_factory=AboutSection)
    variants: tuple[str, ...] = ()
    called: str = ""
    variant: str = ""
    minds: MindsSection | None = None
    sweep: SweepSection | None = None

    @property
    def headless(self) -> str:
        """Name its keys that have no effect with a screen; empty if there are none."""
        asked = ["[outputs], which hubbub run writes"] if self.outputs.model_fields_set else []
        asked += ["a [sweep], which hubbub sweep runs"] if self.sweep is not None else []
        if not asked:
            return ""
        return (
            f"{self.called or self.path.name} names {', and '.join(asked)}; where its world is "
            "watched, that is left out."
        )

    def sized(self, agents: int) -> Scenario:
        """Return it with another number of agents, if a generator makes them.

        Raises
        ------
        FileError
            If none does: the number of a saved world or a file is fixed.
        """
        if self.network.world is not None or self.network.file is not None:
            raise FileError(self.path, "[network]: its members are those of its world or file")
        network = self.network.model_copy(update={"agents": agents, "data": None})
        return replace(self, network=network)

    def plan(self, stop: Stop | None = None, *, author: str = "scenario") -> RunPlan:
        """Return the plan of the run, to carry out on :meth:`world`.

        Parameters
        ----------
        stop
            The end of the run; parts that it leaves out are taken from the file.
        author
            The author of its commands in the world's log.

        Raises
        ------
        InputError
            If a cap of minds is invalid.
        """
        end = stop or Stop()
        name = self.called or self.path.stem
        return RunPlan(
            f"{name}, {self.variant}" if self.variant else name,
            self.setup,
            messages=tuple(
                MessageSpec(
                    **dict(message), place=(self.path, f"[[messages]] number {number}")
                ).with_picture()
                for number, message in enumerate(self.messages, 1)
            ),
            commands=tuple(
                ScenarioCommand(**dict(command), place=(self.path, f"[[commands]] number {number}"))
                for number, command in enumerate(self.commands, 1)
            ),
            minds=None if self.minds is None else _minds_request(self.minds),
            stop=Stop(
                self.stop.ticks if end.ticks is None else end.ticks,
                self.stop.until_quiet or end.until_quiet,
            ),
            max_running=self.population.max_running,
            author=author,
        )

    def world(
        self,
        report: Report,
        seed: int | None = None,
        *,
        tell: Tell = unheard,
        author: str = "scenario",
    ) -> World:
        """Open, import or make the base world: members and ties, before anything of the plan.

        Platform, metrics, interventions and messages are in the plan: ``plan().begin(world)``. So
        one base serves all variants with the same network and population.

        Parameters
        ----------
        report
            Called with the progress.
        seed
            Overrides the file's.
        tell
            Called with remarks on what was opened, one sentence each.
        author
            The author, in the world's log, of a new seed for a saved world.

        Raises
        ------
        FileError
            One sentence with the file and the section.
        """
        with placed((self.path, "[network]")):
            return self._world(report, seed, tell, author)

    def _world(self, report: Report, seed: int | None, tell: Tell, author: str) -> World:
        network = self.network
        used = network.seed if seed is None else seed
        if network.world is not None:
            beside = self.path.parent / network.world
            where = str(beside) if beside.exists() else network.world
            given = network.seed if "seed" in network.model_fields_set else None
            new = given if seed is None else seed
            return named_world(where, report, seed=new, tell=tell, author=author)
        if network.file is not None:
            return self._imported(self.path.parent / network.file, used, report)
        if network.data is not None:
            file = data_file(network.data)
            if file is not None:
                return self._imported(file, used, report)
            tell(f"{network.data} does not exist; using a generated network instead.")
        usual = NewWorld()
        return NewWorld(
            agents=usual.agents if network.agents is None else network.agents,
            network=network.kind or usual.network,
            mean_degree=usual.mean_degree if network.mean_degree is None else network.mean_degree,
            seed=used,
            tick_minutes=self.population.tick_minutes,
            trust=network.trust,
            degrees=None if network.degrees is None else self.path.parent / network.degrees,
            parameters=network.parameters,
            languages=network.languages,
        ).make(report, tell)

    def _imported(self, file: Path, seed: int, report: Report) -> World:
        labels = self.network.labels
        return (
            ImportedWorld(
                file,
                direction=self.network.direction,
                directed=self.network.directed,
                columns=self.network.columns,
                weights=self.network.weights,
                times=self.network.times,
                signed=self.network.signed,
                labels=None if labels is None else self.path.parent / labels,
                seed=seed,
                tick_minutes=self.population.tick_minutes,
                people=self.network.names,
            )
            .make(report)
            .world
        )


def _minds_request(said: MindsSection) -> MindsRequest:
    who = "" if said.members == AWAKE else said.members
    made = MindsRequest(who, said.mind, said.goal, said.offline, said.budget, said.least_share)
    _ = made.caps  # raises if a cap is invalid
    return made


_SECTIONS = (
    "network", "population", "platform", "minds", "messages", "commands", "interventions",
    "metrics", "alerts", "stop", "outputs", "sweep", "about", "variants",
)  # fmt: skip
_HOMES: dict[str, type[Section]] = {
    "network": NetworkSection,
    "population": PopulationSection,
    "[messages]": MessageSection,
    "[commands]": CommandSection,
    "[interventions]": InterventionSection,
    "minds": MindsSection,
    "stop": StopSection,
    "outputs": OutputSection,
    "sweep": SweepSection,
    "about": AboutSection,
}


def read_scenario(
    path: str | Path,
    variant: str = "",
    *,
    called: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    path
        A TOML file of at most 1 MiB.
    variant
        The name of one of its variants; empty: the file itself.
    called
        Its name as typed, if that is not its path.
    changes
        Keys by section that override the file's.

    Raises
    ------
    FileError
        One sentence with the file, the section and the key; a misspelt name gets a suggestion.
    """
    file = Path(path)
    return scenario_from(file, toml_table(file), variant, called=called, changes=changes)


def scenario_from(
    file: Path,
    table: Mapping[str, Any],
    variant: str = "",
    *,
    called: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Scenario:
    """Check the sections of a scenario that has already been read."""
    variants = table.get("variants", {})
    unknown = sorted({*table, *_chosen(file, table, variant), *(changes or {})} - {*_SECTIONS})
    if unknown:
        raise FileError(file, no_section(unknown[0]))
    table = merged(_chosen(file, table, variant), changes or {})
    network = section_of(file, "[network]", NetworkSection, table.get("network", {}))
    population = section_of(file, "[population]", PopulationSection, table.get("population", {}))
    if network.world is not None and "tick_minutes" in population.model_fields_set:
        raise FileError(file, f"[population]: tick_minutes is fixed in the world {network.world!r}")
    return Scenario(
        file,
        network,
        population,
        _blocks(file, table, "messages", MessageSection),
        section_of(file, "[stop]", StopSection, table.get("stop", {})),
        section_of(file, "[outputs]", OutputSection, table.get("outputs", {})),
        _blocks(file, table, "commands", CommandSection),
        WorldSetup.read(
            file,
            table.get("platform"),
            table.get("metrics"),
            table.get("alerts", {}),
            _blocks(file, table, "interventions", InterventionSection),
        ),
        section_of(file, "[about]", AboutSection, table.get("about", {})),
        tuple(variants),
        called,
        variant,
        section_of(file, "[minds]", MindsSection, table["minds"]) if "minds" in table else None,
        section_of(file, "[sweep]", SweepSection, table["sweep"]) if "sweep" in table else None,
    )


def scenario_table(path: str | Path, variant: str = "") -> dict[str, Any]:
    """Return the sections of a scenario as written, with those of a variant merged in."""
    file = Path(path)
    return _chosen(file, toml_table(file), variant)


def toml_table(file: Path, kind: str = "scenario") -> dict[str, Any]:
    """Return the content of a scenario file, or of a similar one; raise a one-sentence error."""
    try:
        return toml_text(file, read_bounded_text(file, _MOST_BYTES))
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise FileError(file, f"a {kind} has at most 1 MiB; name another file") from None
        reason = (error.strerror or "cannot be read").lower()
        raise FileError(file, f"{reason}; name a {kind} file") from None
    except UnicodeDecodeError as error:
        raise FileError(file, f"it is no TOML: {error}") from None


def toml_text(file: Path, text: str) -> dict[str, Any]:
    """Return the content of a text that is or will be in a file; raise a one-sentence error."""
    try:
        return from_toml(text)
    except ValueError as error:
        raise FileError(file, f"it is no TOML: {error}") from None


def _chosen(file: Path, table: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """Return the sections of a file merged with a variant's, key by key; lists are replaced."""
    variants = table.get("variants", {})
    base = {name: section for name, section in table.items() if name != "variants"}
    if not isinstance(variants, dict) or not all(isinstance(v, dict) for v in variants.values()):
        raise FileError(file, "variants are tables, written as [variants.NAME]")
    if not variant:
        return base
    if variant not in variants:
        known = f"there are {', '.join(variants)}" if variants else "it has none"
        near = difflib.get_close_matches(variant, variants, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise FileError(file, f"no variant {variant!r}{hint}; {known}")
    return merged(base, variants[variant])


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table merged with another, key by key; parameters of another owner replace all."""
    joined = dict(base)
    if any(more.get(owner, joined.get(owner)) != joined.get(owner) for owner in _OWNERS):
        joined.pop("parameters", None)
    for name, value in more.items():
        both = (
            name != "parameters" and isinstance(value, dict) and isinstance(joined.get(name), dict)
        )
        joined[name] = merged(joined[name], value) if both else value
    return joined


def _blocks(file: Path, table: Mapping[str, Any], name: str, cls: type[S]) -> tuple[S, ...]:
    """Return the sections of a name that may be repeated."""
    blocks = table.get(name, [])
    if not isinstance(blocks, list):
        raise FileError(file, f"{name} are written as [[{name}]], one block each")
    return tuple(
        section_of(file, f"[[{name}]] number {number}", cls, block)
        for number, block in enumerate(blocks, 1)
    )


def section_of(file: Path, label: str, cls: type[S], values: object) -> S:
    """Return one section; an error names its place."""
    if not isinstance(values, dict):
        raise FileError(file, f"{label} is a table of keys, got {values!r}")
    try:
        return cls(**values)
    except ValidationError as error:
        clauses = [
            as_clause(clause.replace("no parameter", "no key", 1))
            for _, clause in refusals(cls, error)
        ]
        raise FileError(file, f"{label}: {'; '.join(clauses)}") from None


def no_section(
    name: str, sections: Sequence[str] = _SECTIONS, more: Mapping[str, type[Section]] | None = None
) -> str:
    """Return a clause on an unknown section: where a key belongs, or the nearest name."""
    every = {**_HOMES, **(more or {})}
    homes = [
        f"[{home}]"
        for home, cls in every.items()
        if name in cls.model_fields and home.strip("[]") in sections
    ]
    if homes:
        return f"the key {name!r} stands outside of a section; it belongs to {' or '.join(homes)}"
    near = difflib.get_close_matches(name, [*sections], n=1)
    hint = f" (did you mean [{near[0]}]?)" if near else ""
    return f"no section [{name}]{hint}; there are {', '.join(sections)}"
