"""The public names: some hundred in ``sim``, the rest in its packages; each stands once."""

import importlib
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import sim
from sim.core.face import face

ROOT = Path(sim.__path__[0])
STUBS = sorted([ROOT / "__init__.pyi", *ROOT.glob("*/__init__.pyi")])
FACES = [".".join(stub.parent.relative_to(ROOT.parent).parts) for stub in STUBS]
FIXED = {
    "World", "Simulation", "load", "save", "register", "make", "Field", "contact", "after", "io",
    "PropagationModel", "Compartments", "PerExposure", "Heard", "Threshold", "OpinionModel",
    "Recommender", "FriendRecommender",
}  # fmt: skip


def listed(stub: Path) -> list[tuple[str, str]]:
    """Return (home, name) of every line of a stub that imports."""
    text = stub.read_text()
    found = re.findall(r"^from (\S+) import (\w+) as \2$", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"\bimport\b", text)), f"{stub}: a line is another"
    return found


def test_sim_offers_some_hundred_names_and_those_promised() -> None:
    assert 90 <= len(dir(sim)) <= 110
    assert set(dir(sim)) >= FIXED


def test_a_guide_and_a_template_need_nothing_but_hubbub_which_is_light() -> None:
    texts = [ROOT.parent / "plugins" / "README.md", ROOT / "cli" / "templates.py"]
    text = "\n".join(each.read_text() for each in texts)
    named = re.findall(r"^from ((?:sim|hubbub)[\w.]*) import", text, re.MULTILINE)
    assert {name for name in named if ".testing" not in name} == {"hubbub"}
    code = "import sys, hubbub; print(sorted({'numpy', 'numba', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("stub", STUBS, ids=FACES)
def test_a_name_stands_once_in_a_face(stub: Path) -> None:
    names = Counter(name for _, name in listed(stub))
    assert {name for name, times in names.items() if times > 1} == set()


def test_a_name_is_one_thing_wherever_it_stands() -> None:
    homes = defaultdict(set)
    for stub in STUBS:
        for home, name in listed(stub):
            homes[name].add(id(getattr(importlib.import_module(home), name)))
    assert {name for name, things in homes.items() if len(things) > 1} == set()


@pytest.mark.parametrize("stub", STUBS, ids=FACES)
def test_no_name_of_a_face_is_that_of_a_module_within(stub: Path) -> None:
    inside = {each.stem for each in stub.parent.iterdir() if each.suffix in {"", ".py"}}
    package = ".".join(stub.parent.relative_to(ROOT.parent).parts)
    assert {name for home, name in listed(stub) if home != package} & inside == set()


@pytest.mark.parametrize("package", FACES)
def test_every_name_of_a_face_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if getattr(module, name, None) is None] == []
    assert dir(module) == module.__all__ == sorted(module.__all__)


def test_a_name_that_a_face_does_not_list_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sim' has no attribute 'Wrld'"):
        _ = sim.Wrld  # type: ignore[attr-defined]
    load, _, _ = face("sim.network")
    with pytest.raises(AttributeError, match=r"'sim\.network' has no attribute 'pagernk'"):
        load("pagernk")


@pytest.mark.parametrize("name", ["sim", *FACES[1:], "sim.errors"])
def test_hubbub_offers_each_name_of_sim_as_the_same_object(name: str) -> None:
    home = importlib.import_module(name)
    offered = importlib.import_module(name.replace("sim", "hubbub", 1))
    assert dir(offered) == dir(home)
    assert offered.__all__ == home.__all__
    for each in home.__all__:
        if not each.islower() or name != "sim":
            assert getattr(offered, each) is getattr(home, each)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from hubbub import World; import sim.world", ""),
        ("import sys; sys.path.insert(0, ''); import sim; import hubbub", "import hubbub first"),
        ("import hubbub.network.graph", "'hubbub.network' is not a package"),
        ("from hubbub.network import pagernk", "cannot import name 'pagernk'"),
    ],
)
def test_hubbub_finds_its_own_sim_in_a_folder_that_has_another(
    code: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "sim.py").write_text("")
    run = [sys.executable, "-P", "-c", code]
    env = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (not said)
    assert said in done.stderr
