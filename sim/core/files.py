"""Bounded reading and atomic writing of files; TOML from outside.

Reading stops at a size, so that endless files such as devices are safe. A file is written next to
its target, flushed, and renamed over it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gzip
import json
import os
import re
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from sim.core.pictures import MOST_BYTES, url_of
from sim.errors import FileError, InputError


def read_bounded(path: str | Path, most: int = 1 << 20) -> bytes:
    """Return the bytes of a file; raise if it has more than ``most``."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except ValueError:  # a NUL, or a lone surrogate
        raise OSError(errno.EINVAL, "that is no file name", repr(path)) from None
    with file:
        return _whole(file.read(most + 1), path, most)


def picture(file: str | Path) -> str:
    """Return a picture file as a data URL, the form that messages take; such a URL stays.

    Raises
    ------
    FileError
        The file cannot be read, or is no PNG, JPEG, GIF or WebP of at most 512 KiB.
    """
    if str(file).startswith("data:"):
        return str(file)
    try:
        path = Path(file).expanduser()
        if not path.is_file() and path.exists():
            raise FileError(file, "a picture is a regular file")
        return url_of(read_bounded(path, MOST_BYTES))
    except (OSError, RuntimeError) as error:  # RuntimeError: ~name of a user who is not there
        why = getattr(error, "strerror", None) or error
        raise FileError(file, f"the picture cannot be read ({why})") from None
    except InputError as error:
        raise FileError(file, f"a{str(error)[1:-1]}") from None


def read_bounded_text(path: str | Path, most: int = 1 << 20) -> str:
    """Return a UTF-8 text without its byte order mark; as :func:`read_bounded`, and ValueError."""
    return read_bounded(path, most).decode("utf-8-sig").replace("\r\n", "\n")


