"""What the guides say is true: their code runs, their tables are complete."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sim import names, spec
from sim.cli.main import main
from sim.cli.models import table_of_models
from sim.cli.templates import TEMPLATES
from sim.scenario import sections as scenario

ROOT = Path(__file__).resolve().parents[2]


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


GUIDES = ("README.md", "plugins/README.md", "sim/README.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_code_in_guide_runs(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saves").mkdir()
    names_so_far: dict[str, Any] = {"__name__": "sim_guide"}
    for number, block in enumerate(python_blocks(guide)):
        code = compile(block, f"{guide}[{number}]", "exec")
        exec(code, names_so_far)  # noqa: S102
    assert names_so_far


def test_code_in_guides_is_typed(tmp_path: Path) -> None:
    files = [tmp_path / f"guide_{number}.py" for number in range(len(GUIDES))]
    for path, guide in zip(files, GUIDES, strict=True):
        # an extra that is not installed
        path.write_text("\n".join(b for b in python_blocks(guide) if "camel" not in b))
    said = [sys.executable, "-m", "mypy", "--strict", *map(str, files)]
    found = subprocess.run(said, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_the_table_of_models_is_current() -> None:
    text = (ROOT / "plugins/README.md").read_text()
    table = text.partition("<!-- models -->\n")[2].partition("\n<!-- end of models -->")[0]
    assert table == table_of_models(), "hubbub models --out plugins/README.md writes it anew"


def test_the_guide_names_every_form_that_can_be_written() -> None:
    text = (ROOT / "plugins/README.md").read_text()
    assert re.findall(r"^\| \".*\| `([a-z-]+)` \|", text, re.MULTILINE) == list(TEMPLATES)


@pytest.mark.parametrize(
    "name", [name for name in names() if spec(name).origin.startswith("plugins.")]
)
def test_every_model_says_what_it_is(name: str) -> None:
    found = spec(name)
    assert found.summary.endswith(".")
    for field in found.cls.model_fields.values():
        assert field.description


GUIDE = (Path(__file__).resolve().parents[2] / "sim/README.md").read_text()
PARTS: dict[str, type[BaseModel]] = {
    "network": scenario.NetworkSection,
    "population": scenario.PopulationSection,
    "messages": scenario.MessageSection,
    "stop": scenario.StopSection,
    "outputs": scenario.OutputSection,
}


def example() -> str:
    (block,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    return str(block)


def test_the_scenario_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path))
    file = tmp_path / "storm.toml"
    file.write_text(example())
    assert main(["run", str(file)]) == 0
    assert "Again: hubbub run" in capsys.readouterr().out
    told = json.loads((tmp_path / "storm.json").read_text())
    assert told["world"]["agents"] == 2000
    assert [cascade["started_at"] for cascade in told["cascades"]] == [0, 12]
    assert (tmp_path / "storm.csv").exists()
    assert (tmp_path / "storm.hub").exists()


@pytest.mark.parametrize("section", PARTS)
def test_the_guide_names_every_key(section: str) -> None:
    shown = tomllib.loads(example())[section]
    keys = set(shown if isinstance(shown, dict) else shown[0])
    keys |= (
        set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)) if section == "network" else set()
    )
    assert {field.alias or name for name, field in PARTS[section].model_fields.items()} <= keys
