"""The state of a world as (meta, columns), its digest, and placeholders for missing plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from sim.agents.columns import Agents
from sim.agents.records import ColdRecords
from sim.core.bounds import under
from sim.core.checks import LAST_TICK, whole_number
from sim.core.params import Parameters
from sim.core.registry import make, spec, spec_of
from sim.core.scratch import looked_at
from sim.errors import InputError, ParameterError, PluginError, UnknownNameError
from sim.network.graph.interactions import Interactions
from sim.network.graph.ties import Ties
from sim.network.relations.types import TieRecords
from sim.platform.opening import restore_platform
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, OpenedChannel
from sim.spread.cascade.model import PropagationModel
from sim.spread.channels.channel import PluginChannel
from sim.world.base import WorldState
from sim.world.cascades import dumped, models_of, packed
from sim.world.channels import is_channel
from sim.world.interventions.plan import Interventions, condition_of
from sim.world.metrics.series import Metrics, give
from sim.world.opinions import Opinions
from sim.world.phase_guard import dump_phases, restore_phases
from sim.world.records import PREFIX, Joined, body, canonical, filed, records, texts
from sim.world.relation_state import Relationships
from sim.world.ties import remove_destroyed, removed_of

Record = Mapping[str, Any]


class LostChannel:
    """Placeholder for a channel that a snapshot can only name; its cascade fails when run."""

    def __init__(self, name: str, record: Record | None = None, lacks: str = "") -> None:
        self.name = name
        self.record = dict(record or {})
        self.lacks = lacks or "is not saved with a world"

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Raise: the channel's code is missing."""
        raise InputError(f"its channel {self.name!r} {self.lacks}")


class LostModel(PropagationModel):
    """Stands for a model whose plugin is not here: all that was is shown, nothing more happens."""

    record: ClassVar[Record] = {}
    saved: ClassVar[Mapping[str, Any]] = {}
    lacks: ClassVar[str] = ""

    def values(self) -> dict[str, Any]:
        """Return the saved parameters."""
        return dict(type(self).saved)

    def revised(self, **changes: Any) -> LostModel:
        """Raise: the meaning of the parameters is unknown."""
        raise ParameterError(f"{self.plugin_name}: {type(self).lacks}.")

    def start(self, cascade: Cascade) -> None:
        """Raise: the model is missing."""
        raise PluginError(self.plugin_name, type(self).lacks)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Raise: the model is missing."""
        raise PluginError(self.plugin_name, type(self).lacks)

    def count(self, cascade: Cascade) -> None:
        """Leave the counts as saved."""

    def spreading(self, cascade: Cascade) -> int:
        """Return -1: only the model knows which states spread the message."""
        return -1

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return True: nothing more happens."""
        return True


def model_of(name: str, values: Mapping[str, Any], record: Record, states: int) -> PropagationModel:
    """Return the model of a saved cascade, or a placeholder."""
    try:
        model: PropagationModel = make(name, "propagation", **values)
    except UnknownNameError:
        lacks = f"is not here{_said(record)}; enable or name its plugin and open the world again"
    except ParameterError as error:
        lacks = f"is here as another version, which does not take what was saved ({error})"
    else:
        if len(model.states) == states:
            return model
        lacks = f"is here as another version, with {len(model.states)} states and not {states}"
    return _stand_in(name, values, record, states, lacks)


def _said(record: Record) -> str:
    """Return text with the plugin's version and origin, as far as a snapshot has them."""
    version, origin = str(record.get("version", "?")), str(record.get("origin", "?"))
    if version == "?" or not record:
        return ""
    return f" (version {version}, SHA-256 {str(record.get('sha256', ''))[:16]}, from {origin})"


def _stand_in(
    name: str, values: Mapping[str, Any], record: Record, states: int, lacks: str
) -> LostModel:
    known = record.get("states")
    listed: Sequence[Any] = known if isinstance(known, list | tuple) else ()
    if len(listed) != states:
        listed = [f"state {number}" for number in range(1, states + 1)]
    body = {
        "__doc__": "A model that is not here.",
        "__module__": __name__,
        "__annotations__": {},
        "states": tuple(map(str, listed)),
        "plugin_name": name,
        "record": dict(record),
        "saved": dict(values),
        "lacks": lacks,
    }
    make_class: Any = type(LostModel)
    stand_in: LostModel = make_class("LostModel", (LostModel,), body)()
    return stand_in


