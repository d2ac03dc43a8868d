"""Settings: where each value comes from, how it is checked, and how it is kept."""

import os
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr

from sim import Settings
from sim.errors import FileError, SettingsError
from sim.settings import SettingsWatch, current, keep_words, load_settings
from sim.settings import settings as module
from sim.settings.settings import SettingChange, settings_path, shown, use, with_words
from tests.raising import raises

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in an empty folder, without a single HUBBUB_ variable or settings in force."""
    for name in list(os.environ):
        if name.startswith("HUBBUB_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    before = list(module._in_force)
    module._in_force.clear()
    yield tmp_path
    module._in_force[:] = before


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        os.utime(path, ns=(0, len(text) * 1_000_000_000))
        return path

    return to_file


def refusal(*args: Any, **flags: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(*args, **flags)
    return str(caught.value)


def test_without_any_place_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.profile, settings.threads, settings.max_running) == ("production", None, 1000)
    assert set(settings.provenance.values()) == {"default"}


def test_each_later_place_is_stronger(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("threads = 1\nmax_running = 1\ntheme = 'a'\nsymbols = 'block'\n")
    Path(".env").write_text("HUBBUB_THREADS=2\nHUBBUB_MAX_RUNNING=2\nHUBBUB_THEME=b\nOTHER=1\n")
    monkeypatch.setenv("HUBBUB_THREADS", "3")
    monkeypatch.setenv("HUBBUB_MAX_RUNNING", "3")
    settings = load_settings(path, threads=4, theme=None)
    assert (settings.threads, settings.max_running, settings.theme) == (4, 3, "b")
    assert settings.symbols == "block"


def test_each_value_tells_where_it_came_from(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("symbols = 'block'\n[profiles.test]\nmax_running = 5\n")
    Path(".env").write_text("HUBBUB_THEME=b\n")
    monkeypatch.setenv("HUBBUB_MODEL", "sir")
    origins = load_settings(path, profile="test", threads=4).provenance
    assert origins["symbols"] == f"the file {path}"
    assert origins["max_running"] == f"the file {path}, [profiles.test]"
    assert origins["log_level"] == "the profile test"
    assert origins["theme"] == f"the file {Path('.env').absolute()}"
    assert origins["model"] == "the environment variable HUBBUB_MODEL"
    assert origins["threads"] == "the command line (--threads)"
    assert origins["saves"] == "default"


def test_a_profile_changes_defaults_only(write: Write) -> None:
    assert load_settings(profile="development").log_level == "debug"
    assert load_settings(write("log_level = 'info'\nprofile = 'test'\n")).log_level == "info"
    assert load_settings(write("profile = 'test'")).frames_per_second == 4


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("threads = 0", "threads must be in [1, 1024], got 0 (the file "),
        ("frames_per_second = nan", "frames_per_second must be a finite number in [0.2, 30], got"),
        ("symbols = 'dots'", "symbols must be one of 'braille', 'block', 'ascii', got 'dots'"),
        ("saves = 3", "saves must be a path, got 3"),
        ("threds = 4", "no setting 'threds' (did you mean 'threads'?)"),
        ("profile = 'tst'", "profile must be one of 'development', 'test', 'production'"),
        ("threads =\n", "cannot be read as TOML: Invalid value (at line 1"),
        ("[profiles.tst]", "profiles are [profiles.development], [profiles.test], "),
        ("profiles = 3", "profiles are [profiles.development], "),
    ],
)
def test_what_the_file_says_wrongly_is_refused(write: Write, text: str, clause: str) -> None:
    path = write(text)
    said = refusal(path)
    assert clause in said
    assert str(path) in said
    assert said.endswith(".")
    assert "\n" not in said


def test_a_wrong_variable_or_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(max_running=0).endswith("got 0 (the command line (--max-running)).")
    monkeypatch.setenv("HUBBUB_THREADS", "many")
    assert refusal() == (
        "threads must be a whole number in [1, 1024], got 'many' "
        "(the environment variable HUBBUB_THREADS)."
    )


def test_the_alert_command_is_no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("HUBBUB_ALERT_COMMAND=touch x\n")
    assert "sets alert_command; set it in" in refusal()
    Path(".env").unlink()
    monkeypatch.setenv("HUBBUB_ALERT_COMMAND", "mail 'me")
    assert "alert_command is a command and its words: no closing quotation" in refusal()
    monkeypatch.setenv("HUBBUB_ALERT_COMMAND", "mail 'my self'")
    assert load_settings().alert_command == "mail 'my self'"


def test_a_file_that_is_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = tmp_path / "absent.toml"
    assert refusal(absent) == f"{absent}: there is no such file; create it or name another."
    monkeypatch.setenv("HUBBUB_SETTINGS", str(absent))
    assert refusal().startswith(f"{absent}: there is no such file")
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read as TOML: Is a directory."


def test_true_is_no_share(write: Write) -> None:
    said = refusal(write("llm_least_share = true"))
    assert "llm_least_share" in said
    assert "a number is needed, not true or false" in said
    assert load_settings(write("llm_least_share = 1")).llm_least_share == 1


def test_the_settings_file_of_the_platform_is_found(tmp_path: Path) -> None:
    assert settings_path() == tmp_path / "config" / "hubbub" / "settings.toml"
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text("threads = 2")
    assert load_settings().threads == 2


def test_saves_and_logs_go_to_the_setting_else_here_else_the_platforms_folder(
    tmp_path: Path,
) -> None:
    assert load_settings(log_folder="/var/log/x").logs == Path("/var/log/x")
    assert "hubbub" in load_settings().logs.parts
    assert load_settings().saves_folder == tmp_path / "data" / "hubbub" / "saves"
    Path("saves").mkdir()
    assert load_settings().saves_folder == tmp_path / "saves"
    assert load_settings(saves="~/worlds").saves_folder == Path.home() / "worlds"


def test_the_keymap_is_a_table_of_keys(write: Write, tmp_path: Path) -> None:
    assert load_settings().keys == {}
    assert load_settings(keymap=write("pause = 'p'\n")).keys == {"pause": "p"}
    with pytest.raises(SettingsError, match="'pause' is not"):
        _ = load_settings(keymap=write("pause = 3\n")).keys
    with pytest.raises(SettingsError, match="no such file"):
        _ = load_settings(keymap=tmp_path / "absent").keys


def test_a_variable_of_no_setting_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("HUBBUB_QWXYZ=1\nSOMETHING_ELSE=2\nHUBBUB_LLM_KEY_2=abcd\n")
    monkeypatch.setenv("HUBBUB_THREDS", "3")
    monkeypatch.setenv("HUBBUB_SOMETHING_ELSE", "3")
    monkeypatch.setenv("HUBBUB_SHARED_DATA", "here")
    monkeypatch.setenv("HUBBUB_LLM_KEY_3", "abcd")
    monkeypatch.setenv("HUBBUB_LLM_MODEL", "a")
    monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", "b@http://127.0.0.1:1/v1,c@http://127.0.0.1:2/v1")
    tail = "is no setting and changes nothing;"
    assert load_settings().notes == [
        f"HUBBUB_QWXYZ {tail} `hubbub config` lists them.",
        f"HUBBUB_SOMETHING_ELSE {tail} `hubbub config` lists them.",
        f"HUBBUB_THREDS {tail} did you mean HUBBUB_THREADS?",
    ]


@pytest.mark.parametrize(
    ("model", "fallbacks", "read"),
    [("", "", ()), ("a", "", ()), ("a", "b@http://x", (2,)), ("", "b@http://x,c@http://y", (2,)),
     ("a", "b@http://x,c@http://y", (2, 3))],
)  # fmt: skip
def test_a_key_that_no_model_is_asked_with_is_noted(
    monkeypatch: pytest.MonkeyPatch, model: str, fallbacks: str, read: tuple[int, ...]
) -> None:
    monkeypatch.setenv("HUBBUB_LLM_MODEL", model)
    monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", fallbacks)
    for number in range(5):
        monkeypatch.setenv(f"HUBBUB_LLM_KEY_{number}", "abcd")
    noted = [note.split(" ")[0] for note in load_settings().notes]
    assert noted == [f"HUBBUB_LLM_KEY_{number}" for number in range(5) if number not in read]


class Keyed(Settings):
    """As a later room may: a setting nobody may see."""

    token: SecretStr | None = Field(None, min_length=4)


def test_a_secret_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_TOKEN", "hunter22")
    keyed = Keyed().reloaded()
    assert keyed.token is not None
    assert keyed.token.get_secret_value() == "hunter22"
    assert "hunter22" not in repr(keyed) + str(keyed) + shown(keyed.token)
    assert str(SettingChange("token", None, keyed.token)) == "token is now ******** (was )"
    monkeypatch.setenv("HUBBUB_TOKEN", "abc")
    raises(SettingsError, r"^token is not allowed \(.* HUBBUB_TOKEN\)\.$", Keyed().reloaded)


def test_the_settings_in_force_are_loaded_once(write: Write) -> None:
    assert current() is current()
    use(load_settings(write("threads = 7")))
    assert current().threads == 7


def test_a_change_of_the_file_is_picked_up_and_told(write: Write) -> None:
    watch = SettingsWatch(load_settings(write("threads = 1"), max_running=3))
    assert watch.changed() == []
    write("threads = 22\nmax_running = 9")
    assert watch.changed() == [SettingChange("threads", 1, 22)]
    assert watch.changed() == []
    assert current().threads == 22
    assert current().max_running == 3


def test_a_wrong_change_is_told_once_and_leaves_the_old(write: Write) -> None:
    watch = SettingsWatch(load_settings(write("threads = 1")))
    write("threads = 0.5")
    raises(SettingsError, "threads must be a whole number", watch.changed)
    assert watch.changed() == []
    assert watch.settings.threads == 1


def test_the_watch_takes_the_settings_in_force() -> None:
    watch = SettingsWatch()
    assert watch.settings is current()
    Path(".env").write_text("HUBBUB_THEME=dark")
    assert [str(change) for change in watch.changed()] == ["theme is now dark (was )"]


FILES = [
    "",
    "# only this",
    "threads = 1",
    "threads = 4  # mine\n\n# of the profile\n[profiles.test]\nthreads = 1\n",
    'metrics = [\n  "a]",  # one\n  "b",\n]\nthreads = 2\n',
    "metrics = [['a'],\n  ['b']]\n[profiles.test]\n",
    'metrics = """\nthreads = 1\n"""\n',
    'x = """\n[profiles.test]\nmetrics = 1\n"""\nthreads = 1\n[profiles.test]\nthreads = 2\n',
    "'metrics' = ['a']\nprofiles.test.metrics = ['b']\n",
    "x = { metrics = [1] }\r\n[profiles.test]\r\nmetrics = ['b']\r\n",
    "[[x]]\nmetrics = 1\n[[x]]\n[x.y]\n[z]\n",
]


@pytest.mark.parametrize("words", [["one"], ['"', "]", "#", "\n", "\x7f", "é"], []])
@pytest.mark.parametrize("text", FILES)
def test_one_setting_changes_and_nothing_else(text: str, words: list[str]) -> None:
    expected = {name: value for name, value in tomllib.loads(text).items() if name != "metrics"}
    after = with_words(text, "metrics", words)
    assert tomllib.loads(after) == expected | ({"metrics": words} if words else {})
    assert tomllib.loads(with_words(after, "metrics", [])) == expected


def test_comments_stay_where_they_are() -> None:
    text = "# Mine.\nthreads = 4  # four\n\n# Of the tests.\n[profiles.test]\nthreads = 1\n"
    assert [line for line in with_words(text, "metrics", ["r"]).splitlines() if line in text] == [
        *text.splitlines()[:4], "", *text.splitlines()[4:],
    ]  # fmt: skip
    assert with_words(text, "metrics", []) == text


def test_a_new_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "settings.toml"
    keep_words(path, "metrics", ["acts"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["metrics = [", ".".join("a" * 40) + " = 1", "x = 1\nx = 2\n"])
def test_a_file_that_is_no_toml_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(FileError, match="the setting metrics cannot be kept there: "):
        keep_words(path, "metrics", ["acts"])
    assert path.read_text() == text
