"""The screen's interface to the simulator; heavy imports happen on first use."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

import sim
from sim import core, network, runtime, scenario, settings, store
from sim.errors import Cancelled, HubbubError, UnknownNameError
from tui.dialogs.progress import in_thread
from tui.lab_files import GALLERY, is_played

if TYPE_CHECKING:
    from sim import Theory, Ties, World
    from sim.core import ParameterSpec, Report
    from sim.network import NetworkReport
    from sim.runtime import JournalConfig, LiveWorldFiles, OpenResult, Simulation
    from sim.scenario import RunPlan
    from sim.store import Info


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """A model or a network generator that can be chosen."""

    name: str
    summary: str
    parameters: Sequence[ParameterSpec]
    check: Callable[[str, object], str] = field(default=lambda _name, _value: "")
    family: str = ""


@dataclass(frozen=True, slots=True)
class NewWorldSpec:
    """The specification of a new world."""

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
class JournalLocation:
    """The location of a world."""

    at: Path | None = None
    is_named: bool = False
    is_copy: bool = False
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class PlayedScenario:
    """A scenario that was read and checked, ready to be played."""

    name: str
    plan: RunPlan
    make: Callable[[Report, list[str]], World]
    headless: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """The user's settings for the screen."""

    keymap: Mapping[str, str] = field(default_factory=dict)
    theme: str = ""
    frames_per_second: float = 10.0
    symbols: str = "braille"
    journal: str = "on"
    model: str = ""
    metrics: tuple[str, ...] = ()
    calm: bool = False


def _listed_world(
    path: Path, place: LiveWorldFiles | None, found: Info | HubbubError | None
) -> SavedWorld:
    """Return the facts of a world's file and journal, or why it cannot be opened."""
    live, state = _live(place)
    stat = path.stat() if found is not None else None
    written = max(stat.st_mtime if stat else 0.0, place.written_at if place else 0.0)
    when = datetime.fromtimestamp(written).astimezone().strftime("%Y-%m-%d %H:%M")
    size = stat.st_size if stat is not None else place.bytes if place is not None else 0
    damage, tick, agents = "", 0, None
    if isinstance(found, HubbubError):
        damage, tick = "" if live else str(found), -1  # the journal alone is enough
    elif found is not None:
        tick, agents = found.tick or 0, found.agents or 0
    elif place is not None:
        with suppress(HubbubError, OSError):
            checkpoint = runtime.newest_checkpoint(place.path)
            agents = store.info(checkpoint).agents if checkpoint is not None else None
    if place is not None and place.acked is not None:
        tick = place.opens_at
    return SavedWorld(path, tick, -1 if agents is None else agents, when, size, damage, live, state)


def _is_here(place: LiveWorldFiles) -> bool:
    pid = place.signature.pid if place.signature is not None else ""
    return bool(place.holder) and pid == str(os.getpid())


def _live(place: LiveWorldFiles | None) -> tuple[str, str]:
    """Return (what opening it restores, how it was left)."""
    if place is None:
        return "", ""
    if _is_here(place):
        return "Open on this screen.", "open here"
    if place.holder:
        return f"In use by {place.holder}; you can open a copy.", "in use"
    opening = runtime.describe_opening(place)
    if not place.was_closed:
        return f"Not closed properly (recoverable). {opening}", "not closed"
    return opening, "unsaved" if place.goes_on else ""


MODEL_NAMES_FIRST = ("independent-cascade", "viral", "diffusion", "hybrid")
"""The first models in the model picker, which are compiled at the start; others when chosen."""

AUTHOR = "screen"
"""The author of the screen's commands, as recorded in journals."""

IMPORT_OPTIONS = (
    "direction", "directed", "labels", "repeats", "adjacency", "header", "columns", "weights",
    "times", "delimiter", "ids", "signed", "relations", "properties", "people",
)  # fmt: skip
_YES_OR_NO = {"directed", "adjacency", "header", "signed"}

WARM_AGENTS = 64
PLATFORM = "a platform"
KERNELS_FIRST, KERNELS_LATER = 50, 12
"""Kernels that a model usually needs, the first with those that every world needs."""


def preferences() -> Preferences:
    """Return the user's settings for the screen."""
    now = settings.current()
    named = [item.name for item in core.named_plugins() if item.kind == "propagation"]
    model = named[0] if named else now.model
    return Preferences(
        now.keys, now.theme, now.frames_per_second, now.symbols, now.journal, model, now.metrics,
        now.calm,
    )  # fmt: skip


