"""The table of actions that drives keys, palette, ``:`` line, footer and help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from textual.binding import Binding

if TYPE_CHECKING:
    from sim.runtime import Frame


@dataclass(frozen=True, slots=True)
class ScreenState:
    """The state of the program at a moment, on which available actions depend."""

    frame: Frame | None = None
    mode: str = ""
    busy: str = ""


def anytime(_now: ScreenState) -> str:
    """Allow the action always."""
    return ""


def not_busy(now: ScreenState) -> str:
    """Allow one piece of long work at a time."""
    busy = now.busy[:1].upper() + now.busy[1:]
    return f"{busy} is in progress; wait or cancel it." if busy else ""


def has_world(now: ScreenState) -> str:
    """Require an open world."""
    return "" if now.frame else "No world is open yet; press n to create one or o to open one."


def has_message(now: ScreenState) -> str:
    """Require a world in which a message has been sent."""
    if now.frame is None:
        return has_world(now)
    return "" if now.frame.sessions else "No message has been sent yet; press i to send one."


def is_held_up(now: ScreenState) -> str:
    """Require an engine that does not answer."""
    if now.frame is None:
        return has_world(now)
    return "" if now.frame.stalled else "The engine is responding; there is nothing to stop."


def has_focus(now: ScreenState) -> str:
    """Require a message that is shown."""
    if now.frame is None:
        return has_world(now)
    return "" if now.frame.focus else "No message is shown; press i to send one."


NO_KEY = "none-"
"""Begins the name of a key that no keyboard has: a keymap may give the action another one."""

Words = tuple[str, ...]
Act = Callable[[Any, Words], Awaitable[None]]
"""Carries out an action, given the :class:`~tui.app.Hubbub` and the words after the command."""
When = Callable[[ScreenState], str]

A = TypeVar("A", bound=Act)

_ACTS: dict[str, Act] = {}


def does(*ids: str) -> Callable[[A], A]:
    """Register a function as the implementation of the actions with these ids."""

    def registered(act: A) -> A:
        for name in ids:
            if name in _ACTS:
                raise ValueError(f"{name!r} is done already, by {_ACTS[name].__name__}.")
        _ACTS.update(dict.fromkeys(ids, act))
        return act

    return registered


def act_of(name: str) -> Act:
    """Return the implementation of the action with this id."""
    return _ACTS[name]


@dataclass(frozen=True, slots=True)
class Action:
    """One action, reachable by key (if it has one), ``:`` command and palette alike.

    ``where`` names the modes where its key works (empty: all), ``footer`` its rank there; ``asks``
    opens the ``:`` line for its words, ``opens`` a dialog, ``counts`` takes a number before it.
    """

    id: str
    keys: str
    command: str
    label: str
    help: str
    group: str
    usage: str = ""
    when: When = anytime
    where: str = ""
    footer: int = 0
    asks: bool = False
    aliases: tuple[str, ...] = ()
    opens: bool = False
    counts: bool = False

    def is_in(self, mode: str) -> bool:
        """Whether its key works in a mode."""
        return not self.where or mode in self.where.split()

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which the ``:`` line knows it."""
        return (self.command, *self.aliases)


# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action(
        "run", "space", "run", "Run", "Run until nothing is spreading, or pause; N: run N ticks.",
        "Time", "[N|quiet]", has_world, footer=1, counts=True,
    ),
    Action("pause", "", "pause", "Pause", "Pause after the current tick.", "Time", "", has_world),
    Action(
        "step", "full_stop", "step", "Step", "Advance one tick, or N ticks.",
        "Time", "[N]", has_world, footer=2, counts=True, aliases=("steps",),
    ),
    Action(
        "forward", "greater_than_sign", "forward", "Forward",
        "Go forward again after going back, one tick or N; otherwise step.",
        "Time", "[N]", has_world, counts=True,
    ),
    Action(
        "step-back", "less_than_sign,comma", "back", "Back", "Go back one tick, or N ticks.",
        "Time", "[N]", has_world, footer=3, counts=True,
    ),
    Action(
        "goto", "g", "goto", "Go to", "Go to a tick, or to a bookmark.",
        "Time", "TICK|NAME", has_world, asks=True, counts=True,
    ),
    Action(
        "bookmark", "b", "bookmark", "Bookmark", "Bookmark this tick.",
        "Time", "NAME", has_world, asks=True,
    ),
    Action(
        "history", "h", "history", "History", "List bookmarks and messages, and go to one.",
        "Time", "", has_world, opens=True, aliases=("bookmarks",),
    ),
    Action(
        "branch", "B", "branch", "Branch",
        "Begin a branch at this tick, or go to another; the one you leave is kept.",
        "Time", "NAME", has_world, asks=True, aliases=("branches",),
    ),
    Action("previous-branch", "left_square_bracket", "previous-branch", "Previous branch",
           "Go to the branch before this one.", "Time", "", has_world),
    Action("next-branch", "right_square_bracket", "next-branch", "Next branch",
           "Go to the branch after this one.", "Time", "", has_world),
    Action("fork", "", "fork", "Fork", "Copy the world at this tick into a file of its own.",
           "Time", "NAME", has_world, asks=True),
    Action("faster", "plus,equals_sign", "faster", "Faster", "Faster (x2).", "Time", "", has_world),
    Action("slower", "minus", "slower", "Slower", "Slower (x0.5).", "Time", "", has_world),
    Action(
        "speed", "", "speed", "Speed", "Set the speed in ticks per second, or max.",
        "Time", "X|max", has_world, asks=True,
    ),
    Action(
        "restart", "R", "restart", "Restart",
        "Stop a plugin that hangs, and resume from the last completed tick.",
        "Time", "[save]", is_held_up, opens=True,
    ),
    Action(
        "inject", "i", "inject", "Send", "Send a message into the network.",
        "Messages", "[text='...' seeds=... model=...]", has_world, footer=4, opens=True,
        aliases=("send",),
    ),
    Action(
        "params", "p", "params", "Params", "Move the parameters of the message shown.",
        "Messages", "", has_focus, footer=5,
    ),
    Action(
        "set", "", "set", "Set", "Set one parameter of the message shown.",
        "Messages", "NAME VALUE", has_focus, asks=True,
    ),
    Action(
        "undo", "u", "undo", "Undo", "Take the last change of a parameter back.",
        "Messages", when=has_message,
    ),
    Action(
        "focus", "f", "focus", "Next msg", "Show the next message, or message N.",
        "Messages", "[N]", has_message, counts=True,
    ),
    Action(
        "cancel", "x", "cancel", "Stop msg", "Stop the message shown, or message N.",
        "Messages", "[N]", has_message, opens=True, counts=True,
    ),
    Action(
        "model", "m", "model", "Models", "Browse the models, or show the card of one.",
        "Messages", "[NAME]", footer=16, opens=True,
    ),
    Action(
        "intervene", "K", "intervene", "Intervene",
        "Ban, freeze, label, hide, correct or shift something, now, at a tick, or on a condition.",
        "World", "[KIND | ban the 10 most followed members at tick 10]", has_world, footer=14,
        opens=True,
    ),
    Action(
        "platform", "", "platform", "Platform",
        "Open a platform, where members post and read feeds; or change its settings.",
        "World", "[on [recommender=NAME] [policy=NAME] [KEY=VALUE ...]]", has_world, asks=True,
    ),
    Action(
        "minds", "", "minds", "Minds", "Assign language models to members, with a budget.",
        "World", "[QUERY [mind=NAME] [goal=WORDS]]", has_world, opens=True,
    ),
    Action(
        "llm", "", "llm", "Think",
        "Turn language models on or off; show their status; set a budget.",
        "World", "[on|off|status|budget [$X|N requests|N tokens]|least SHARE]", has_world,
        opens=True,
    ),
    Action(
        "survey", "", "survey", "Survey", "Ask a sample of members the same question.",
        "World", "[QUERY question='...' choices=A,B]", has_world, opens=True,
    ),
    Action(
        "flag", "", "flag", "Flag", "Hide, label, down-rank or pin a message of a member.",
        "World", "[mN] hidden|labelled|downranked|pinned|ad [off]", has_world, asks=True,
    ),
    Action("new", "n", "new", "New", "Create a new world.", "World", "", not_busy, footer=13,
           opens=True),
    Action(
        "open", "o,ctrl+o", "open", "Open", "Open a saved world.",
        "World", "[NAME]", not_busy, footer=12, aliases=("load",), opens=True,
    ),
    Action(
        "scenario", "0", "scenario", "Gallery",
        "Play a scenario from the gallery, or from a file.",
        "World", "[FILE|NAME [variant=NAME] [agents=N] [seed=N]]", not_busy, footer=15, opens=True,
        aliases=("gallery",),
    ),
    Action(
        "save", "w,ctrl+s", "save", "Save", "Save the world in the saves folder.",
        "World", "[NAME]", has_world, footer=11, opens=True,
    ),
    Action(
        "discard", "", "discard", "Discard",
        "Revert to the saved world; unsaved changes are lost.",
        "World", "", has_world, aliases=("revert",), opens=True,
    ),
    Action(
        "erase", "", "erase", "Erase", "Permanently delete member profiles.",
        "World", "WHO [pseudonymise]", has_world, asks=True, opens=True,
    ),
    Action(
        "journal", "", "journal", "Journal", "Show what is saved; on: start a journal.",
        "World", "[on]", has_world, opens=True,
    ),
    Action(
        "import", "", "import", "Import", "Create a world from a network file.",
        "World", "FILE [direction=follows]", not_busy, asks=True, opens=True,
    ),
    Action(
        "path", "", "path", "Path", "Show the shortest path between two members.",
        "World", "A B", has_world, asks=True, opens=True,
    ),
    Action(
        "report", "", "report", "Report", "Measure the network and its most influential members.",
        "World", "", has_world, opens=True,
    ),
    Action(
        "detect", "", "detect", "Detect", "Find communities in the network.",
        "World", "[louvain|label-propagation|leiden]", has_world, opens=True,
    ),
    Action("live", "1", "live", "Live", "Go to the Live mode.", "View", "", has_world),
    Action("groups", "2", "groups", "Groups", "Go to the Groups mode; again: to its members.",
           "View", "", has_world),
    Action("agents", "", "members", "Members", "List every member in a table.", "View", "",
           has_world, aliases=("agents",)),
    Action(
        "messages", "3", "messages", "Messages",
        "Go to the Messages mode: every message and its cascade.", "View", "", has_world,
    ),
    Action(
        "runs", "4", "runs", "Runs", "Go to the Runs mode: replicates, comparisons, studies.",
        "View", "", has_world,
    ),
    Action("system", "5", "system", "System", "Go to the System mode: health, engine, paths.",
           "View", "", has_world),
    Action(
        "details", "d", "details", "Details", "Show checks, engine and paths, or what to do.",
        "View", "", has_world, where="system", footer=3,
    ),
    Action(
        "metrics", "G", "metrics", "Metrics", "Choose the metrics in Live, and their alerts.",
        "View", "[NAME ...|none]", has_world, footer=16, opens=True, aliases=("gauges",),
    ),
    Action(
        "alert", "", "alert", "Alert",
        "Set alert thresholds of a metric; without arguments: list alerts.",
        "World", "[METRIC warning=X critical=X|never]", has_world,
    ),
    Action(
        "chart", "c", "chart", "Chart", "Next chart: curves of the message, or metrics.",
        "View", "", has_world, where="live", footer=16,
    ),
    Action(
        "theory", "T", "theory", "Theory",
        "Show or hide the curves that the model's equations predict.", "View", "", has_focus,
    ),
    Action(
        "view", "t", "view", "View", "Next view: map, heat map, table.",
        "View", "[map|heat|table]", where="live", footer=9,
    ),
    Action(
        "measure", "v", "measure", "Show",
        "Next measure of the communities: ever adopted, spreading, new, opinion, impressions.",
        "View", "[ever|spreading|new|opinion|impressions]", where="live groups", footer=9,
    ),
    Action(
        "order", "", "order", "Order", "Sort the communities by size, adoption, onset or name.",
        "View", "[size|adoption|onset|name]",
    ),
    Action(
        "filter", "slash", "filter", "Find",
        "List the members that match, such as adopted:5-9 interest:music.",
        "View", "[EXPRESSION]", has_world, footer=8, aliases=("find",),
    ),
    Action(
        "sort", "S", "sort", "Sort", "Sort the table by a column; again: reverse the order.",
        "View", "[COLUMN]", has_world, footer=10,
    ),
    Action("ego", "e", "ego", "Ego net", "Draw the ties of the selected member; again: the table.",
           "View", "", has_world),
    Action(
        "why", "W", "why", "Why", "Explain how the selected member adopted, and its feed.",
        "View", "[MESSAGE]", has_world, footer=6, opens=True,
    ),
    Action(
        "interview", "", "interview", "Talk", "Chat with the selected member, or with another.",
        "View", "[AGENT [QUESTION]]", has_world, opens=True, aliases=("talk",),
    ),
    Action(
        "be", "A", "play", "Play as", "Play as the selected member: see its feed and act for it.",
        "View", "[AGENT]", has_world, opens=True,
    ),
    Action(
        "pair", "", "pair", "Pair", "Compare two members: ties, compatibility, interactions.",
        "View", "[A] B", has_world, asks=True, opens=True, aliases=("compatibility",),
    ),
    Action(
        "suggest", "", "suggest", "Suggest", "Suggest members for the selected member to follow.",
        "View", "[RECOMMENDER]", has_world, opens=True,
    ),
    Action(
        "moves", "", "moves", "Moves",
        "List transitions between lifecycle stages, in all ticks or in FROM:TO.",
        "View", "[FROM:TO]", has_world, opens=True,
    ),
    Action(
        "change", "", "change", "Change",
        "Change the selected member, or all that match: change 'activity > .5' status=paused.",
        "World", "[CONDITION] NAME=VALUE ...", has_world, asks=True,
    ),
    Action(
        "profiles", "", "profiles", "Profiles",
        "Load member profiles from a file (table, JSON): names, texts, interests, traits.",
        "World", "FILE [match=auto|id|order]", has_world, asks=True, opens=True,
    ),
    Action(
        "replicates", "l", "replicates", "Fan",
        "Run many replicates from this tick; the world itself stays where it is.",
        "Runs", "[N|stop] [text='...' seeds=... model=...] [ticks=N] [seed=N]", has_world,
        footer=12, aliases=("fan", "ensemble"), opens=True, counts=True,
    ),
    Action(
        "compare", "D", "compare", "Compare",
        "Compare changes with the baseline from this tick, with the same random draws.",
        "Runs", "[N] NAME=VALUE|'NAME: do=... ; recommender=...' ... [ticks=N] [seed=N]", has_world,
        footer=7, aliases=("futures",), opens=True,
    ),
    Action(
        "study", "", "study", "Studies",
        "Create, edit, run and report studies: experiments described in a file.",
        "Runs", "[new|edit|run|report NAME [replicates=N] [into=FILE] [anew]]", has_world,
        opens=True, aliases=("studies",),
    ),
    Action(
        "sweep", "", "sweep", "Sweep",
        "Run a scenario, or the last message sent, at many parameter values.",
        "Runs",
        "[FILE|gallery:NAME|here [KEY=RANGE ...] [design=...] [points=N] [replicates=N] "
        "[measure=...] [into=FILE] [anew]]", has_world, opens=True,
    ),
    Action(
        "calibrate", "", "calibrate", "Calibrate",
        "Fit the parameters of a model and its network to observed messages.",
        "Runs", "FILE model=NAME KEY=LOW:HIGH ... [network=NAME,KEY=VALUE]", has_world, asks=True,
        opens=True,
    ),
    Action(
        "picture", "t", "picture", "Picture",
        "Next chart of the runs: fan, heat map, indices, ends, per condition.",
        "Runs", "[NAME [X Y]]", has_world, where="runs", footer=4,
    ),
    Action(
        "series", "v", "series", "Series",
        "Next series of the runs; for a sweep, the next measure.",
        "Runs", "[NAME]", has_world, where="runs", footer=4,
    ),
    Action("next-pane", "tab", "next", "Next pane", "Go to the next pane.", "View"),
    Action("previous-pane", "shift+tab", "previous", "Previous pane", "Go to the previous pane.",
           "View"),
    Action("zoom", "z", "zoom", "Zoom", "Maximize the focused pane, or restore it.", "View",
           footer=14),
    Action("theme", "", "theme", "Theme", "Change the colours.", "View", "[NAME]"),
    Action(
        "copy", "y", "copy", "Copy", "Copy the selection, or the text of the focused pane.",
        "Program",
    ),
    Action(
        "export", "E", "export", "Export",
        "Save the screen as SVG, or the results in Runs as tables.",
        "Program", "[screenshot [FILE] | table [NAME] FILE.csv | tables FOLDER [parquet]]",
    ),
    Action("command", "colon", "command", "Cmd", "Type a command.", "Program", footer=9),
    Action("palette", "semicolon,ctrl+p", "palette", "Palette", "Search all commands.", "Program",
           footer=11, opens=True),
    Action(
        "help", "question_mark", "help", "Keys", "Explain the focused pane and list the keys.",
        "Program", footer=1, opens=True, aliases=("keys",),
    ),
    Action("tour", "", "tour", "Tour", "Show five things to try.", "Program", "", has_world),
    Action("back", "escape", "leave", "Go back", "Go back one step.", "Program"),
    Action("suspend", "ctrl+z", "suspend", "Suspend",
           "Return to the shell; fg there brings the screen back.", "Program"),
    Action(
        "quit", "q,ctrl+c,ctrl+q", "quit", "Quit", "Quit; asks if the world is not saved.",
        "Program", footer=10, aliases=("exit", "q"), opens=True,
    ),
)
# fmt: on
"""All actions, in the order of help and palette; :func:`does` registers their implementations."""

