"""A command line in an empty folder, with nobody's settings."""

import json as jsons
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from sim.cli.main import main
from sim.core import registry
from sim.settings import settings


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return jsons.loads(self.out)


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
    registry.names()
    known = {kind: dict(entries) for kind, entries in registry._known.items()}
    yield tmp_path
    settings._in_force[:] = before
    registry._known.clear()
    registry._known.update(known)


@pytest.fixture
def hubbub(capsys: pytest.CaptureFixture[str]) -> Hubbub:
    """Run a command in this process; returns its exit code and what it wrote."""

    def run(*words: str | Path) -> Said:
        code = main([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return run
