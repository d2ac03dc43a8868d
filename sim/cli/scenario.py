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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.cli.deeds import Deed
from sim.cli.running import SEEDS, Order, Outputs, Saying, Stop, placed
from sim.cli.toml import toml_table
from sim.cli.worlds import ImportedWorld, NewWorld, open_world
from sim.core.params import refusals
from sim.core.progress import Report
from sim.errors import FileError

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Scenario", "read_scenario"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


_DRAWN = ("kind", "agents", "mean_degree", "degrees")
_APPLY: dict[str, tuple[str, ...]] = {
    "world": (),
    "file": ("direction", "directed", "columns", "weights", "times", "signed", "labels"),
    "kind": (*_DRAWN, "trust", "parameters"),
}
"""Keys that mean something beside each source of a network; ``seed`` does beside all."""


class Network(_Section):
    """``[network]``: a generator's, a saved world's or an edge list's."""

    world: str | None = Field(None, description="'demo', or a saved world")
    file: Path | None = Field(None, description="a network to import")
    direction: Literal["influences", "follows"] = Field(
        "influences", description="what a line A B of the file means"
    )
    directed: bool = Field(True, description="false: each pair of the file hears each other")
    weights: str | None = Field(None, description="the column of the file that becomes trust")
    columns: str = Field("0,1", description="where the ids are, by place or name")
    times: str | None = Field(None, description="the column of the file that holds times")
    signed: bool = Field(False, description="weights below 0 are ties against")
    labels: Path | None = Field(None, description="a file of the members' communities")
    kind: str | None = Field(None, description="the generator; see hubbub new --help")
    agents: int | None = Field(None, strict=True, description="how many the generator makes")
    mean_degree: float | None = Field(None, strict=True, description="mean number of listeners")
    trust: str = Field("full", description="full, uniform, or uniform:LOW-HIGH")
    degrees: Path | None = Field(None, description="a file of degree pairs")
    seed: int = Field(0, strict=True, description="of the world; the same seed, the same run")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the generator")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        made = [name for name in _DRAWN if self._says(name)]
        given = [name for name in ("world", "file") if self._says(name)] + made[:1]
        if len(given) > 1:
            raise ValueError(f"give only one of world, file and kind, not {' and '.join(given)}")
        if self.parameters and not made:
            raise ValueError("parameters belong to a kind of network; name it")
        self._refuse_idle(given[0] if given and given[0] in _APPLY else "kind")
        return self

    def _refuse_idle(self, source: str) -> None:
        """Refuse keys that would change nothing."""
        apply = {"seed", source, *_APPLY[source]}
        if self.degrees is not None:
            apply -= {"agents", "mean_degree"}
            if self.kind not in {None, "configuration"}:
                raise ValueError(
                    f"degrees are for the kind 'configuration', not {self.kind!r}; leave one out"
                )
        for name in [name for name in type(self).model_fields if name not in apply]:
            if name in self.model_fields_set and self._says(name):
                there = "degrees, which say it" if source == "kind" and name in _DRAWN else source
                homes = " and ".join(home for home, keys in _APPLY.items() if name in keys)
                raise ValueError(f"{name} does nothing beside {there}; it belongs to {homes}")

    def _says(self, name: str) -> bool:
        return getattr(self, name) not in (None, {})


class Population(_Section):
    """``[population]``: what holds for all agents."""

    tick_minutes: float = Field(60.0, gt=0, strict=True, description="simulated minutes in a tick")
    max_running: int | None = Field(
        None, ge=1, strict=True, description="messages that run at once"
    )