_BY_ID = {action.id: action for action in ACTIONS}
_BY_COMMAND = {name: action for action in ACTIONS for name in action.names}


def by_id(name: str) -> Action:
    """Return the action with this id."""
    return _BY_ID[name]


def by_command(word: str) -> Action | None:
    """Return the action that this word names on the ``:`` line."""
    return _BY_COMMAND.get(word)


def bindings(mode: str) -> Iterator[Binding]:
    """Return the key bindings of one mode alone, or those of all modes if ``mode`` is empty."""
    for action in ACTIONS:
        if mode in action.where.split() if mode else not action.where:
            yield Binding(
                action.keys or f"{NO_KEY}{action.id}",
                f"app.act('{action.id}')",
                action.label,
                id=action.id,
                show=False,
                tooltip=action.help,
            )


_SHOWN = {
    "space": "space", "full_stop": ".", "greater_than_sign": ">", "less_than_sign": "<",
    "plus": "+", "equals_sign": "=", "minus": "-", "colon": ":", "semicolon": ";",
    "question_mark": "?", "slash": "/", "comma": ",", "escape": "esc", "tab": "tab",
    "left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*",
    "left_parenthesis": "(", "right_parenthesis": ")", "exclamation_mark": "!",
}  # fmt: skip


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of an action, with the user's keymap applied; empty if it has none."""
    keys = keymap.get(action.id, action.keys).split(",")
    return tuple(key.strip() for key in keys if key.strip())


