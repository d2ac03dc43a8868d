"""The backend interface: all that the screen asks of the simulator; see ``sim_backend``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sim import Theory, Ties, World
    from sim.core import ParameterSpec, Report
    from sim.runtime import JournalConfig, Opened, Simulation
    from sim.scenario import RunPlan


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """A model or a kind of network that can be chosen."""

    name: str
    summary: str
    parameters: Sequence[ParameterSpec]
    check: Callable[[str, object], str] = field(default=lambda _name, _value: "")
    family: str = ""


@dataclass(frozen=True, slots=True)
class NewWorldSpec:
    """What a new world is made of."""

    agents: int
    network: str
    seed: int
    parameters: Mapping[str, Any]
    platform: str = ""


@dataclass(frozen=True, slots=True)
class SavedWorld:
    """A file of the saves folder."""

    path: Path
    tick: int
    agents: int
    saved: str
    bytes: int
    damage: str = ""
    live: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a world lives."""

    at: Path | None = None
    is_named: bool = False
    is_copy: bool = False
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class ScenarioChoice:
    """A scenario that can be played."""

    where: str
    title: str


@dataclass(frozen=True, slots=True)
class PlayedScenario:
    """A scenario that was read and checked, to be played."""

    name: str
    plan: RunPlan
    make: Callable[[Report, list[str]], World]
    headless: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the user set for the screen."""

    keymap: Mapping[str, str] = field(default_factory=dict)
    theme: str = ""
    frames_per_second: float = 10.0
    symbols: str = "braille"
    journal: str = "on"
    model: str = ""
    metrics: tuple[str, ...] = ()


class Backend(Protocol):
    """The simulator as the screen sees it; every method may block and is called in a thread."""

    saves: Path
    workers: str
    """What carries out experiments, as :data:`sim.lab.runs.BACKENDS` has it."""

    def preferences(self) -> Preferences:
        """Return what the user set for the screen, as it is now."""

    def prepare(self, report: Report) -> None:
        """Import the engine."""

    def warm(self, report: Report, models: Sequence[str] = ...) -> None:
        """Compile what the first message of some models would otherwise wait for."""

    def demo(self, report: Report) -> World:
        """Return the embedded demo world."""

    def open(self, path: Path, report: Report, *, read_only: bool = False) -> Opened:
        """Open a world, with what its journal says beyond the file."""

    def load(self, path: Path, report: Report) -> World:
        """Read a world's file alone."""

    def keeping(self, path: Path, opened: Opened | None) -> JournalConfig:
        """Return how a world is kept beside a file; ``opened``: going on with what was found."""

    def free_name(self, name: str) -> Path:
        """Return a file of the saves folder that is not there, for a world without a name."""

    def erase(self, path: Path, who: str, how: str, report: Report) -> str:
        """Take profiles out of a world that nobody has open; returns what was done."""

    def whom(self, world: World, who: str) -> str:
        """Say whose profiles would go: how many, and the first few; called in the engine."""

    def lost_by_saving(self, world: World, path: Path) -> str:
        """Say what a save to a file would lose; called in the engine, between ticks."""

    def leave(self, path: Path, *, for_good: bool) -> None:
        """Remove the journal of a world that was left; else only one in which nothing is."""

    def read(self, path: Path, options: Mapping[str, str], report: Report) -> tuple[World, str]:
        """Import a network file; returns the world, and what was found, kept and dropped."""

    def create(self, order: NewWorldSpec, report: Report) -> World:
        """Make a world."""

    def estimate(self, order: NewWorldSpec) -> tuple[int, int]:
        """Return (bytes needed, bytes free) of a world that is not made yet."""

    def models(self) -> list[PluginChoice]:
        """List the propagation models."""

    def card(self, name: str) -> list[tuple[str, str]]:
        """Tell all about a model: (label, text) of each fact."""

    def theory(
        self,
        ties: Ties,
        model: str,
        parameters: Mapping[str, Any],
        seeds: int,
        ticks: int,
        *,
        report: Report,
    ) -> tuple[Theory, ...]:
        """Return what equations predict of a message, in a thread beside the engine."""

    def networks(self) -> list[PluginChoice]:
        """List the kinds of network."""

    def recommenders(self) -> tuple[str, ...]:
        """List the names of the recommenders that a platform can begin with."""

    def interventions(self) -> list[PluginChoice]:
        """List what can be done to a world under way."""

    def scenarios(self) -> list[ScenarioChoice]:
        """List the scenarios of this folder, and the gallery."""

    def scenario(
        self, where: str, *, variant: str, agents: int | None, seed: int | None
    ) -> PlayedScenario:
        """Read and check a scenario, with so many members and another seed where they are said."""

    async def saved(self) -> list[SavedWorld]:
        """List the saves folder, newest first."""

    def simulation(
        self, world: World, name: str, path: Path | None, keeping: JournalConfig | None = None
    ) -> Simulation:
        """Wrap a world in its engine, not started yet; this one is called in the screen's loop."""

    def path_between(self, world: World, start: str, end: str) -> Any:
        """Search for a shortest path by two ids; called in the engine, between ticks."""

    def path_of(self, sought: Any) -> tuple[int, ...] | None:
        """Return the members on the path that was sought; called in a thread beside the engine."""

    def measure(self, ties: Ties, *, report: Report) -> Any:
        """Measure the network, in a thread beside the engine; a ``NetworkReport``."""

    def members(self, world: World, ids: list[int]) -> list[str]:
        """Name some members; called in the engine, between ticks."""

    def metrics(self) -> Mapping[str, tuple[str, str]]:
        """List what can be measured of a world: name to unit and meaning."""

    def keep_metrics(self, names: Sequence[str]) -> None:
        """Keep in the settings which metrics Live shows."""

    def changed_settings(self) -> list[str]:
        """Say which settings changed since the last call, a sentence each."""
