"""The tick: its phases, its guards, and the packing of ended messages after it.

A plugin's fault stops its own cascade, never the tick; a tick cannot run inside another one.
Records of ended messages, and large records of running ones, are moved to scratch files: old rows
are rarely read.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from sim.arrays import Ids
from sim.core.clock import TickWarning
from sim.core.scratch import let_go
from sim.core.threads import Stalled, interruptible
from sim.errors import InputError
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Broadcast, Contacts
from sim.spread.cascade.faults import ModelFault, is_interruption, said_by
from sim.spread.cascade.model import NO_NETWORK, PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.channels.channel import PluginChannel
from sim.spread.compartments.compartments import Compartments
from sim.spread.exposure.exposures import PerExposure
from sim.world.base import Phase, WorldState
from sim.world.cascades import EndedCascade, Stirs, contest_of
from sim.world.channels import FeedChannel

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOUR = 60.0


def tell_ticks(world: WorldState, model: PropagationModel) -> None:
    """Warn once per model and world that parameters are per tick, if a tick is not an hour."""
    first = per_tick(model, world.tick_minutes)
    said = f"{first}: what was fitted to ticks of another length means another speed here."
    if first and said not in world.remarks:
        warnings.warn(said, TickWarning, stacklevel=4)
        world.remarks += (said,)


def per_tick(model: PropagationModel | type[PropagationModel], minutes: float) -> str:
    """Return a sentence that a model's parameters are per tick; empty if it counts in hours."""
    if model.by_hours or minutes == _HOUR:
        return ""
    length = "1 minute" if minutes == 1 else f"{minutes:g} minutes"
    return f"The parameters of {model.plugin_name} are per tick of {length}"


@contextmanager
def running(world: WorldState) -> Iterator[None]:
    """Mark the world as inside a tick; raise for a nested tick."""
    world.trail.refuse_reader("step")
    if world.is_ticking:
        raise InputError(
            "world.step() was called within a tick; an intervention, a metric, a phase and a model "
            "leave the clock alone."
        )
    world.is_ticking = True
    try:
        yield
    finally:
        world.is_ticking = False


@contextmanager
def only_reads(world: WorldState, who: str) -> Iterator[None]:
    """Give read-only access to a world; raise if it was changed."""
    before, outer = _condition(world), world.trail.reader
    world.trail.reader = who
    try:
        yield
    finally:
        world.trail.reader = outer
    if _condition(world) != before:
        raise InputError(f"{who} changes the world, and may only read it")


def _condition(world: WorldState) -> tuple[object, ...]:
    """Return a quick fingerprint that changes with most changes of a world."""
    agents = world.agents
    counts = len(agents), agents.edition, len(agents.lore.moves), len(world.interventions)
    states = [(cascade.id, cascade.status, cascade.size) for cascade in world.cascades]
    names = [phase.name for phase in world.phases]
    return (
        world.tick,
        world.seed,
        world.made,
        id(world.ties),
        world.ties.count,
        counts,
        states,
        names,
    )


def begin(world: WorldState) -> None:
    """Start queued cascades that are due, by priority, then by age; wake resting ones."""
    world.wake()
    running = sum(cascade.status == "running" for cascade in world.cascades.loose)
    ready = [c for c in world.cascades.loose if c.status == "queued" and c.starts_at < world.tick]
    ready.sort(key=lambda cascade: (-cascade.priority, cascade.id))
    for cascade in ready[: max(world.max_running - running, 0)]:
        start(world, cascade)


def start(world: WorldState, cascade: Cascade) -> None:
    """Start a cascade: its seeds adopt at the last completed tick."""
    try:
        cascade.siblings = world.cascades
        world.cascades.gather(cascade)
        cascade.seeds = _still_active(world, cascade)
        with interruptible():
            cascade.begin(cascade.starts_at if cascade.starts_at >= world.tick else world.tick - 1)
    except BaseException as error:
        fail(world, cascade, error)


