"""Pages that nobody writes twice: READMEs of the repository, and references of what is registered.

MkDocs calls ``on_files``: each README becomes a page, its links lead to other pages or to the
repository, and commands, models, settings and public names are listed as they are.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PAGES = {
    "plugins/README.md": "plugins.md",
    "tui/README.md": "screen.md",
    "saves/README.md": "saves.md",
    "sim/README.md": "simulator.md",
    "sim/api/README.md": "api.md",
    "sim/io/README.md": "import.md",
    "sim/lab/calibration/README.md": "calibration.md",
    "sim/lab/validation/README.md": "validation.md",
    "sim/scenario/gallery/README.md": "gallery.md",
    "bench/README.md": "speed.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
}
"""Files of the repository, and the pages that they become."""

GUIDE = "docs/guide/"
"""The folder of the pages that are written by hand."""

ROOMS = ("sim", "sim.lab", "sim.network", "sim.scenario", "sim.testing")
"""Packages whose public names are explained; each as ``hubbub`` offers it."""

_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_EXPORT = re.compile(r"^from (\S+) import (\w+) as \2$", re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and the pictures that they show."""
    pictures: set[str] = set()
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        _add(files, config, page, _linked(text, source, config["repo_url"], pictures))
    for picture in sorted(pictures):
        files.append(
            File.generated(config, f"pictures/{picture}", abs_src_path=str(ROOT / picture))
        )
    _add(files, config, "reference/python.md", "\n".join(_names()))
    _add(files, config, "reference/commands.md", "\n".join(_commands()))
    _add(files, config, "reference/models.md", "\n".join(_models()))
    _add(files, config, "reference/settings.md", "\n".join(_settings()))
    return files


def _add(files: Files, config: Any, page: str, text: str) -> None:
    files.append(File.generated(config, page, content=text))


def _linked(text: str, source: str, url: str, pictures: set[str]) -> str:
    """Turn links to files of the repository into links to pages, pictures or the repository."""

    def led(found: re.Match[str]) -> str:
        before, target, after = found.groups()
        if re.match(r"\w+:|#", target):
            return found[0]
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if path in PAGES or path.startswith(GUIDE):
            target = PAGES.get(path, path.removeprefix(GUIDE)) + (f"#{anchor}" if anchor else "")
        elif before.startswith("!") or path.endswith(".svg"):
            pictures.add(path)
            target = f"pictures/{path}"
        else:
            target = f"{url}/blob/main/{path}"
        return f"{before}{target}{after}"

    return _LINK.sub(led, text)


def _names() -> Iterator[str]:
    yield "# Python\n\n`from hubbub import World`, `from hubbub.lab import ensemble`, and so on."
    seen = set()
    for room in ROOMS:
        stub = ROOT.joinpath(*room.split("."), "__init__.pyi").read_text(encoding="utf-8")
        yield f"\n## {room.replace('sim', 'hubbub', 1)}\n"
        for home, name in _EXPORT.findall(stub):
            place = f"{home}.{name}"
            found = getattr(import_module(home), name, None)
            documented = callable(found) and (found.__doc__ or "").strip()
            if place not in seen and documented and found.__module__.startswith("sim."):
                seen.add(place)
                yield f"::: {found.__module__}.{found.__qualname__}\n"


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from sim.cli.app import app

    yield "# Command line\n\n`hubbub --install-completion` completes them in your shell."

    def walk(command: Any, path: str, parent: Any) -> Iterator[str]:
        context = command.make_context(
            path.rpartition(" ")[2], [], parent=parent, resilient_parsing=True
        )
        text = command.get_help(context).replace("{", "").replace("}", "")
        yield f"\n{'##' if parent is None or parent.parent is None else '###'} {path}\n"
        yield f"```text\n{text.strip()}\n```"
        for name, each in sorted(getattr(command, "commands", {}).items()):
            if not each.hidden:
                yield from walk(each, f"{path} {name}", context)

    yield from walk(get_command(app), "hubbub", None)


def _models() -> Iterator[str]:
    from sim import names, spec
    from sim.core.cards import card_of, family_of, form_of
    from sim.core.params import describe

    yield "# Models\n\nThe same as `hubbub models NAME` says, from each model's own card.\n"
    for name in sorted(names(), key=lambda each: (family_of(spec(each).cls), each)):
        found = spec(name)
        yield f"\n## {name}\n\n*{family_of(found.cls)}; form {form_of(found.cls)}*\n"
        yield re.sub(r"\n +", "\n", (found.cls.__doc__ or "").strip()) + "\n"
        yield "".join(
            f"\n**{label}**: {_plain(said)}\n" for label, said in card_of(found.cls).facts()
        )
        parameters = [dataclasses.asdict(each) for each in describe(found.cls)]
        if parameters:
            yield "\n| parameter | default | unit | meaning |\n|---|---|---|---|"
            for each in parameters:
                cells = (each["name"], each["default"], each["unit"], each["description"])
                yield "| " + " | ".join(_plain(str(cell)) for cell in cells) + " |"


def _settings() -> Iterator[str]:
    from sim.settings import Settings

    yield "# Settings\n\n`hubbub config` shows where they come from; `HUBBUB_NAME` sets one.\n"
    yield "| name | default | meaning |\n|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.is_required() else str(field.default)
        yield f"| `{name}` | {_plain(default)} | {_plain(field.description or '')} |"


def _plain(text: str) -> str:
    """Return text in which nothing is Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", text).replace("\n", " ")
