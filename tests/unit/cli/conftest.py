"""A command line in an empty folder, with nobody's settings."""

import json as jsons
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import pytest

from sim import load_file
from sim.cli.main import main
from sim.core.cards import missing
from sim.runtime import IsolatedSimulation
from sim.settings import settings
from tests.unit.minds.server import Server, body, completion
from tests.unit.runtime.isolating import Thread


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return jsons.loads(self.out)

    def well(self) -> Self:
        """Have gone well; returns what was said."""
        assert self.code == 0, self
        return self

    def refuses(self, sentence: str, code: int = 2) -> None:
        """Be one sentence with this in it (or this line), and nothing else."""
        assert (self.code, self.out, self.err.count("\n")) == (code, "", 1), self
        assert self.err == sentence if sentence.endswith("\n") else sentence in self.err, self


class Hubbub(Protocol):
    def __call__(self, *words: str | Path) -> Said: ...


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in list(os.environ):
        if name.startswith("HUBBUB_"):
            monkeypatch.delenv(name)
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home" / kind.lower()))
    for verb in ("running", "comparing", "futures"):  # seconds, for each of the files
        monkeypatch.setattr(f"sim.cli.{verb}.probe_foreign", lambda: None)
    monkeypatch.chdir(tmp_path)
    before = list(settings._in_force)
    settings._in_force.clear()
    yield tmp_path
    settings._in_force[:] = before


@pytest.fixture
def hubbub(capsys: pytest.CaptureFixture[str]) -> Hubbub:
    """Run a command in this process; returns its exit code and what it wrote."""

    def run(*words: str | Path) -> Said:
        code = main([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return run


LIKE = jsons.dumps({"act": "like", "post": 1, "text": ""})


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of the language model of the settings, which likes the first post."""
    with Server(body(completion(LIKE))) as server:
        monkeypatch.setenv("HUBBUB_LLM_MODEL", "m")
        monkeypatch.setenv("HUBBUB_LLM_URL", server.url)
        yield server


def written(hubbub: Hubbub, form: str, folder: Path) -> tuple[Said, Any]:
    """Let a plugin be written that ruff finds clean and the cards whole; returns its class too."""
    said = hubbub("plugin", "new", f"made-{form}", "--form", form, "--out", folder).well()
    (item,) = load_file(folder / f"made_{form.replace('-', '_')}.py")
    assert missing(item.cls) == ()
    for tool in (("check",), ("format", "--check", "--line-length", "100")):
        words = [sys.executable, "-m", "ruff", *tool, "--isolated", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    return said, item.cls


@pytest.fixture
def in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines of other processes be threads of the test: nothing has to start."""
    isolated = partial(IsolatedSimulation, spawn=Thread)
    monkeypatch.setattr("sim.runtime.simulation.IsolatedSimulation", isolated)
