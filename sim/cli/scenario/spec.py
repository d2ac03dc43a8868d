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

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from sim.cli.minds.run import minded_in
from sim.cli.program.output import safe, tell
from sim.cli.runs.run import Order, Outputs, Saying, Stop
from sim.cli.scenario.acts import Deed
from sim.cli.scenario.places import as_clause, placed
from sim.cli.scenario.platform import Living, chosen, data_file, merged, with_life
from sim.cli.scenario.sections import (
    About,
    Done,
    End,
    Minds,
    Network,
    Planned,
    Population,
    Results,
    Said,
    Section,
)
from sim.cli.scenario.toml import toml_table
from sim.cli.worlds.names import ImportedWorld, NewWorld, open_world
from sim.core.params import refusals
from sim.core.progress import Report
from sim.errors import FileError

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Scenario", "read_scenario"]

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file, checked.

    Parameters
    ----------
    path
        Where it was read.
    network, population, messages, stop, outputs, commands, minds
        Its sections.
    life
        What it says of platform, metrics, alerts and interventions.
    about
        What it is, for people.
    variants
        Names of the variants that the file has.
    called
        What the command line calls it: its path, or ``gallery:NAME``.
    """

    path: Path
    network: Network
    population: Population
    messages: tuple[Said, ...]
    stop: End
    outputs: Results
    commands: tuple[Done, ...] = ()
    life: Living = field(default_factory=Living)
    about: About = field(default_factory=About)
    variants: tuple[str, ...] = ()
    called: str = ""
    variant: str = ""
    minds: Minds | None = None

    def sized(self, agents: int) -> "Scenario":
        """Return it with as many agents, where a generator makes them."""
        network = self.network.model_copy(update={"agents": agents, "data": None})
        return replace(self, network=network)

    def order(
        self,
        *,
        seed: int | None = None,
        stop: Stop | None = None,
        outputs: Outputs | None = None,
        flags: Sequence[str] = (),
    ) -> Order:
        """Return the run that it describes.

        Parameters
        ----------
        seed, stop, outputs
            What the command line says instead; what that leaves out, the file says.
        flags
            Words of the options that every verb shares, for the command that repeats the run.
        """
        end = stop or Stop()
        files = outputs or Outputs()
        return Order(
            make=lambda report: self.world(report, seed),
            command=lambda used: [*self._command(used, end, files), *flags],
            sayings=tuple(
                Saying(**dict(message), place=(self.path, f"[[messages]] number {number}"))
                for number, message in enumerate(self.messages, 1)
            ),
            stop=Stop(
                self.stop.ticks if end.ticks is None else end.ticks,
                self.stop.until_quiet or end.until_quiet,
            ),
            outputs=Outputs(
                files.json or self._beside(self.outputs.json_),
                files.csv or self._beside(self.outputs.csv),
                files.save or self._beside(self.outputs.save),
                files.metrics or self._beside(self.outputs.metrics),
            ),
            max_running=self.population.max_running,
            nothing=f"Nothing was sent; {self.called or self.path} has no [[messages]].",
            deeds=tuple(
                Deed(**dict(command), place=(self.path, f"[[commands]] number {number}"))
                for number, command in enumerate(self.commands, 1)
            ),
            minded=None if self.minds is None else minded_in(self.minds),
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        """Say what should be seen, and how."""
        what = safe(self.called or str(self.path))
        sees = [f"Should be seen: {safe(self.about.sees)}"] if self.about.sees else []
        if self.variants and not self.variant:
            names = safe(", ".join(self.variants))
            sees.append(f"This was the file as it stands; --variant takes one of {names}.")
            sees.append(f"Its variants side by side: hubbub scenario variants {what}")
        return tuple(sees)

    def _command(self, seed: int, stop: Stop, outputs: Outputs) -> list[str]:
        words = ["hubbub", "run", self.called or str(self.path), "--seed", str(seed)]
        words += ["--variant", self.variant] if self.variant else []
        words += ["--ticks", str(stop.ticks)] if stop.ticks is not None else []
        words += ["--until-quiet"] if stop.until_quiet else []
        return words + outputs.words

    def world(self, report: Report, seed: int | None = None) -> "World":
        """Open, import or make the world.

        Parameters
        ----------
        report
            Told the progress.
        seed
            Instead of the file's.
        """
        with placed((self.path, "[network]")):
            world = self._world(report, seed)
        return with_life(world, self.life, self.path)

    def _world(self, report: Report, seed: int | None) -> "World":
        network = self.network
        used = network.seed if seed is None else seed
        if network.world is not None:
            return self._saved(network.world, report, seed)
        if network.file is not None:
            return self._imported(self.path.parent / network.file, used, report)
        if network.data is not None:
            file = data_file(network.data)
            if file is not None:
                return self._imported(file, used, report)
            tell(f"{network.data} is not there; a generated network stands in for it.")
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
        ).make(report)

    def _saved(self, name: str, report: Report, seed: int | None) -> "World":
        beside = self.path.parent / name
        given = self.network.seed if "seed" in self.network.model_fields_set else None
        where = str(beside) if beside.exists() else name
        return open_world(where, report, seed=given if seed is None else seed)

    def _imported(self, file: Path, seed: int, report: Report) -> "World":
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
            )
            .make(report)
            .world
        )

    def _beside(self, path: Path | None) -> Path | None:
        """Return a path of the file as seen from here."""
        return None if path is None or str(path) == "-" else self.path.parent / path


_SECTIONS = (
    "network", "population", "platform", "minds", "messages", "commands", "interventions",
    "metrics", "alerts", "stop", "outputs", "about", "variants",
)  # fmt: skip
_HOMES: dict[str, type[Section]] = {
    "network": Network,
    "population": Population,
    "[messages]": Said,
    "[commands]": Done,
    "[interventions]": Planned,
    "minds": Minds,
    "stop": End,
    "outputs": Results,
    "about": About,
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
        The name of one of its variants; empty: the file as it stands.
    called
        What the command line calls it, where not by its path.
    changes
        Keys by section, instead of the file's.

    Raises
    ------
    FileError
        One sentence with the file, the section and the key; the nearest name for a misspelt one.
    """
    file = Path(path)
    table = toml_table(file)
    variants = table.get("variants", {})
    unknown = sorted({*table, *chosen(file, table, variant), *(changes or {})} - {*_SECTIONS})
    if unknown:
        raise FileError(file, _no_section(unknown[0]))
    table = merged(chosen(file, table, variant), changes or {})
    network = _checked(file, "[network]", Network, table.get("network", {}))
    population = _checked(file, "[population]", Population, table.get("population", {}))
    if network.world is not None and "tick_minutes" in population.model_fields_set:
        raise FileError(file, f"[population]: tick_minutes is fixed in the world {network.world!r}")
    return Scenario(
        file,
        network,
        population,
        _blocks(file, table, "messages", Said),
        _checked(file, "[stop]", End, table.get("stop", {})),
        _checked(file, "[outputs]", Results, table.get("outputs", {})),
        _blocks(file, table, "commands", Done),
        _life(file, table),
        _checked(file, "[about]", About, table.get("about", {})),
        tuple(variants),
        called,
        variant,
        _checked(file, "[minds]", Minds, table["minds"]) if "minds" in table else None,
    )