class Said(_Section):
    """``[[messages]]``: one message, maybe later."""

    text: str = Field(description="what it says")
    seeds: str = Field(SEEDS, description="who holds it first")
    model: str | None = Field(None, description="the propagation model")
    author: str | None = Field(None, description="the id of the agent that wrote it")
    tags: list[str] | None = Field(None, description="interests; else what the text says")
    at: int = Field(0, ge=0, strict=True, description="ticks after the start")
    priority: int = Field(
        0, strict=True, description="among waiting messages the highest starts first"
    )
    draws: Literal["coins", "skips"] | None = Field(None, description="how chances are drawn")
    channel: str | None = Field(None, description="who hears whom: broadcast, stream, stream:TICKS")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the model")


class Done(_Section):
    """``[[commands]]``: what members do about each other between two ticks."""

    do: Literal[
        "follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute"
    ] = Field(description="what each of the agents does about each of the others")
    agents: str | list[str | int] = Field(description="ids, or an expression as for seeds")
    others: str | list[str | int] = Field(description="ids, or an expression as for seeds")
    at: int = Field(0, ge=0, strict=True, description="ticks after the start")


class End(_Section):
    """``[stop]``: when the run ends."""

    ticks: int | None = Field(None, ge=0, strict=True, description="at the latest")
    until_quiet: bool = Field(False, description="earlier, once nothing can happen")


class Results(_Section):
    """``[outputs]``: files to write."""

    json_: Path | None = Field(None, alias="json", description="everything found")
    csv: Path | None = Field(None, description="one line for each message and tick")
    save: Path | None = Field(None, description="the world as it is at the end")


S = TypeVar("S", bound=_Section)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file, checked.

    Parameters
    ----------
    path
        Where it was read.
    network, population, messages, stop, outputs, commands
        Its sections.
    """

    path: Path
    network: Network
    population: Population
    messages: tuple[Said, ...]
    stop: End
    outputs: Results
    commands: tuple[Done, ...] = ()

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
            ),
            max_running=self.population.max_running,
            nothing=f"Nothing was sent; {self.path} has no [[messages]].",
            deeds=tuple(
                Deed(**dict(command), place=(self.path, f"[[commands]] number {number}"))
                for number, command in enumerate(self.commands, 1)
            ),
        )

    def _command(self, seed: int, stop: Stop, outputs: Outputs) -> list[str]:
        words = ["hubbub", "run", str(self.path), "--seed", str(seed)]
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
            return self._world(report, seed)

    def _world(self, report: Report, seed: int | None) -> "World":
        network = self.network
        used = network.seed if seed is None else seed
        if network.world is not None:
            return self._saved(network.world, report, seed)
        if network.file is not None:
            return self._imported(network.file, used, report)
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
                self.path.parent / file,
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


_SECTIONS = ("network", "population", "messages", "commands", "stop", "outputs")
_HOMES: dict[str, type[_Section]] = {
    "network": Network,
    "population": Population,
    "[messages]": Said,
    "[commands]": Done,
    "stop": End,
    "outputs": Results,
}


def read_scenario(path: str | Path) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    path
        A TOML file of at most 1 MiB.

    Raises
    ------
    FileError
        One sentence with the file, the section and the key; the nearest name for a misspelt one.
    """
    file = Path(path)
    table = toml_table(file)
    unknown = sorted(set(table) - {*_SECTIONS})
    if unknown:
        raise FileError(file, _no_section(unknown[0]))
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
    )


def _blocks(file: Path, table: dict[str, Any], name: str, cls: type[S]) -> tuple[S, ...]:
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
            clause.replace("no parameter", "no key", 1) for _, clause in refusals(cls, error)
        ]
        raise FileError(file, f"{label}: {'; '.join(clauses)}") from None


def _no_section(name: str) -> str:
    homes = [f"[{home}]" for home, cls in _HOMES.items() if name in cls.model_fields]
    if homes:
        return f"the key {name!r} stands outside of a section; it belongs to {' or '.join(homes)}"
    near = difflib.get_close_matches(name, [*_SECTIONS], n=1)
    hint = f" (did you mean [{near[0]}]?)" if near else ""
    return f"no section [{name}]{hint}; there are {', '.join(_SECTIONS)}"
