"""Tables of people that also say whom each follows, as OASIS's files of Twitter members do."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt

from sim.agents.profiles import Profile
from sim.core.progress import Report, quiet
from sim.errors import FormatError
from sim.io.importing.edges import ImportedArcs
from sim.io.importing.profile_values import words_of
from sim.io.importing.profiles import Profiles, read_profiles
from sim.io.importing.report import ImportReport
from sim.io.importing.sniff import whole

__all__ = ["FOLLOWS", "read_follows", "says_follows"]

FOLLOWS: Final = "following_agentid_list"
"""The column: places of those followed, the first person of the file is 0, as ``[32, 55]``."""
_LONGEST = 10
"""Digits of a place, at most."""


def says_follows(head: bytes) -> bool:
    """Return whether the beginning of a file has the column."""
    return FOLLOWS.encode() in head


def read_follows(
    path: str | PathLike[str], *, report: Report = quiet
) -> tuple[ImportedArcs, Profiles]:
    """Return who follows whom in a file of people, and the people; who follows hears.

    Parameters
    ----------
    path
        As :func:`~sim.io.importing.profiles.read_profiles` takes it.
    report
        Told of progress; may cancel.

    Raises
    ------
    FileError, FormatError
        As of profiles; and for a place that is none.
    """
    began, place = perf_counter(), Path(path)
    report("reading people", 0.0)
    people = read_profiles(path)
    rows = [_followed(place, number, one, len(people)) for number, one in enumerate(people)]
    counts = [len(row) for row in rows]
    sources = np.array([each for row in rows for each in row], np.uint32)
    targets = np.repeat(np.arange(len(rows), dtype=np.uint32), counts)
    ids, ranks = _ids([person.id for person in people])
    found = ImportReport(
        place.name, lines=len(people), arcs=sources.size, agents=len(people),
        seconds=perf_counter() - began,
        notes=(f"Ties are those of {FOLLOWS}: who follows hears.", *people.remarks),
    )  # fmt: skip
    edges = ImportedArcs(ranks[sources], ranks[targets], ids, None, None, None, found)
    return edges, people


def _followed(place: Path, number: int, person: Profile, people: int) -> list[int]:
    said = person.more.get(FOLLOWS, "")
    words = words_of([str(each) for each in said] if isinstance(said, list) else str(said))
    wrong = [word for word in words if not _is_place(word, people)]
    if wrong:
        rule = f"{FOLLOWS} names places from 0 to {people - 1:,}, got {wrong[0][:40]!r}"
        raise FormatError(place, number + 1, str(said)[:60], rule)
    return [int(word) for word in words]


def _is_place(word: str, people: int) -> bool:
    return len(word) <= _LONGEST and whole(word) and 0 <= int(word) < people


def _ids(
    given: list[int | str | None],
) -> tuple[npt.NDArray[np.int64] | list[str] | None, npt.NDArray[np.uint32]]:
    """Return the foreign ids in the order that worlds have them, and the index of each person."""
    places = np.arange(len(given), dtype=np.uint32)
    if None in given:
        return None, places
    if not all(isinstance(each, int) for each in given):
        return [str(each) for each in given], places
    ids = np.array(given, np.int64)
    order = np.argsort(ids, kind="stable")
    ranks = np.empty(len(given), np.uint32)
    ranks[order] = places
    return ids[order], ranks