def _life(file: Path, table: Mapping[str, Any]) -> Living:
    return Living.read(
        file,
        table.get("platform"),
        table.get("metrics"),
        table.get("alerts", {}),
        _blocks(file, table, "interventions", Planned),
    )


def _blocks(file: Path, table: Mapping[str, Any], name: str, cls: type[S]) -> tuple[S, ...]:
    """Return the sections of a name that may stand several times."""
    blocks = table.get(name, [])
    if not isinstance(blocks, list):
        raise FileError(file, f"{name} are written as [[{name}]], one block each")
    return tuple(
        _checked(file, f"[[{name}]] number {number}", cls, block)
        for number, block in enumerate(blocks, 1)
    )


def _checked(file: Path, label: str, cls: type[S], values: object) -> S:
    """Return one section, or refuse it with its place."""
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


def _no_section(name: str) -> str:
    homes = [f"[{home}]" for home, cls in _HOMES.items() if name in cls.model_fields]
    if homes:
        return f"the key {name!r} stands outside of a section; it belongs to {' or '.join(homes)}"
    near = difflib.get_close_matches(name, [*_SECTIONS], n=1)
    hint = f" (did you mean [{near[0]}]?)" if near else ""
    return f"no section [{name}]{hint}; there are {', '.join(_SECTIONS)}"