def record_of(model: PropagationModel) -> dict[str, Any]:
    """Return a snapshot's record of a model's plugin, as of when it made this model."""
    if isinstance(model, LostModel) and type(model).record:
        return dict(type(model).record)
    cls: type[Parameters] = type(model)
    found = spec_of(cls)
    name = model.plugin_name or cls.__name__
    said: dict[str, Any] = {"name": name, "kind": "propagation", "states": list(model.states)}
    if found is None:
        return said | {"version": "?", "sha256": "", "origin": "?"}
    return said | {"version": found.version, "sha256": found.sha256, "origin": found.origin}


def remark_on(model: PropagationModel, record: Record) -> str:
    """Return a sentence if the plugin changed since it made the cascade; else empty."""
    name = model.plugin_name
    if isinstance(model, LostModel):
        return f"The model {name!r} {type(model).lacks}."
    here = spec(name)
    if not record.get("sha256") or not here.is_foreign or here.sha256 == record["sha256"]:
        return ""
    return (
        f"The model {name!r} has changed since the world was saved: version {here.version}, "
        f"SHA-256 {here.sha256[:16]}, was {record.get('version')}, {str(record['sha256'])[:16]}."
    )


def opened_of(world: WorldState, name: str, records: Iterable[Record]) -> OpenedChannel:
    """Return the channel of a saved cascade, or a placeholder."""
    own = name.partition(",")[0]
    used = [each for each in records if each.get("kind") == "channel" and each.get("name") == own]
    record = used[-1] if used else {}
    if is_channel(name):
        try:
            return world.channel(name)
        except ParameterError as error:
            said = str(error).rstrip(".")
            lacks = f"is here as another version, which does not take what was saved ({said})"
            return LostChannel(name, record, lacks)
    if not record:
        return LostChannel(name)
    lacks = f"is not here{_said(record)}; enable or name its plugin and open the world again"
    return LostChannel(name, record, lacks)


def channel_record(channel: OpenedChannel) -> dict[str, Any]:
    """Return a snapshot's record of a channel's plugin; empty for a built-in one."""
    if isinstance(channel, LostChannel):
        return dict(channel.record)
    found = spec_of(type(channel.plugin)) if isinstance(channel, PluginChannel) else None
    if found is None or not found.is_foreign:
        return {}
    own = {"name": found.name, "kind": "channel", "version": found.version}
    return own | {"sha256": found.sha256, "origin": found.origin}


def channels_lost(world: WorldState) -> list[str]:
    """Return a sentence for each message whose channel's plugin is missing."""
    used = (each.channel for each in world.cascades.items)
    lost = [each for each in used if isinstance(each, LostChannel) and each.record]
    return [f"The channel {each.name!r} {each.lacks}." for each in lost]


Columns = dict[str, npt.NDArray[Any]]
W = TypeVar("W", bound=WorldState)
Keep = Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]
FORMAT = 1
MOST = 2**31 - 1
"""Maximum number of messages: numbers are int32 in columns."""
_UNCOUNTED = {"plugins", "metrics"}


def dump_world(
    world: WorldState,
    keep: Keep | None = None,
    *,
    is_packed: bool = False,
    joined: Joined = np.concatenate,
) -> tuple[dict[str, Any], Columns]:
    """Return (JSON data, arrays by name).

    ``keep``: called with a name and an array, returns its replacement; called part by part, so
    that at most one part is packed in memory at a time. ``is_packed``: dump ended messages as
    packed records, in the form of a file (:mod:`sim.world.records`), concatenated by
    ``joined``.
    """
    columns: Columns = {}
    add = partial(_add, columns, keep or _as_it_is)
    agents_meta, agents = world.agents.dump()
    ties_meta, ties = world.ties.dump()
    meta: dict[str, Any] = {
        "format": FORMAT,
        "seed": str(world.seed),
        "tick": world.tick,
        "tick_minutes": world.tick_minutes,
        "max_running": world.max_running,
        "made": world.made,
        "agents": agents_meta,
        "ties": ties_meta,
        "cascades": [],
        "plugins": [],
    }
    add("agents.", agents)
    add("ties.", ties)
    add("cold.", world.agents.lore.cold.dump())
    if world.opinions:
        meta["opinions"], opinions = world.opinions.dump()
        add("opinions.", {str(number): column for number, column in opinions.items()})
    if world.interactions is not None:
        meta["interactions"], met = world.interactions.dump()
        add("interactions.", met)
    if len(world.tie_records):
        meta["relations"], told = world.tie_records.dump()
        add("relations.", told)
    if len(world.relationships.groups):
        meta["groups"] = world.relationships.groups.dump()[0]
    add("bonds.", world.relationships.dump())
    if world.platform is not None:
        meta["platform"], own = world.platform.dump()
        add("platform.", own)
    if len(world.interventions):
        meta["interventions"], own = world.interventions.dump()
        add("interventions.", own)
    if world.metrics is not None:
        meta["metrics"], own = world.metrics.dump()
        add("metrics.", own)
    if phases := dump_phases(world):
        meta["phases"] = phases
    if is_packed:
        _add_packed(world, meta, add, joined)
    else:
        _add_messages(world, meta, add)
    meta["plugins"] = _plugins(models_of(world)) + _channels(world)
    return meta, columns