def read_private(path: Path, what: str, most: int) -> str:
    """Return the text of a file that its owner alone can access; raise FileError otherwise."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = (error.strerror or "cannot be opened").lower()
        raise FileError(path, f"{what} cannot be read: {reason}") from None
    try:
        about = os.fstat(number)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            raise FileError(path, f"a file of {what} is a regular file of your own")
        if about.st_mode & 0o077:
            raise FileError(path, f"others may read the {what}; chmod 600 it, and renew them")
        data = os.read(number, most + 1)
    finally:
        os.close(number)
    if len(data) > most:
        raise FileError(path, f"a file of {what} has at most {most:,} bytes")
    return data.decode("utf-8", "replace")


def unpacked_bounded(data: bytes, path: str | Path, most: int) -> bytes:
    """Return decompressed gzip data, as :func:`read_bounded`; EOFError if it is truncated."""
    with gzip.GzipFile(fileobj=BytesIO(data)) as file:
        return _whole(file.read(most + 1), path, most)


def _whole(data: bytes, path: str | Path, most: int) -> bytes:
    if len(data) > most:
        said = f"it is larger than the {most:,} bytes that such a file may have"
        raise OSError(errno.EFBIG, said, str(path))
    return data


MOST_CHARACTERS = 1 << 20
MOST_NAMES, MOST_OF_ALL = 16, 10_000
"""Maximum names in one dotted key, and in all keys with three or more names."""

_NAME = r'[\w-]++|"(?:[^"\\\n]++|\\.?)*+"?|\'[^\'\n]*+\'?'
_NAMES = re.compile(_NAME)
_PARTS = re.compile(
    r'"""(?:[^"\\]++|\\.?|"{1,2}(?!"))*+(?:"{3,5}|\Z)'  # each consumes what it begins: no text
    r"|'''(?:[^']++|'{1,2}(?!'))*+(?:'{3,5}|\Z)"  # is looked at twice
    rf"|\#[^\n]*+|(?P<key>(?:{_NAME})(?:[ \t]*+\.[ \t]*+(?:{_NAME}))*+)",
    re.DOTALL,
)


def from_toml(text: str) -> dict[str, Any]:
    """Read TOML from an untrusted source."""
    _refuse_costly(text)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("a whole number has too many digits") from None


def _refuse_costly(text: str) -> None:
    """Raise for keys with very many names, as the parser needs memory quadratic in their number."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"longer than {MOST_CHARACTERS:,} characters")
    every = 0
    for part in _PARTS.finditer(text):
        if (part["key"] or "").count(".") < 2:
            continue
        names = sum(1 for _ in _NAMES.finditer(part["key"]))
        every += names if names > 2 else 0  # fewer may be a number or a string
        if names > MOST_NAMES or every > MOST_OF_ALL:
            row = text.count("\n", 0, part.start()) + 1
            most = f"a key has at most {MOST_NAMES} names, all together {MOST_OF_ALL:,}"
            raise ValueError(f"nested too deeply: {most} (at line {row}, column 1)")


def toml_key(name: str) -> str:
    """Return a key in TOML syntax."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else toml_value(name)


def toml_value(value: Any) -> str:
    """Return a value in TOML syntax; strings are as in JSON, with DEL escaped."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(k)} = {toml_value(v)}" for k, v in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


_STAGE = ".hubbub-stage-"
PRIVATE = 0o600
"""Permissions of new files with texts of people or models."""

FULL_FLUSH = getattr(fcntl, "F_FULLFSYNC", None)
"""On macOS fsync stops at the drive's cache; this flushes the cache too."""

NO_FOLDER_FLUSH = frozenset([errno.EINVAL, errno.ENOTSUP, errno.EBADF])
NO_DRAFT = frozenset([errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY])
"""Errors of a folder that allows no new file, or of a file that is a mount point."""
REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EFBIG: "the file would be larger than is allowed here",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.ENOENT: "its folder does not exist, create it first",
    errno.ENOTDIR: "its folder is a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def write_whole(path: Path, content: str | bytes, *, is_private: bool = False) -> None:
    """Write a file atomically: it has the old or the new content, never a part.

    Links are followed, and an existing file keeps its permissions. Pipes, open descriptors, and
    files in folders that allow no temporary file are written to directly.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if (descriptor := _descriptor_of(path)) is not None:
        with open(descriptor, "wb", closefd=False) as file:  # in place: others write there
            file.write(data)
        return
    is_there = False
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            path.write_bytes(data)
            return
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        is_there = True
    try:
        _replace(Path(os.path.realpath(path)), data, PRIVATE if is_private else 0o666)
    except OSError as error:
        if not is_there or error.errno not in NO_DRAFT:
            raise
        path.write_bytes(data)


def _descriptor_of(path: Path) -> int | None:
    """Return the open descriptor of this process that a path names, such as /dev/stdout."""
    for _ in range(40):  # as many links as a system follows
        where = os.path.realpath(path.parent)
        if where in {"/dev/fd", f"/proc/{os.getpid()}/fd"} and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return None


def _replace(target: Path, data: bytes, mode: int) -> None:
    sweep(target)
    work = Draft(target, mode)
    try:
        with open(work.descriptor, "wb", closefd=False) as file:
            file.write(data)
        flush(work.descriptor)
        work.publish()
    finally:
        work.discard()
        os.close(work.descriptor)


def copy_private(source: Path, target: Path) -> None:
    """Copy a file to a new one that only its owner can access; on failure nothing is left."""
    target.touch(PRIVATE)
    try:
        shutil.copyfile(source, target)
    except BaseException:
        target.unlink()
        raise


def open_log(path: str | Path) -> int:
    """Open a file for appending; only its owner can access a new one."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)


class Draft:
    """A file being written under a temporary name; it is locked while its writer lives."""

    def __init__(self, target: Path, mode: int = 0o666) -> None:
        self.target = target
        self.path, self.descriptor = _create(target, mode)
        try:
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISREG(there := target.lstat().st_mode):
                    os.fchmod(self.descriptor, stat.S_IMODE(there))
        except OSError:
            os.close(self.descriptor)
            self.discard()
            raise

    def publish(self) -> None:
        """Rename the finished, flushed file to its target, and make the name durable."""
        self.path.replace(self.target)
        flush_folder(self.target.parent)

    def discard(self) -> None:
        """Delete the temporary file."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def sweep(target: Path) -> list[Path]:
    """Remove drafts of ``target`` whose writer died, and return their paths."""
    pattern = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{8}\.partial")
    with os.scandir(target.parent) as entries:
        drafts = [Path(entry.path) for entry in entries if pattern.fullmatch(entry.name)]
    return [path for path in drafts if _removed_orphan(path)]


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Path]:
    """Give a new private folder inside another until the block ends."""
    sweep_stages(folder)
    guard = _lock_of(folder)  # so that nobody sweeps it before it is locked
    try:
        path = Path(tempfile.mkdtemp(prefix=_STAGE, dir=folder))
        descriptor = _lock_of(path)
    finally:
        os.close(guard)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def sweep_stages(folder: Path) -> None:
    """Remove the stages of processes that died: they hold worlds, not encrypted."""
    if not folder.is_dir():
        return
    guard = _lock_of(folder)
    try:
        for path in folder.glob(f"{_STAGE}*"):
            _removed_orphan(path)
    finally:
        os.close(guard)


def flush(descriptor: int) -> None:
    """Flush an open file to the disk."""
    if FULL_FLUSH is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, FULL_FLUSH)


def flush_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk; a new file is not durable before."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_FLUSH:  # some file systems cannot, and need not
            raise
    finally:
        os.close(descriptor)


def why_not_saved(error: OSError) -> str:
    """Return a clause that says why a file could not be written."""
    return REASONS.get(error.errno or 0, f"the file could not be written ({error})")


def _create(target: Path, mode: int) -> tuple[Path, int]:
    while True:
        path = target.with_name(f".{target.name}.{os.urandom(4).hex()}.partial")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, mode)
        with contextlib.suppress(OSError):  # no locks on some file systems: never swept there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():  # otherwise it was swept just before it was locked
            return path, descriptor
        os.close(descriptor)


def _lock_of(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # no locks on some file systems: never swept there
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _removed_orphan(path: Path) -> bool:
    """Remove a draft or a stage that is not locked, holding its lock meanwhile."""
    is_folder = path.is_dir()
    way = os.O_RDONLY if is_folder else os.O_RDWR
    try:
        descriptor = os.open(path, way | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
