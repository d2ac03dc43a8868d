"""A scripted simulation and simulator: the app's tests need no engine, and nothing takes time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from inspect import isawaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from sim import Field, Frame, Theory
from sim.core import Parameters
from sim.errors import Cancelled, FileError, InputError
from sim.network import network_report
from sim.runtime import (
    Communities,
    Durability,
    Focus,
    Health,
    Plan,
    PluginChoice,
    Progress,
    SavedWorld,
    SessionRow,
    Vitals,
)
from sim.runtime.engine.stall import Stall, StallOutcome
from sim.runtime.health import look
from sim.runtime.travel import Reach
from sim.scenario import NewWorld
from sim.settings import Settings
from sim.store import LeaseError
from sim.world import LoggedAct
from tui.app import Hubbub, import_acts

NAMES = ("Iceland · jazz", "Peru · football", "[b]Oman[/b] · tea", "日本 · 電車", "Chad")


class Cascade(Parameters):
    """One coin per tie."""

    plugin_name = "independent-cascade"
    probability: float = Field(0.1, ge=0, le=1, description="chance that a hearer adopts")
    patience: int = Field(
        1, ge=1, description="ticks a speaker speaks", json_schema_extra={"unit": "ticks"}
    )
    draws: Literal["coins", "skips"] = Field("skips", description="how chance is drawn")
    loud: bool = Field(default=False, description="whether it is repeated")


class Viral(Parameters):
    """What friends trust and care for."""

    plugin_name = "viral"
    appeal: float = Field(0.3, ge=0, le=1, description="chance at full trust")


class Freeze(Parameters):
    """Suspend members."""

    plugin_name = "freeze"
    agents: str = Field(description="whom")


class Label(Parameters):
    """Label a message."""

    plugin_name = "label"
    message: int = Field(0, ge=0, description="which")


class Attachment(Parameters):
    """The rich get richer."""

    plugin_name = "preferential-attachment"
    mean_degree: float = Field(20.0, gt=0, description="ties per member")


def card(cls: type[Parameters]) -> PluginChoice:
    family = {"independent-cascade": "cascades", "viral": "word of mouth"}.get(cls.plugin_name, "")
    return PluginChoice(cls.plugin_name, (cls.__doc__ or "").strip(), cls, family)


@dataclass
class World:
    agents: int = 7624
    tick: int = 0
    rows: list[SessionRow] = field(default_factory=list)


@dataclass(frozen=True)
class Saved:
    bytes: int = 1_300_000
    seconds: float = 0.05


class FakeJob:
    progress = Progress("moving members", 0.4)
    stopped = False
    gate: asyncio.Event
    result: Any = SimpleNamespace(method="leiden", count=12, modularity=0.84)

    def cancel(self) -> None:
        self.stopped = True

    def __await__(self) -> Any:
        while not self.gate.is_set() or self.stopped:
            if self.stopped:
                raise Cancelled("Cancelled while moving members; nothing was changed.")
            yield from asyncio.sleep(0.01).__await__()
        return self.result


class FakeSimulation:
    """Adopters grow by half each tick; every command is written down in ``asked``."""

    is_isolated = True  # so that nobody lets minds think

    def __init__(
        self, world: World, name: str, path: Path | None, journal_config: Any = None
    ) -> None:
        self.world, self.name, self.path, self.journal_config = world, name, path, journal_config
        self.is_held_up = False
        self.asked: list[tuple[Any, ...]] = []
        self.state: Any = "paused"
        self.rate: float | None = None
        self.dirty = False
        self.focused: int | None = None
        self.parameters: dict[str, Any] = {"probability": 0.1, "patience": 1}
        self.events: list[tuple[int, str]] = []
        self.history: list[tuple[int, int]] = []
        self.revision = 0
        self.banner: str | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.left = self.until_quiet = False
        self.stalled: Stall | None = None
        self.frame = self._frame()

    def audit(self, last: int = 100) -> tuple[LoggedAct, ...]:
        done = LoggedAct(0, 0, "screen", "create", "{}", f"{self.world.agents} agents")
        return (done, LoggedAct(1, self.world.tick, "screen", "cancel", "{}", ""))[-last:]

    def health(self, *, within: float = 0.0) -> Health:
        return look(Vitals(tick=self.world.tick))

    async def __aenter__(self) -> "FakeSimulation":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left = True

    def changed(self) -> None:
        """Publish a frame."""
        self.revision += 1
        self.frame = self._frame()

    async def play(
        self, *, ticks_per_second: Any = 10, until_tick: Any = None, until_quiet: bool = False
    ) -> None:
        self.asked.append(("play", ticks_per_second))
        self.until_quiet = until_quiet
        if until_tick:
            await self.step(until_tick - self.world.tick)
            return
        self.state, self.rate = "playing", ticks_per_second
        self.changed()

    async def pause(self) -> None:
        self.asked.append(("pause",))
        self.state = "paused"
        self.changed()

    async def step(self, ticks: int = 1) -> None:
        self.asked.append(("step", ticks))
        for _ in range(ticks):
            self._tick()
        self.state = "paused"
        self.changed()

    def _tick(self) -> None:
        self.world.tick += 1
        self.dirty = True
        for at, row in enumerate(self.world.rows):
            if row.status == "running":
                new = min(row.size // 2 + 1, self.world.agents - row.size)
                grown: Any = {"size": row.size + new, "share": (row.size + new) / self.world.agents}
                status = "running" if new else "quiet"
                self.world.rows[at] = replace(row, new=new, status=status, **grown)

    async def reach(self) -> Reach:
        return Reach(0, self.world.tick, None)

    async def bookmarks(self) -> tuple[()]:
        return ()

    async def inject(self, text: str, *, seeds: Any, model: str, **rest: Any) -> Any:
        self.asked.append(("inject", text, seeds, model, rest))
        if seeds == "ids:999999":
            raise InputError("The seeds 999999 are no agents of this world; it has 7,624.")
        number = len(self.world.rows)
        row = SessionRow(
            number, text, model, "running", 40, 40 / 7624, 0.5, 0, 40, self.world.tick, 0, None
        )
        self.world.rows.append(row)
        self.events.append((self.world.tick, f"message #{number} from 40 seeds"))
        self.focused, self.dirty = number, True
        self.changed()
        return row

    async def plan(self, text: str, *, seeds: Any, model: str, **parameters: Any) -> Plan:
        self.asked.append(("plan", text, seeds, model, parameters))
        return Plan(
            seeds=np.arange(40, dtype=np.uint32), audience=3104, reach=7602, is_reach_least=False,
            size=2310, ticks=14, seconds=0.1, is_least=False, tags=("jazz", "tea"),
            model=model, parameters=(),
        )  # fmt: skip

    async def set_parameter(self, session: int, name: str, value: Any) -> None:
        self.asked.append(("set", session, name, value))
        self.parameters[name] = value
        self.changed()

    async def cancel(self, session: int) -> None:
        self.asked.append(("cancel", session))
        self.world.rows[session] = replace(self.world.rows[session], status="cancelled")
        self.changed()

    async def focus(self, session: int | None) -> None:
        self.asked.append(("focus", session))
        self.focused = session
        self.changed()

    async def save(self, path: Path, *, report: Any = None) -> Saved:
        self.asked.append(("save", Path(path)))
        await self.gate.wait()
        if self.journal_config is not None:
            self.journal_config.path = Path(path)
        self.dirty, self.path, self.name = False, Path(path), Path(path).stem
        self.changed()
        return Saved()

    async def keep(self, journal_config: Any) -> None:
        self.asked.append(("keep", journal_config.path))
        self.journal_config = journal_config
        self.changed()

    def _kept(self) -> Durability | None:
        if self.journal_config is None:
            return None
        at = str(self.journal_config.path) + ".live"
        return Durability(self.world.tick, 0, 0, 7.0, 1_300_000, at, is_held_up=self.is_held_up)

    async def restart(self) -> StallOutcome:
        self.asked.append(("restart",))
        await self.gate.wait()
        self.stalled = self.banner = None
        self.changed()
        return StallOutcome(self.world.tick, "spin", "spin.py, line 6, in step", (0,), False)

    async def query(self, function: Any, *args: Any, then: Any = None) -> Any:
        """Answer from a small world: what is scripted has no members."""
        found = function(small_world(), *args)
        told = found if then is None else then(found)
        return await told if isawaitable(told) else told

    def detect_communities(self, method: str) -> Any:
        self.asked.append(("detect", method))
        return self._job()

    def _job(self) -> FakeJob:
        job = FakeJob()
        job.gate = self.gate
        return job

    def study(self, function: Any, *args: Any, **named: Any) -> Any:
        job = self._job()
        job.result = function(None, *args, report=None, **named)
        return job

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        self.asked.append(("call", *args))
        return function(self.world, *args)

    async def do(self, command: str, *args: Any, **said: Any) -> Any:
        self.asked.append(("do", command, *args, *said.items()))

    def _frame(self) -> Frame:
        world = self.world
        return Frame(
            revision=self.revision, tick=world.tick, day=1 + world.tick // 24,
            hour=float(world.tick % 24), state=self.state, name=self.name,
            path=str(self.path) if self.path else None, dirty=self.dirty, agents=world.agents,
            ties=55_612, seed=42, asked_rate=self.rate, achieved_rate=4.9,
            contacts_per_second=12_400.0, tick_ms=0.4, phase_ms=(("expose", 0.3),),
            memory_bytes=150 * 2**20, sessions=tuple(world.rows), focus=self._focus(),
            communities=communities(world.tick, bool(world.rows)), events=tuple(self.events),
            banner=self.banner, stalled=self.stalled, sessions_total=len(world.rows),
            kept=self._kept(),
        )  # fmt: skip

    def _focus(self) -> Focus | None:
        rows = {row.id: row for row in self.world.rows}
        row = rows.get(-1 if self.focused is None else self.focused)
        if row is None:
            return None
        ticks = np.arange(self.world.tick - row.started_at + 1)
        adopted = np.minimum(40 * 1.5**ticks, self.world.agents).astype(np.int64)
        history = np.stack([self.world.agents - adopted, adopted // 2, adopted - adopted // 2], 1)
        new = np.diff(adopted, prepend=0)
        return Focus(
            row.id, row.text, row.model, tuple(self.parameters.items()),
            ("susceptible", "infected", "recovered"), history, new,
            np.full(len(ticks), 1.5), 20.0, 5, 200, 3.2, row.size, 40, row.started_at, row.status,
        )  # fmt: skip


@lru_cache(maxsize=1)
def small_world() -> Any:
    from sim import World as Real

    return Real.create(agents=300, mean_degree=6, seed=7, network="planted-communities")


def communities(tick: int, live: bool, names: tuple[str, ...] = NAMES) -> Communities:
    count = len(names)
    sizes = np.array([3000, 2000, 1500, 1000, 124][:count], np.int64)
    columns = max(1, min(tick, 60))
    rise = np.linspace(0, 1, columns, dtype=np.float32)
    heat = np.outer(np.linspace(1, 0.2, count, dtype=np.float32), rise) * (1.0 if live else 0.0)
    return Communities(
        names=names, sizes=sizes, adopted=(sizes * heat[:, -1]).astype(np.int64), heat=heat,
        heat_ticks=np.arange(columns, dtype=np.int64),
        onset=np.where(np.arange(count) < 3, 0, -1).astype(np.int64),
        top=tuple((f"member {at}", f"\x1b]0;owned\x07 {at}") for at in range(count)),
        label="known", links=np.full((count, count), 300, np.int64),
        positions=np.linspace(0.1, 0.9, count * 2).reshape(count, 2),
    )  # fmt: skip


PATCH = pytest.MonkeyPatch()
"""What is scripted instead of the simulator's faces; undone after each test."""


