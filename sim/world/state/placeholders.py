"""Placeholders for what a snapshot names and this program lacks: the world opens, and says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sim.core.params import Parameters
from sim.core.registry import make, spec, spec_of
from sim.errors import InputError, ParameterError, PluginError, UnknownNameError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, OpenedChannel
from sim.spread.cascade.model import PropagationModel
from sim.spread.channels.channel import PluginChannel
from sim.world.channels import is_channel
from sim.world.contract import WorldState

Record = Mapping[str, Any]


class LostChannel:
    """Stands for a channel that a snapshot names but cannot hold; its cascade fails when run."""

    def __init__(self, name: str, record: Record | None = None, lacks: str = "") -> None:
        self.name = name
        self.record = dict(record or {})
        self.lacks = lacks or "is not saved with a world"

    def contacts(self, network: Contacts, message: int, tick: int) -> Contacts:
        """Refuse: what it did is not known here."""
        raise InputError(f"its channel {self.name!r} {self.lacks}")


class LostModel(PropagationModel):
    """Stands for a model whose plugin is not here: all that was is shown, nothing more happens."""

    record: ClassVar[Record] = {}
    saved: ClassVar[Mapping[str, Any]] = {}
    lacks: ClassVar[str] = ""

    def values(self) -> dict[str, Any]:
        """Return the parameters as they were saved."""
        return dict(type(self).saved)

    def revised(self, **changes: Any) -> LostModel:
        """Refuse: nobody knows what the parameters mean."""
        raise ParameterError(f"{self.plugin_name}: {type(self).lacks}.")

    def start(self, cascade: Cascade) -> None:
        """Refuse to begin."""
        raise PluginError(self.plugin_name, type(self).lacks)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Refuse to go on."""
        raise PluginError(self.plugin_name, type(self).lacks)

    def count(self, cascade: Cascade) -> None:
        """Leave the counts as they were saved."""

    def holding(self, cascade: Cascade) -> int:
        """Return -1: which states hold it, only the model could say."""
        return -1

    def is_quiet(self, cascade: Cascade, contacts: Contacts) -> bool:
        """Return True: nothing happens any more."""
        return True


def model_of(name: str, values: Mapping[str, Any], record: Record, states: int) -> PropagationModel:
    """Return the model of a saved cascade, or what stands for it."""
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
    """Say which version it was, and from where, as far as a snapshot tells."""
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
    """Return what a snapshot says of the plugin of a model, as it was when it made this one."""
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
    """Return a sentence where the plugin is not what made the cascade; else nothing."""
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
    """Return the channel that a cascade was saved with, or what stands for it."""
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
    """Return what a snapshot says of the plugin of a channel; nothing of a built-in one."""
    if isinstance(channel, LostChannel):
        return dict(channel.record)
    found = spec_of(type(channel.plugin)) if isinstance(channel, PluginChannel) else None
    if found is None or not found.is_foreign:
        return {}
    own = {"name": found.name, "kind": "channel", "version": found.version}
    return own | {"sha256": found.sha256, "origin": found.origin}


def channels_lost(world: WorldState) -> list[str]:
    """Return a sentence for each channel of a message whose plugin is not here."""
    used = (each.channel for each in world.cascades.items)
    lost = [each for each in used if isinstance(each, LostChannel) and each.record]
    return [f"The channel {each.name!r} {each.lacks}." for each in lost]
