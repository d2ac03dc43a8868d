"""Export a world's command log as a scenario file, as far as such a file can express it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.lifecycle import Lifecycle
from sim.core.files import MOST_CHARACTERS, toml_key, toml_value
from sim.errors import FileError, InputError
from sim.io.importing.files import opened
from sim.io.importing.formats import READ, format_of
from sim.platform.acts.kinds import act_of
from sim.platform.settings import PlatformSettings
from sim.runtime.replay import line_of
from sim.world.channels import FEED
from sim.world.log import PLUGIN, words_of
from sim.world.metrics.series import MetricSettings

if TYPE_CHECKING:
    from sim.world.log import LoggedAct


Name = Callable[[int], object]
Keys = list[tuple[str, Any]]
Sent = list[tuple[Keys, bool]]
Words = tuple[list[Any], dict[str, Any]]

_MOST_COMMANDS = 1000
"""Maximum number of sections from one logged command."""

_DONE = ("follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute")
_PEOPLE = ("agents", "others", "seeds", "among")
_STAGES = {Lifecycle.BANNED: "ban", Lifecycle.SUSPENDED: "freeze", Lifecycle.ACTIVE: "thaw"}


@dataclass(slots=True)
class Lived:
    """The sections of a scenario, collected from logged commands."""

    name: Name
    platform: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    alerts: dict[str, Any] = field(default_factory=dict)
    commands: list[Keys] = field(default_factory=list)
    planned: list[Keys] = field(default_factory=list)
    late: list[Keys] = field(default_factory=list)
    more: list[Keys] = field(default_factory=list)
    channel: str = FEED

    def takes(self, kind: str, tick: int, words: Callable[[], Words]) -> bool:
        """Add a command at a tick, and return whether a scenario can express it."""
        writer = WRITERS.get(kind)
        return writer is not None and writer(self, tick, *words())

    def open(self, told: object) -> bool:
        """Add a platform that is open from the start; ``told``: True, or its settings."""
        said = dict(told) if isinstance(told, Mapping) else {}
        policy, told_it = _named(said.pop("policy", "rule"))
        if policy is None:
            return False
        name, parameters = _named(said.pop("recommender", "blend"))
        usual = PlatformSettings().values()
        own = {key: value for key, value in said.items() if usual.get(key) != value}
        self.platform = {"recommender": name} | ({"parameters": parameters} if parameters else {})
        self.platform |= {"policy": policy} if policy != "rule" else {}
        self.platform |= ({"policy_parameters": told_it} if told_it else {}) | own
        return name is not None

    @property
    def opened_late(self) -> bool:
        """Whether the platform was opened after the first tick."""
        return bool(self.late)

    def sent_late(self, tick: int, message: dict[str, Any]) -> bool:
        """Add a message sent on a late platform, as an intervention: it cannot use feeds before."""
        known = ("text", "seeds", "model", "channel", "author", "priority", "parameters")
        if not {*message} <= {*known, "at"} or message.get("at", tick) != tick:
            return False
        said = {"channel": self.channel} | message
        own: Keys = [(key, said[key]) for key in known if key in said]
        self.more.append([("at", tick), ("do", "inject"), *own])
        return True

    def sections(self) -> list[tuple[str, Keys]]:
        """Return the collected sections in order: (head, keys) of each."""
        found: list[tuple[str, Keys]] = []
        if self.platform is not None:
            found.append(("[platform]", list(self.platform.items())))
        if self.metrics is not None:
            found.append(("[metrics]", list(self.metrics.items())))
        if self.alerts:
            found.append(("[alerts]", list(self.alerts.items())))
        found += [("[[commands]]", each) for each in self.commands]
        return found + [
            ("[[interventions]]", each) for each in [*self.late, *self.planned, *self.more]
        ]

    # One method per kind of command

    def opened(self, tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add a platform, open from the start or from a tick on."""
        told = {**(args[0] if args and args[0] else {}), **said}
        if tick == 0:
            return self.open(told)
        late = Lived(self.name)
        if not late.open(told) or late.platform is None:
            return False
        keys = ("recommender", "policy", "parameters")
        own: Keys = [(key, late.platform[key]) for key in keys if key in late.platform]
        rest = {key: value for key, value in late.platform.items() if key not in keys}
        if "policy_parameters" in rest:
            return False
        settings: Keys = [("settings", rest)] if rest else []
        self.late.append([("at", tick), ("do", "open-platform"), *own, *settings])
        self.channel = rest.get("channel", FEED)
        return True

    def acted(self, tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add an act that a member was made to do."""
        own: Keys = [("at", tick), ("do", "act"), ("act", act_of(args[1]).says)]
        own.append(("agents", self._ids(args[0])))
        own += [] if said.get("message") is None else [("post", int(said["message"]))]
        own += [] if said.get("other") is None else [("other", str(self.name(int(said["other"]))))]
        own += [("text", said["text"])] if said.get("text") else []
        own += [] if said.get("group") is None else [("group", str(said["group"]))]
        self.more.append(own)
        return True

    def recommended(self, tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add the recommender that ranks feeds."""
        return self._chose("recommend", ("recommender", "parameters"), tick, args, said)

    def behaved(self, tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add the policy that decides the acts of members."""
        return self._chose("behave", ("policy", "policy_parameters"), tick, args, said)

    def _chose(
        self, do: str, keys: tuple[str, str], tick: int, args: list[Any], said: dict[str, Any]
    ) -> bool:
        """Add a recommender or policy: in the platform's section at the start, else as a change."""
        name, own = _named(args[0])
        members = args[1] if len(args) > 1 else said.pop("members", None)
        parameters = own | said
        if name is None:
            return False
        if self.platform is not None and tick == 0 and members is None and not self.more:
            given = {keys[0]: name, keys[1]: parameters}
            rest = {key: value for key, value in self.platform.items() if key not in given}
            self.platform = {key: value for key, value in given.items() if value} | rest
            return True
        section: Keys = [("at", tick), ("do", do), (keys[0], name)]
        section += [] if members is None else [("agents", self._ids(members))]
        self.more.append(section + ([("parameters", parameters)] if parameters else []))
        return True

    def measured(self, _tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add the metrics that are taken."""
        usual = MetricSettings().values()
        told = {**(args[0] if args and args[0] else {}), **said}
        every = {"every": told.get("every", usual["every"])}
        self.metrics = every | {k: v for k, v in told.items() if usual.get(k) != v}
        return True

    def alerted(self, _tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add a change of an alert."""
        before = self.alerts.get(args[0])
        off = said.pop("off", False)
        self.alerts[args[0]] = False if off else {**(before or {}), **said}
        return True

    def planned_at(self, tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add a planned intervention."""
        when, does = args[:2]
        if isinstance(when, str) and tick > 0:
            return False  # a scenario would check the condition from the start
        plain = {
            k: self._ids(v) if k in _PEOPLE and not isinstance(v, str) else v
            for k, v in said.items()
        }
        time = ("when", when) if isinstance(when, str) else ("at", int(when))
        self.planned.append([time, ("do", does), *plain.items()])
        return True

    def staged(self, tick: int, args: list[Any], _said: dict[str, Any]) -> bool:
        """Add a change of members' status: banned, frozen or thawed."""
        do = _STAGES.get(Lifecycle(int(args[1])))
        if do is not None:
            self.more.append([("at", tick), ("do", do), ("agents", self._ids(args[0]))])
        return do is not None

    def revised(self, tick: int, args: list[Any], _said: dict[str, Any]) -> bool:
        """Add a change of a message's parameter."""
        number, name, value = args
        own: Keys = [("message", int(number)), ("name", name), ("value", value)]
        self.more.append([("at", tick), ("do", "set"), *own])
        return True

    def tied(self, tick: int, args: list[Any], said: dict[str, Any]) -> bool:
        """Add new ties, as ``follow``."""
        has_trust = len(args) > 2 or "trust" in said
        return not has_trust and self.relate("follow", tick, args[1], args[0])

    def cut(self, tick: int, args: list[Any], _said: dict[str, Any]) -> bool:
        """Add removed ties, as ``unfollow``."""
        return self.relate("unfollow", tick, args[1], args[0])

    def relate(self, do: str, tick: int, agents: Any, others: Any) -> bool:
        """Add pairs as blocks: each relates some agents to some others."""
        who, whom = np.broadcast_arrays(np.atleast_1d(agents), np.atleast_1d(others))
        blocks = _blocks(who.tolist(), whom.tolist())
        if len(blocks) > _MOST_COMMANDS:
            return False
        for some, rest in blocks:
            sides = [(key, [self.name(one) for one in ids])
                     for key, ids in (("agents", some), ("others", rest))]  # fmt: skip
            self.commands.append([*([("at", tick)] if tick else []), ("do", do), *sides])
        return True

    def _ids(self, agents: Any) -> str:
        ids = np.atleast_1d(np.asarray(agents)).tolist()
        return "ids:" + ",".join(quoted(str(self.name(int(one)))) for one in ids)


Writer = Callable[[Lived, int, list[Any], dict[str, Any]], bool]


def _relating(do: str) -> Writer:
    return lambda lived, tick, args, _said: lived.relate(do, tick, *args[:2])


WRITERS: dict[str, Writer] = {
    **{do: _relating(do) for do in _DONE},
    "open_platform": Lived.opened,
    "recommend": Lived.recommended,
    "behave": Lived.behaved,
    "act": Lived.acted,
    "open_metrics": Lived.measured,
    "set_alert": Lived.alerted,
    "at": Lived.planned_at,
    "set_status": Lived.staged,
    "set_parameter": Lived.revised,
    "add_ties": Lived.tied,
    "remove_ties": Lived.cut,
}
"""The writers of commands; :data:`UNWRITTEN` has the commands without one."""

UNWRITTEN = {
    "step": "it becomes ticks of [stop]",
    "inject": "it becomes [[messages]]",
    "limit": "it becomes max_running of [population]",
    "go_to": "what was left is no part of the line that is written",
    **dict.fromkeys(("reseed", "cancel"), "a scenario has one seed, and lets messages run"),
    **dict.fromkeys(
        ("create_agents", "build_friendships", "create_communities", "assign"),
        "a scenario makes its network once",
    ),
    **dict.fromkeys(("take_profiles", "change_agents", "note"), "people are in files of their own"),
    **dict.fromkeys(("create_group", "join_group", "leave_group"), "groups come by interventions"),
    **dict.fromkeys(("learn", "flag", "set_relations"), "a scenario has no word for it"),
    **dict.fromkeys(
        ("give_minds", "take_minds", "wake_minds", "keep_minds", "decide"),
        "[minds] lets models decide anew",
    ),
    **dict.fromkeys(("play_member", "remember"), "a person did it"),
}
"""Why a command has no writer."""


def quoted(text: str) -> str:
    """Return an id, quoted as in a list of ids."""
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _named(said: Any) -> tuple[str | None, dict[str, Any]]:
    """Return the name of a plugin and its non-default parameters."""
    if isinstance(said, str):
        return said, {}
    usual = type(said)().values()
    own = {key: value for key, value in said.values().items() if usual.get(key) != value}
    return said.plugin_name or None, own


def _blocks(who: list[int], whom: list[int]) -> list[tuple[list[int], list[int]]]:
    """Return pairs as products of two groups, ignoring pairs of an agent with itself."""
    pairs = {(one, other) for one, other in zip(who, whom, strict=True) if one != other}
    some, rest = list(dict.fromkeys(who)), list(dict.fromkeys(whom))
    if len(pairs) == len(some) * len(rest) - len({*some} & {*rest}):
        return [(some, rest)]
    of: dict[int, list[int]] = {}
    for one, other in pairs:
        of.setdefault(one, []).append(other)
    alike: dict[tuple[int, ...], list[int]] = {}
    for one in [each for each in some if each in of]:
        alike.setdefault(tuple(sorted(of[one])), []).append(one)
    return [(ones, list(others)) for others, ones in alike.items()]


_OPTIONS = {"weight_column": "weights", "time_column": "times"}
_PLAIN = ("direction", "directed", "signed")
_PICTURE = ("image", "alt")
_MESSAGE = ("model", "tags", "priority", "draws", "channel", *_PICTURE)


def scenario_of(acts: Sequence[LoggedAct], name: Name = int) -> tuple[str, list[str]]:
    """Return a scenario, and a sentence for each kind of command that it omits."""
    lived = Lived(name)
    network, minutes = _beginning(acts, lived)
    population: Keys = [("tick_minutes", minutes)] if minutes is not None else []
    messages, left_out, ticks = [], dict[str, int](), 0
    for act in line_of(acts)[1:]:
        if act.author == PLUGIN:  # part of a tick, such as the effect of an intervention
            continue
        if act.kind == "step":
            ticks += int(_words(act)[0][0])
        elif act.kind == "inject":
            message = _message(act, name)
            if not lived.opened_late:
                messages.append((message, lived.platform is None))
            elif not lived.sent_late(act.tick, dict(message)):
                left_out[act.kind] = left_out.get(act.kind, 0) + 1
        elif act.kind == "limit":
            population = [*population[:1], ("max_running", int(_words(act)[0][0]))]
        elif not lived.takes(act.kind, act.tick, partial(_words, act)):
            left_out[act.kind] = left_out.get(act.kind, 0) + 1
    parts = [_section("[network]", network), _section("[population]", population)]
    for message, was_bare in _fitting(messages, left_out):
        heard = was_bare and lived.platform is not None and "channel" not in dict(message)
        more: Keys = [("channel", "broadcast")] if heard else []
        parts.append(_section("[[messages]]", [*message, *more]))
    parts += [_section(head, pairs) for head, pairs in lived.sections()]
    parts.append(_section("[stop]", [("ticks", ticks)]))
    told = [
        f"Left out: {kind} ({count:,}x); a scenario cannot say it, hubbub replay does it again."
        for kind, count in left_out.items()
    ]
    return "\n".join(part for part in parts if part), told


def _fitting(messages: Sent, left_out: dict[str, int]) -> Sent:
    """Return the messages, without their pictures if a scenario cannot hold them."""
    sizes = [len(value) for keys, _ in messages for key, value in keys if key == "image"]
    if sum(sizes) <= MOST_CHARACTERS // 2:
        return messages
    left_out["picture"] = len(sizes)
    return [([pair for pair in keys if pair[0] not in _PICTURE], bare) for keys, bare in messages]


def _words(act: LoggedAct) -> tuple[list[Any], dict[str, Any]]:
    try:
        return words_of(act.said)
    except ValueError as error:
        where = f"Act {act.number:,} ({act.kind}, tick {act.tick:,})"
        raise InputError(f"{where} cannot be written down: {error}.") from None


def _beginning(acts: Sequence[LoggedAct], lived: Lived) -> tuple[Keys, float | None]:
    if not acts or acts[0].kind not in BEGUN:
        raise InputError(
            "A scenario cannot say how this world began: a program made it, or its file holds no "
            "log of what was done."
        )
    _, said = _words(acts[0])
    minutes = said.pop("tick_minutes", None)
    if "platform" in said:
        lived.open(said.pop("platform"))
    section = BEGUN[acts[0].kind](said)
    return section, None if acts[0].kind == "demo" or minutes == 60 else minutes


def _created(said: dict[str, Any]) -> Keys:
    if said.pop("degrees", None) is not None:
        raise InputError("A scenario takes degree pairs from a file, and this world had an array.")
    section = [("kind", said.pop("network"))]
    known = ("agents", "mean_degree", "seed", "trust", "languages")
    section += [(key, said.pop(key)) for key in known if key in said]
    return [*section, ("parameters", said)] if said else section


def _demo(said: dict[str, Any]) -> Keys:
    return [("world", "demo"), ("seed", said["seed"])]


def _imported(said: dict[str, Any]) -> Keys:
    options = said["options"]
    if options.get("weight_column", "") is None and _is_table(said["path"]):
        options = {**options, "weight_column": "none"}  # else weights would be detected
    section = [("file", said["path"]), ("seed", said["seed"])]
    section += [(key, options[key]) for key in _PLAIN if options.get(key) is not None]
    if options.get("columns") is not None:
        section.append(("columns", ",".join(map(str, options["columns"]))))
    section += [
        (theirs, str(options[ours]))
        for ours, theirs in _OPTIONS.items()
        if options.get(ours) not in {None, "auto"}
    ]
    section += [("labels", said["labels"])] if said.get("labels") else []
    return [*section, ("names", said["people"])] if "people" in said else section


def _is_table(path: str) -> bool:
    try:
        with opened(path) as source:
            return format_of(source.head, source.path) not in READ.keys() - {"edges"}
    except (OSError, FileError):
        return True


BEGUN: dict[str, Callable[[dict[str, Any]], Keys]] = {
    "create": _created,
    "demo": _demo,
    "import": _imported,
}
"""How to write the creation of a world, by its kind (:data:`sim.runtime.replay.BEGINNINGS`)."""


def _message(act: LoggedAct, name: Name) -> Keys:
    args, said = _words(act)
    text = args[0] if args else said.pop("text")
    seeds = ",".join(quoted(str(name(int(agent)))) for agent in said.pop("seeds"))
    section: Keys = [("text", text), ("seeds", f"ids:{seeds}")]
    at = said.pop("at", None) or act.tick
    section += [("at", at)] if at else []
    author = said.pop("author", None)
    section += [] if author is None else [("author", str(name(int(author))))]
    if said.pop("kind", "post") != "post":
        raise InputError(f"Act {act.number:,} has a kind of message that a scenario cannot say.")
    section += [(key, said.pop(key)) for key in _MESSAGE if key in said]
    return [*section, ("parameters", said)] if said else section


def _section(head: str, pairs: Keys) -> str:
    lines = [f"{toml_key(key)} = {toml_value(value)}\n" for key, value in pairs]
    return "".join([f"{head}\n", *lines]) if lines else ""
