"""Export of a world's log of acts as a scenario file, as far as such a file can say it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sim.core.toml import toml_key, toml_value
from sim.errors import FileError, InputError
from sim.io.importing.files import opened
from sim.io.importing.formats import READ, format_of
from sim.runtime.replay import line_of
from sim.scenario.from_world_platform import Keys, Lived, Name, quoted
from sim.world.log import PLUGIN, words_of

if TYPE_CHECKING:
    from sim.world.log import LoggedAct


_OPTIONS = {"weight_column": "weights", "time_column": "times"}
_PLAIN = ("direction", "directed", "signed")
_MESSAGE = ("model", "tags", "priority", "draws", "channel")


def scenario_of(acts: Sequence[LoggedAct], name: Name = int) -> tuple[str, list[str]]:
    """Return a scenario, and a sentence for each kind of act that it leaves out."""
    lived = Lived(name)
    network, minutes = _beginning(acts, lived)
    population: Keys = [("tick_minutes", minutes)] if minutes is not None else []
    messages, left_out, ticks = [], dict[str, int](), 0
    for act in line_of(acts)[1:]:
        if act.author == PLUGIN:  # part of a tick, such as what an intervention does
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
    for message, was_bare in messages:
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
    known = ("agents", "mean_degree", "seed", "trust")
    section += [(key, said.pop(key)) for key in known if key in said]
    return [*section, ("parameters", said)] if said else section


def _demo(said: dict[str, Any]) -> Keys:
    return [("world", "demo"), ("seed", said["seed"])]


def _imported(said: dict[str, Any]) -> Keys:
    options = said["options"]
    if options.get("weight_column", "") is None and _is_table(said["path"]):
        options = {**options, "weight_column": "none"}  # a scenario without weights finds them out
    section = [("file", said["path"]), ("seed", said["seed"])]
    section += [(key, options[key]) for key in _PLAIN if options.get(key) is not None]
    if options.get("columns") is not None:
        section.append(("columns", ",".join(map(str, options["columns"]))))
    section += [
        (theirs, str(options[ours]))
        for ours, theirs in _OPTIONS.items()
        if options.get(ours) not in {None, "auto"}
    ]
    return [*section, ("labels", said["labels"])] if said.get("labels") else section


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
"""How worlds that can be made again (:data:`sim.runtime.replay.BEGINNINGS`) are said."""


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