def way_to(name: str, keymap: Mapping[str, str]) -> str:
    """Return how a person reaches an action: its first key, or its ``:`` name."""
    action = by_id(name)
    keys = keys_of(action, keymap)
    return key_label(keys[0]) if keys else f":{action.command}"


def key_label(key: str) -> str:
    """Return a key as a person writes it: ``.``, ``^s``, ``space``.

    Examples
    --------
    >>> key_label("full_stop"), key_label("ctrl+s")
    ('.', '^s')
    """
    if key.startswith("ctrl+"):
        return "^" + key_label(key.removeprefix("ctrl+"))
    return _SHOWN.get(key, key)


def conflicts(keymap: Mapping[str, str]) -> list[str]:
    """Return the errors of a keymap: unknown names, and keys that two actions would share."""
    known = {action.id for action in ACTIONS}
    problems = [
        f"The keymap names {name!r}, which is not an action; press ? for the names."
        for name in keymap
        if name not in known
    ]
    for mode in {mode for action in ACTIONS for mode in action.where.split()}:
        problems += _shared([a for a in ACTIONS if a.is_in(mode)], keymap)
    return list(dict.fromkeys(problems))


def _shared(actions: list[Action], keymap: Mapping[str, str]) -> Iterator[str]:
    taken: dict[str, Action] = {}
    for action in actions:
        for key in keys_of(action, keymap):
            other = taken.setdefault(canonical(key), action)
            if other is not action:
                yield (
                    f"The key {key_label(key)!r} is assigned to both {other.id!r} and "
                    f"{action.id!r}; {other.id!r} keeps it."
                )


def canonical(key: str) -> str:
    """Return the long name of a key: ``question_mark`` for ``?``."""
    long = {shown: name for name, shown in _SHOWN.items()}
    return long.get(key, key)
