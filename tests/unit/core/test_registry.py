"""Plugins by name: how they enter, how they are refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sim import Field, PropagationModel, load_file, make, names, register, spec
from sim.core import Parameters, describe, failures, registry
from sim.errors import FileError, InputError, ParameterError, PluginError, UnknownNameError
from tests.raising import raises

ROOT = Path(__file__).resolve().parents[3]
BUILT_IN = {
    "diffusion", "hybrid", "independent-cascade", "linear-threshold", "si", "sir", "sis", "viral",
}  # fmt: skip
MODEL = '''
from typing import ClassVar
from sim import Compartments, Field, contact, register

@register("{name}")
class Rumour(Compartments):
    """A rumour that spreads."""
    version: ClassVar[str] = "{version}"
    beta: float = Field(0.05, ge=0, le=1, description="chance")
    states: ClassVar = ("s", "i")
    seeded: ClassVar = "i"
    rules: ClassVar = (contact("s", "i", by="i", chance="beta"),)
'''


class Kind(Parameters):
    """Something of a kind."""

    plugin_kind: ClassVar[str] = "test-kind"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Leave no failure of these tests behind."""
    noted = list(registry._failures)
    yield
    registry._failures[:] = noted


def written(folder: Path, text: str, name: str = "rumour.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_built_in_models_are_there_and_an_unknown_name_suggests_one() -> None:
    assert set(names()) >= BUILT_IN
    assert list(names()) == sorted(names())
    assert names("no-such-kind") == ()
    raises(UnknownNameError, "No propagation model named 'sri'", spec, "sri")


def test_a_registered_class_is_made_by_name_with_its_parameters() -> None:
    @register("a-thing")
    class Thing(Kind):
        """One thing.

        And more about it.
        """

        size: int = Field(3, ge=0, le=9, description="how big")

    assert make("a-thing", "test-kind", size=4).size == 4
    assert Thing.plugin_name == "a-thing"
    found = spec("a-thing", "test-kind")
    assert (found.kind, found.version, found.summary) == ("test-kind", "1", "One thing.")
    assert found.origin == __name__
    assert len(found.sha256) == 64
    with pytest.raises(ParameterError, match=r"a-thing: size must be in \[0, 9\], got 10"):
        make("a-thing", "test-kind", size=10)


@pytest.mark.parametrize("name", ["", "Mixed", "under_score", "with space", "ümlaut!"])
def test_malformed_names_are_refused(name: str) -> None:
    raises(InputError, "lower-case words joined by '-'", register(name), Kind)


def test_classes_of_no_kind_and_names_of_another_origin_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Nothing is of no plugin kind"):
        register("nothing")(type("Nothing", (Parameters,), {"__module__": __name__}))
    path = written(tmp_path, MODEL.format(name="sir", version="1"))
    raises(PluginError, r"'sir' of .*rumour\.py is already registered by plugin", load_file, path)


def test_a_class_with_a_field_that_no_flag_can_ask_for_is_refused_and_harms_no_listing() -> None:
    with pytest.raises(InputError, match=r"Odd: marks is list\[int\]; a parameter is a bool, int"):

        @register("test-odd")
        class Odd(PropagationModel):
            """Has a list."""

            marks: list[int] = Field(default_factory=list)

    assert "test-odd" not in names()
    assert all(describe(spec(name).cls) is not None for name in names())


def test_what_a_failing_import_says_is_made_harmless_and_it_may_be_tried_again(
    tmp_path: Path,
) -> None:
    with pytest.raises(PluginError) as refused:
        load_file(written(tmp_path, 'raise ValueError("\\x1b]0;owned\\x07 and\\nmore")\n'))
    assert str(refused.value).isprintable()
    path = written(tmp_path, "raise ValueError('not yet')")
    for _ in range(2):
        raises(PluginError, "not yet", load_file, path)


def test_the_same_origin_may_register_again_and_an_edited_file_replaces_its_own(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        register("again")(type("Again", (Kind,), {"__module__": __name__}))
    assert names("test-kind") == ("again",)
    load_file(written(tmp_path, MODEL.format(name="rumour", version="1")))
    (found,) = load_file(written(tmp_path, MODEL.format(name="rumour", version="2")))
    assert found.version == spec("rumour").version == "2"


def test_a_file_brings_its_models(tmp_path: Path) -> None:
    path = written(tmp_path, MODEL.format(name="rumour", version="2.1"))
    (found,) = load_file(path)
    assert found in registry.named_plugins()
    assert (found.name, found.version, found.origin) == ("rumour", "2.1", str(path))
    assert make("rumour", beta=0.5).beta == 0.5
    assert load_file(str(path)) == (found,)


NO_FILE = """
from sim import Recommender, World, load, save
{model}

@register("of-no-file")
class OfNoFile(Recommender):
    "Ranks by age alone."

    def score(self, candidates):
        return -candidates.age


world = World.create(agents=60, mean_degree=6, seed=3)
world.open_platform(recommender="of-no-file")
story = world.inject("x", seeds=[0], model="rumour-of-no-file", beta=1.0, channel="broadcast")
world.step(2)
save(world, "kept.hub")
print(story.size > 1, load("kept.hub").cascades[0].model_name, world.platform.faults)
"""


@pytest.mark.parametrize("way", ["-", "-c"])
def test_what_is_defined_in_no_file_works_like_any_other(tmp_path: Path, way: str) -> None:
    """As ``python -`` and a notebook have it: no line of it can be looked up."""
    program = NO_FILE.format(model=MODEL.format(name="rumour-of-no-file", version="1"))
    words = [way] if way == "-" else [way, program]
    done = subprocess.run(
        [sys.executable, *words], input=program if way == "-" else "", cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "True rumour-of-no-file []\n", done


def test_what_is_no_python_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.py", tmp_path):
        raises(FileError, "no such plugin file", load_file, path)
    raises(FileError, r"ends in \.py", load_file, written(tmp_path, "", "notes.txt"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1", "registers nothing"),
        ("1 / 0", "could not be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "could not be imported: SystemExit: 3"),
        ("def broken(:", "could not be imported: SyntaxError"),
        ("import no_such_package", "could not be imported: ModuleNotFoundError"),
    ],
)
def test_files_that_bring_nothing_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    raises(PluginError, sentence, load_file, path)


class Entry:
    """An entry point of the built-in room."""

    value = "plugins"

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error = name, error

    def load(self) -> None:
        """Import it, or fail."""
        if self.error:
            raise self.error


def test_a_package_that_cannot_be_imported_is_noted(monkeypatch: Any) -> None:
    entries = [Entry("good"), Entry("bad", ImportError("no module named 'torch'"))]
    monkeypatch.setattr(metadata, "entry_points", lambda group: entries)
    monkeypatch.setattr(registry, "_loaded", set())
    before = len(failures())
    names()
    names()  # asked once only
    (noted,) = failures()[before:]
    said = "could not be imported: ImportError: no module named 'torch'."
    assert str(noted) == f"Plugin 'bad': {said}"