def _add_messages(
    world: WorldState, meta: dict[str, Any], add: Callable[[str, Columns], None]
) -> None:
    for said, own in dumped(world):
        meta["cascades"].append(said)
        add(f"cascade.{said['id']}.", own)


def _add_packed(
    world: WorldState, meta: dict[str, Any], add: Callable[[str, Columns], None], joined: Joined
) -> None:
    ended, others = packed(world)
    if ended:
        meta["ended"] = {"rested": world.rested_as}
        add("", filed(ended, joined))
    for said, own in others:
        meta["cascades"].append(said)
        add(f"cascade.{said['id']}.", own)


def _add(columns: Columns, keep: Keep, prefix: str, part: Columns) -> None:
    """Move the columns of a part, removing each from it."""
    for name in list(part):
        columns[prefix + name] = keep(prefix + name, part.pop(name))


def _as_it_is(_name: str, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return column


def _plugins(models: Iterable[PropagationModel]) -> list[dict[str, Any]]:
    """Return each plugin used once; two versions with one name count as two."""
    records = [record_of(model) for model in models]
    found = {(record["name"], record["sha256"]): record for record in records}
    return [found[key] for key in sorted(found)]


def _channels(world: WorldState) -> list[dict[str, Any]]:
    """Return each channel used that comes from a third-party plugin, once."""
    said = (channel_record(each.channel) for each in world.cascades.items)
    found = {(record["name"], record["sha256"]): record for record in said if record}
    return [found[key] for key in sorted(found)]


def restore_world(
    cls: Callable[..., W], meta: dict[str, Any], columns: Columns, *, ties: Ties | None = None
) -> W:
    """Return the world of :func:`dump_world`.

    ``ties``: a checked copy of the same ties as in the columns; the world takes ownership. The
    columns must not change afterwards, and agents copy theirs before they write.
    """
    lent = ties is not None
    agents = Agents.restore(meta["agents"], under("agents.", columns), lent=lent)
    agents.lore.cold = ColdRecords.restore(under("cold.", columns), len(agents))
    if ties is None:
        ties = Ties.restore(meta["ties"], under("ties.", columns))
    world = cls(agents, ties, seed=int(meta["seed"]), tick_minutes=meta["tick_minutes"])
    if "interactions" in meta:
        met = under("interactions.", columns)
        world.interactions = Interactions.restore(meta["interactions"], met, len(agents))
    if "relations" in meta:
        told = under("relations.", columns)
        world.tie_records = TieRecords.restore(meta["relations"], told, len(agents))
    for name, most in (("tick", LAST_TICK), ("max_running", MOST), ("made", MOST)):
        setattr(world, name, whole_number(meta[name], f"Its {name}", low=0, high=most))
    agents.lore.moves.now = world.tick
    thought = under("opinions.", columns)
    world.opinions = Opinions.restore(meta.get("opinions", []), thought, len(agents))
    world.relationships = Relationships.restore(
        under("bonds.", columns), len(agents), meta.get("groups", ())
    )
    columns_of = _by_cascade(columns)
    used = [record for record in meta.get("plugins", []) if record.get("kind") != "channel"]
    records = {record["name"]: record for record in used}
    remarks: list[str] = []
    if "platform" in meta:
        remarks += restore_platform(world, meta["platform"], under("platform.", columns))
    planned = under("interventions.", columns)
    told = meta.get("interventions", [])
    world.interventions = Interventions.restore(told, planned, len(agents))
    remarks += world.interventions.lost
    if "metrics" in meta:
        give(world, Metrics.restore(meta["metrics"], under("metrics.", columns), len(agents)))
    remarks += restore_phases(world, meta.get("phases", ()))
    for said in meta["cascades"]:
        own = columns_of.get(str(said["id"]), {})
        record = records.get(said["model"], {})
        model = model_of(said["model"], said["parameters"], record, len(own["tally"]))
        remarks.append(remark_on(model, record))
        channel = opened_of(world, said["channel"], meta.get("plugins", ()))
        world.cascades.append(
            Cascade.restore(said, own, model=model, agents=len(agents), channel=channel)
        )
        world.cascades[-1].around = world
    remarks += channels_lost(world)
    world.remarks = tuple(dict.fromkeys(filter(None, remarks)))
    if meta.get("unburied", False):
        remove_destroyed(world, ties)
    elif (gone := removed_of(world)).size:
        ties.retire(gone)  # ties were removed before saving; this restores the exclusion
    return world


def _by_cascade(columns: Columns) -> dict[str, Columns]:
    """Return the columns of each cascade by its number, in one pass over all."""
    found: dict[str, Columns] = {}
    for name, column in columns.items():
        if name.startswith("cascade."):
            _, number, own = name.split(".", 2)
            found.setdefault(number, {})[own] = column
    return found


def _awaited(meta: dict[str, Any]) -> dict[str, Any]:
    """Return metrics and their settings if an intervention waits for them; else empty."""
    if "metrics" not in meta:
        return {}
    waiting = [each["when"] for each in meta.get("interventions", ()) if each["done_at"] is None]
    conditions = [condition_of(when, is_saved=True) for when in waiting if when is not None]
    names = {condition.quantity for condition in conditions if condition.needs_metrics}
    if not names:
        return {}
    measured = meta["metrics"]
    settings = measured["settings"].items()
    often = {name: value for name, value in settings if name not in {"rows", "members"}}
    latest = sorted(said[:2] for said in measured["latest"] if said[0] in names)
    return {"settings": often, "latest": latest, "is_begun": bool(measured["latest"])}


def digest_of(meta: dict[str, Any], columns: Columns) -> str:
    """Return xxh3-128 over canonical bytes: sorted names, types, shapes, little-endian values.

    Everything that the future depends on is included. Left out: the origin of plugins, the log
    of tie changes, whether feeds are kept, and metrics except those that an intervention waits
    for (:func:`_awaited`).

    A packed record has the same digest as its unpacked message.
    """
    state = xxhash.xxh3_128()
    said = {name: value for name, value in meta.items() if name not in _UNCOUNTED}
    awaited = _awaited(meta)
    if awaited:
        said["metrics"] = awaited
    elif "phases" in said:
        said["phases"] = [phase for phase in said["phases"] if phase[0] != "watch" or phase[2]]
    if "platform" in said:
        settings = said["platform"]["settings"]
        counted = {name: value for name, value in settings.items() if name != "keep_feeds"}
        said["platform"] = said["platform"] | {"settings": counted}
    rested = said.pop("ended", {}).get("rested", "")
    for text in _texts(said, columns, rested):
        state.update(text)
    ended = {f"cascade.{record.number}.": record for record in records(columns)}
    for name in sorted([*(n for n in columns if not n.startswith(PREFIX)), *ended]):
        if name in ended:
            state.update(body(ended[name]))
            continue
        if name.startswith(("bonds.log.", "metrics.", "agents.moves.")):
            continue
        column = np.ascontiguousarray(columns[name])
        if column.dtype.byteorder == ">":
            column = column.astype(column.dtype.newbyteorder("<"))
        state.update(f"{name} {column.dtype.str} {column.shape}".encode())
        state.update(column.reshape(-1).view(np.uint8).data)
        looked_at(column.nbytes)
    return str(state.hexdigest())


def _texts(said: dict[str, Any], columns: Columns, rested: str) -> Iterator[bytes]:
    """Yield JSON with sorted keys in pieces, with packed records in order among the messages."""
    between = b"{"
    for name in sorted(said):
        yield between + canonical(name).encode() + b":"
        between = b","
        if name != "cascades":
            yield canonical(said[name]).encode()
            continue
        own = ((each["id"], canonical(each).encode()) for each in said[name])
        yield b"["
        for place, (_, text) in enumerate(merge(own, texts(columns, rested), key=_first)):
            yield b"," + text if place else text
        yield b"]"
    yield b"{}" if not said else b"}"


def _first(pair: tuple[int, bytes]) -> int:
    return pair[0]
