""":class:`SimBackend`: the backend on a real simulation; its imports wait for first paint."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import HubbubError, UnknownNameError
from tui.backend import (
    NewWorldSpec,
    PlayedScenario,
    PluginChoice,
    Preferences,
    SavedWorld,
    ScenarioChoice,
)
from tui.dialogs.progress import in_thread

if TYPE_CHECKING:
    from sim import Theory, Ties, World
    from sim.core import Report
    from sim.runtime import JournalConfig, LivePlace, Opened, Simulation
    from sim.store import Info


def seen(path: Path, place: LivePlace | None, said: Info | HubbubError) -> SavedWorld:
    """Return what a file and its journal say of themselves, or why it cannot be opened."""
    stat = path.stat()
    live, state = _live(place)
    when = _when(max(stat.st_mtime, _written(place)))
    if isinstance(said, HubbubError):
        damage = "" if live else str(said)  # the journal alone is enough
        return SavedWorld(path, _tick(place, -1), -1, when, stat.st_size, damage, live, state)
    tick = _tick(place, said.tick or 0)
    return SavedWorld(path, tick, said.agents or 0, when, stat.st_size, "", live, state)


def is_here(place: LivePlace) -> bool:
    """Return whether this very program has a live world open."""
    pid = place.signature.pid if place.signature is not None else ""
    return bool(place.holder) and pid == str(os.getpid())


def never_saved(place: LivePlace) -> SavedWorld:
    """Return what a journal says of a world that has no file."""
    live, state = _live(place)
    when = _when(_written(place))
    agents = _agents(place)
    return SavedWorld(place.path, _tick(place, 0), agents, when, place.bytes, "", live, state)


def _live(place: LivePlace | None) -> tuple[str, str]:
    """Return (what opening it gives, how it was left)."""
    from sim.runtime import describe_opening

    if place is None:
        return "", ""
    if is_here(place):
        return "It is on the screen.", "open here"
    if place.holder:
        return f"In use by {place.holder}; a copy of it can be opened.", "in use"
    said = describe_opening(place)
    if not place.was_closed:
        return f"It was not closed. {said}", "not closed"
    return said, "unsaved" if place.goes_on else ""


def _tick(place: LivePlace | None, tick: int) -> int:
    return tick if place is None or place.acked is None else place.opens_at


def _agents(place: LivePlace) -> int:
    """Return how many members a world had at its last checkpoint; -1: that does not say."""
    from sim import info
    from sim.runtime import newest_checkpoint

    try:
        checkpoint = newest_checkpoint(place.path)
        said = info(checkpoint).agents if checkpoint is not None else None
    except (HubbubError, OSError):
        said = None
    return -1 if said is None else said


def _written(place: LivePlace | None) -> float:
    return 0.0 if place is None else place.written_at


def _when(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().strftime("%Y-%m-%d %H:%M")


MODEL_NAMES_FIRST = ("independent-cascade", "viral", "diffusion", "hybrid")
"""The model picker begins so, and these are prepared beside the start; others when chosen."""

AUTHOR = "screen"
"""Who asks for what is done here, as journals have it."""

IMPORT_OPTIONS = (
    "direction", "directed", "labels", "repeats", "adjacency", "header", "columns", "weights",
    "times", "delimiter", "ids", "signed", "relations", "properties",
)  # fmt: skip
_YES_OR_NO = {"directed", "adjacency", "header", "signed"}

WARM_AGENTS = 64


def preferences() -> Preferences:
    """Read what the user set for the screen."""
    from sim.core import named_plugins
    from sim.settings import current

    settings = current()
    named = [item.name for item in named_plugins() if item.kind == "propagation"]
    return Preferences(
        keymap=settings.keys,
        theme=settings.theme,
        frames_per_second=settings.frames_per_second,
        symbols=settings.symbols,
        journal=settings.journal,
        model=named[0] if named else settings.model,
        metrics=settings.metrics,
    )


class SimBackend:
    """The real simulator."""

    workers = "loky"
    """Processes carry out experiments, so that no key waits for them."""

    def __init__(self, saves: str | Path | None = None, *, isolated: bool = False) -> None:
        from sim.settings import SettingsWatch, current

        self.isolated = isolated
        self.saves = Path(saves) if saves is not None else current().saves_folder
        self._watch = SettingsWatch()
        self._warm: set[str] = set()
        self._warming = threading.Lock()

    def __reduce__(self) -> tuple[type[SimBackend], tuple[Path]]:
        """Travel to an engine's process, which asks for paths, names and theories there."""
        return SimBackend, (self.saves,)

    def preferences(self) -> Preferences:
        """Return what the settings say now."""
        return preferences()

    def prepare(self, report: Report) -> None:
        """Import the engine, the slow part of a start."""
        report("importing numba", 0.05)
        import numba  # noqa: F401 - imported for its own sake

        report("importing the engine", 0.5)
        import tui.dialogs.inject
        import tui.modes.groups
        import tui.modes.live  # noqa: F401 - painted as soon as a world is there

        report("importing the engine", 0.7)

    def warm(self, report: Report, models: Sequence[str] = MODEL_NAMES_FIRST) -> None:
        """Run models once in a tiny world, so that their kernels are compiled or read."""
        for at, name in enumerate(models):
            report(f"preparing {name}", at / len(models))
            with self._warming:
                if name not in self._warm:
                    self._warm.add(name)
                    _try_out(name)
        report("ready", 1.0)

    def demo(self, report: Report) -> World:
        """Return the embedded demo world."""
        from sim import io

        report("opening the demo world", 0.75)
        return io.demo()

    def open(self, path: Path, report: Report, *, read_only: bool = False) -> Opened:
        """Open a world, with what its journal says beyond the file."""
        from sim import open_live

        return open_live(path, read_only=read_only, report=report)

    def load(self, path: Path, report: Report) -> World:
        """Read a world's file alone."""
        from sim import load

        return load(path, report=report)

    def keeping(self, path: Path, opened: Opened | None) -> JournalConfig:
        """Return how a world is kept beside a file."""
        from sim.runtime import JournalConfig

        found = opened.recovered if opened is not None else None
        return JournalConfig(path, author=AUTHOR, recovered=found)

    def free_name(self, name: str) -> Path:
        """Return a file of the saves folder that is not there; the folder is."""
        from sim.runtime import free_name

        self.saves.mkdir(parents=True, exist_ok=True)
        return free_name(self.saves, name)

    def erase(self, path: Path, who: str, how: str, report: Report) -> str:
        """Take profiles out of all that is kept of a world."""
        from sim.runtime import erase_profiles

        chosen: Any = how
        return erase_profiles(path, who, chosen, author=AUTHOR, report=report).sentence

    def whom(self, world: World, who: str) -> str:
        """Say whose profiles would go."""
        from sim.runtime.saves.erasing import whom

        return whom(world, who)

    def lost_by_saving(self, world: World, path: Path) -> str:
        """Say what a save to a file would lose."""
        from sim.runtime.saves.places import lost_by_saving

        return lost_by_saving(world, path)

    def leave(self, path: Path, *, for_good: bool) -> None:
        """Remove the journal of a world that was left; else only one in which nothing is."""
        from sim.runtime import discard, sweep_untouched

        if for_good:
            discard(path)
        else:
            sweep_untouched(path)

    def read(self, path: Path, options: Mapping[str, str], report: Report) -> tuple[World, str]:
        """Import a network file; returns the world, and what was found, kept and dropped."""
        from sim.scenario.worlds import ImportedWorld

        unknown = set(options) - set(IMPORT_OPTIONS)
        if unknown:
            raise UnknownNameError("option of import", unknown.pop(), IMPORT_OPTIONS)
        said: dict[str, Any] = dict(options)
        for name in _YES_OR_NO & set(said):
            said[name] = {"yes": True, "no": False}.get(said[name])
        if "labels" in said:
            said["labels"] = Path(said["labels"]).expanduser()
        found = ImportedWorld(path.expanduser(), **said).make(report)
        return found.world, found.report.describe()

    def create(self, order: NewWorldSpec, report: Report) -> World:
        """Make a world."""
        from sim import World

        return World.create(
            agents=order.agents,
            network=order.network,
            seed=order.seed,
            platform={"recommender": order.platform} if order.platform else None,
            report=report,
            **self._converted(order),
        )

    def estimate(self, order: NewWorldSpec) -> tuple[int, int]:
        """Return (bytes needed, bytes free)."""
        import psutil

        from sim import World

        degree = float(self._converted(order).get("mean_degree", 20))
        needed = World.estimate_bytes(order.agents, degree)
        return needed, int(psutil.virtual_memory().available)

    def _converted(self, order: NewWorldSpec) -> dict[str, Any]:
        """Return the parameters in their declared types."""
        from sim import NETWORKS
        from sim.core import check

        cls = NETWORKS[order.network].cls
        return {name: check(cls, name, value) for name, value in order.parameters.items()}

    def models(self) -> list[PluginChoice]:
        """List the propagation models."""
        from sim import names, spec
        from sim.core import describe, family_of

        specs = [spec(name) for name in names()]
        families = {one.name: family_of(one.cls) for one in specs}
        specs.sort(key=lambda one: (families[one.name], *_rank(one.name)))
        return [
            PluginChoice(
                one.name, one.summary, describe(one.cls), _checker(one.cls), families[one.name]
            )
            for one in specs
        ]

    def card(self, name: str) -> list[tuple[str, str]]:
        """Tell all about a model: (label, text) of each fact."""
        from tui.cards import facts_of

        return facts_of(name)

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
        import numpy as np

        from sim import Setting, make
        from sim.network import with_caveats

        report("counting listeners", 0.1)
        counts = np.bincount(ties.out_degree)
        setting = Setting(ties.agents, seeds, counts / max(1, ties.agents))
        report("solving equations", 0.3)
        found = tuple(make(model, **parameters).theory(setting, ticks))
        return with_caveats(found, ties, report)

    def networks(self) -> list[PluginChoice]:
        """List the kinds of network that need nothing but numbers."""
        from sim import NETWORKS

        return [
            PluginChoice(spec.name, spec.title, spec.parameters, _checker(spec.cls))
            for spec in NETWORKS.values()
        ]

    def recommenders(self) -> tuple[str, ...]:
        """List the recommenders, the one that is taken when nobody says first."""
        from sim import names

        known = names("recommender")
        return tuple(sorted(known, key=lambda name: name != "blend"))

    def interventions(self) -> list[PluginChoice]:
        """List what can be done to a world under way."""
        from sim.runtime.queries import choices as offers

        return [
            PluginChoice(each.name, each.says, each.specs, _checker(each.fields))
            for each in offers.interventions()
        ]

    def scenarios(self) -> list[ScenarioChoice]:
        """List the scenarios of this folder, and the gallery."""
        from sim.scenario import gallery_names
        from sim.scenario.gallery import PREFIX, gallery_path
        from tui.lab_files import scenario_title

        here = [(str(path), scenario_title(path)) for path in sorted(Path().glob("*.toml"))]
        gallery = [(PREFIX + each, scenario_title(gallery_path(each))) for each in gallery_names()]
        return [
            ScenarioChoice(where, title) for where, title in (*here, *gallery) if title is not None
        ]

    def scenario(
        self, where: str, *, variant: str, agents: int | None, seed: int | None
    ) -> PlayedScenario:
        """Read and check a scenario."""
        from dataclasses import replace

        from sim.scenario import open_scenario

        found = open_scenario(where, variant)
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
        """List the saves folder, newest first; worlds that were never saved too."""
        files = await in_thread(self._files, "saves")
        said = {path: await _said(path) for path in files}
        return await in_thread(lambda: self._listed(said), "saves")

    def _files(self) -> list[Path]:
        return [path for path in self.saves.glob("*.hub") if path.is_file()]

    def _listed(self, said: Mapping[Path, Info | HubbubError]) -> list[SavedWorld]:
        if not self.saves.is_dir():
            return []
        from sim.runtime import live_places

        places = {place.path: place for place in live_places(self.saves)}
        there = [path for path in said if path.exists()]
        found = [seen(path, places.pop(path, None), said[path]) for path in there]
        found += [never_saved(place) for place in places.values() if not is_here(place)]
        return sorted(found, key=lambda world: world.saved, reverse=True)

    def simulation(
        self, world: World, name: str, path: Path | None, keeping: JournalConfig | None = None
    ) -> Simulation:
        """Wrap a world in its engine."""
        from sim.runtime import Simulation
        from sim.settings import current

        settings = current()
        if path is None:
            world.max_running = settings.max_running
        return Simulation(
            world, name=name, path=path, max_running=settings.max_running,
            frames_per_second=settings.frames_per_second, journal=keeping or False, author=AUTHOR,
            isolated=self.isolated,
        )  # fmt: skip

    def path_between(self, world: World, start: str, end: str) -> Any:
        """Search for a shortest path."""
        from sim.runtime.queries import pairs

        return pairs.sought(world, start, end)

    def path_of(self, sought: Any) -> tuple[int, ...] | None:
        """Return the members on the path, where there is one."""
        from sim.runtime.queries import pairs

        return pairs.found(sought)

    def measure(self, ties: Ties, *, report: Report) -> Any:
        """Measure the network, in a thread beside the engine."""
        from sim.network import network_report

        return network_report(ties, report=report)

    def members(self, world: World, ids: list[int]) -> list[str]:
        """Name some members."""
        return [_member(world, agent) for agent in ids]

    def metrics(self) -> Mapping[str, tuple[str, str]]:
        """List what can be measured of a world."""
        from sim.runtime.engine import metrics_tracker as measuring

        return measuring.listed()

    def keep_metrics(self, names: Sequence[str]) -> None:
        """Keep in the settings file which metrics Live shows; nobody is told that it changed."""
        from sim.settings import keep_words

        keep_words(self._watch.settings.files[0], "metrics", names)
        with suppress(HubbubError):  # what else is wrong with the file is said as ever
            self._watch.changed()

    def changed_settings(self) -> list[str]:
        """Say which settings changed."""
        try:
            return [f"{change}." for change in self._watch.changed()]
        except HubbubError as error:
            return [str(error)]


def _try_out(name: str) -> None:
    """Send a message of a built-in model in a tiny world; the engine fences those of others."""
    from sim import World, spec

    with suppress(HubbubError):  # what is wrong is said when it is sent
        if not spec(name).is_foreign:
            world = World.create(agents=WARM_AGENTS, mean_degree=4, seed=1)
            world.inject("hello", seeds=[0], model=name)
            world.step(2)


def _rank(name: str) -> tuple[int, str]:
    known = MODEL_NAMES_FIRST
    return (known.index(name) if name in known else len(known), name)


def _checker(cls: Any) -> Callable[[str, object], str]:
    from sim.core import check

    def sentence(name: str, value: object) -> str:
        try:
            check(cls, name, value)
        except HubbubError as error:
            return str(error)
        return ""

    return sentence


def _member(world: World, agent: int) -> str:
    name, foreign = world.agents.name(agent), str(world.agents.id(agent))
    return name if name == foreign else f"{name} ({foreign})"


async def _said(path: Path) -> Info | HubbubError:
    from sim.store import read_info

    try:
        return await read_info(path)
    except HubbubError as error:
        return error
