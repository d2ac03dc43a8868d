"""The actions of view and program: modes, panes, metrics, themes, help, export."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from operator import methodcaller
from pathlib import Path
from typing import Any, get_args

from sim import io, lab
from sim.core import Report, plural
from sim.errors import InputError, UnknownNameError
from sim.io import write_text
from sim.runtime.engine import metrics_tracker as measuring
from tui.actions.command_line import choice, pairs
from tui.actions.lab import export_tables
from tui.actions.table import Words, does
from tui.actions.world import may_leave
from tui.app import Hubbub as Viewer
from tui.dialogs.progress import in_thread
from tui.dialogs.view import HelpDialog, MetricsDialog, export_dialog, threshold
from tui.draw.canvas import picture_of
from tui.draw.community_table import MEASURES, CommunityTable, Order
from tui.modes.live import VIEWS, LiveMode
from tui.opening import Bubble
from tui.safe_text import plain
from tui.theme import theme_named

try:
    import resvg_py
except ImportError:  # the extra png is not installed
    resvg_py = None  # type: ignore[assignment]

_DIRECT: dict[str, Callable[[Viewer], object]] = {
    **{mode: methodcaller("go", mode) for mode in ("live", "messages", "runs", "system")},
    "next-pane": lambda app: app.screen.focus_next(),
    "previous-pane": lambda app: app.screen.focus_previous(),
    "suspend": lambda app: app.action_suspend_process(),
    "command": lambda app: app.ask_command(""),
    "palette": lambda app: app.action_command_palette(),
}


async def _directly(app: Viewer, _words: Words, *, call: Callable[[Viewer], object]) -> None:
    call(app)


for _name, _call in _DIRECT.items():
    does(_name)(partial(_directly, call=_call))


@does("groups")
async def groups(app: Viewer, _words: Words) -> None:
    if app.situation().mode == "groups":
        app.groups.turn("members" if app.groups.view == "communities" else "communities")
    app.go("groups")


@does("theory")
async def theory(app: Viewer, _words: Words) -> None:
    app.go("live")
    app.say(await app.predicted.turn())


@does("view")
async def turn_view(app: Viewer, words: Words) -> None:
    app.go("live")
    app.stage.query_one(LiveMode).turn(choice("view", words, VIEWS))


@does("measure")
async def measure(app: Viewer, words: Words) -> None:
    if app.situation().mode != "groups":
        app.go("live")
    chosen = app.stage.query_one(LiveMode).colour(choice("measure", words, tuple(MEASURES)))
    app.say(f"The communities show: {chosen.lower()}.")


@does("order")
async def order(app: Viewer, words: Words) -> None:
    app.go("groups")
    app.groups.turn("communities")
    order: Any = choice("order", words, get_args(Order)) or "size"
    app.groups.query_one(CommunityTable).sort_by(order)


@does("zoom")
async def zoom(app: Viewer, _words: Words) -> None:
    screen = app.screen
    if screen.maximized is not None:
        screen.minimize()
    elif screen.focused is not None:
        screen.maximize(screen.focused, container=False)
    elif app.stage is not None:
        screen.set_focus(app.stage.main_pane())
        screen.maximize(app.stage.main_pane(), container=False)


@does("theme")
async def theme(app: Viewer, words: Words) -> None:
    names = list(app.themes)
    after = (names.index(app.theme) + 1) % len(names) if app.theme in names else 0
    app.theme = theme_named(words[0]) if words else names[after]
    app.say(f"Theme: {app.theme}.")


@does("back")
async def back(app: Viewer, _words: Words) -> None:
    if app.screen.maximized is not None:
        app.screen.minimize()
    elif app.work.shown is not None and app.work.shown.cancellable:
        app.work.shown.cancel()
    elif app.situation().mode == "runs" and await app.experiments.stop():
        return
    elif app.stage is None or not app.stage.back():
        app.hint()


@does("metrics")
async def metrics(app: Viewer, words: Words) -> None:
    known = await in_thread(measuring.listed, "metrics")
    for word in words:
        if word not in known and words != ("none",):
            raise UnknownNameError("metric", word, tuple(known))
    if words:
        await _show(app, () if words == ("none",) else words)
        return
    now = app.simulation.frame.metrics
    values = {} if now is None else {name: value for name, value, _ in now.latest}
    dialog = MetricsDialog(known, values, app.preferences.metrics, measuring.rules_of(now))
    if (chosen := await app.push_screen_wait(dialog)) is not None:
        names, alerts = chosen
        for metric, (warning, critical) in alerts.items():
            await _alarm(app, metric, {"warning": warning, "critical": critical})
        await _show(app, names)


async def _show(app: Viewer, names: Sequence[str]) -> None:
    """Show metrics from now on, and save the choice; start taking them if the world takes none."""
    if names and app.simulation.frame.metrics is None:
        await app.simulation.do("open_metrics")
    app.prefer(app.preferences.model_copy(update={"metrics": tuple(names)}))
    app.redraw()
    await in_thread(lambda: app.upkeep.keep_metrics(names), "settings")
    app.say(f"Live shows {', '.join(names) or 'the default metrics'}.", "good")


@does("chart")
async def chart(app: Viewer, _words: Words) -> None:
    if not app.preferences.metrics:
        raise InputError("No metric selected; press G for a list.")
    if app.stage is not None:
        live = app.stage.query_one(LiveMode)
        live.is_metrics = not live.is_metrics
    app.redraw()


@does("alert")
async def alert(app: Viewer, words: Words) -> None:
    if not words:
        now = app.simulation.frame.metrics
        active = [
            f"{name} ({'critical' if level > 1 else 'warning'})"
            for name, level in (now.alarms if now else ())
        ]
        app.say(f"Alerts: {', '.join(active)}." if active else "No alerts.")
        return
    said = pairs(words[1:], ("warning", "critical"), "key of an alert")
    if not said:
        raise InputError("Type thresholds: `alert polarisation warning=0.5 critical=never`.")
    await _alarm(app, words[0], {key: threshold(value) for key, value in said.items()})
    app.say(f"{words[0]}: {' '.join(words[1:])}.", "good")


async def _alarm(app: Viewer, metric: str, bounds: Mapping[str, float | None]) -> None:
    """Change or add the alert of a metric; one without thresholds is removed."""
    rules = measuring.rules_of(app.simulation.frame.metrics)
    name = next((n for n, rule in rules.items() if metric in {n, rule.metric}), metric)
    changes: dict[str, Any] = dict(bounds)
    rule = rules.get(name)
    before = {} if rule is None else {"warning": rule.warning, "critical": rule.critical}
    if set((before | changes).values()) == {None}:
        changes = {"off": True} if rule is not None else {}
    elif rule is None:
        changes["metric"] = metric
    if changes:
        await app.simulation.do("set_alert", name, **changes)


@does("copy")
async def copy(app: Viewer, _words: Words) -> None:
    text, pane = app.screen.get_selected_text() or "", app.screen.focused
    if not text and pane is not None:
        text = "\n".join(line.text.rstrip() for line in pane.render_lines(pane.size.region))
    if not text.strip():
        app.say("Nothing to copy; go to a pane with tab, or select with the mouse.", "warning")
        return
    app.copy_to_clipboard(plain(text))
    app.say(f"Copied {plural(len(text.splitlines()), 'line')}; if pasting fails, use shift+drag.")


@does("export")
async def export(app: Viewer, words: Words) -> None:
    if not words:
        dialog = export_dialog(has_results=app.runs.chosen is not None)
        words = tuple((await app.push_screen_wait(dialog) or "").split())
    what = choice("export", words, ("screenshot", "pane", "cast", "run", "table", "tables"))
    name = f"hubbub-tick-{app.frame.tick if app.frame else 0}"
    if what in {"table", "tables"}:
        await export_tables(app, words if len(words) > 1 else (what, f"{name}-results"))
    elif what == "run":
        await _export_run(app, name, *words[1:])
    elif what == "cast" and app.recording is not None:
        app.recording.end()
    elif what == "cast":
        app.recording = Recording(app, words[1] if len(words) > 1 else f"{name}.cast")
        app.say("Recording the screen; :export cast again ends it.")
    elif what and app.stage is not None:
        pane = app.stage.focused or app.stage.main_pane()
        picture = picture_of(pane) if what == "pane" else app.export_screenshot(title="Hubbub")
        path = await in_thread(lambda: Path(*words[1:2] or [f"{name}.svg"]).expanduser().resolve())
        known = path.suffix in {".svg", ".png"}
        await in_thread(lambda: write_text(path, _drawn(picture, path), force=known))
        app.say(f"Wrote {path}.", "good")


def _drawn(picture: str, path: Path) -> str | bytes:
    """Return a picture as PNG if its file is called so, else as SVG."""
    if path.suffix == ".png" and resvg_py is None:
        raise InputError("PNG needs an extra: pip install 'hubbub[png]'; NAME.svg needs none.")
    return bytes(resvg_py.svg_to_bytes(picture)) if path.suffix == ".png" else picture


class Recording:
    """What the screen shows, written as an asciicast (version 2) while it goes on."""

    def __init__(self, app: Viewer, path: str) -> None:
        self._app, self._began, self._rows = app, time.monotonic(), list[str]()
        self._path = Path(path).expanduser().absolute()
        try:
            self._file = self._path.open("x", encoding="utf-8", buffering=1)
        except OSError as error:
            raise InputError(f"{self._path} cannot be written: {error.strerror}.") from None
        width, height = app.size
        self._file.write(json.dumps({"version": 2, "width": width, "height": height}) + "\n")
        self._file.write(json.dumps([0, "o", "\x1b[?25l"]) + "\n")  # no cursor
        self._timer = app.set_interval(0.1, self._look)

    def _look(self) -> None:
        strips = self._app.screen._compositor.render_strips()  # noqa: SLF001 - as a screenshot
        before, self._rows = self._rows, [strip.render(self._app.console) for strip in strips]
        pairs = enumerate(zip_longest(self._rows, before[: len(strips)]), 1)
        drawn = "".join(f"\x1b[{y};1H{row}" for y, (row, old) in pairs if row != old)
        try:
            if drawn:
                event = round(time.monotonic() - self._began, 3), "o", drawn
                self._file.write(json.dumps(event) + "\n")
        except OSError as error:
            self.end(f"{self._path} is cut short: {error.strerror}.", "error")

    def end(self, said: str = "", kind: str = "good") -> None:
        self._timer.stop()
        self._app.recording = None
        with suppress(OSError):
            self._file.close()
        self._app.say(said or f"Wrote {self._path}.", kind)


async def _export_run(app: Viewer, name: str, to: str = "csv", where: str = "") -> None:
    """Write the world and what happened in it, as tables or as a page."""
    choice("export format", (to,), ("html", *io.EXPORTS))
    ending = "" if to in {"csv", "jsonl", "parquet"} else f".{to}"  # those are folders
    world, at = await app.simulation.world(), app.homes.home.at

    def write(report: Report) -> Path:
        path = Path(where or f"{name}{ending}").expanduser().resolve()
        if to == "html":
            return lab.write_page(app.simulation.frame.name, lab.run_page(world), path, force=False)
        history = at if at is not None and at.is_file() else None
        io.export(world, path, to=to, history=history, report=report)
        return path

    app.say(f"Wrote {await app.work.in_thread('exporting the run', write)}.", "good")


@does("help")
async def help_(app: Viewer, _words: Words) -> None:
    screen = app.screen
    await app.push_screen_wait(HelpDialog(screen.focused, screen.active_bindings, app.situation()))


@does("tour")
async def tour(app: Viewer, _words: Words) -> None:
    if app.stage is not None and not app.stage.query(Bubble):
        app.stage.mount(Bubble())


@does("quit")
async def quit_(app: Viewer, _words: Words) -> None:
    if await may_leave(app, "quit"):
        app.homes.is_quitting = True
        app.exit()