def _still_active(world: WorldState, cascade: Cascade) -> Ids:
    """Return the seeds that are still active; raise if there are none."""
    active = world.agents.is_active(cascade.seeds)
    if not active.any():
        raise InputError(
            f"none of its {cascade.seeds.size:,} seeds is active any more, so nobody could start it"
        )
    left: Ids = cascade.seeds[active]
    return left


def wake(world: WorldState, cascade: Cascade) -> bool:
    """Resume a quiet cascade if it could change; return whether it resumes."""
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
    """Return whether a quiet message could change in the world's present state."""
    cascade.siblings = world.cascades
    with interruptible():
        contacts = _resting_over(world, cascade)
        cascade.set_contacts(contacts)
        return not cascade.is_at_rest(contacts)


def _resting_over(world: WorldState, cascade: Cascade) -> Contacts:
    """Return the contacts over which a quiet message could resume."""
    if cascade.is_over:
        return world.silence()
    network, channel = world.network(), cascade.channel
    return channel.over(network, world.tick) if isinstance(channel, PluginChannel) else network


def expose(world: WorldState) -> None:
    """Turn ties into this tick's contacts through the channel of each running cascade."""
    absent = world.absent()
    network = world.network()
    world.exposed = []
    for cascade in world.cascades.loose:
        if cascade.status == "running":
            cascade.siblings = world.cascades
            is_over = cascade.is_over
            cascade.advance(world.tick, absent)
            try:
                with interruptible():
                    contacts = (
                        world.silence()
                        if is_over
                        else cascade.channel.contacts(network, cascade.id, world.tick)
                    )
                    cascade.set_contacts(contacts)
            except BaseException as error:  # a channel's fault stops only its cascade
                fail(world, cascade, error)
            else:
                world.exposed.append((cascade, contacts))


def respond(world: WorldState) -> None:
    """Step each cascade's model: contacts become adoptions and other changes of state."""
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
        except BaseException as error:  # a plugin's fault stops only its own cascade
            fail(world, cascade, error)
    for members in groups.values():
        _respond_together(world, members)


def _respond_together(world: WorldState, members: list[tuple[Cascade, Contacts]]) -> None:
    """Step a group in one call; a cascade at fault is removed and the others are stepped again."""
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
    """Count states and new adopters; a cascade that can no longer change becomes quiet."""
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
    """Stop a cascade whose plugin failed, and discard its incomplete tick."""
    if isinstance(error, ModelFault) and error.__cause__ is not None:
        error = error.__cause__
    world.scratch().release()
    cascade.fail(f"{cascade.model_name}: {said_by(error, cascade.model)}")
    if is_interruption(error):
        raise error


def surroundings(world: WorldState) -> str:
    """Return a digest of what quiet messages depend on: number of ties, and agents' status."""
    status = xxhash.xxh3_64_hexdigest(world.agents.status.tobytes())
    return f"{world.ties.count}:{status}"


def topic_of(world: WorldState, cascade: Cascade | EndedCascade) -> str:
    """Return a digest of the opinions on a message's topic; empty without a topic."""
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


AT_HAND = 16
"""Number of the newest ended messages that are not packed."""

ENOUGH_BYTES = 4 << 20
"""Total size of ended records from which they go to a file; a small world makes none."""

RUNNING_BYTES = 256 << 20
"""Total size of running messages' records kept in memory, in bytes."""

LARGE_RECORD = 1 << 20
_LOOK_TICKS = 16
_UNSETTLED = {PropagationModel.unsettle, PerExposure.unsettle}
_REWEIGHED = {PropagationModel.reweigh, PerExposure.reweigh}


def lay_by(world: WorldState) -> None:
    """Move rarely used data to scratch files; called between two ticks."""
    _pack(world)
    cascades = world.cascades.loose
    ended = [each for each in cascades if not each.laid and not each.alive]
    if ended and sum(each.nbytes for each in ended) >= ENOUGH_BYTES:
        busy = _busy(cascades)
        for each in ended:
            if contest_of(each) not in busy:
                each.lay_by(world.spill.moved)
        let_go()
    growing = [each for each in cascades if each.status == "running"]
    if sum(each.log.nbytes for each in growing) >= RUNNING_BYTES:
        for each in growing:
            if each.log.nbytes >= LARGE_RECORD:
                each.log.moved(world.spill.moved, whole=False)
    if world.platform is not None:
        world.platform.log.lay_by(world.tick - 2)
    if world.spill.bytes and world.tick % _LOOK_TICKS == 0:
        let_go()