class Simulator:
    """Everything that the screen needs of the simulator; blocking calls are made in a thread."""

    workers = "loky"
    """Experiments run in processes, so that no key waits for them."""

    def __init__(self, saves: str | Path | None = None, *, isolated: bool = False) -> None:
        self.isolated = isolated
        self.saves = Path(saves) if saves is not None else settings.current().saves_folder
        self._watch = settings.SettingsWatch()
        self._warm: set[str] = set()
        self._warming = threading.Lock()

    def __reduce__(self) -> tuple[type[Simulator], tuple[Path]]:
        """Pickle for an engine's process, which uses paths, names and theories there."""
        return Simulator, (self.saves,)

    def preferences(self) -> Preferences:
        return preferences()

    def prepare(self, report: Report) -> None:
        """Import the compiler, the slow part of starting."""
        report("importing numba", 0.0)
        import numba  # noqa: F401 - imported for its own sake

        report("importing the engine", 0.0)

    def warm(self, report: Report, models: Sequence[str] = (*MODEL_NAMES_FIRST, PLATFORM)) -> None:
        """Run models once in a tiny world, so that their kernels are compiled or loaded."""
        for name in models:
            report(f"preparing {name}", 0.0)
            with self._warming:
                if name not in self._warm:
                    expected = KERNELS_LATER if self._warm else KERNELS_FIRST
                    self._warm.add(name)
                    with _compiling(report, name, expected):
                        _try_out(name)
        report("ready", 1.0)

    def demo(self, report: Report) -> World:
        report("opening the demo world", 0.0)
        return sim.io.demo()

    def open(self, path: Path, report: Report, *, read_only: bool = False) -> OpenResult:
        """Open a world, including what its journal holds beyond the file."""
        return runtime.open_live(path, read_only=read_only, report=report)

    def load(self, path: Path, report: Report) -> World:
        """Read a world's file, without its journal."""
        return sim.load(path, report=report)

    def journal_config(self, path: Path, opened: OpenResult | None) -> JournalConfig:
        """Return the journal configuration for a file; ``opened``: to continue after recovery."""
        found = opened.recovered if opened is not None else None
        return runtime.JournalConfig(path, author=AUTHOR, recovered=found)

    def free_name(self, name: str) -> Path:
        """Return an unused file in the saves folder, which is created if missing."""
        self.saves.mkdir(parents=True, exist_ok=True)
        return runtime.free_name(self.saves, name)

    def erase(self, path: Path, who: str, how: str, report: Report) -> str:
        """Permanently delete profiles from everything stored of a world that is not open."""
        chosen: Any = how
        return runtime.erase_profiles(path, who, chosen, author=AUTHOR, report=report).sentence

    def whom(self, world: World, who: str) -> str:
        """Say whose profiles would be deleted; called in the engine."""
        from sim.runtime.saves.erasing import whom

        return whom(world, who)

    def lost_by_saving(self, world: World, path: Path) -> str:
        """Say what a save to a file would lose; called in the engine, between ticks."""
        from sim.runtime.saves.places import lost_by_saving

        return lost_by_saving(world, path)

    def leave(self, path: Path, *, for_good: bool) -> None:
        """Remove the journal of a world that was left; unless ``for_good``, only if untouched."""
        if for_good:
            runtime.discard(path)
        else:
            runtime.sweep_untouched(path)

    def read(self, path: Path, options: Mapping[str, str], report: Report) -> tuple[World, str]:
        """Import a network file; return the world, and what was found, kept and dropped."""
        from sim.scenario.worlds import ImportedWorld

        unknown = set(options) - set(IMPORT_OPTIONS)
        if unknown:
            raise UnknownNameError("option of import", unknown.pop(), IMPORT_OPTIONS)
        chosen: dict[str, Any] = dict(options)
        for name in _YES_OR_NO & set(chosen):
            chosen[name] = {"yes": True, "no": False}.get(chosen[name])
        if "labels" in chosen:
            chosen["labels"] = Path(chosen["labels"]).expanduser()
        found = ImportedWorld(path.expanduser(), **chosen).make(report)
        return found.world, found.report.describe()

    def create(self, order: NewWorldSpec, report: Report) -> World:
        if order.platform:
            self.warm(report, (PLATFORM,))
        return sim.World.create(
            agents=order.agents,
            network=order.network,
            seed=order.seed,
            platform={"recommender": order.platform} if order.platform else None,
            report=report,
            **self._converted(order),
        )

    def estimate(self, order: NewWorldSpec) -> tuple[int, int]:
        """Return (bytes needed, bytes free) for a world that is not made yet."""
        degree = float(self._converted(order).get("mean_degree", 20))
        needed = sim.World.estimate_bytes(order.agents, degree)
        return needed, int(psutil.virtual_memory().available)

    def _converted(self, order: NewWorldSpec) -> dict[str, Any]:
        cls = sim.NETWORKS[order.network].cls
        return {name: core.check(cls, name, value) for name, value in order.parameters.items()}

    def models(self) -> list[PluginChoice]:
        """List the propagation models, by family."""
        first = {name: at for at, name in enumerate(MODEL_NAMES_FIRST)}
        found = [
            PluginChoice(
                one.name, one.summary, core.describe(one.cls), _checker(one.cls),
                core.family_of(one.cls),
            )
            for one in map(sim.spec, sim.names())
        ]  # fmt: skip
        return sorted(
            found, key=lambda one: (one.family, first.get(one.name, len(first)), one.name)
        )

    def card(self, name: str) -> list[tuple[str, str]]:
        """Return all facts about a model: (label, text) of each; a label may be empty."""
        found = sim.spec(name)
        card = core.card_of(found.cls)
        summary = " ".join(inspect.cleandoc(found.cls.__doc__ or "").split()).replace("``", "")
        facts = [
            ("summary", summary),
            ("family", f"{core.family_of(found.cls)}; form {core.form_of(found.cls)}"),
            ("version", f"{found.version}, from {found.origin}"),
        ]
        facts += card.facts()
        parameters = [f"{one.name}: {_parameter(one)}" for one in core.describe(found.cls)]
        for number, sentence in enumerate(parameters or ["none"]):
            facts.append(("" if number else "parameters", sentence))
        return facts

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
        """Return the predictions of equations for a message; called in a thread."""
        report("counting followers", 0.1)
        counts = np.bincount(ties.out_degree)
        setting = sim.Setting(ties.agents, seeds, counts / max(1, ties.agents))
        report("solving equations", 0.3)
        found = tuple(sim.make(model, **parameters).theory(setting, ticks))
        return network.with_caveats(found, ties, report)

    def networks(self) -> list[PluginChoice]:
        """List the network generators whose parameters are only numbers."""
        return [
            PluginChoice(spec.name, spec.title, spec.parameters, _checker(spec.cls))
            for spec in sim.NETWORKS.values()
        ]

    def recommenders(self) -> tuple[str, ...]:
        """List the recommenders, the default first."""
        return tuple(sorted(sim.names("recommender"), key=lambda name: name != "blend"))

    def interventions(self) -> list[PluginChoice]:
        from sim.runtime.queries import choices as offers

        return [
            PluginChoice(each.name, each.says, each.specs, _checker(each.fields))
            for each in offers.interventions()
        ]

    def scenarios(self) -> list[str]:
        """List the scenarios of this folder, and the gallery."""
        here = [str(path) for path in sorted(Path().glob("*.toml")) if is_played(path)]
        return [*here, *(GALLERY + name for name in scenario.gallery_names())]

    def scenario(
        self, where: str, *, variant: str, agents: int | None, seed: int | None
    ) -> PlayedScenario:
        """Read and check a scenario, with other numbers of members and seeds if given."""
        found = scenario.open_scenario(where, variant)
        found = found if agents is None else found.sized(agents)
        plan = found.plan()
        plan.check()

        def make(report: Report, remarks: list[str]) -> World:
            world = found.world(report, seed, tell=remarks.append)
            report("sending messages", 0.95)
            replace(plan, minds=None).begin(world)
            return world

        name = where.rpartition(":")[2] if found.called else found.path.stem
        name = f"{name}-{variant}" if variant else name
        return PlayedScenario(name, plan, make, found.headless)

    async def saved(self) -> list[SavedWorld]:
        """List the saves folder, newest first, including worlds that were never saved."""

        def files() -> list[Path]:
            return [path for path in self.saves.glob("*.hub") if path.is_file()]

        def listed() -> list[SavedWorld]:
            if not self.saves.is_dir():
                return []
            places = {place.path: place for place in runtime.live_places(self.saves)}
            there = [path for path in infos if path.exists()]
            found = [_listed_world(path, places.pop(path, None), infos[path]) for path in there]
            found += [
                _listed_world(place.path, place, None)
                for place in places.values()
                if not _is_here(place)
            ]
            return sorted(found, key=lambda world: world.saved, reverse=True)

        infos: dict[Path, Info | HubbubError] = {}
        for path in await in_thread(files, "saves"):
            try:
                infos[path] = await store.read_info(path)
            except HubbubError as error:
                infos[path] = error
        return await in_thread(listed, "saves")

    def simulation(
        self,
        world: World,
        name: str,
        path: Path | None,
        journal_config: JournalConfig | None = None,
    ) -> Simulation:
        """Wrap a world in its engine, not started yet; called in the screen's loop."""
        now = settings.current()
        if path is None:
            world.max_running = now.max_running
        return runtime.Simulation(
            world, name=name, path=path, max_running=now.max_running,
            frames_per_second=now.frames_per_second, journal=journal_config or False, author=AUTHOR,
            isolated=self.isolated,
        )  # fmt: skip

    def path_between(self, world: World, start: str, end: str) -> Any:
        """Search for a shortest path by two ids; called in the engine, between ticks."""
        from sim.runtime.queries import pairs

        return pairs.sought(world, start, end)

    def path_of(self, sought: Any) -> tuple[int, ...] | None:
        """Return the members on the path that was found; called in a thread."""
        from sim.runtime.queries import pairs

        return pairs.found(sought)

    def measure(self, ties: Ties, *, report: Report) -> NetworkReport:
        """Measure the network; called in a thread."""
        return network.network_report(ties, report=report)

    def members(self, world: World, ids: list[int]) -> list[str]:
        """Return names of some members; called in the engine, between ticks."""
        both = [(world.agents.name(agent), str(world.agents.id(agent))) for agent in ids]
        return [name if name == own else f"{name} ({own})" for name, own in both]

    def metrics(self) -> Mapping[str, tuple[str, str]]:
        """List the metrics of a world: name to unit and meaning."""
        from sim.runtime.engine import metrics_tracker as measuring

        return measuring.listed()

    def keep_metrics(self, names: Sequence[str]) -> None:
        """Save in the settings file which metrics Live shows, without announcing a change."""
        settings.keep_words(self._watch.settings.files[0], "metrics", names)
        with suppress(HubbubError):  # other errors in the file are reported as usual
            self._watch.changed()

    def changed_settings(self) -> list[str]:
        """Return the settings that changed since the last call, one sentence each."""
        try:
            return [f"{change}." for change in self._watch.changed()]
        except HubbubError as error:
            return [str(error)]


