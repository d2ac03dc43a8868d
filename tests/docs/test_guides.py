"""What the guides say is true: their code runs, their tables are complete."""

import re
from pathlib import Path
from typing import Any

import pytest

from sim.core.registry import names, spec

ROOT = Path(__file__).resolve().parents[2]


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


@pytest.mark.parametrize("guide", ["README.md", "plugins/README.md"])
def test_code_in_guide_runs(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saves").mkdir()
    names_so_far: dict[str, Any] = {"__name__": "sim_guide"}
    for number, block in enumerate(python_blocks(guide)):
        code = compile(block, f"{guide}[{number}]", "exec")
        exec(code, names_so_far)  # noqa: S102
    assert names_so_far


def test_guide_lists_every_built_in_model() -> None:
    table = (ROOT / "plugins/README.md").read_text().partition("\n## ")[0]
    built_in = [name for name in names() if spec(name).origin.startswith("plugins.")]
    listed = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(built_in)


@pytest.mark.parametrize("name", names())
def test_every_model_says_what_it_is(name: str) -> None:
    found = spec(name)
    assert found.summary.endswith(".")
    for field in found.cls.model_fields.values():
        assert found.origin.startswith("tests") or field.description