def _pack(world: WorldState) -> None:
    """Pack ended messages, except the newest and rivals of running ones."""
    cascades = world.cascades
    over = [each for each in cascades.loose if not each.alive]
    busy = _busy(cascades.loose) if len(over) > AT_HAND else set()
    for each in over[: -AT_HAND or None]:
        is_calm = cascades.is_calm(each, world.tick)
        if not is_calm or contest_of(each) in busy or not _is_plain(each):
            continue
        try:
            stirs = _stirred_by(world, each)
        except BaseException as error:  # plugin code may raise anything
            if is_interruption(error):
                raise
            continue
        if stirs is not None:
            cascades.pack(each, world.pile, stirs)


def _is_plain(cascade: Cascade) -> bool:
    """Return whether all state of its model can be saved."""
    return all(isinstance(c, np.ndarray | SparseColumn) for c in cascade.held.values())


def _stirred_by(world: WorldState, cascade: Cascade) -> Stirs | None:
    """Return what may change an ended message; None: it may be changing now."""
    model, kind, found = cascade.model, type(cascade.model), Stirs.NOTHING
    topic = getattr(model, "topic", "")
    if kind.unsettle not in _UNSETTLED or kind.reweigh not in _REWEIGHED or _knows_ties(cascade):
        found |= Stirs.SUMS
    if kind.welcome is not PropagationModel.welcome:
        found |= Stirs.NEWCOMERS
    if cascade.status != "quiet":
        return found
    if not topic and cascade.rested != world.rested_as:
        return None
    if topic or not _nobody_speaks(world, cascade):
        found |= Stirs.SURROUNDINGS
    elif not cascade.tally[0] and not model.well_mixed:
        found |= Stirs.NEWCOMERS  # otherwise they count as unreached, like others
    return found


def _knows_ties(cascade: Cascade) -> bool:
    """Return whether it holds sums over ties that :meth:`PropagationModel.unsettle` forgets."""
    basis, near = cascade.held.get("_basis"), cascade.held.get("_near")
    return (basis is not None and 0 <= basis[0] < NO_NETWORK) or (near is not None and near[1] >= 0)


def _nobody_speaks(world: WorldState, cascade: Cascade) -> bool:
    """Return whether only new agents can change it, not returning agents or new ties."""
    model, kind = cascade.model, type(cascade.model)
    if type(cascade.channel) is FeedChannel:
        number = None if world.platform is None else world.platform.injected.get(cascade.id)
        if number is None or world.platform is None or number >= world.platform.posts.first:
            return False  # a feed may show it again
        absent, cascade.absent = cascade.absent, np.empty(0, np.uint64)
        try:
            with interruptible():
                return cascade.is_at_rest(world.silence())
        except Stalled as error:
            cascade.fail(f"{cascade.model_name}: {said_by(error)}")
            return False
        finally:
            cascade.absent = absent
    if type(cascade.channel) is not Broadcast:
        return False
    if kind.is_quiet is PropagationModel.is_quiet:
        return cascade.yet_to_speak.size == 0
    if isinstance(model, Compartments) and kind.is_quiet is Compartments.is_quiet:
        return model.is_spent(cascade)
    if not isinstance(model, PerExposure) or kind.is_quiet is not PerExposure.is_quiet:
        return False
    ticks = model.ticks_spoken(world.tick_minutes)
    return type(model).ticks_spoken is PerExposure.ticks_spoken and not (
        ticks > 0 and cascade.new_adopters[-ticks:].any()
    )


def _busy(cascades: Iterable[Cascade]) -> set[Hashable]:
    """Return the groups with running messages: these write into one another's columns."""
    return {contest_of(each) for each in cascades if each.alive} - {None}
