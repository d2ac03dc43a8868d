"""The recommender contract: how well each candidate would do in its viewer's feed."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.authors import returned
from sim.core.cards import Card
from sim.core.params import Parameters
from sim.errors import PluginError
from sim.platform.feed.candidates import Candidates
from sim.platform.platform_view import PlatformView


class Recommender(Parameters):
    """A way to rank feeds; its fields are its parameters.

    ::

        @register("popularity")
        class Popularity(Recommender):
            '''What most like and share.'''

            def score(self, candidates):
                return candidates.likes + 2.0 * candidates.shares

    One call scores the candidates of thousands of viewers. Calls come from several threads: write
    nothing in :meth:`score` that another call reads; :meth:`prepare` runs alone.
    """

    plugin_kind: ClassVar[str] = "recommender"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[Card] = Card(
        family="feeds",
        meaning={"score": "how well a message would do in a feed; the unit is the formula's"},
        update="all feeds of a tick from what stands before its acts",
        comparison="the highest scores are shown",
        includes_self="one's own posts are no candidates",
        direction="from who shared a message to who hears them, and from the platform's pools",
        ties="equal scores by a draw addressed by tick, viewer and message",
        time_unit="tick",
        channels="feed",
        draw_modes="none of its own: the column draw",
        cost="one number a candidate, at most 40 for each member online",
        largest="as many agents as memory holds",
    )

    def check(self) -> None:
        """Refuse parameters that do not go together; called when a platform takes it.

        Raises
        ------
        ParameterError
            One sentence.
        """

    def prepare(self, platform: PlatformView) -> None:
        """Get ready for a tick; called once before its feeds, alone.

        Its cost should follow who is online and what is new, never members x messages. What is
        kept in attributes must be found again from the platform alone after a restart; arrays that
        grow with time belong into ``platform.held``.
        """

    def pool(self, platform: PlatformView) -> npt.NDArray[np.uint32] | None:
        """Return messages to draw from beyond those whom a viewer follows; None: the platform's.

        The platform's pools are the newest messages, by topic, and those that trend.
        """
        return None

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return a number for each candidate, float32 if you can; the highest are shown.

        Write it without ``if`` over the columns (``numpy.where`` chooses row by row). NaN or
        another shape is an error; equal scores stand in a random order.
        """
        raise NotImplementedError

    def rerank(
        self, candidates: Candidates, scores: npt.NDArray[np.float32], slots: int
    ) -> npt.NDArray[Any]:
        """Return scores again, where the rest of the feed matters: diversity, bridging.

        ``candidates.stops`` says where each viewer's begin. By default the scores themselves.
        """
        return scores

    def parts(self, candidates: Candidates) -> dict[str, npt.NDArray[Any]]:
        """Return named parts that sum to the score, for explanations; by default the score."""
        return {"score": self.score(candidates)}

    def scores_of(self, candidates: Candidates, slots: int) -> npt.NDArray[np.float32]:
        """Return the author's scores, float32, or say what is wrong with them.

        Raises
        ------
        PluginError
            For another shape, or what is no number.
        """
        scores = self._checked(self.score(candidates), "score", len(candidates))
        if type(self).rerank is not Recommender.rerank:
            scores = self._checked(
                self.rerank(candidates, scores, slots), "rerank", len(candidates)
            )
        return scores

    def _checked(self, said: Any, hook: str, count: int) -> npt.NDArray[np.float32]:
        found = np.asarray(said)
        name = self.plugin_name or type(self).__name__
        if found.dtype.kind not in "biuf" or found.shape not in {(), (count,)}:
            raise PluginError(
                name,
                f"{hook}() must return one number a candidate, shape ({count},), got "
                f"{returned(said, found, shape=True)}",
            )
        return np.ascontiguousarray(np.broadcast_to(found, count), np.float32)

    def refuse_nan(self) -> PluginError:
        """Return what to say of scores that are no numbers."""
        name = self.plugin_name or type(self).__name__
        return PluginError(name, "score() returned NaN; check for 0 / 0")


class Chronological(Recommender):
    """The newest first: no ranking but time. It stands in for a recommender that failed."""

    card: ClassVar[Card] = Card(
        source="what feeds were before they were ranked",
        equations=("score = -age",),
        checked=("the formula over every candidate of a world",),
    )

    def score(self, candidates: Candidates) -> npt.NDArray[Any]:
        """Return minus the age."""
        return -candidates.age


class FriendRecommender(Parameters):
    """A way to propose whom to follow; its fields are its parameters."""

    plugin_kind: ClassVar[str] = "friend-recommender"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()

    def suggest(
        self, viewers: npt.NDArray[np.uint32], platform: PlatformView, count: int
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
        """Return (viewers, suggested, scores), at most ``count`` for each viewer, best first.

        Nobody is suggested to itself, nor whom it follows already; who may not be proposed
        (:data:`sim.agents.lifecycle.PLACES`), is muted or blocked, is left out by whoever asked.
        """
        raise NotImplementedError