@contextmanager
def _compiling(report: Report, name: str, expected: int) -> Iterator[None]:
    """Report how many kernels numba compiles for a model while the block runs."""
    from numba.core import event

    class Compiling(event.Listener):
        done = 0

        def on_start(self, _happened: object) -> None:
            with suppress(Cancelled):  # nothing stops in the middle of a kernel
                share = min(0.95, self.done / expected)
                report(f"compiling {name}, first use", share)

        def on_end(self, _happened: object) -> None:
            self.done += 1

    with event.install_listener("numba:compile", Compiling()):
        yield


def _try_out(name: str) -> None:
    """Send a message of a built-in model in a tiny world; the engine guards third-party ones."""
    with suppress(HubbubError):  # an error is reported when the message is sent
        if name == PLATFORM:
            sim.World.create(
                agents=WARM_AGENTS, mean_degree=4, seed=1, platform={"recommender": "blend"}
            ).step(2)
        elif not sim.spec(name).is_foreign:
            world = sim.World.create(agents=WARM_AGENTS, mean_degree=4, seed=1)
            world.inject("hello", seeds=[0], model=name)
            world.step(2)


def _checker(cls: Any) -> Callable[[str, object], str]:
    def problem(name: str, value: object) -> str:
        try:
            core.check(cls, name, value)
        except HubbubError as error:
            return str(error)
        return ""

    return problem


def _parameter(one: ParameterSpec) -> str:
    default = "required" if one.required else f"default {one.default}"
    parts = [default, one.allowed or one.type, one.unit, one.description]
    return "; ".join(part for part in parts if part)
