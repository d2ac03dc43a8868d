"""The save dialog: a name for the world's file, kept inside the saves folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from sim.errors import FileError, InputError
from tui.dialogs.dialog import Dialog, field
from tui.safe_text import line

if TYPE_CHECKING:
    from tui.backend import Backend


SUFFIX = ".hub"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def saved_path(saves: Path, name: str, *, must_exist: bool = False) -> Path:
    """Return the file of the saves folder that a typed name means."""
    stem = name.strip().removesuffix(SUFFIX)
    if not _NAME.fullmatch(stem):
        raise InputError(
            "A name is 1 to 64 letters, digits, '.', '_' or '-' and begins with a letter or a "
            f"digit, got {stem[:64]!r}."
        )
    path = saves / (stem + SUFFIX)
    if path.resolve().parent != saves.resolve():
        raise InputError(f"{stem!r} leads out of the saves folder {saves}; choose another name.")
    if must_exist and not is_taken(path):
        raise FileError(path, "there is no such saved world; press o for the list")
    return path


def is_taken(path: Path) -> bool:
    """Return whether a world lies there, saved or alive."""
    return path.exists() or path.with_name(f"{path.name}.live").is_dir()


class SaveDialog(Dialog[Path]):
    """Asks for a name; an existing file is replaced only after a second Enter."""

    AUTO_FOCUS = "#name"

    def __init__(
        self, backend: Backend, name: str, own: str | None = None, at: Path | None = None
    ) -> None:
        super().__init__("Save the world", yes="Save")
        self._saves = backend.saves
        self._proposed = _proposal(name)
        self._own = {Path(each).resolve() for each in (own, at) if each}
        self._agreed = ""

    def body(self) -> ComposeResult:
        """Ask for the name and say where it goes."""
        with Horizontal(classes="row"):
            yield field("Name")
            yield Input(self._proposed, id="name", compact=True, max_length=64)
        with Horizontal(classes="row"):
            yield field("Folder")
            yield Static(Content(line(str(self._saves), 400)), classes="note")

    def result(self) -> Path | None:
        """Return the file, once replacing an older one is agreed to."""
        name = self.query_one("#name", Input).value
        try:
            path = saved_path(self._saves, name)
        except InputError as error:
            self.complain(str(error))
            return None
        if is_taken(path) and path.resolve() not in self._own and self._agreed != path.name:
            self._agreed = path.name
            self.complain(f"{path.name} exists and would be replaced; press Enter again to agree.")
            return None
        return path

    @on(Input.Changed, "#name")
    def _typed(self) -> None:
        self._agreed = ""
        self.complain("")


def _proposal(name: str) -> str:
    """Make an allowed name of any text."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64]
    return stem or "world"
