"""Start-up shared by all verbs: settings, thread limits, plugin files, opening of the screen."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from sim.cli.output import tell
from sim.cli.watch import probe_foreign
from sim.core.clock import TickWarning
from sim.core.files import open_log
from sim.core.rooms import ClashWarning, clashes, own
from sim.core.threads import allow
from sim.errors import InputError
from sim.settings.logging import log

SCREENS = "hubbub.screen"
_OUTPUT = "plugins.log"
_FAULTS = "faults.log"


@dataclass(frozen=True, slots=True)
class Flags:
    """The options that every verb shares."""

    threads: int | None = None
    settings: Path | None = None
    profile: str | None = None
    saves: Path | None = None
    plugins: tuple[Path, ...] = ()
    fps: float | None = None
    theme: str | None = None
    isolated: bool = False
    journal: bool | None = None
    metrics_port: int | None = None
    calm: bool = False
    tour: bool = False


OF_SCREEN = {"--calm", "--tour"}
"""Options that open the screen without anything else on the command line."""


def prepare(flags: Flags) -> None:
    """Apply the settings, set the number of threads, load plugin files."""
    from sim.settings.settings import load_settings, use

    settings = load_settings(
        flags.settings, profile=flags.profile, threads=flags.threads, saves=flags.saves,
        frames_per_second=flags.fps, theme=flags.theme, metrics_port=flags.metrics_port,
        calm=flags.calm or None,
        journal={None: None, True: "on", False: "off"}[flags.journal],
    )  # fmt: skip
    use(settings)
    for note in settings.notes:
        tell(note)
    for said in clashes():
        tell(said)
    for warning in (ClashWarning, TickWarning):
        warnings.simplefilter("ignore", warning)  # it has been reported
    _use_threads(settings.threads)
    if flags.plugins:
        from sim.core.registry import load_file

        for file in flags.plugins:
            load_file(file)


def _use_threads(count: int | None) -> None:
    """Set the number of threads; once numba has started, its variable must not be changed."""
    allow(count)
    if count is None:
        return
    if "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = str(count)
        return
    import numba

    with suppress(ValueError):  # more than it was started with
        numba.set_num_threads(count)


def open_screen(flags: Flags, path: Path | None = None, *, read_only: bool = False) -> int:
    """Open the installed screen, on a saved world or on the demo world."""
    _require_terminal()
    found = metadata.entry_points(group=SCREENS)
    if not found:
        raise InputError("No screen is installed; reinstall Hubbub, or use hubbub run.")
    own("tui")
    show: Callable[..., Any] = next(iter(found)).load()
    from sim.settings.settings import current

    if not flags.isolated:
        probe_foreign()
    log("screen opened", path=path)
    from sim.runtime.engine.output_capture import output_aside

    with output_aside(current().logs / _OUTPUT), _faults_in(current().logs / _FAULTS):
        how = {
            "isolated": flags.isolated, "read_only": read_only, "theme": flags.theme,
            "tour": flags.tour,
        }  # fmt: skip
        wishes = {name: wish for name, wish in how.items() if wish}
        code = int(show(path, saves=current().saves_folder, **wishes) or 0)
    log("screen closed", code=code)
    return code


@contextmanager
def painted_first(words: Sequence[str]) -> Iterator[None]:
    """Paint what the screen opens with before its packages are imported, which takes a second."""
    lacks = {*words} - OF_SCREEN or os.environ.get("TERM") == "dumb"
    if lacks or not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield
        return
    own("tui")
    package = next((each.module for each in metadata.entry_points(group=SCREENS)), "").split(".")[0]
    stored = None
    with suppress(ImportError, OSError):
        stored = import_module(f"{package}.stored_run")
        stored.paint(sys.stdout)
    try:
        yield
    except BaseException:
        if stored is not None:
            stored.leave(sys.stdout)
        raise


@contextmanager
def _faults_in(path: Path) -> Iterator[None]:
    """Write a traceback to a file if compiled code crashes."""
    import faulthandler

    file = None
    if not faulthandler.is_enabled():
        with suppress(OSError):
            file = os.fdopen(open_log(path), "a", encoding="utf-8")
    if file is None:
        yield
        return
    with file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()


def _require_terminal() -> None:
    """Refuse before the screen's packages are imported."""
    if os.environ.get("TERM") == "dumb":
        reason = "TERM=dumb says that this one cannot show it"
    elif "TEXTUAL_DRIVER" in os.environ:  # it is shown in a browser
        return
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        reason = "input or output is none (a pipe, a file or CI)"
    else:
        return
    raise InputError(
        f"The screen needs a terminal, and {reason}; "
        "run headless: hubbub run demo --inject 'Hello.' --ticks 20."
    )


def completed(what: str) -> Callable[[str], list[str]]:
    """Return a function that completes names in the shell."""

    def names(incomplete: str) -> list[str]:
        return [name for name in _names(what) if name.startswith(incomplete)]

    return names


def _names(what: str) -> tuple[str, ...]:
    if what == "models":
        from sim.core.registry import names

        return names()
    if what == "forms":
        from sim.cli.templates import ACTING, FEEDS, TEMPLATES

        return (*TEMPLATES, *FEEDS, *ACTING, "mind")
    if what == "exports":
        from sim.io import EXPORTS

        return tuple(EXPORTS)
    from sim.network.generate.networks import NETWORKS

    return tuple(NETWORKS)
