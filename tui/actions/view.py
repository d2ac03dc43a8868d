"""View actions: modes, panes, views, orders, colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import UnknownNameError
from tui.actions.action import Words, does
from tui.actions.arguments import ORDERS, VIEWS, choice

if TYPE_CHECKING:
    from tui.viewer import Viewer


@does("live")
async def live(app: Viewer, _words: Words) -> None:
    """Go to Live."""
    app.go("live")


@does("groups")
async def groups(app: Viewer, _words: Words) -> None:
    """Go to Groups."""
    app.go("groups")


@does("messages")
async def messages(app: Viewer, _words: Words) -> None:
    """Go to Messages."""
    app.go("messages")


@does("system")
async def system(app: Viewer, _words: Words) -> None:
    """Go to System."""
    app.go("system")


@does("theory")
async def theory(app: Viewer, _words: Words) -> None:
    """Draw what equations predict beside the curves; again: the next theory, at last none."""
    app.go("live")
    app.say(await app.predicted.turn())


@does("view")
async def turn_view(app: Viewer, words: Words) -> None:
    """Turn the Groups pane to the next view, or to the one named."""
    app.go("groups")
    app.groups.turn(choice("view", words, VIEWS))


@does("order")
async def order(app: Viewer, words: Words) -> None:
    """Order the communities another way."""
    app.go("groups")
    app.say(f"Communities by {app.groups.sort(choice('order', words, ORDERS))}.")


@does("next-pane")
async def next_pane(app: Viewer, _words: Words) -> None:
    """Focus the next pane."""
    app.screen.focus_next()


@does("previous-pane")
async def previous_pane(app: Viewer, _words: Words) -> None:
    """Focus the pane before."""
    app.screen.focus_previous()


@does("zoom")
async def zoom(app: Viewer, _words: Words) -> None:
    """Give the screen to the focused pane, or take it back."""
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
    """Take the theme named, or the next."""
    names = list(app.themes)
    if words and words[0] not in names:
        raise UnknownNameError("theme", words[0], names)
    after = (names.index(app.theme) + 1) % len(names) if app.theme in names else 0
    app.theme = words[0] if words else names[after]
    app.say(f"Theme: {app.theme}.")


@does("back")
async def back(app: Viewer, _words: Words) -> None:
    """Undo the last step of the view."""
    if app.screen.maximized is not None:
        app.screen.minimize()
    elif app.situation().mode == "agents" and app.agents.is_ego:
        app.agents.turn(ego=False)
    elif app.situation().mode == "runs" and await app.experiments.stop():
        return
    elif app.situation().mode in {"runs", "groups", "agents", "messages"}:
        app.go("live")
    else:
        app.hint()
