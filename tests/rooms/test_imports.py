"""Who imports whom, seen in a fresh process: what is not needed is not loaded."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numba", "igraph", "networkx", "scipy", "openai", "textual")
OUTSIDE = ("textual", "openai", "igraph", "networkx", "tui", "sim.runtime", "sim.store")


def loaded(code: str, tmp_path: Path) -> set[str]:
    """Run code in a fresh process; returns every module that it left loaded."""
    tail = "import json, sys; print(json.dumps(list(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tail}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(tmp_path)},
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"], ["frobnicate"]])
def test_help_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    modules = loaded(f"from sim.cli.main import main; main({words!r})", tmp_path)
    assert modules & {*HEAVY, "numpy", "rich", "pydantic_settings"} == set()


def test_numba_comes_with_the_first_kernel(tmp_path: Path) -> None:
    made = "from sim import World, save; save(World.create(50), 'w.hub')"
    assert "numba" in loaded(made, tmp_path)
    told = "from sim import World; from sim.cli.main import main; main(['info', 'w.hub'])"
    assert {"numba", "sim.world.world"} & loaded(told, tmp_path) == {"sim.world.world"}


ALONE = """
import importlib, sys
for name in %r:
    for known in [each for each in sys.modules if each.split(".")[0] == "sim"]:
        del sys.modules[known]
    importlib.import_module(name)
"""


def test_what_knows_each_other_can_be_loaded_in_any_order(tmp_path: Path) -> None:
    names = [
        "sim.world.channels", "sim.platform.tick", "sim.platform.opening",
        "sim.platform.platform", "sim.platform.tick", "sim.world.world", "sim.lab.recommenders",
        "sim.lab.minds", "sim.scenario.variants",
    ]  # fmt: skip
    assert names[-1] in loaded(ALONE % names, tmp_path)


def test_import_sim_loads_nothing_but_itself(tmp_path: Path) -> None:
    modules = loaded("import sim", tmp_path)
    assert modules & {*HEAVY, "numpy", "pydantic", "typer"} == set()
    assert {name for name in modules if name.startswith("sim.")} == {"sim.core", "sim.core.face"}


def test_a_world_is_made_and_run_without_the_outside(tmp_path: Path) -> None:
    code = (
        "from sim import World\n"
        "world = World.create(100, mean_degree=4)\n"
        "world.inject('x', seeds=[0], model='sir')\n"
        "world.step(2)"
    )
    assert loaded(code, tmp_path) & {*OUTSIDE} == set()


def test_a_headless_run_loads_no_screen(tmp_path: Path) -> None:
    words = ["run", "new:100,mean_degree=4", "--inject", "x", "--ticks", "2"]
    modules = loaded(f"from sim.cli.main import main; main({words!r})", tmp_path)
    assert modules & {"textual", "tui", "openai", "igraph", "networkx"} == set()


@pytest.mark.bench
def test_help_answers_in_three_tenths_of_a_second() -> None:
    def once() -> float:
        began = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "sim", "--help"], check=True, capture_output=True, cwd=ROOT
        )
        return perf_counter() - began

    best = min(once() for _ in range(5))
    sys.stdout.write(f"hubbub --help: {best * 1000:.0f} ms\n")
    assert best <= 0.3


KERNELS = sorted((ROOT / "sim").rglob("*_kernels.py"))


@pytest.mark.parametrize("path", KERNELS, ids=[path.stem for path in KERNELS])
def test_kernels_import_arrays_the_compiler_and_each_other_alone(path: Path) -> None:
    named = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            named.add(node.module)
        elif isinstance(node, ast.Import):
            named |= {each.name for each in node.names}
    allowed = {"__future__", "typing", "collections.abc", "math", "numpy", "numba", "sim.arrays"}
    others = {n for n in named - allowed if not n.startswith("sim.jit.")}
    assert {name for name in others if not name.endswith("_kernels")} == set()
