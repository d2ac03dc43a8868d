"""Foreign plugins: found and read without running them, off until enabled, and off once changed."""

import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from sim import World, load_file, names, spec
from sim.core import failures, plugin_files, registry, user_folder
from sim.core.plugin_files import (
    PluginDeclaration,
    demand,
    disable,
    enable,
    found,
    one,
    record_path,
    stated,
    unmet,
)
from sim.core.registry import has_consent
from sim.errors import FileError, InputError, PluginError, PluginOffError, UnknownNameError
from tests.raising import raises

NAME = "rumour-of-the-tests"
MODEL = f'''
from sim import PropagationModel, register

@register("{NAME}")
class Rumour(PropagationModel):
    """Does nothing."""

    def step(self, cascade, contacts, draws):
        pass
'''


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home" / kind.lower()))
    monkeypatch.chdir(tmp_path)
    noted, named, loaded = list(registry._failures), set(registry._named), set(registry._loaded)
    yield tmp_path
    registry._failures[:] = noted
    registry._named.clear()
    registry._named.update(named)
    registry._loaded.update(loaded)


def written(folder: Path, text: str = MODEL, name: str = "rumour.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def load_anew() -> None:
    registry._loaded.clear()
    registry.load_plugins()


def test_a_file_in_the_user_s_folder_is_seen_and_not_run(elsewhere: Path) -> None:
    path = written(user_folder(), MODEL + "\nraise SystemExit\n")
    (seen,) = found()
    assert (seen.name, seen.place, seen.status) == ("rumour", str(path.resolve()), "off")
    assert seen.says.registers == (NAME,)
    load_anew()
    assert NAME not in names()


def test_plugins_of_the_working_folder_count_as_foreign(elsewhere: Path) -> None:
    folder = elsewhere / "plugins"
    for name in ("rumour.py", "test_rumour.py", "_draft.py"):
        written(folder, name=name)
    assert [each.name for each in found()] == ["rumour"]
    # what cannot be read or is no file is passed over
    os.mkfifo(folder / "pipe.py")
    (folder / "folder.py").mkdir()
    (folder / "gone.py").symlink_to(folder / "nowhere.py")
    (folder / "loop.py").symlink_to(folder / "loop.py")
    (folder / "huge.py").write_bytes(b"#" * 4_000_001)
    assert [each.name for each in found()] == ["rumour"]


def test_the_room_of_the_built_in_models_is_not_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[3])
    assert found() == ()


def test_an_enabled_file_is_loaded_until_it_changes(elsewhere: Path) -> None:
    path = written(user_folder())
    enable(one("rumour"))
    load_anew()
    assert spec(NAME).is_foreign
    assert has_consent(path)
    del registry._known["propagation"][NAME]
    path.write_text(MODEL + "# one more byte\n")
    assert one(NAME).status == "changed"
    load_anew()
    assert NAME not in names()
    assert str(failures()[-1]) == (
        "Plugin 'rumour': has changed since it was enabled, and is off; to let it run again: "
        "hubbub plugin reload rumour."
    )
    enable(one(NAME))
    assert one(NAME).status == "on"
    assert disable(one(NAME))
    assert not disable(one(NAME))
    assert one(NAME).status == "off"


def test_an_enabled_file_that_fails_is_noted(elsewhere: Path) -> None:
    written(user_folder(), "1 / 0\n")
    enable(one("rumour"))
    before = len(failures())
    load_anew()
    assert "ZeroDivisionError" in str(failures()[before])


def test_what_the_user_named_or_tried_is_remembered(elsewhere: Path) -> None:
    path = written(elsewhere)
    assert not has_consent(path)
    load_file(path)
    assert has_consent(path)
    assert not plugin_files.was_tried("ab12")
    plugin_files.note_tried("ab12")
    assert plugin_files.was_tried("ab12")
    assert not plugin_files.was_tried("cd34")


def test_names_that_fit_none_or_several_are_refused(elsewhere: Path) -> None:
    written(user_folder())
    written(elsewhere / "plugins")
    raises(InputError, "Several plugins are called 'rumour'", one, "rumour")
    raises(UnknownNameError, "No foreign plugin named 'rumor'", one, "rumor")
    raises(FileError, "no such plugin file", one, "none.py")
    assert one(str(elsewhere / "plugins" / "rumour.py")).name == "rumour"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"/x": 3}', "\x00"])
def test_a_record_that_cannot_be_read_enables_nothing(text: str, elsewhere: Path) -> None:
    written(user_folder())
    enable(one("rumour"))
    record_path().write_text(text)
    assert one("rumour").status == "off"


def test_a_record_that_cannot_be_written_says_so(elsewhere: Path) -> None:
    written(user_folder())
    candidate = one("rumour")
    record_path().parent.parent.mkdir(parents=True, exist_ok=True)
    record_path().parent.write_text("a file where the folder should be")
    raises(FileError, "cannot be written", enable, candidate)


class Entry:
    """An entry point of an installed package that is not ours."""

    name, value, module = "theirs", "their_models", "their_models"

    class dist:  # noqa: N801 - as importlib has it
        name, version = "their-package", "2.5"

    def load(self) -> None:
        import importlib

        importlib.import_module(self.module)


def installed(monkeypatch: pytest.MonkeyPatch, elsewhere: Path, *entries: Entry) -> None:
    ours = list(metadata.entry_points(group="hubbub.plugins"))
    monkeypatch.setattr(metadata, "entry_points", lambda group: [*ours, *entries])
    monkeypatch.syspath_prepend(elsewhere / "site")


