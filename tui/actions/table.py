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


Words = tuple[str, ...]
Act = Callable[[Any, Words], Awaitable[None]]
"""Carries out an action, given the :class:`~tui.viewer.Viewer` and the words after the command."""
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
    """One action, reachable by key, ``:`` command and palette alike."""

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

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which the ``:`` line knows it."""
        return (self.command, *self.aliases)


# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action(
        "run", "space", "run", "Run", "Run until nothing is spreading, or pause; N: run N ticks.",
        "Time", usage="[N|quiet]", when=has_world, footer=1,
    ),
    Action(
        "pause", "k", "pause", "Pause", "Pause after the current tick.",
        "Time", when=has_world,
    ),
    Action(
        "step", "full_stop", "step", "Step", "Advance one tick, or N ticks.",
        "Time", usage="[N]", when=has_world, footer=2,
    ),
    Action(
        "steps", "greater_than_sign", "steps", "Step n", "Ask how many ticks to advance.",
        "Time", usage="N", when=has_world, footer=14, asks=True,
    ),
    Action(
        "step-back", "comma", "back", "Step back", "Go back one tick, or N ticks.",
        "Time", usage="[N]", when=has_world, footer=14,
    ),
    Action(
        "forward", "F", "forward", "Forward",
        "Redo: go forward again after stepping back.",
        "Time", usage="[N]", when=has_world,
    ),
    Action(
        "goto", "g", "goto", "Go to", "Go to a tick, or to a bookmark.",
        "Time", usage="TICK|NAME", when=has_world, asks=True,
    ),
    Action(
        "bookmark", "b", "bookmark", "Bookmark", "Bookmark this tick.",
        "Time", usage="NAME", when=has_world, asks=True,
    ),
    Action(
        "history", "h", "history", "History", "List bookmarks and messages, and go to one.",
        "Time", when=has_world, opens=True, aliases=("bookmarks",),
    ),
    Action(
        "branch", "B", "branch", "Branch",
        "Branch: copy the world at this tick (you stay here).",
        "Time", usage="NAME", when=has_world, asks=True,
    ),
    Action(
        "faster", "plus,equals_sign", "faster", "Faster", "Faster (x2).",
        "Time", when=has_world,
    ),
    Action(
        "slower", "minus", "slower", "Slower", "Slower (x0.5).",
        "Time", when=has_world,
    ),
    Action(
        "speed", "v", "speed", "Speed", "Set the speed in ticks per second, or max.",
        "Time", usage="X|max", when=has_world, asks=True,
    ),
    Action(
        "restart", "R", "restart", "Restart",
        "Stop a plugin that hangs, and resume from the last completed tick.",
        "Time", usage="[save]", when=is_held_up, opens=True,
    ),
    Action(
        "inject", "i", "inject", "Inject", "Send a message into the network.",
        "Messages", usage="[text='...' seeds=... model=...]", when=has_world,
        footer=3, opens=True,
    ),
    Action(
        "params", "p", "params", "Params", "Change the parameters of the message shown.",
        "Messages", when=has_focus, footer=7, opens=True,
    ),
    Action(
        "set", "a", "set", "Set", "Set one parameter of the message shown.",
        "Messages", usage="NAME VALUE", when=has_focus, asks=True,
    ),
    Action(
        "focus", "f", "focus", "Next msg", "Show the next message, or message N.",
        "Messages", usage="[N]", when=has_message,
    ),
    Action(
        "cancel", "x", "cancel", "Stop msg", "Stop the message shown, or message N.",
        "Messages", usage="[N]", when=has_message, opens=True,
    ),
    Action(
        "model", "m", "model", "Models", "Browse the models, or show the card of one.",
        "Messages", usage="[NAME]", opens=True, footer=16,
    ),
    Action(
        "intervene", "K", "intervene", "Intervene",
        "Ban, freeze, label, hide, correct or shift something, now, at a tick, or on a condition.",
        "World", usage="[KIND | now|TICK|CONDITION KIND NAME=VALUE ...]",
        when=has_world, footer=16, opens=True,
    ),
    Action(
        "platform", "L", "platform", "Platform",
        "Open a platform, where members post and read feeds; or change its settings.",
        "World", usage="[on [recommender=NAME] [policy=NAME] [KEY=VALUE ...]]",
        when=has_world, asks=True,
    ),
    Action(
        "minds", "M", "minds", "Minds", "Assign language models to members, with a budget.",
        "World", usage="[QUERY [mind=NAME] [goal=WORDS]]", when=has_world, opens=True,
    ),
    Action(
        "llm", "Y", "llm", "Think",
        "Turn language models on or off; show their status; set a budget.",
        "World", usage="[on|off|status|budget [$X|N requests|N tokens]|least SHARE]",
        when=has_world, opens=True,
    ),
    Action(
        "survey", "Q", "survey", "Survey", "Ask a sample of members the same question.",
        "World", usage="[QUERY question='...' choices=A,B]", when=has_world,
        opens=True,
    ),
    Action(
        "flag", "H", "flag", "Flag", "Hide, label, down-rank or pin a message of a member.",
        "World", usage="[mN] hidden|labelled|downranked|pinned|ad [off]",
        when=has_world, where="messages", footer=4, asks=True,
    ),
    Action(
        "new", "n", "new", "New", "Create a new world.",
        "World", when=not_busy, footer=13, opens=True,
    ),
    Action(
        "open", "o,ctrl+o", "open", "Open", "Open a saved world.",
        "World", usage="[NAME]", when=not_busy, footer=12, aliases=("load",),
        opens=True,
    ),
    Action(
        "scenario", "0", "scenario", "Scenario",
        "Play a scenario from a file or from the gallery.",
        "World", usage="[FILE|NAME [variant=NAME] [agents=N] [seed=N]]",
        when=not_busy, opens=True,
    ),
    Action(
        "save", "w,ctrl+s", "save", "Save", "Save the world in the saves folder.",
        "World", usage="[NAME]", when=has_world, footer=8, opens=True,
    ),
    Action(
        "discard", "X,ctrl+r", "discard", "Discard",
        "Revert to the saved world; unsaved changes are lost.",
        "World", when=has_world, aliases=("revert",), opens=True,
    ),
    Action(
        "erase", "Z", "erase", "Erase", "Permanently delete member profiles.",
        "World", usage="WHO [pseudonymise]", when=has_world, asks=True, opens=True,
    ),
    Action(
        "journal", "J", "journal", "Journal", "Show what is saved; on: start a journal.",
        "World", usage="[on]", when=has_world, opens=True,
    ),
    Action(
        "import", "I", "import", "Import", "Create a world from a network file.",
        "World", usage="FILE [direction=follows]", when=not_busy, asks=True,
        opens=True,
    ),
    Action(
        "path", "P", "path", "Path", "Show the shortest path between two members.",
        "World", usage="A B", when=has_world, asks=True, opens=True,
    ),
    Action(
        "report", "r", "report", "Report", "Measure the network and its most influential members.",
        "World", when=has_world, opens=True,
    ),
    Action(
        "detect", "d", "detect", "Detect", "Find communities in the network.",
        "World", usage="[louvain|label-propagation|leiden]", when=has_world,
        opens=True,
    ),
    Action(
        "live", "1", "live", "Live", "Go to the Live mode.",
        "View", when=has_world, footer=9,
    ),
    Action(
        "groups", "2", "groups", "Groups", "Go to the Groups mode.",
        "View", when=has_world, footer=9,
    ),
    Action(
        "agents", "3", "agents", "Agents", "Go to the Agents mode: every member in a table.",
        "View", when=has_world, footer=9, aliases=("members",),
    ),
    Action(
        "messages", "4", "messages", "Messages",
        "Go to the Messages mode: every message and its cascade.",
        "View", when=has_world, footer=9,
    ),
    Action(
        "runs", "5", "runs", "Runs", "Go to the Runs mode: replicates, comparisons, studies.",
        "View", when=has_world, footer=9,
    ),
    Action(
        "system", "6", "system", "System", "Go to the System mode: health, engine, paths.",
        "View", when=has_world, footer=17,
    ),
    Action(
        "metrics", "G", "metrics", "Metrics", "Choose the metrics in Live, and their alerts.",
        "View", usage="[NAME ...|none]", when=has_world, footer=16, opens=True,
        aliases=("gauges",),
    ),
    Action(
        "alert", "exclamation_mark", "alert", "Alert",
        "Set alert thresholds of a metric; without arguments: list alerts.",
        "World", usage="[METRIC warning=X critical=X|never]", when=has_world,
    ),
    Action(
        "chart", "c", "chart", "Chart", "Next chart: curves of the message, or metrics.",
        "View", when=has_world, where="live", footer=10,
    ),
    Action(
        "theory", "t", "theory", "Theory",
        "Show or hide the curves that the model's equations predict.",
        "View", when=has_focus, where="live", footer=16,
    ),
    Action(
        "view", "t", "view", "View", "Next view: map, heat map, table.",
        "View", usage="[map|heat|table]", where="groups", footer=3,
    ),
    Action(
        "order", "s", "order", "Order", "Sort the communities by size, adoption, onset or name.",
        "View", usage="[size|adoption|onset|name]", where="groups", footer=10,
    ),
    Action(
        "filter", "slash", "filter", "Filter",
        "List matching members, such as activity>0.5 interest:music; without arguments: all.",
        "View", usage="[EXPRESSION]", when=has_world, where="agents", footer=3,
        asks=True,
    ),
    Action(
        "sort", "S", "sort", "Sort", "Sort the members by a column; again: reverse the order.",
        "View", usage="[COLUMN]", when=has_world, where="agents", footer=4,
    ),
    Action(
        "ego", "e", "ego", "Ego net", "Draw the ties of the selected member; again: the table.",
        "View", when=has_world, where="agents", footer=5,
    ),
    Action(
        "why", "W", "why", "Why", "Explain why each message is in the feed of the selected member.",
        "View", usage="[MESSAGE]", when=has_world, where="agents", footer=6,
        opens=True,
    ),
    Action(
        "interview", "u", "interview", "Talk", "Chat with the selected member, or with another.",
        "View", usage="[AGENT [QUESTION]]", when=has_world, where="agents",
        footer=7, opens=True, aliases=("talk",),
    ),
    Action(
        "be", "A", "play", "Play as", "Play as the selected member: see its feed and act for it.",
        "View", usage="[AGENT]", when=has_world, where="agents", footer=8, opens=True,
    ),
    Action(
        "pair", "C", "pair", "Pair",
        "Compare two members: ties, compatibility, interactions.",
        "View", usage="[A] B", when=has_world, where="agents", asks=True,
        opens=True, aliases=("compatibility",),
    ),
    Action(
        "suggest", "O", "suggest", "Suggest", "Suggest members for the selected member to follow.",
        "View", usage="[RECOMMENDER]", when=has_world, where="agents", opens=True,
    ),
    Action(
        "moves", "V", "moves", "Moves",
        "List transitions between lifecycle stages, in all ticks or in FROM:TO.",
        "View", usage="[FROM:TO]", when=has_world, where="agents", opens=True,
    ),
    Action(
        "change", "U", "change", "Change",
        "Change the selected member, or all that match: change 'activity > .5' status=paused.",
        "World", usage="[CONDITION] NAME=VALUE ...", when=has_world,
        where="agents", asks=True,
    ),
    Action(
        "profiles", "N", "profiles", "Profiles",
        "Load member profiles from a file (table, JSON): names, texts, interests, traits.",
        "World", usage="FILE [match=auto|id|order]", when=has_world,
        where="agents", asks=True, opens=True,
    ),
    Action(
        "replicates", "l", "replicates", "Fan",
        "Run many replicates from this tick; the world itself stays where it is.",
        "Runs",
        usage="[N|stop] [text='...' seeds=... model=...] [ticks=N] [seed=N]", when=has_world,
        footer=9, aliases=("fan", "ensemble"), opens=True,
    ),
    Action(
        "compare", "D", "compare", "Compare",
        "Compare changes with the baseline from this tick, with the same random draws.",
        "Runs",
        usage="[N] NAME=VALUE|'NAME: do=... ; recommender=...' ... [ticks=N] [seed=N]",
        when=has_world, footer=10, aliases=("futures",), asks=True, opens=True,
    ),
    Action(
        "study", "u", "study", "Studies",
        "Create, edit, run and report studies: experiments described in a file.",
        "Runs", usage="[new|edit|run|report NAME [replicates=N] [into=FILE] [anew]]",
        when=has_world, where="runs", footer=5, opens=True, aliases=("studies",),
    ),
    Action(
        "sweep", "W", "sweep", "Sweep",
        "Run a scenario, or the last message sent, at many parameter values.",
        "Runs",
        usage="[FILE|gallery:NAME|here [KEY=RANGE ...] [design=...] [points=N] [replicates=N] "
        "[measure=...] [into=FILE] [anew]]",
        when=has_world, where="runs", footer=6, opens=True,
    ),
    Action(
        "calibrate", "C", "calibrate", "Calibrate",
        "Fit the parameters of a model and its network to observed messages.",
        "Runs", usage="FILE model=NAME KEY=LOW:HIGH ... [network=NAME,KEY=VALUE]",
        when=has_world, where="runs", footer=12, asks=True, opens=True,
    ),
    Action(
        "picture", "t", "picture", "Picture",
        "Next chart of the runs: fan, heat map, indices, ends, per condition.",
        "Runs", usage="[NAME [X Y]]", when=has_world, where="runs", footer=4,
    ),
    Action(
        "series", "s", "series", "Series",
        "Next series of the runs; for a sweep, the next measure.",
        "Runs", usage="[NAME]", when=has_world, where="runs", footer=3,
    ),
    Action(
        "next-pane", "tab", "next", "Next pane", "Go to the next pane.",
        "View",
    ),
    Action(
        "previous-pane", "shift+tab,less_than_sign", "previous", "Previous pane",
        "Go to the previous pane.",
        "View",
    ),
    Action(
        "zoom", "z", "zoom", "Zoom", "Maximize the focused pane, or restore it.",
        "View", footer=15,
    ),
    Action(
        "theme", "T", "theme", "Theme", "Change the colours.",
        "View", usage="[NAME]",
    ),
    Action(
        "copy", "y", "copy", "Copy", "Copy the selection, or the text of the focused pane.",
        "Program",
    ),
    Action(
        "export", "E", "export", "Export",
        "Save the screen as SVG, or the results in Runs as tables.",
        "Program",
        usage="[screenshot [FILE] | table [NAME] FILE.csv | tables FOLDER [parquet]]",
    ),
    Action(
        "command", "colon", "command", "Cmd", "Type a command.",
        "Program", footer=5,
    ),
    Action(
        "palette", "semicolon,ctrl+p", "palette", "Palette",
        "Search all commands.",
        "Program", footer=11, opens=True,
    ),
    Action(
        "help", "question_mark", "help", "Help", "Explain the focused pane and list the keys.",
        "Program", footer=4, opens=True,
    ),
    Action(
        "back", "escape", "leave", "Back", "Go back one step.",
        "Program",
    ),
    Action(
        "quit", "q,ctrl+c,ctrl+q", "quit", "Quit", "Quit; asks if the world is not saved.",
        "Program", footer=6, aliases=("exit", "q"), opens=True,
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


def bindings(where: str) -> Iterator[Binding]:
    """Return the key bindings of a mode, or of the whole app if ``where`` is empty."""
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


_SHOWN = {
    "space": "space", "full_stop": ".", "greater_than_sign": ">", "less_than_sign": "<",
    "plus": "+", "equals_sign": "=", "minus": "-", "colon": ":", "semicolon": ";",
    "question_mark": "?", "slash": "/", "comma": ",", "escape": "esc", "tab": "tab",
    "left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*",
    "exclamation_mark": "!",
}  # fmt: skip


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of an action, with the user's keymap applied."""
    return tuple(key.strip() for key in keymap.get(action.id, action.keys).split(","))


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
    for where in {action.where for action in ACTIONS}:
        problems += _shared([a for a in ACTIONS if a.where in {"", where}], keymap)
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
