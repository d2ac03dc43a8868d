"""The table of actions that drives keys, palette, ``:`` line, footer and help."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding

from tui.actions import (
    agents,
    messages,
    minds,
    past,
    platform,
    program,
    runs,
    talks,
    time,
    view,
    world,
)
from tui.actions.action import Action
from tui.actions.members_table import OF_MEMBERS
from tui.actions.runs_table import OF_RUNS
from tui.actions.situation import (
    has_focus,
    has_message,
    has_world,
    is_held_up,
    not_busy,
)

__all__ = ["ACTIONS", "Action", "bindings", "by_command", "by_id"]

# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action(
        "run", "space", "run", "Run", "Run until all is at rest, or pause; with N: N ticks.",
        "Time", time.run, usage="[N|quiet]", when=has_world, footer=1,
    ),
    Action(
        "pause", "k", "pause", "Pause", "Pause after the tick that is running.",
        "Time", time.pause, when=has_world,
    ),
    Action(
        "step", "full_stop", "step", "Step", "Advance one tick, or N ticks.",
        "Time", time.step, usage="[N]", when=has_world, footer=2,
    ),
    Action(
        "steps", "greater_than_sign", "steps", "Step n", "Ask how many ticks to advance.",
        "Time", time.step, usage="N", when=has_world, footer=14, asks=True,
    ),
    Action(
        "step-back", "comma", "back", "Step back", "Go back one tick, or N ticks.",
        "Time", past.back, usage="[N]", when=has_world, footer=14,
    ),
    Action(
        "forward", "F", "forward", "Forward",
        "Go forward again to where the world was before it went back.",
        "Time", past.forward, usage="[N]", when=has_world,
    ),
    Action(
        "goto", "g", "goto", "Go to", "Go to a tick, or to a bookmark.",
        "Time", past.go_to, usage="TICK|NAME", when=has_world, asks=True,
    ),
    Action(
        "bookmark", "b", "bookmark", "Bookmark", "Give the tick that is shown a name.",
        "Time", past.bookmark, usage="NAME", when=has_world, asks=True,
    ),
    Action(
        "history", "h", "history", "History", "List bookmarks and messages, and go to one.",
        "Time", past.history, when=has_world, opens=True, aliases=("bookmarks",),
    ),
    Action(
        "branch", "B", "branch", "Branch",
        "Make another world from the tick that is shown; this one stays open.",
        "Time", past.branch, usage="NAME", when=has_world, asks=True,
    ),
    Action(
        "faster", "plus,equals_sign", "faster", "Faster", "Double the speed that is asked for.",
        "Time", time.faster, when=has_world,
    ),
    Action(
        "slower", "minus", "slower", "Slower", "Halve the speed that is asked for.",
        "Time", time.slower, when=has_world,
    ),
    Action(
        "speed", "v", "speed", "Speed", "Ask for a speed in ticks a second, or max.",
        "Time", time.speed, usage="X|max", when=has_world, asks=True,
    ),
    Action(
        "restart", "R", "restart", "Restart",
        "Stop a plugin that does not come back; go on from the last completed tick.",
        "Time", time.restart, usage="[save]", when=is_held_up, opens=True,
    ),
    Action(
        "inject", "i", "inject", "Inject", "Send a message into the network.",
        "Messages", messages.inject, usage="[text='...' seeds=... model=...]", when=has_world,
        footer=3, opens=True,
    ),
    Action(
        "params", "p", "params", "Params", "Change the model's parameters of the message shown.",
        "Messages", messages.params, when=has_focus, footer=7, opens=True,
    ),
    Action(
        "set", "a", "set", "Set", "Set one parameter of the message shown.",
        "Messages", messages.set_parameter, usage="NAME VALUE", when=has_focus, asks=True,
    ),
    Action(
        "focus", "f", "focus", "Next msg", "Show the next message, or message N.",
        "Messages", messages.focus, usage="[N]", when=has_message,
    ),
    Action(
        "cancel", "x", "cancel", "Stop msg", "Stop the message shown, or message N.",
        "Messages", messages.cancel, usage="[N]", when=has_message, opens=True,
    ),
    Action(
        "model", "m", "model", "Models", "Look through the models, or show the card of one.",
        "Messages", messages.model, usage="[NAME]", opens=True, footer=16,
    ),
    Action(
        "intervene", "K", "intervene", "Intervene",
        "Ban, freeze, label, hide, correct or shift something, now, at a tick, or on a condition.",
        "World", platform.intervene, usage="[KIND | now|TICK|CONDITION KIND NAME=VALUE ...]",
        when=has_world, footer=16, opens=True,
    ),
    Action(
        "platform", "L", "platform", "Platform",
        "Open a platform, on which members post and read feeds; or change who ranks, who decides.",
        "World", platform.platform, usage="[on [recommender=NAME] [policy=NAME] [KEY=VALUE ...]]",
        when=has_world, asks=True,
    ),
    Action(
        "minds", "M", "minds", "Minds", "Give members a mind: who, which, for how much.",
        "World", minds.minds, usage="[QUERY [mind=NAME] [goal=WORDS]]", when=has_world, opens=True,
    ),
    Action(
        "llm", "Y", "llm", "Think",
        "Let minds decide, or the rules for all; say how they do; cap what they spend.",
        "World", minds.llm, usage="[on|off|status|budget [$X|N requests|N tokens]|least SHARE]",
        when=has_world, opens=True,
    ),
    Action(
        "survey", "Q", "survey", "Survey", "Ask a sample of members the same question.",
        "World", talks.survey, usage="[QUERY question='...' choices=A,B]", when=has_world,
        opens=True,
    ),
    Action(
        "flag", "H", "flag", "Flag", "Hide, label, down-rank or pin a message of a member.",
        "World", platform.flag, usage="[mN] hidden|labelled|downranked|pinned|ad [off]",
        when=has_world, where="messages", footer=4, asks=True,
    ),
    Action(
        "new", "n", "new", "New", "Make a new world.",
        "World", world.new_world, when=not_busy, footer=13, opens=True,
    ),
    Action(
        "open", "o,ctrl+o", "open", "Open", "Open a saved world.",
        "World", world.open_world, usage="[NAME]", when=not_busy, footer=12, aliases=("load",),
        opens=True,
    ),
    Action(
        "save", "w,ctrl+s", "save", "Save", "Save the world in the saves folder.",
        "World", world.save_world, usage="[NAME]", when=has_world, footer=8, opens=True,
    ),
    Action(
        "discard", "X,ctrl+r", "discard", "Discard",
        "Go back to how the world was saved; what happened since is lost.",
        "World", world.discard, when=has_world, aliases=("revert",), opens=True,
    ),
    Action(
        "erase", "Z", "erase", "Erase", "Take profiles of members out of the world for good.",
        "World", world.erase, usage="WHO [pseudonymise]", when=has_world, asks=True, opens=True,
    ),
    Action(
        "journal", "J", "journal", "Journal", "Say how safe the world is; on: begin a journal.",
        "World", world.journal, usage="[on]", when=has_world, opens=True,
    ),
    Action(
        "import", "I", "import", "Import", "Read a network from a file of your own.",
        "World", world.import_file, usage="FILE [direction=follows]", when=not_busy, asks=True,
        opens=True,
    ),
    Action(
        "path", "P", "path", "Path", "Show the shortest path between two members.",
        "World", world.path, usage="A B", when=has_world, asks=True, opens=True,
    ),
    Action(
        "report", "r", "report", "Report", "Measure the network and name its influential members.",
        "World", world.report, when=has_world, opens=True,
    ),
    Action(
        "detect", "d", "detect", "Detect", "Find communities in the network.",
        "World", world.detect, usage="[louvain|label-propagation|leiden]", when=has_world,
        opens=True,
    ),
    Action(
        "live", "1", "live", "Live", "Go to the Live mode.",
        "View", view.live, when=has_world, footer=9,
    ),
    Action(
        "groups", "2", "groups", "Groups", "Go to the Groups mode.",
        "View", view.groups, when=has_world, footer=9,
    ),
    Action(
        "agents", "3", "agents", "Agents", "Go to the Agents mode: every member in a table.",
        "View", agents.agents, when=has_world, footer=9, aliases=("members",),
    ),
    Action(
        "messages", "4", "messages", "Messages",
        "Go to the Messages mode: each message, and how it went.",
        "View", view.messages, when=has_world, footer=9,
    ),
    Action(
        "runs", "5", "runs", "Runs", "Go to the Runs mode: many runs, and where they lie.",
        "View", runs.runs, when=has_world, footer=9,
    ),
    Action(
        "system", "6", "system", "System", "Go to the System mode: health, engine, paths.",
        "View", view.system, when=has_world, footer=17,
    ),
    Action(
        "metrics", "G", "metrics", "Metrics", "Choose what Live shows of metrics, and alerts.",
        "View", platform.metrics, usage="[NAME ...|none]", when=has_world, footer=16, opens=True,
        aliases=("gauges",),
    ),
    Action(
        "alert", "exclamation_mark", "alert", "Alert",
        "Say from where on a metric is alarming; with nothing: what is alarming now.",
        "World", platform.alert, usage="[METRIC warning=X critical=X|never]", when=has_world,
    ),
    Action(
        "chart", "c", "chart", "Chart", "Turn the chart: the message's curves, or metrics.",
        "View", platform.chart, when=has_world, where="live", footer=10,
    ),
    Action(
        "theory", "t", "theory", "Theory",
        "Draw what equations predict beside the curves, or leave it out.",
        "View", view.theory, when=has_focus, where="live", footer=16,
    ),
    Action(
        "view", "t", "view", "View", "Turn the Groups pane: map, heat map, table.",
        "View", view.turn_view, usage="[map|heat|table]", where="groups", footer=3,
    ),
    Action(
        "order", "s", "order", "Order", "Order the communities by size, adoption, onset or name.",
        "View", view.order, usage="[size|adoption|onset|name]", where="groups", footer=10,
    ),
    *OF_MEMBERS,
    *OF_RUNS,
    Action(
        "next-pane", "tab", "next", "Next pane", "Go to the next pane.",
        "View", view.next_pane,
    ),
    Action(
        "previous-pane", "shift+tab,less_than_sign", "previous", "Previous pane",
        "Go to the pane before.",
        "View", view.previous_pane,
    ),
    Action(
        "zoom", "z", "zoom", "Zoom", "Let the focused pane fill the screen, or give it back.",
        "View", view.zoom, footer=15,
    ),
    Action(
        "theme", "T", "theme", "Theme", "Change the colours.",
        "View", view.theme, usage="[NAME]",
    ),
    Action(
        "copy", "y", "copy", "Copy", "Copy the selection, else what the focused pane shows.",
        "Program", program.copy,
    ),
    Action(
        "export", "E", "export", "Export", "Write a picture of the screen as SVG.",
        "Program", program.export, usage="[screenshot [FILE]]",
    ),
    Action(
        "command", "colon", "command", "Cmd", "Type a command.",
        "Program", program.command, footer=5,
    ),
    Action(
        "palette", "semicolon,ctrl+p", "palette", "Palette",
        "Search everything that can be done.",
        "Program", program.palette, footer=11, opens=True,
    ),
    Action(
        "help", "question_mark", "help", "Help", "Explain the focused pane and list the keys.",
        "Program", program.help_, footer=4, opens=True,
    ),
    Action(
        "back", "escape", "leave", "Back", "Go back one step.",
        "Program", view.back,
    ),
    Action(
        "quit", "q,ctrl+c,ctrl+q", "quit", "Quit", "Leave; asks when the world is not saved.",
        "Program", program.quit_, footer=6, aliases=("exit", "q"), opens=True,
    ),
)
# fmt: on
"""Every act, in the order of help and palette."""

_BY_ID = {action.id: action for action in ACTIONS}
_BY_COMMAND = {name: action for action in ACTIONS for name in action.names}


def by_id(name: str) -> Action:
    """Return the action with this id."""
    return _BY_ID[name]


def by_command(word: str) -> Action | None:
    """Return the action that the ``:`` line knows by this word."""
    return _BY_COMMAND.get(word)


def bindings(where: str) -> Iterator[Binding]:
    """Make the key bindings of a mode, or of the whole app where ``where`` is empty."""
    for action in ACTIONS:
        if action.where == where:
            yield Binding(
                action.keys,
                f"app.act('{action.id}')",
                action.label,
                id=action.id,
                show=False,
                tooltip=action.help,
            )
