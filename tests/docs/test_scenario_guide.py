"""The scenario of the guide runs, and shows every key that there is."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from sim.cli.main import main
from sim.scenario import sections as scenario

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
