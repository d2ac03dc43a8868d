"""The program itself: copy, export, command line, palette, help, quit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError, UnknownNameError
from tui.actions.action import Words, does
from tui.actions.lab import export_tables
from tui.actions.world import may_leave
from tui.dialogs.progress import in_thread
from tui.figures import count
from tui.safe_text import plain

if TYPE_CHECKING:
    from tui.viewer import Viewer


@does("copy")
async def copy(app: Viewer, _words: Words) -> None:
    """Copy the selection, else the text of the focused pane."""
    text = app.screen.get_selected_text() or _text_of(app)
    if not text.strip():
        app.say("Nothing to copy; go to a pane with tab, or select with the mouse.", "warning")
        return
    app.copy_to_clipboard(plain(text))
    app.say(f"Copied {count(len(text.splitlines()))} lines; shift+drag selects where that fails.")


def _text_of(app: Viewer) -> str:
    pane = app.screen.focused
    if pane is None:
        return ""
    lines = pane.render_lines(pane.size.region)
    return "\n".join(line.text.rstrip() for line in lines)


def _write_picture(path: Path, picture: str) -> None:
    """Write a picture, never over anything but a picture."""
    if path.exists() and path.suffix != ".svg":
        raise InputError(f"{path.name} is there and no picture; give a name that ends in .svg.")
    from tui.lab_files import write_text

    write_text(path, picture)


@does("export")
async def export(app: Viewer, words: Words) -> None:
    """Write the screen as a picture, or tables of what was run in Runs."""
    if words and words[0] in {"table", "tables"}:
        await export_tables(app, words)
        return
    if words and words[0] != "screenshot":
        raise UnknownNameError("export", words[0], ["screenshot", "table", "tables"])
    tick = app.frame.tick if app.frame else 0
    name = words[1] if len(words) > 1 else f"hubbub-tick-{tick}.svg"
    picture = app.export_screenshot(title="Hubbub")
    await in_thread(lambda: _write_picture(Path(name).expanduser(), picture))
    app.say(f"Wrote {name}.", "good")


@does("command")
async def command(app: Viewer, _words: Words) -> None:
    """Open the ``:`` line."""
    app.ask_command("")


@does("palette")
async def palette(app: Viewer, _words: Words) -> None:
    """Open the palette."""
    app.action_command_palette()


@does("help")
async def help_(app: Viewer, _words: Words) -> None:
    """Open the help of the focused pane."""
    from tui.dialogs.help import HelpDialog

    screen = app.screen
    await app.push_screen_wait(HelpDialog(screen.focused, screen.active_bindings, app.situation()))


@does("quit")
async def quit_(app: Viewer, _words: Words) -> None:
    """Leave, after asking about unsaved changes."""
    if await may_leave(app, "quit"):
        app.homes.is_quitting = True
        app.exit()
