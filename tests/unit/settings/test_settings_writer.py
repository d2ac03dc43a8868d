"""One setting is written, and nothing else of the file changes, nor the file itself."""

import stat
import tomllib
from pathlib import Path

import pytest

from sim.errors import FileError
from sim.settings import keep_words
from sim.settings.settings_writer import with_words

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
    after = with_words(text, "metrics", ["r"])
    assert [line for line in after.splitlines() if line in text] == [
        *text.splitlines()[:4], "", *text.splitlines()[4:],
    ]  # fmt: skip
    assert with_words(text, "metrics", []) == text


def test_a_link_is_followed_and_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    file, link = tmp_path / "dotfiles" / "mine.toml", tmp_path / "settings.toml"
    file.write_text('llm_api_key = "secret"\n')
    file.chmod(0o600)
    link.symlink_to(Path("dotfiles") / "mine.toml")
    keep_words(link, "metrics", ["acts"])
    assert link.is_symlink()
    assert file.read_text() == 'llm_api_key = "secret"\nmetrics = ["acts"]\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["mine.toml"]


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
