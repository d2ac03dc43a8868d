"""Atomic output of an export: files under temporary names, renamed together at the end."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from sim.errors import FileError
from sim.store.snapshot import files
from sim.store.snapshot.header import HEADER_BYTES, as_path, is_world_file


@contextlib.contextmanager
def outlet(
    path: str | os.PathLike[str], names: Sequence[str] = (), *, force: bool = False
) -> Iterator[tuple[Path, ...]]:
    """Yield paths to write to; they get their names when the block ends well."""
    target = as_path(path)
    with _explained(target), contextlib.ExitStack() as stack:
        if names:
            stack.enter_context(_folder(target))
        targets = [target / name for name in names] or [target]
        for each in targets:
            _require_free(each, force=force)
            files.sweep(each)
        drafts = [_draft(stack, each) for each in targets]
        yield tuple(draft.path for draft in drafts)
        for draft in drafts:
            files.flush(draft.descriptor)
        for draft in drafts:
            _publish(draft, force=force)


def _draft(stack: contextlib.ExitStack, target: Path) -> files.Draft:
    draft = files.Draft(target)
    stack.callback(os.close, draft.descriptor)
    stack.callback(draft.discard)
    return draft


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make a folder, and take it away again when nothing was written to it."""
    if path.is_dir():
        yield
        return
    if path.exists() or path.is_symlink():
        raise FileError(path, "a file, and this format is a folder; choose another name")
    path.mkdir()
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.rmdir()
        raise


def _require_free(target: Path, *, force: bool) -> None:
    try:
        found = target.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found):
        raise FileError(target, "not a regular file; choose another name")
    if not force:
        raise FileError(target, "exists; choose another name, or replace it with --force")
    with target.open("rb") as file:
        if is_world_file(file.read(HEADER_BYTES)):
            raise FileError(target, "a world, which an export never replaces; choose another name")


def _publish(draft: files.Draft, *, force: bool) -> None:
    if not force:
        try:
            os.link(draft.path, draft.target, follow_symlinks=False)
        except FileExistsError:
            raise FileError(draft.target, "exists by now; nothing was replaced") from None
        except OSError:  # a file system without links
            _require_free(draft.target, force=False)
        else:
            return
    draft.publish()


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(target, f"not exported: {files.why_not_saved(error)}") from error
