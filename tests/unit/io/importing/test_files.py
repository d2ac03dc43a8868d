import gzip
import os
from pathlib import Path

import pytest

from sim.errors import FileError
from sim.io import import_world
from sim.io.importing.files import opened


def _told(place: Path | str) -> str:
    with pytest.raises(FileError) as caught:
        import_world(place)
    sentence = str(caught.value)
    assert sentence.startswith(str(place))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x00\x01\x02\x03" * 50, "is a binary file"),
        (b"1 2\n\x00 3\n", "is a binary file"),
        (bytes(range(1, 256)) * 8, "is a binary file"),
        (b'{"nodes": []}', "is JSON without nodes and links"),
        (b"SQLite format 3\x00....", "is a saved world or another database"),
        (b"PK\x03\x04....", "is a zip archive"),
        (b"BZh91AY", "is packed with bzip2"),
        (b"\xfd7zXZ\x00..", "is packed with xz"),
        ("1 2\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"1 2\n" * 9_000, mtime=0)[:-40], "ends in the middle of its packed data"),
        (gzip.compress(b"1 2\n", mtime=0)[:-8] + bytes(8), "is damaged gzip data"),
        (b"\x1f\x8bno gzip at all", "is damaged gzip data"),
        (b"<html><body>Not found</body></html>", "is a web page, which is not supported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_table_are_refused_in_one_sentence(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    place = tmp_path / "file.txt"
    place.write_bytes(content)
    assert reason in _told(place)
    assert place.read_bytes() == content


def test_a_missing_file_is_said() -> None:
    assert "there is no such file" in _told("no/such/file.txt")


def test_a_path_with_a_zero_byte_is_no_path() -> None:
    with pytest.raises(FileError, match="is no path"):
        import_world("a\x00b")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in _told(tmp_path)


def test_pipes_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe or a device" in _told(tmp_path / "pipe")
    assert "is a pipe or a device" in _told("/dev/zero")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    place = tmp_path / "secret.txt"
    place.write_text("1 2\n")
    place.chmod(0)
    assert "may not be read" in _told(place)


def test_a_gzip_bomb_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.io.importing.files._SMALL", 1 << 20)
    place = tmp_path / "bomb.gz"
    place.write_bytes(gzip.compress(b"1 2\n" * 3_000_000))
    assert "unpacks to more than 250 times its size" in _told(place)


def test_a_line_without_end_is_refused_early(tmp_path: Path) -> None:
    place = tmp_path / "line.txt"
    place.write_bytes(b"1 2\n" + b"7" * (6 << 20))
    assert "a line of more than 1 MiB" in _told(place)


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("1 2\n")
    (tmp_path / "link.txt").symlink_to(tmp_path / "file.txt")
    with opened(tmp_path / "link.txt") as source:
        assert source.read(100) == b"1 2\n"
        assert source.share == 1.0