class FakeSimulator:
    """Knows two models, one network and a saves folder; ``made`` collects the simulations."""

    def __init__(self, saves: Path) -> None:
        for place, name in SCRIPTED.items():
            PATCH.setattr(place, self._scripted(name))
        self.saves = saves
        self.made: list[FakeSimulation] = []
        self.orders: list[NewWorld] = []
        self.slow = False
        self.warmed: list[str] = []
        self.asked_theory: list[tuple[Any, ...]] = []
        self.told = self.lost = ""
        self.findings: tuple[str, ...] = ()
        self.refuses: Exception | None = None
        self.left: list[tuple[Path, bool]] = []
        self.erased: list[tuple[Path, str, str]] = []

    def hubbub(self, preferences: Settings | None = None, **given: Any) -> Hubbub:
        """Return the program on this simulator."""
        app = Hubbub(self.saves, preferences, **given)
        app.simulator = self  # type: ignore[attr-defined]
        return app

    def _scripted(self, name: str) -> Callable[..., Any]:
        return lambda *args, **named: getattr(self, name)(*args, **named)

    def prepare(self, _app: Hubbub, report: Callable[[str, float], None]) -> None:
        import_acts()
        report("importing the engine", 0.5)

    def warm(self, models: Sequence[str] | None, report: Callable[[str, float], None]) -> None:
        report("warming", 1.0)
        self.warmed += models or ()

    def demo(self, report: Callable[[str, float], None]) -> World:
        report("reading the demo world", 0.9)
        return World()

    def load(self, path: Path, report: Callable[[str, float], None]) -> World:
        if "broken" in path.name:
            raise FileError(path, "is cut off after 312 of 4,096 bytes")
        return World(agents=500, tick=30)

    def open(
        self, path: Path, *, read_only: bool = False, report: Callable[[str, float], None]
    ) -> Any:
        if "held" in path.name and not read_only:
            raise LeaseError(path, "in use by process 7 on there since noon")
        found = SimpleNamespace(told=self.told, findings=self.findings, is_read_only=read_only)
        found.recovered = None
        found.world, found.path = self.load(path, report), path
        return found

    def journal_config(self, path: Path, **_: Any) -> Any:
        if self.refuses is not None:
            raise self.refuses
        return SimpleNamespace(path=path)

    def free_name(self, saves: Path, name: str) -> Path:
        return saves / f"{name}.hub"

    def whom(self, world: Any, who: str) -> str:
        if who == "99999":
            raise InputError("No member has the id 99999.")
        return f"2 members, {who}"

    def erase(self, path: Path, who: str, how: str, **_: Any) -> Any:
        self.erased.append((path, who, how))
        if who == "nobody":
            raise InputError("That is nobody; name members.")
        return SimpleNamespace(sentence=f"The profiles of {who} are gone.")

    def lost_by_saving(self, world: Any, path: Path) -> str:
        return self.lost

    def discard(self, path: Path) -> None:
        self.left.append((path, True))

    def sweep(self, path: Path) -> None:
        self.left.append((path, False))

    def read(self, path: Path, options: dict[str, str]) -> Any:
        def make(_report: Any) -> Any:
            if not path.exists():
                raise FileError(path, "there is no such file; check the name")
            lines = len(path.read_text().splitlines())
            told = f"{lines} arcs. Dropped 0 loops and 0 duplicates. {options}"
            return SimpleNamespace(
                world=World(agents=lines), report=SimpleNamespace(describe=lambda: told)
            )

        return SimpleNamespace(make=make)

    def create(self, order: NewWorld, report: Callable[[str, float], None]) -> World:
        import time

        self.orders.append(order)
        while self.slow:  # until it is cancelled
            time.sleep(0.02)
            report("drawing ties", 0.5)
        return World(agents=order.agents)

    def estimate(self, agents: int, _degree: float) -> int:
        return agents * 400

    def models(self) -> list[PluginChoice]:
        return [card(Cascade), card(Viral)]

    def card(self, name: str) -> list[tuple[str, str]]:
        told = ("summary", f"All about {name}. " + "It goes on and on. " * 12)
        return [told, ("states", "infected: speaks"), ("", "recovered: [/b] \x1b[31m silent")]

    def theory(
        self, ties: Any, model: str, parameters: Any, seeds: int, ticks: int, *, report: Any
    ) -> tuple[Theory, ...]:
        self.asked_theory.append((model, dict(parameters), seeds, ticks))
        if model == "viral":
            return ()
        curve = np.linspace(seeds, 7624, ticks + 1)
        states = ("susceptible", "infected", "recovered")
        expected = np.stack([7624 - curve, curve / 2, curve / 2], axis=1)
        return (Theory("mean field", states, expected), Theory("pairs", states, expected / 2))

    def networks(self) -> list[PluginChoice]:
        return [card(Attachment)]

    def recommenders(self) -> tuple[str, ...]:
        return ("blend", "chronological")

    def interventions(self) -> list[PluginChoice]:
        return [card(Freeze), card(Label)]

    def scenarios(self) -> list[str]:
        return ["gallery:storm"]

    def saved(self, _saves: Path) -> list[SavedWorld]:
        said = {
            path: "it is cut off" * ("broken" in path.name) for path in self.saves.glob("*.hub")
        }
        return [
            SavedWorld(path, 30, 500, "2026-11-20 10:00", 1200, said[path]) for path in sorted(said)
        ]

    def simulation(
        self, world: World, *, name: str, path: Path | None, journal: Any = False, **_: Any
    ) -> FakeSimulation:
        self.made.append(FakeSimulation(world, name, path, journal or None))
        return self.made[-1]

    def path_between(self, world: World, start: str, end: str) -> list[int]:
        return [] if end == "nobody" else [int(start), 7, int(end)]

    def path_of(self, sought: Any) -> tuple[int, ...]:
        return tuple(sought)

    def metrics(self) -> dict[str, tuple[str, str]]:
        return {"acts": ("acts", "actions of members"), "polarisation": ("0 to 1", "how far apart")}

    def keep_words(self, _path: Path, _name: str, words: Sequence[str]) -> None:
        self.kept_metrics = tuple(words)

    def measure(self, ties: Any, *, report: Any) -> Any:
        return network_report(small_world().ties)

    def members(self, world: World, ids: list[int]) -> list[str]:
        return [f"member {agent} [/b]" for agent in ids]