@pytest.fixture
def package(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    installed(monkeypatch, elsewhere, Entry())
    yield elsewhere / "site"
    sys.modules.pop("their_models", None)


@pytest.mark.parametrize("place", ["their_models.py", "their_models/__init__.py"])
def test_a_package_is_off_until_enabled_and_its_code_is_hashed_whole(
    package: Path, place: str
) -> None:
    path = written((package / place).parent, MODEL, Path(place).name)
    (seen,) = found()
    assert (seen.place, seen.status) == ("package their-package 2.5", "off")
    assert seen.says.registers == (NAME,)
    load_anew()
    assert NAME not in names()
    assert "their_models" not in sys.modules
    enable(seen)
    assert {item.name for item in registry.load_candidate(found()[0])} == {NAME}
    path.write_text(MODEL + "# changed\n")
    assert found()[0].status == "changed"


SECOND = MODEL.replace(NAME, "their-second").replace("class Rumour", "class Second")


def test_a_package_of_several_entry_points_and_plugins_is_one(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Entry(), Entry()
    first.name, first.module = "first", "their_models.one"
    second.name, second.module = "second", "their_models.two"
    installed(monkeypatch, elsewhere, first, second)
    folder = elsewhere / "site" / "their_models"
    written(folder, "", "__init__.py")
    written(folder, MODEL, "one.py")
    written(folder, SECOND, "two.py")
    try:
        (seen,) = found()
        assert (seen.name, seen.says.registers) == ("their-package", (NAME, "their-second"))
        every = ("first", "second", NAME, "their-second", seen.place, seen.name)
        assert {one(name) for name in every} == {seen}
        with pytest.raises(
            PluginOffError, match=r"is off; read it, then let it run: .* their-pack"
        ):
            registry.spec("their-second")
        assert {item.name for item in registry.load_named(seen.place)} == {NAME, "their-second"}
    finally:
        for name in ("their_models.one", "their_models.two", "their_models"):
            sys.modules.pop(name, None)


def test_a_world_whose_model_is_off_opens_all_the_same(elsewhere: Path) -> None:
    path = written(user_folder(), MODEL)
    (seen,) = found()
    enable(seen)
    load_anew()
    world = World.create(agents=20, mean_degree=4)
    world.inject("Hello.", seeds=[0], model=NAME)
    meta, columns = world.dump()
    assert disable(one(str(path)))
    del registry._known["propagation"][NAME]
    with pytest.raises(PluginOffError, match="hubbub plugin enable"):
        World.create(agents=20, mean_degree=4).inject("Hello.", seeds=[0], model=NAME)
    again = World.restore(meta, columns)
    assert NAME in again.remarks[0]
    assert again.cascades[0].size == world.cascades[0].size


def test_a_package_that_is_not_there_has_no_code(package: Path) -> None:
    (seen,) = found()
    assert seen.says.registers == ()


def test_a_package_that_registers_nothing_is_refused(package: Path) -> None:
    written(package, "x = 1\n", "their_models.py")
    raises(PluginError, "registers nothing", registry.load_candidate, found()[0])


# What a file says of itself


def test_version_api_and_requirements_are_read_without_running() -> None:
    said = stated(
        'import nothing\nversion = "0.3"\napi: int = 1\n'
        'requires = ("scipy>=1.14",)\nversions = [v for v in ()]\n'
        '@sim.register("one")\nclass One:\n    requires = ["numpy"]\n    version = some()\n'
        '@register("two")\nclass Two: pass\n@register\nclass Three: pass\n'
    )
    assert said == PluginDeclaration(("one", "two"), "0.3", 1, ("scipy>=1.14", "numpy"))
    assert stated("def broken(:") == PluginDeclaration()


@pytest.mark.parametrize(
    ("need", "said"),
    [
        *((need, "") for need in ("numpy", "numpy>=2,<3", "numpy!=0.1, >1", "numpy[extra]>=2")),
        ("numpy>=99", "numpy>=99 (installed is "),
        *((need, "(installed is ") for need in ("numpy ~= 1.0", "numpy==2.0.0.1")),
        ("numpy>=99; python_version < '3'", ""),
        ("no-such-package>=1", "no-such-package>=1 (not installed)"),
        ("what is this?", "'what is this?' (not a requirement such as 'scipy>=1.14')"),
    ],
)
def test_requirements_are_compared_with_what_is_installed(need: str, said: str) -> None:
    lacks = unmet([need])
    assert bool(lacks) == bool(said)
    assert said in "".join(lacks)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('requires = ("no-such-package",)', "needs no-such-package (not installed); install it"),
        ("api = 2", "is written for plugin API 2 and this Hubbub has 1; use a newer Hubbub"),
        ("api = 0", "use an older Hubbub, or change it"),
    ],
)
def test_what_cannot_be_served_is_refused_before_it_runs(
    text: str, sentence: str, elsewhere: Path
) -> None:
    path = written(elsewhere, f"{text}\nimport no_such_package\n{MODEL}")
    with pytest.raises(PluginError) as refused:
        load_file(path)
    assert sentence in str(refused.value)
    with pytest.raises(PluginError):
        demand("rumour", stated(text))


def test_specs_state_version_api_and_requirements(elsewhere: Path) -> None:
    text = MODEL.replace(
        "    def step", '    version = "3"\n    requires = ("numpy",)\n\n    def step'
    )
    (item,) = load_file(written(elsewhere, text))
    assert (item.version, item.api, item.requires) == ("3", 1, ("numpy",))
    assert spec("sir").is_foreign is False
