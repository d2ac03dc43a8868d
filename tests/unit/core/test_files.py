"""Files are read up to a size, and written whole or not at all; costly TOML is refused."""

import errno
import gzip
import os
import re
import resource
import stat
import sys
import tomllib
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim import io
from sim.cli import models
from sim.cli.output import write_text
from sim.core import files, plugin_files
from sim.core.files import (
    MOST_CHARACTERS,
    MOST_NAMES,
    MOST_OF_ALL,
    Draft,
    from_toml,
    read_bounded,
    read_bounded_text,
    unpacked_bounded,
    write_whole,
)
from sim.errors import FileError, HubbubError
from sim.lab import Table
from sim.minds.models.budget import read_prices, write_own
from sim.runtime.replay import write as write_surrogate
from sim.scenario.spec import toml_table
from sim.settings import keep_words
from sim.settings.settings import read_table
from sim.store import Bookmark
from sim.store.journal.lineage import keep_bookmarks
from tests.raising import raises


def test_what_is_read_or_unpacked_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    raises(OSError, r"larger than the 4 bytes.*a\.txt", read_bounded, path, 4)
    packed = gzip.compress(b"0" * 1000)
    assert unpacked_bounded(packed, "a.gz", 1000) == b"0" * 1000
    raises(OSError, "larger than the 999 bytes", unpacked_bounded, packed, "a.gz", 999)
    raises(EOFError, "", unpacked_bounded, packed[:-9], "a.gz", 2000)


def test_text_has_plain_line_ends_and_must_be_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("é\r\nb\n".encode())
    assert read_bounded_text(path) == "é\nb\n"
    path.write_bytes(b"\xef\xbb\xbfthreads = 2\n")  # as editors on Windows save it
    assert read_bounded_text(path) == "threads = 2\n"
    path.write_bytes(b"\xff")
    raises(UnicodeDecodeError, "", read_bounded_text, path)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_an_endless_device_ends(device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"there is no {device} here")
    raises(OSError, "larger than", read_bounded, device, 10_000)


DEEP = ".".join("a" * (MOST_NAMES + 1))
AHEAD = [
    'text = "a \\" b. # c"',
    "text = 'C:\\dir.exe'",
    'text = """one "two" . three""""',
    'text = """\\"""." #"""""',
    "text = '''it''s'''''",
    "text = [\"\"\"a\"\"\"\", '''b'''']",
    'text = ""  # "not a text',
    "text = ''\n# '''",
    "numbers = [1.5, -2.25e3, 1979-05-27T07:32:00.5]",
    "a.\"b.c.d\".'e.f' = 1",
    '"" = {}',
]
"""What would lead a reader astray that does not know where a text or a comment ends."""


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize(
    "deep",
    [
        f"{DEEP} = 1", f"[{DEEP}]", f"[[{DEEP}]]", f"x = {{ {DEEP} = 1 }}",
        DEEP.replace(".", " . ") + " = 1", DEEP.replace("a", "'a'") + " = 1",
        DEEP.replace("a", '"."') + " = 1",
    ],
)  # fmt: skip
def test_a_key_of_too_many_names_is_refused_wherever_it_stands(ahead: str, deep: str) -> None:
    assert from_toml(ahead) == tomllib.loads(ahead)
    assert tomllib.loads(f"{ahead}\n{deep}")  # well-formed: nothing else would refuse it
    row = ahead.count("\n") + 2
    said = rf"^nested too deeply: a key has at most 16 names, .* \(at line {row}, column 1\)$"
    raises(ValueError, said, from_toml, f"{ahead}\n{deep}")


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_key_of_as_many_names_as_are_allowed_is_read(ahead: str) -> None:
    text = f'{ahead}\nx = "{"." * 100}"\n[{DEEP.removesuffix(".a")}]\nb = 1'
    assert from_toml(text) == tomllib.loads(text)


def test_costly_texts_are_refused_before_they_take_memory() -> None:
    many = "".join(f"[{number}.b.c]\n" for number in range(MOST_OF_ALL // 3 + 1))
    tracemalloc.start()
    for text in (".".join("a" * 4000) + " = 1", many, "#" * (MOST_CHARACTERS + 1)):
        raises(ValueError, r"nested too deeply|longer than 1,048,576", from_toml, text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * MOST_CHARACTERS


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, '"' * 99_999, "'" * 5, '"""\\', "a = '''\\"])
def test_what_never_ends_is_malformed(text: str) -> None:
    raises(ValueError, r"deeply|Unterminated|Expected|Invalid|Unescaped", from_toml, text)


@pytest.mark.parametrize(
    "reads", [toml_table, read_prices, lambda path: read_table(path, must_exist=True)]
)
def test_every_reader_of_toml_refuses_them_in_one_sentence(
    tmp_path: Path, reads: Callable[[Path], object]
) -> None:
    path = tmp_path / "file.toml"
    path.write_text(f"{DEEP} = 1\n")
    raises(HubbubError, "nested too deeply", reads, path)


ROOT = Path(__file__).parents[3]
LONG = "long " * 2000
PRICE = {"read": 1.0, "written": 2.0}
WIDE = [f"metric {number}" for number in range(1000)]


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow past 2,000 bytes: what is written then breaks off in its middle.

    So would a module that is compiled meanwhile, and Python would keep it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = kept


def keep_record(path: Path) -> None:
    plugin_files._write({name: {} for name in WIDE})


def keep_many_bookmarks(path: Path) -> None:
    keep_bookmarks(path.parent.parent / "a.hub", [Bookmark(name, 1) for name in WIDE])


WRITERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "results": ("a.json", lambda path: write_text(path, LONG)),
    "tables": ("a.csv", lambda path: Table({"n": list(range(2000))}).write(path)),
    "cards": ("README.md", models.write_table),
    "prices": ("llm_prices.toml", lambda path: write_own(path, dict.fromkeys(WIDE, PRICE))),
    "surrogates": (
        "a.json",
        lambda path: write_surrogate(SimpleNamespace(dump=lambda: LONG), path),  # type: ignore[arg-type]
    ),
    "settings": ("settings.toml", lambda path: keep_words(path, "metrics", WIDE)),
    "plugins": ("plugins.json", keep_record),
    "studies": ("a.toml", lambda path: io.write_text(path, LONG)),
    "bookmarks": ("a.hub.live/bookmarks", keep_many_bookmarks),
}
OLD = "# old\n"
MARKED = f"{OLD}{models._BEGIN}\n{models._END}\n"


