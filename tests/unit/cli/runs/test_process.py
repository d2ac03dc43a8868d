import asyncio
import socket
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim.cli import isolated as isolating
from sim.errors import Cancelled, HubbubError, StuckError
from sim.runtime import ReplacedError
from sim.runtime.engine.run_control import ProgramNow
from sim.runtime.export import Exporter
from sim.settings import load_settings
from sim.settings.settings import use
from tests.unit.cli.conftest import Hubbub
from tests.unit.runtime.isolating import ROUGH
from tui import terminal
from tui.app import Hubbub as Screen

LOUD = '''
from sim import PropagationModel, register

@register("loud-and-isolated")
class Loud(PropagationModel):
    """Prints."""

    def step(self, cascade, contacts, draws):
        print("over the screen")
'''

WEARY = '''
from sim import Policy, register

@register("weary")
class Weary(Policy):
    """Decides on nothing."""

    def probabilities(self, exposures, platform):
        raise ValueError("too tired")
'''

BIRTH = '''
import os

from sim import PropagationModel, register

@register("rough-birth")
class Birth(PropagationModel):
    """Ends the process as it starts."""

    def start(self, cascade):
        os._exit(3)

    def step(self, cascade, contacts, draws):
        pass
'''


def test_an_isolated_run_is_like_others(hubbub: Hubbub, elsewhere: Path, in_a_thread: None) -> None:
    words = ["run", "new:300,mean_degree=6", "--inject", "x", "--model", "sir", "--ticks", "8"]
    plain = hubbub(*words, "--json").json
    said = hubbub(*words, "--json", "--save", "w.hub", "--isolated")
    isolated = said.json
    assert isolated.pop("command").endswith("--json --save w.hub --isolated --seed 0")
    for found in (plain, isolated):
        found.pop("seconds")
        found.pop("command", None)
    assert isolated == plain
    assert (elsewhere / "w.hub").exists()


def test_a_scenario_can_be_isolated(hubbub: Hubbub, elsewhere: Path, in_a_thread: None) -> None:
    (elsewhere / "s.toml").write_text(
        '[network]\nagents = 200\n[[messages]]\ntext = "x"\nmodel = "si"\n[stop]\nticks = 3\n'
    )
    said = hubbub("run", "s.toml", "--isolated")
    assert (said.code, "tick 3" in said.out) == (0, True), said


def test_a_policy_that_fails_is_told_of(hubbub: Hubbub, elsewhere: Path, in_a_thread: None) -> None:
    (elsewhere / "weary.py").write_text(WEARY)
    (elsewhere / "s.toml").write_text(
        '[network]\nagents = 60\n[platform]\npolicy = "weary"\nrhythm = "flat"\n[stop]\nticks = 3\n'
    )
    said = hubbub("--plugin", "weary.py", "run", "s.toml", "--isolated")
    assert (said.code, "The policy 'weary' failed and decides no more" in said.err) == (5, True)


def test_a_world_without_messages_ticks_with_no_journal(hubbub: Hubbub, in_a_thread: None) -> None:
    said = hubbub("--isolated", "run", "new:100,mean_degree=4", "--ticks", "2")
    assert (said.code, "tick 2" in said.out) == (0, True), said
    said = hubbub("run", "new:100", "--save", "w.hub", "--journal", "--isolated")
    said.refuses("leave out --journal")


def test_what_plugins_print_is_remarked(hubbub: Hubbub, elsewhere: Path, in_a_thread: None) -> None:
    (elsewhere / "loud.py").write_text(LOUD)
    words = ["--inject", "x", "--model", "loud-and-isolated", "--ticks", "2", "--isolated"]
    said = hubbub("--plugin", "loud.py", "run", "new:100,mean_degree=4", *words).well()
    assert "a plugin printed: over the screen" in said.err
    assert "over the screen" not in said.out


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_plugin_that_ends_the_process_fails_alone(hubbub: Hubbub, elsewhere: Path) -> None:
    (elsewhere / "rough.py").write_text(ROUGH)
    words = ["--inject", "x", "--model", "rough-exit", "--ticks", "6", "--isolated"]
    said = hubbub("--plugin", "rough.py", "run", "new:200,mean_degree=6", *words)
    assert said.code == 5
    assert "0: rough-exit: ended the engine's process (exit code 3)" in said.out
    assert "message #0 was stopped, everything else resumes from tick " in said.err


