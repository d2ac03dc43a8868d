"""The phases of a tick, as one ordered and readable list."""

from __future__ import annotations

from collections.abc import Hashable

import xxhash

from sim.arrays import Ids
from sim.core.threads import interruptible
from sim.errors import InputError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts
from sim.spread.cascade.faults import ModelFault, is_interruption, said_by
from sim.spread.channels.channel import PluginChannel
from sim.world.cascades import EndedCascade
from sim.world.contract import Phase, WorldState

__all__ = ["PHASES", "Phase", "has_work", "surroundings", "topic_of"]


def begin(world: WorldState) -> None:
    """Start the queued cascades whose time has come, by priority, then by age; wake the resting."""
    world.wake()
    running = sum(cascade.status == "running" for cascade in world.cascades.loose)
    ready = [c for c in world.cascades.loose if c.status == "queued" and c.starts_at < world.tick]
    ready.sort(key=lambda cascade: (-cascade.priority, cascade.id))
    for cascade in ready[: max(world.max_running - running, 0)]:
        start(world, cascade)


def start(world: WorldState, cascade: Cascade) -> None:
    """Let a cascade's seeds adopt at the last completed tick."""
    try:
        cascade.company = world.cascades
        world.cascades.gather(cascade)
        cascade.seeds = _still_active(world, cascade)
        with interruptible():
            cascade.begin(cascade.starts_at if cascade.starts_at >= world.tick else world.tick - 1)
    except BaseException as error:
        fail(world, cascade, error)


def _still_active(world: WorldState, cascade: Cascade) -> Ids:
    """Return the seeds without those that were deactivated while the message waited."""
    active = world.agents.is_active(cascade.seeds)
    if not active.any():
        raise InputError(
            f"none of its {cascade.seeds.size:,} seeds is active any more, so nobody could start it"
        )
    left: Ids = cascade.seeds[active]
    return left


def wake(world: WorldState, cascade: Cascade) -> bool:
    """Let a cascade at rest run on when something about it could change; whether it does."""
    try:
        wakes = has_work(world, cascade)
    except BaseException as error:
        fail(world, cascade, error)
        return False
    if wakes:
        cascade.status = "running"
        world.cascades.take_up(cascade)
    elif cascade.laid:
        cascade.memo = None
    return wakes


def has_work(world: WorldState, cascade: Cascade) -> bool:
    """Return whether something about a message at rest could change, as things are now."""
    cascade.company = world.cascades
    with interruptible():
        contacts = _resting_over(world, cascade)
        cascade.runs_over(contacts)
        return not cascade.is_at_rest(contacts)


def _resting_over(world: WorldState, cascade: Cascade) -> Contacts:
    """Return over which network a message at rest could run on."""
    if cascade.is_over:
        return world.silence()
    network, channel = world.network(), cascade.channel
    return channel.over(network, world.tick) if isinstance(channel, PluginChannel) else network


def expose(world: WorldState) -> None:
    """Turn ties into this tick's contacts, through the channel of each running cascade."""
    absent = world.absent()
    network = world.network()
    world.exposed = []
    for cascade in world.cascades.loose:
        if cascade.status == "running":
            cascade.company = world.cascades
            is_over = cascade.is_over
            cascade.advance(world.tick, absent)
            try:
                with interruptible():
                    contacts = (
                        world.silence()
                        if is_over
                        else cascade.channel.contacts(network, cascade.id, world.tick)
                    )
                    cascade.runs_over(contacts)
            except BaseException as error:  # a channel's fault costs only its cascade
                fail(world, cascade, error)
            else:
                world.exposed.append((cascade, contacts))


def respond(world: WorldState) -> None:
    """Let each cascade's model turn contacts into adoptions and other changes of state."""
    groups: dict[Hashable, list[tuple[Cascade, Contacts]]] = {}
    for cascade, contacts in world.exposed:
        try:
            with interruptible():
                group = cascade.group
            if group is None:
                with interruptible():
                    cascade.model.step(cascade, contacts, cascade.draws(world.tick))
                    contacts.release()
            else:
                groups.setdefault(group, []).append((cascade, contacts))
        except BaseException as error:  # a plugin's fault costs only its own cascade
            fail(world, cascade, error)
    for members in groups.values():
        _respond_together(world, members)


def _respond_together(world: WorldState, members: list[tuple[Cascade, Contacts]]) -> None:
    """Step a group by one call; the one at fault falls out, and the others begin anew."""
    while members:
        cascades = tuple(cascade for cascade, _ in members)
        contacts = tuple(heard for _, heard in members)
        draws = tuple(cascade.draws(world.tick) for cascade in cascades)
        try:
            with interruptible():
                faults = type(cascades[0].model).step_together(cascades, contacts, draws)
        except BaseException as error:
            for cascade in cascades:
                cascade.roll_back()
            guilty = error.cascade if isinstance(error, ModelFault) else None
            for cascade in cascades:
                if cascade is guilty or guilty not in cascades:
                    fail(world, cascade, error)
            members = [pair for pair in members if pair[0].status == "running"]
        else:
            for cascade, fault in (faults or {}).items():
                fail(world, cascade, fault)
            for heard in contacts:
                heard.release()
            return


def measure(world: WorldState) -> None:
    """Count states and new adopters; a cascade in which nothing can change comes to rest."""
    for cascade, contacts in world.exposed:
        if cascade.status != "running":
            continue
        try:
            with interruptible():
                cascade.measure(world.silence() if cascade.is_over else contacts)
                contacts.release()
        except BaseException as error:
            fail(world, cascade, error)
    resting = [cascade for cascade, _ in world.exposed if cascade.status == "quiet"]
    now = surroundings(world) if resting else ""
    for cascade in resting:
        cascade.rested = now + topic_of(world, cascade)
    world.exposed = []


def fail(world: WorldState, cascade: Cascade, error: BaseException) -> None:
    """Stop a cascade whose plugin failed, and leave nothing of its half-done tick behind.

    Whatever the plugin raised: an order to end the program or the task is not its to give.
    """
    if isinstance(error, ModelFault) and error.__cause__ is not None:
        error = error.__cause__
    world.scratch().release()
    cascade.fail(f"{cascade.model_name}: {said_by(error, cascade.model)}")
    if is_interruption(error):
        raise error


def surroundings(world: WorldState) -> str:
    """Return what a message at rest depends on: how many ties, and every agent's status."""
    status = xxhash.xxh3_64_hexdigest(world.agents.status.tobytes())
    return f"{world.ties.count}:{status}"


def topic_of(world: WorldState, cascade: Cascade | EndedCascade) -> str:
    """Return what a message at rest depends on beside: what agents think about its topic."""
    topic = getattr(cascade.model, "topic", "")
    if not topic or topic not in world.opinions:
        return ""
    return f":{xxhash.xxh3_64_hexdigest(world.opinions[topic].tobytes())}"


PHASES = (
    Phase("begin", "queued cascades start by priority; their seeds adopt", begin),
    Phase("expose", "the channel turns ties into contacts: who hears whom", expose),
    Phase("respond", "each message's model turns contacts into changes of state", respond),
    Phase("measure", "states and new adopters are counted; finished cascades rest", measure),
)
