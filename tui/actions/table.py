"""The table of actions that drives keys, palette, ``:`` line, footer and help."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.binding import Binding
from textual.keys import _character_to_key, format_key

from sim.runtime import Frame


@dataclass(frozen=True, slots=True)
class ScreenState:
    """The state of the program at a moment, on which available actions depend."""

    frame: Frame | None = None
    mode: str = ""
    busy: str = ""


def anytime(_now: ScreenState) -> str:
    return ""


def not_busy(now: ScreenState) -> str:
    """Allow one piece of long work at a time."""
    busy = now.busy[:1].upper() + now.busy[1:]
    return f"{busy} is in progress; wait or cancel it." if busy else ""


def has_world(now: ScreenState) -> str:
    return "" if now.frame else "No world is open yet; press n to create one or o to open one."


def _needs(part: str, otherwise: str) -> When:
    """Require a world whose frame has a part."""
    return lambda now: has_world(now) or ("" if getattr(now.frame, part) else otherwise)


has_message = _needs("sessions", "No message has been sent yet; press i to send one.")
is_held_up = _needs("stalled", "The engine is responding; there is nothing to stop.")
has_focus = _needs("focus", "No message is shown; press i to send one.")

NO_KEY = "none-"
"""Begins the name of a key that no keyboard has: a keymap may give the action another one."""

Words = tuple[str, ...]
Act = Callable[[Any, Words], Awaitable[None]]
"""Carries out an action, given the :class:`~tui.app.Hubbub` and the words after the command."""
When = Callable[[ScreenState], str]

A = TypeVar("A", bound=Act)

ACT_OF: dict[str, Act] = {}


def does(*ids: str) -> Callable[[A], A]:
    """Register a function as the implementation of the actions with these ids."""

    def registered(act: A) -> A:
        for name in ids:
            if name in ACT_OF:
                raise ValueError(f"{name!r} is done already, by {ACT_OF[name]!r}.")
        ACT_OF.update(dict.fromkeys(ids, act))
        return act

    return registered


@dataclass(frozen=True, slots=True)
class Action:
    """One action, reachable by key (if it has one), ``:`` command and palette alike.

    Its ``:`` name is its id, unless ``command`` differs. ``where`` names the modes where its
    key works (empty: all), ``footer`` its rank there; ``asks`` opens the ``:`` line for its words,
    ``opens`` a dialog, ``counts`` takes a number before its key.
    """

    id: str
    keys: str
    label: str
    help: str
    group: str
    usage: str = ""
    command: str = ""
    aliases: tuple[str, ...] = ()
    when: When = has_world
    where: str = ""
    footer: int = 0
    asks: bool = False
    opens: bool = False
    counts: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "command", self.command or self.id)

    def is_in(self, mode: str) -> bool:
        return not self.where or mode in self.where.split()

    @property
    def names(self) -> tuple[str, ...]:
        """All names by which the ``:`` line knows it."""
        return (self.command, *self.aliases)

    @property
    def words(self) -> list[str]:
        """The words of its usage that are typed as they stand, such as ``off`` and ``text=``."""
        return _TYPED.findall(re.sub(r"=\S*", "= ", self.usage))


_TYPED = re.compile(r"(?<![\w.-])[a-z][a-z-]+(?:[=:]|(?=\s*(?:$|[\[\]|A-Z])))")


# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("run", "space", "Run", "Run until nothing is spreading, or pause; N: run N ticks.",
           "Time", "[N|quiet]", footer=1, counts=True),
    Action("pause", "", "Pause", "Pause after the current tick.", "Time"),
    Action("step", "full_stop", "Step", "Advance one tick, or N ticks.", "Time", "[N]",
           aliases=("steps",), footer=2, counts=True),
    Action("forward", "greater_than_sign", "Forward",
           "Go forward again after going back, one tick or N; otherwise step.", "Time", "[N]",
           counts=True),
    Action("step-back", "less_than_sign,comma", "Back", "Go back one tick, or N ticks.", "Time",
           "[N]", command="back", footer=3, counts=True),
    Action("goto", "g", "Go to", "Go to a tick, or to a bookmark.", "Time", "TICK|NAME", asks=True,
           counts=True),
    Action("bookmark", "b", "Bookmark", "Bookmark this tick.", "Time", "NAME", asks=True),
    Action("history", "h", "History", "List bookmarks and messages, and go to one.", "Time",
           aliases=("bookmarks",), opens=True),
    Action("branch", "B", "Branch",
           "Begin a branch at this tick, or go to another; the one you leave is kept.", "Time",
           "NAME", aliases=("branches",), asks=True),
    Action("previous-branch", "left_square_bracket", "Previous branch",
           "Go to the branch before this one.", "Time"),
    Action("next-branch", "right_square_bracket", "Next branch", "Go to the branch after this one.",
           "Time"),
    Action("fork", "", "Fork", "Copy the world at this tick into a file of its own.", "Time",
           "NAME", asks=True),
    Action("faster", "plus,equals_sign", "Faster", "Faster (x2).", "Time"),
    Action("slower", "minus", "Slower", "Slower (x0.5).", "Time"),
    Action("speed", "", "Speed", "Set the speed in ticks per second, or max.", "Time", "X|max",
           asks=True),
    Action("restart", "R", "Restart",
           "Stop a plugin that hangs, and resume from the last completed tick.", "Time", "[save]",
           when=is_held_up, opens=True),
    Action("inject", "i", "Send", "Send a message into the network.", "Messages",
           "[text='...' seeds=... model=...]", aliases=("send",), footer=4, opens=True),
    Action("params", "p", "Params", "Move the parameters of the message shown.", "Messages",
           when=has_focus, footer=5),
    Action("set", "", "Set", "Set one parameter of the message shown.", "Messages", "NAME VALUE",
           when=has_focus, asks=True),
    Action("undo", "u", "Undo", "Take the last change of a parameter back.", "Messages",
           when=has_message),
    Action("focus", "f", "Next msg", "Show the next message, or message N.", "Messages", "[N]",
           when=has_message, counts=True),
    Action("cancel", "x", "Stop msg", "Stop the message shown, or message N.", "Messages", "[N]",
           when=has_message, opens=True, counts=True),
    Action("model", "m", "Models", "Browse the models, or show the card of one.", "Messages",
           "[NAME]", when=anytime, footer=16, opens=True),
    Action("plugin", "", "Plugin",
           "Load models or recommenders from a file; each time you save it, it is reloaded.",
           "World", "FILE", when=anytime, asks=True),
    Action("intervene", "K", "Intervene",
           "Ban, freeze, label, hide, correct or shift something, now, at a tick, or on a "
           "condition.", "World", "[KIND | ban the 10 most followed members at tick 10]", footer=14,
           opens=True),
    Action("platform", "", "Platform",
           "Open a platform, where members post and read feeds; or change its settings.", "World",
           "[on [recommender=NAME] [policy=NAME] [KEY=VALUE ...]]", asks=True),
    Action("minds", "", "Minds", "Assign language models to members, with a budget.", "World",
           "[QUERY [mind=NAME] [goal=WORDS]]", opens=True),
    Action("llm", "", "Think", "Turn language models on or off; show their status; set a budget.",
           "World", "[on|off|status|budget [$X|N requests|N tokens]|least SHARE]", opens=True),
    Action("survey", "", "Survey", "Ask a sample of members the same question.", "World",
           "[QUERY question='...' choices=A,B]", opens=True),
    Action("flag", "", "Flag", "Hide, label, down-rank or pin a message of a member.", "World",
           "[mN] hidden|labelled|downranked|pinned|ad [off]", asks=True),
    Action("new", "n", "New", "Create a new world.", "World", when=not_busy, footer=13, opens=True),
    Action("open", "o,ctrl+o", "Open", "Open a saved world.", "World", "[NAME]", aliases=("load",),
           when=not_busy, footer=12, opens=True),
    Action("scenario", "0", "Gallery", "Play a scenario from the gallery, or from a file.", "World",
           "[FILE|NAME [variant=NAME] [agents=N] [seed=N]]", aliases=("gallery",), when=not_busy,
           footer=15, opens=True),
    Action("save", "w,ctrl+s", "Save", "Save the world in the saves folder.", "World", "[NAME]",
           footer=11, opens=True),
    Action("discard", "", "Discard", "Revert to the saved world; unsaved changes are lost.",
           "World", aliases=("revert",), opens=True),
    Action("erase", "", "Erase", "Permanently delete member profiles.", "World",
           "WHO [pseudonymise]", asks=True, opens=True),
    Action("journal", "", "Journal", "Show what is saved; on: start a journal.", "World", "[on]",
           opens=True),
    Action("import", "", "Import", "Create a world from a network file.", "World",
           "FILE [direction=follows]", when=not_busy, asks=True, opens=True),
    Action("path", "", "Path", "Show the shortest path between two members.", "World", "A B",
           asks=True, opens=True),
    Action("report", "", "Report", "Measure the network and its most influential members.", "World",
           opens=True),
    Action("detect", "", "Detect", "Find communities in the network.", "World",
           "[louvain|label-propagation|leiden]", opens=True),
    Action("live", "1", "Live", "Go to the Live mode.", "View"),
    Action("groups", "2", "Groups", "Go to the Groups mode; again: to its members.", "View"),
    Action("agents", "", "Members", "List every member in a table.", "View", command="members",
           aliases=("agents",)),
    Action("messages", "3", "Messages", "Go to the Messages mode: every message and its cascade.",
           "View"),
    Action("runs", "4", "Runs", "Go to the Runs mode: replicates, comparisons, studies.", "View"),
    Action("system", "5", "System", "Go to the System mode: health, engine, paths.", "View"),
    Action("details", "d", "Details", "Show checks, engine and paths, or what to do.", "View",
           where="system", footer=3),
    Action("metrics", "G", "Metrics", "Choose the metrics in Live, and their alerts.", "View",
           "[NAME ...|none]", aliases=("gauges",), footer=16, opens=True),
    Action("alert", "", "Alert",
           "Set alert thresholds of a metric; without arguments: list alerts.", "World",
           "[METRIC warning=X critical=X|never]"),
    Action("chart", "c", "Chart", "Next chart: curves of the message, or metrics.", "View",
           where="live", footer=16),
    Action("theory", "T", "Theory", "Show or hide the curves that the model's equations predict.",
           "View", when=has_focus),
    Action("view", "t", "View", "Next view: map, heat map, table.", "View", "[map|heat|table]",
           when=anytime, where="live", footer=9),
    Action("measure", "v", "Show",
           "Next measure of the communities: ever adopted, spreading, new, opinion, impressions.",
           "View", "[ever|spreading|new|opinion|impressions]", when=anytime, where="live groups",
           footer=9),
    Action("order", "", "Order", "Sort the communities by size, adoption, onset or name.", "View",
           "[size|adoption|onset|name]", when=anytime),
    Action("filter", "slash", "Find",
           "List the members that match, such as adopted:5-9 interest:music.", "View",
           "[EXPRESSION]", aliases=("find",), footer=8),
    Action("sort", "S", "Sort", "Sort the table by a column; again: reverse the order.", "View",
           "[COLUMN]", footer=10),
    Action("ego", "e", "Ego net", "Draw the ties of the selected member; again: the table.",
           "View"),
    Action("why", "W", "Why", "Explain how the selected member adopted, and its feed.", "View",
           "[MESSAGE]", footer=6, opens=True),
    Action("interview", "", "Talk", "Chat with the selected member, or with another.", "View",
           "[AGENT [QUESTION]]", aliases=("talk",), opens=True),
    Action("be", "A", "Play as", "Play as the selected member: see its feed and act for it.",
           "View", "[AGENT]", command="play", opens=True),
    Action("pair", "", "Pair", "Compare two members: ties, compatibility, interactions.", "View",
           "[A] B", aliases=("compatibility",), asks=True, opens=True),
    Action("suggest", "", "Suggest", "Suggest members for the selected member to follow.", "View",
           "[RECOMMENDER]", opens=True),
    Action("moves", "", "Moves",
           "List transitions between lifecycle stages, in all ticks or in FROM:TO.", "View",
           "[FROM:TO]", opens=True),
    Action("change", "", "Change",
           "Change the selected member, or all that match: change 'activity > .5' status=paused.",
           "World", "[CONDITION] NAME=VALUE ...", asks=True),
    Action("profiles", "", "Profiles",
           "Load member profiles from a file (table, JSON): names, texts, interests, traits.",
           "World", "FILE [match=auto|id|order]", asks=True, opens=True),
    Action("replicates", "l", "Fan",
           "Run many replicates from this tick; the world itself stays where it is.", "Runs",
           "[N|stop] [text='...' seeds=... model=...] [ticks=N] [seed=N]",
           aliases=("fan", "ensemble"), footer=12, opens=True, counts=True),
    Action("compare", "D", "Compare",
           "Compare changes with the baseline from this tick, with the same random draws.", "Runs",
           "[N] NAME=VALUE|'NAME: do=... ; recommender=...' ... [ticks=N] [seed=N]",
           aliases=("futures",), footer=7, opens=True),
    Action("study", "", "Studies",
           "Create, edit, run and report studies: experiments described in a file.", "Runs",
           "[new|edit|run|report NAME [replicates=N] [into=FILE] [anew]]", aliases=("studies",),
           opens=True),
    Action("sweep", "", "Sweep",
           "Run a scenario, or the last message sent, at many parameter values.", "Runs",
           "[FILE|gallery:NAME|here [KEY=RANGE ...] [design=...] [points=N] [replicates=N] "
           "[measure=...] [into=FILE] [anew]]", opens=True),
    Action("calibrate", "", "Calibrate",
           "Fit the parameters of a model and its network to observed messages.", "Runs",
           "FILE model=NAME KEY=LOW:HIGH ... [network=NAME,KEY=VALUE]", asks=True, opens=True),
    Action("picture", "t", "Picture",
           "Next chart of the runs: fan, heat map, indices, ends, per condition.", "Runs",
           "[NAME [X Y]]", where="runs", footer=4),
    Action("series", "v", "Series", "Next series of the runs; for a sweep, the next measure.",
           "Runs", "[NAME]", where="runs", footer=4),
    Action("next-pane", "tab", "Next pane", "Go to the next pane.", "View", command="next",
           when=anytime),
    Action("previous-pane", "shift+tab", "Previous pane", "Go to the previous pane.", "View",
           command="previous", when=anytime),
    Action("zoom", "z", "Zoom", "Maximize the focused pane, or restore it.", "View", when=anytime,
           footer=14),
    Action("theme", "", "Theme", "Change the colours.", "View", "[NAME]", when=anytime),
    Action("copy", "y", "Copy", "Copy the selection, or the text of the focused pane.", "Program",
           when=anytime),
    Action("export", "E", "Export",
           "Save the run as tables or a report, the screen as a picture or recording, or results.",
           "Program", "[run [html|csv|... [PATH]] | screenshot|pane|cast [FILE] | table [NAME] "
           "FILE.csv | tables FOLDER [parquet]]", opens=True),
    Action("command", "colon", "Cmd", "Type a command.", "Program", when=anytime, footer=9),
    Action("palette", "semicolon,ctrl+p", "Palette", "Search all commands.", "Program",
           when=anytime, footer=11, opens=True),
    Action("help", "question_mark", "Keys", "Explain the focused pane and list the keys.",
           "Program", aliases=("keys",), when=anytime, footer=1, opens=True),
    Action("tour", "", "Tour", "Show five things to try.", "Program"),
    Action("back", "escape", "Go back", "Go back one step.", "Program", command="leave",
           when=anytime),
    Action("suspend", "ctrl+z", "Suspend", "Return to the shell; fg there brings the screen back.",
           "Program", when=anytime),
    Action("quit", "q,ctrl+c,ctrl+q", "Quit", "Quit; asks if the world is not saved.", "Program",
           aliases=("exit", "q"), when=anytime, footer=10, opens=True),
)
# fmt: on
"""All actions, in the order of help and palette; :func:`does` registers their implementations."""

_BY_ID = {action.id: action for action in ACTIONS}
_BY_COMMAND = {name: action for action in ACTIONS for name in action.names}


def by_id(name: str) -> Action:
    return _BY_ID[name]


def by_command(word: str) -> Action | None:
    return _BY_COMMAND.get(word)


def by_key(key: str, keymap: Mapping[str, str]) -> Action | None:
    """Return the action that a key has in Live."""
    acts = (each for each in ACTIONS if each.is_in("live") and key in keys_of(each, keymap))
    return next(acts, None)


def bindings(mode: str) -> Iterator[Binding]:
    """Return the key bindings of one mode alone, or those of all modes if ``mode`` is empty."""
    for action in ACTIONS:
        if mode in action.where.split() if mode else not action.where:
            yield Binding(
                action.keys or f"{NO_KEY}{action.id}", f"app.act('{action.id}')", action.label,
                id=action.id, show=False, tooltip=action.help,
            )  # fmt: skip


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
    """Return a key as a person writes it: ``.``, ``^s``, ``space``."""
    if key.startswith("ctrl+"):
        return "^" + key_label(key.removeprefix("ctrl+"))
    shown = format_key(key)
    return shown if shown.isascii() else key


def conflicts(keymap: Mapping[str, str]) -> list[str]:
    """Return the errors of a keymap: unknown names, and keys that two actions would share."""
    problems = [
        f"The keymap names {name!r}, which is not an action; press ? for the names."
        for name in keymap
        if name not in _BY_ID
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
    return _character_to_key(key) if len(key) == 1 else key