@pytest.mark.timeout(400)
def test_a_plugin_that_never_begins_is_named(hubbub: Hubbub, elsewhere: Path) -> None:
    (elsewhere / "birth.py").write_text(BIRTH)
    words = ["--inject", "x", "--model", "rough-birth", "--ticks", "6", "--isolated"]
    said = hubbub("--plugin", "birth.py", "run", "new:200,mean_degree=6", *words)
    assert said.code == 5
    assert "'rough-birth': took the engine's process down before its message had begun" in said.err


def run(simulation: Any, report: Any = lambda *_: None) -> None:
    asyncio.run(isolating._tick(simulation, 14, Path("end.hub"), report))


def test_a_run_that_gets_no_further_ends() -> None:
    async def step(_ticks: int) -> int:
        raise ReplacedError("again")

    async def ready() -> None:
        pass

    async def save(path: Path, note: str) -> None:
        saved.append((path, note))

    saved: list[tuple[Path, str]] = []
    frame = SimpleNamespace(tick=4, stalled=None, banner="It ended.", program=ProgramNow("run", 4))
    parts: dict[str, Any] = {"step": step, "ready": ready, "save": save, "frame": frame}
    kept = "the world at tick 4 is kept in end.rescued.hub"
    with pytest.raises(HubbubError, match=f"The run gets no further: It ended; {kept}"):
        run(SimpleNamespace(**parts, ended=None))
    ended = SimpleNamespace(plugin="mine", how="looped", place="", sessions=())
    with pytest.raises(StuckError, match=f"Plugin 'mine': looped; {kept}"):
        run(SimpleNamespace(**parts, ended=ended))
    assert {path for path, _ in saved} == {Path("end.rescued.hub")}


def test_a_run_is_called_off_by_its_report() -> None:
    ended: list[bool] = []

    async def step(_ticks: int) -> int:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)
        return 0

    reports = iter([None, Cancelled("enough")])

    def report(_stage: str, _share: float) -> None:
        if (error := next(reports)) is not None:
            raise error

    frame = SimpleNamespace(stalled=None, tick=4, program=ProgramNow("run", 4))
    with pytest.raises(Cancelled, match="enough"):
        run(SimpleNamespace(step=step, frame=frame), report)
    assert ended == [True]


async def test_what_a_tick_computes_at_length_is_told_in_its_place() -> None:
    told: list[str] = []
    stalled = SimpleNamespace(what="Weighing the reputation of 9 members")
    simulation: Any = SimpleNamespace(frame=SimpleNamespace(tick=3, stalled=stalled))

    async def run() -> int:
        return 1

    await isolating._followed(simulation, run(), 5, lambda stage, _: told.append(stage))
    assert set(told) == {stalled.what}


pytest.importorskip("prometheus_client", reason="the extra 'metrics' is not installed")

RUN = ("run", "new:100", "--inject", "x", "--ticks", "3")


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as page:  # noqa: S310 - our own
        return str(page.read().decode())


def test_a_run_serves_its_numbers(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []
    close = Exporter.close

    def read_and_close(exporter: Exporter) -> None:
        pages.append(read(exporter.url))
        close(exporter)

    monkeypatch.setattr(Exporter, "close", read_and_close)
    said = hubbub(*RUN, "--metrics-port", "0").well()
    assert "Metrics: http://127.0.0.1:" in said.err
    assert "\nhubbub_tick 3.0\n" in pages[0]


def test_a_port_that_is_taken_is_said_and_without_one_nothing_is_served(hubbub: Hubbub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = hubbub(*RUN, "--metrics-port", str(taken.getsockname()[1]))
    said.refuses("choose another, or 0 for any that is free.")
    assert "Metrics" not in hubbub(*RUN).err


def test_the_screen_serves_too(tmp_path: Path) -> None:
    app = Screen(tmp_path)
    use(load_settings(metrics_port=0))
    with terminal._exported(app) as exporter:
        assert isinstance(exporter, Exporter)
        assert "\nhubbub_tick 0.0\n" in read(exporter.url)
    use(load_settings())
    with terminal._exported(app) as nothing:
        assert nothing is None
