"""Upgrades of what earlier versions wrote to what this version reads.

An upgrade changes what was read from a file, never the file. Whoever changes what
``World.dump()`` says raises :data:`sim.store.snapshot.schema.VERSION` once for a release, adds a
function to :data:`CHANGES`, and keeps worlds of the version before in ``tests/faults/versions``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.platform.acts.log import ActColumns, ActLog
from sim.platform.feed.candidates_kernels import SETS
from sim.store.snapshot.columns import Columns

Upgrade = Callable[[dict[str, Any], Columns], None]
"""Changes (meta, columns) in place; one concern each, in the order of the list."""


_TASTES = "platform.held.collaborative-filtering-"


def _own_words(meta: dict[str, Any], _columns: Columns) -> None:
    """Let an injected message be known on the platform by its own words."""
    if "platform" not in meta:
        return
    platform = meta["platform"]
    texts = {cascade["id"]: cascade["text"] for cascade in meta["cascades"]}
    first = platform["posts"]["first"]
    sent = {number: texts[own] for own, number in platform["injected"] if number >= first}
    written = dict(platform["written"])
    platform["written"] = [[number, text] for number, text in sorted((sent | written).items())]


def _reports_by_share(meta: dict[str, Any], _columns: Columns) -> None:
    """Let reports count by showings, where nobody had set how many label or hide a message."""
    if "platform" not in meta:
        return
    settings = meta["platform"]["settings"]
    for name, usual in (("label", 5), ("hide", 20)):
        if settings[f"{name}_reports"] != usual:
            settings[f"{name}_share"] = 0.0


def _go_on_alone(meta: dict[str, Any], _columns: Columns) -> None:
    """Let messages that rested since they left the feeds be asked what happens by itself."""
    for cascade in meta["cascades"]:
        if cascade["status"] == "quiet" and cascade["channel"] != "broadcast":
            cascade["rested"] = ""


def _tastes_anew(_meta: dict[str, Any], columns: Columns) -> None:
    """Let tastes be learned from the log again: they did not know what messages are about."""
    for name in [each for each in columns if each.startswith(_TASTES)]:
        del columns[name]


def sealed(_meta: dict[str, Any], columns: Columns) -> None:
    """Seal the ticks of which acts are still there; of those before nobody knows what was done."""
    if "platform.log.ticks" not in columns:
        return
    own = {
        name: columns[f"platform.log.{name}"] for name in ("ticks", "lengths", *ActColumns._fields)
    }
    log, stops = ActLog(0), np.cumsum(own["lengths"])
    for tick, stop, length in zip(own["ticks"], stops, own["lengths"], strict=True):
        log.seal(int(tick), [own[name][stop - length : stop] for name in ActColumns._fields])
    for name, column in log.dump().items():
        if name in {"sealed", "chains"}:
            columns[f"platform.log.{name}"] = column


def _nobody_known_online(meta: dict[str, Any], columns: Columns) -> None:
    """Say that who was online is not known: it was not kept."""
    if "platform" in meta:
        meta["platform"]["online_at"] = -1
        columns["platform.online"] = np.empty(0, np.uint32)


def _nobody_welcomed(meta: dict[str, Any], _columns: Columns) -> None:
    """Let who follows nobody go on being proposed nobody."""
    if "platform" in meta:
        meta["platform"]["settings"]["welcome"] = 0


def _unburied(meta: dict[str, Any], _columns: Columns) -> None:
    """Let those who were destroyed leave the network: they had stayed in it."""
    meta["unburied"] = True


def _seen_anew(_meta: dict[str, Any], columns: Columns) -> None:
    """Let members remember what they see from here on: what was kept barred a fifth of all else."""
    if (seen := columns.get("platform.members.seen")) is not None:
        columns["platform.members.seen"] = np.zeros((len(seen), SETS), np.uint16)


CHANGES: dict[int, tuple[Upgrade, ...]] = {
    1: (
        _own_words,
        _reports_by_share,
        _go_on_alone,
        _tastes_anew,
        sealed,
        _nobody_known_online,
        _nobody_welcomed,
        _unburied,
    ),
    2: (_seen_anew,),
}
"""From a version to what makes the next of it."""


def upgrade(version: int, meta: dict[str, Any], columns: Columns) -> None:
    """Change what a file of ``version`` held into what the present version would hold."""
    for number, changes in sorted(CHANGES.items()):
        if number >= version:
            for change in changes:
                change(meta, columns)
