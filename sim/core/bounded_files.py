"""Files read up to a size: what is endless, such as a device, must not be read for ever."""

from __future__ import annotations

import errno
import gzip
from io import BytesIO
from pathlib import Path


def read_bounded(path: str | Path, most: int = 1 << 20) -> bytes:
    """Return the bytes of a file that has at most ``most``.

    Examples
    --------
    >>> read_bounded("/dev/zero", most=1000)
    Traceback (most recent call last):
    OSError: [Errno 27] it is larger than the 1,000 bytes that such a file may have: '/dev/zero'
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except ValueError:  # a NUL, or half a character
        raise OSError(errno.EINVAL, "that is no file name", repr(path)) from None
    with file:
        return _whole(file.read(most + 1), path, most)


def read_bounded_text(path: str | Path, most: int = 1 << 20) -> str:
    """Return the text of a file, UTF-8; as :func:`read_bounded`, and ValueError if it is none.

    A byte order mark, which editors on Windows write, is no part of it.
    """
    return read_bounded(path, most).decode("utf-8-sig").replace("\r\n", "\n")


def unpacked_bounded(data: bytes, path: str | Path, most: int) -> bytes:
    """Return what gzip packed, as :func:`read_bounded`; EOFError where it was cut off."""
    with gzip.GzipFile(fileobj=BytesIO(data)) as file:
        return _whole(file.read(most + 1), path, most)


def _whole(data: bytes, path: str | Path, most: int) -> bytes:
    if len(data) > most:
        said = f"it is larger than the {most:,} bytes that such a file may have"
        raise OSError(errno.EFBIG, said, str(path))
    return data
