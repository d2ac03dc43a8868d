"""Files read up to a size."""

import gzip
from pathlib import Path

import pytest

from sim.core.bounded_files import read_bounded, read_bounded_text, unpacked_bounded


def test_as_many_bytes_as_allowed_are_read_and_one_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match=r"larger than the 4 bytes.*a\.txt"):
        read_bounded(path, 4)


def test_text_has_plain_line_ends_and_must_be_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("é\r\nb\n".encode())
    assert read_bounded_text(path) == "é\nb\n"
    path.write_bytes(b"\xef\xbb\xbfthreads = 2\n")  # as editors on Windows save it
    assert read_bounded_text(path) == "threads = 2\n"
    path.write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_bounded_text(path)


def test_what_gzip_packed_is_bounded_as_it_is_unpacked() -> None:
    packed = gzip.compress(b"0" * 1000)
    assert unpacked_bounded(packed, "a.gz", 1000) == b"0" * 1000
    with pytest.raises(OSError, match="larger than the 999 bytes"):
        unpacked_bounded(packed, "a.gz", 999)
    with pytest.raises(EOFError):
        unpacked_bounded(packed[:-9], "a.gz", 2000)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_an_endless_device_ends(device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"there is no {device} here")
    with pytest.raises(OSError, match="larger than"):
        read_bounded(device, 10_000)
