"""The exposures of a tick: the contents of all feeds, part by part."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import U8, Ids
from sim.errors import InputError
from sim.platform.acts.log import ActColumns
from sim.platform.feed.ranking_kernels import ShownColumns, viewers_of
from sim.platform.platform_view import PlatformView, of_end
from sim.platform.posts.posts import Posts


class ExposurePart(NamedTuple):
    """The exposures of a few thousand viewers, viewer by viewer, best first."""

    viewers: Ids  # members with exposures; below: number of each
    counts: U8
    message: Ids
    source: Ids
    score: npt.NDArray[np.float32]
    trust: U8  # in 1/255, as interest
    interest: U8
    age: U8  # ticks since it was posted, up to 255
    friends: U8  # number of drawn members that shared it; 0: from a stranger
    appeal: U8  # as in Posts, with flags
    flags: U8
    recommender: int = 0  # index of the recommender in the platform's list

    @property
    def shown(self) -> ShownColumns:
        """Columns of exposures, for kernels."""
        return ShownColumns(*self[2:4], self.score.view(np.uint32), *self[5:11])

    @property
    def viewer(self) -> Ids:
        """uint32 (exposures,): viewer of each."""
        return np.repeat(self.viewers, self.counts)


class Showings(NamedTuple):
    """Exposures of injected messages; three columns of equal length, uint32."""

    viewer: Ids
    source: Ids
    cascade: Ids  # id of the injected message


class TickExposures(NamedTuple):
    """What a tick needs from exposures that were released, batch by batch."""

    size: int  # number of exposures
    injected: list[Showings]  # those of injected messages; empty once their cascades advanced
    # acts chosen by the policy, in the order of exposures, and the source of each; empty once
    # they are carried out
    decided: list[tuple[ActColumns, Ids]]


class Exposures:
    """All exposures of a tick as flat columns, in order of (recommender, viewer, slot).

    Columns are created on first access, and are copies: they stay valid in the next tick. Columns
    of agents are available for all three ends: ``viewer_openness``, ``author_community``,
    ``source_activity``.

    Parameters
    ----------
    parts
        The parts that feeds made.
    tick
        The tick.
    taken
        Extracts if exposures are not kept; then there are no columns and no parts.
    around
        The platform, for columns of agents.
    """

    def __init__(
        self,
        parts: list[ExposurePart],
        tick: int = 0,
        taken: TickExposures | None = None,
        around: PlatformView | None = None,
    ) -> None:
        self._parts = parts
        self.tick = tick
        self.taken = taken
        self._around = around

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        around = None if name.startswith("_") else self._around
        found = None if around is None else of_end(self, around, name)
        if found is None:
            raise AttributeError(
                f"Exposures have no column {name!r}; a policy finds columns of agents as "
                f"viewer_NAME, author_NAME and source_NAME."
            )
        setattr(self, name, found)
        return found

    @property
    def parts(self) -> list[ExposurePart]:
        """The parts that feeds made.

        Raises
        ------
        InputError
            If they are not kept.
        """
        if self.taken is not None:
            raise InputError(
                f"The feeds of tick {self.tick:,} were given back at once, as this platform was "
                f"opened with keep_feeds off; a platform that keeps them can tell who saw what."
            )
        return self._parts

    @property
    def at_hand(self) -> list[ExposurePart]:
        """As :attr:`parts`, but empty if not kept, as before there were minds to read them."""
        return self._parts

    def __len__(self) -> int:
        if self.taken is not None:
            return self.taken.size
        return sum(part.message.size for part in self.parts)

    def _joined(self, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        columns = [getattr(part, name) for part in self.parts]
        return np.concatenate([np.empty(0, kind), *columns]).astype(kind, copy=False)

    @cached_property
    def viewer(self) -> Ids:
        """uint32: the viewer."""
        return self._slotted[0]

    @cached_property
    def slot(self) -> U8:
        """uint8: position in the viewer's feed, from 0."""
        return self._slotted[1]

    @cached_property
    def _slotted(self) -> tuple[Ids, U8]:
        who, slot = np.empty(len(self), np.uint32), np.empty(len(self), np.uint8)
        viewers_of(self._joined("viewers", np.uint32), self._joined("counts", np.uint8), who, slot)
        return who, slot

    @cached_property
    def message(self) -> Ids:
        """uint32: number of the message."""
        return self._joined("message", np.uint32)

    @cached_property
    def source(self) -> Ids:
        """uint32: the member that shared it; the author if that is a stranger."""
        return self._joined("source", np.uint32)

    @cached_property
    def author(self) -> Ids:
        """uint32: the author; for policies."""
        if self._around is None:
            raise AttributeError("Only a policy's exposures know who wrote each.")
        return self._around.posts.author[self.row(self._around.posts)]

    @cached_property
    def score(self) -> npt.NDArray[np.float32]:
        """float32: the recommender's score."""
        return self._joined("score", np.float32)

    @cached_property
    def trust(self) -> npt.NDArray[np.float32]:
        """float32 in [0, 1]: the viewer's trust in the source, rounded to 1/255."""
        return self._joined("trust", np.uint8) * np.float32(1 / 255)

    @cached_property
    def interest(self) -> npt.NDArray[np.float32]:
        """float32 in [0, 1]: share of its interests that the viewer has, rounded to 1/255."""
        return self._joined("interest", np.uint8) * np.float32(1 / 255)

    @cached_property
    def friends(self) -> U8:
        """uint8: number of drawn members that shared it; 0: from a stranger."""
        return self._joined("friends", np.uint8)

    @cached_property
    def appeal(self) -> npt.NDArray[np.float32]:
        """float32 in [0, 1]: appeal independent of interests."""
        return self._joined("appeal", np.uint8) * np.float32(1 / 255)

    @cached_property
    def age(self) -> U8:
        """uint8: ticks since posting, up to 255."""
        return self._joined("age", np.uint8)

    @property
    def followed(self) -> npt.NDArray[np.bool_]:
        """bool: whether the viewer follows the source."""
        return self.friends > 0

    def of(self, viewer: int) -> npt.NDArray[np.int64]:
        """Return the indices of a viewer's exposures, in feed order."""
        return np.flatnonzero(self.viewer == viewer)

    def row(self, posts: Posts) -> npt.NDArray[np.int64]:
        """Return each message's row in the table."""
        return posts.rows(self.message)