@pytest.mark.parametrize("what", WRITERS)
def test_a_write_that_fails_leaves_the_old_file(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, writes = WRITERS[what]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    monkeypatch.setattr(plugin_files, "record_path", lambda: path)
    path.write_text(old := MARKED if what == "cards" else OLD)
    path.chmod(0o640)
    with full_disk(), pytest.raises((FileError, OSError), match=r"File too large|larger than is"):
        writes(path)
    assert path.read_text() == old
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    writes(path)
    assert path.read_text() != old
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_is_followed_and_a_pipe_written_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file, link, loop = tmp_path / "real" / "a", tmp_path / "link", tmp_path / "loop"
    file.write_text("old")
    link.symlink_to(Path("real") / "a")
    write_whole(link, "new")
    assert (link.is_symlink(), file.read_text()) == (True, "new")
    (tmp_path / "nowhere").symlink_to(Path("real") / "b")
    write_whole(tmp_path / "nowhere", b"made")
    assert (tmp_path / "real" / "b").read_text() == "made"
    loop.symlink_to(loop)
    raises(OSError, "symbolic links", write_whole, loop, "new")
    read, write = os.pipe()
    write_whole(Path(f"/dev/fd/{write}"), "through")
    os.close(write)
    assert os.read(read, 99) == b"through"
    os.close(read)
    raises(IsADirectoryError, "", write_whole, tmp_path, "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "loop", "nowhere", "real"]


def test_an_open_file_is_written_to_where_it_stands(tmp_path: Path) -> None:
    path, link = tmp_path / "out", tmp_path / "stdout"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    link.symlink_to(f"/dev/fd/{descriptor}")
    os.write(descriptor, b"before, ")
    write_whole(link, "this, ")
    os.write(descriptor, b"after")
    os.close(descriptor)
    assert path.read_text() == "before, this, after"


@pytest.mark.parametrize("what", ["_create", "publish"])
def test_a_file_beside_which_no_draft_can_be_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(errno.EBUSY if what == "publish" else errno.EACCES, "refused", "a")

    path = tmp_path / "a"
    path.write_text("a longer old one")
    monkeypatch.setattr(files if what == "_create" else Draft, what, refuse)
    write_whole(path, "new")
    assert path.read_text() == "new"
    with pytest.raises(OSError, match="refused"):  # a new file has no such way
        write_whole(tmp_path / "b", "new")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_file_that_may_not_be_written_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    raises(PermissionError, "Permission denied", write_whole, path, "new")
    assert path.read_text() == "old"


def test_what_no_encoding_holds_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    raises(UnicodeEncodeError, "", write_whole, path, "half \ud800")
    assert path.read_text() == "old"


@pytest.mark.parametrize(("is_private", "mode"), [(True, 0o600), (False, 0o644)])
def test_a_new_file_is_private_or_as_others_are(
    tmp_path: Path, is_private: bool, mode: int
) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a", "x", is_private=is_private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


IN_PLACE = re.compile(
    r"(?<!draft)\.write_(?:text|bytes)\(|\bopen\((?:[^()]|\([^()]*\))*[\"'][wx]b?[\"']|\.savefig\((?!figure)"
)
OWN_FOLDER = {
    "sim/io/importing/graphs.py", "sim/lab/runs/replicate.py", "sim/runtime/replay.py",
    "sim/runtime/process/breadcrumbs.py", "sim/core/data_frames.py",
    "sim/runtime/saves/sealed.py", "tui/actions/view.py",
}  # fmt: skip
"""They write to a temporary folder or draft of their own, to memory, or record as time passes."""
DRAFTS = {"sim/io/exporting/export.py", "sim/io/exporting/tables.py", "sim/store/saves.py"}
"""They are given a draft to write to."""


def test_nothing_but_the_one_writer_writes_in_place() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("sim", "tui", "plugins")
        for path in (ROOT / room).rglob("*.py")
        if IN_PLACE.search(path.read_text())
    }
    assert found == OWN_FOLDER | DRAFTS | {files.__name__.replace(".", "/") + ".py"}