SCRIPTED = {
    "tui.app.Hubbub.prepare": "prepare",
    "sim.load": "load",
    "sim.World.estimate_bytes": "estimate",
    "sim.network.network_report": "measure",
    "sim.network.predicted": "theory",
    "sim.runtime.JournalConfig": "journal_config",
    "sim.runtime.Simulation": "simulation",
    "sim.runtime.choices.card_facts": "card",
    "sim.runtime.choices.interventions": "interventions",
    "sim.runtime.choices.models": "models",
    "sim.runtime.choices.networks": "networks",
    "sim.lab.scenarios": "scenarios",
    "sim.runtime.choices.recommenders": "recommenders",
    "sim.runtime.discard": "discard",
    "sim.runtime.engine.metrics_tracker.listed": "metrics",
    "sim.runtime.erase_profiles": "erase",
    "sim.runtime.free_name": "free_name",
    "sim.runtime.lost_by_saving": "lost_by_saving",
    "sim.runtime.open_live": "open",
    "sim.runtime.queries.pairs.found": "path_of",
    "sim.runtime.queries.pairs.sought": "path_between",
    "sim.runtime.saved_worlds": "saved",
    "sim.runtime.sweep_untouched": "sweep",
    "sim.runtime.warm": "warm",
    "sim.runtime.whom": "whom",
    "sim.scenario.ImportedWorld.typed": "read",
    "sim.scenario.NewWorld.make": "create",
    "sim.settings.keep_words": "keep_words",
    "tui.actions.world._named": "members",
    "tui.world_session._demo": "demo",
}
