"""The contract of policies, which choose members' acts on their feeds, and the built-in rules."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.cards import Card
from sim.core.params import Field, Parameters
from sim.core.registry import register
from sim.errors import PluginError
from sim.platform.acts import acts_kernels as kernels
from sim.platform.acts.kinds import Act
from sim.platform.feed.exposures import ExposurePart, Exposures
from sim.platform.platform_view import PlatformView


class Policy(Parameters):
    """How members act on what they see; its fields are its parameters.

    Each exposure ends in one act or none. Calls come from several threads: write nothing that
    another call reads.
    """

    plugin_kind: ClassVar[str] = "policy"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = 1
    requires: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[Card] = Card(
        family="policies",
        update="one draw an exposure, by tick, viewer and message; at most one act each",
        comparison="an act happens where the draw in [0, 1) falls into its part",
        direction="what a viewer does about a message, its author, or who shared it",
        includes_self="one's own posts are not shown",
        ties="none: chances of one exposure exclude each other",
        time_unit="tick; novelty in hours",
        channels="feed",
        draw_modes="one draw an exposure",
    )

    def probabilities(
        self, exposures: Exposures, platform: PlatformView
    ) -> dict[Act, npt.NDArray[np.float64]]:
        """Return the probability of each act, one per exposure; the remainder is no act.

        Negative probabilities count as 0; if they sum to more than 1, the later ones are cut off.
        """
        raise NotImplementedError

    def codes(
        self, part: ExposurePart, platform: PlatformView, key: np.uint64
    ) -> npt.NDArray[np.uint8]:
        """Return the act of each exposure of a part, uint8; 0 for none.

        Parameters
        ----------
        part
            Exposures of a few thousand viewers.
        platform
            The platform's state.
        key
            Key of this tick's draws for acts, by (viewer, message).
        """
        count = part.message.size
        said = self.probabilities(Exposures([part], platform.tick, around=platform), platform)
        who = self.plugin_name or type(self).__name__
        if not isinstance(said, dict) or not all(isinstance(act, Act) for act in said):
            raise PluginError(who, "probabilities() must give a dict of sim.Act to chances")
        chances = np.zeros((count, len(said)))
        for k, (act, chance) in enumerate(said.items()):
            given = np.asarray(chance)
            if given.dtype.kind not in "biuf" or given.shape not in {(), (count,)}:
                raise PluginError(
                    who,
                    f"probabilities() must give one chance an exposure, shape ({count},), for "
                    f"{act.says}, got {given.dtype} {given.shape}",
                )
            if not np.isfinite(given).all():
                raise PluginError(
                    who, f"probabilities() gave NaN or infinity as a chance of {act.says}"
                )
            chances[:, k] = given
        out = np.empty(count, np.uint8)
        which = np.array([int(act) for act in said], np.uint8)
        kernels.choose(chances, part.viewer, part.message, key, which, out)
        return out


@register("rule")
class RulePolicy(Policy):
    """Acts by appeal, interest, trust, novelty, social proof and fatigue.

    With ``attention = 1 / (1 + fatigue * slot)``, ``novelty = 0.5 ** (hours / half_life)`` and ::

        drive = attention * novelty * appeal * (0.25 + 0.75 interest) * (0.4 + 0.6 trust)
                * (1 + proof * further friends that share it)
                * (1 + standing * (2 r / (1 + r) - 1)), r the source's reputation, 1 on average

    the chances of a member, whose traits are in [0, 1], are ::

        like     likes    * drive * (0.5 + agreeableness)
        repost   reposts  * drive * (0.5 + extraversion)       not of injected messages
        reply    replies  * drive * (0.5 + extraversion)
        quote    quotes   * drive * (0.5 + openness)           not of injected messages
        dislike  dislikes * attention * (1 - interest) * (0.5 + neuroticism)
        report   reports  * attention * (1 - appeal) * (0.5 + conscientiousness)
        follow   follows  * drive * (0.5 + openness)           of strangers' messages
        mute     mutes    * attention * (1 - interest) * (0.5 + neuroticism)

    at most one act an exposure. In a world with moods (``mood_hours``) a mood m in [-1, 1] counts
    as so much character: agreeableness + m / 4 and neuroticism - m / 4, within [0, 1]. Whether an
    injected message is passed on is its model's to say. Interest and trust are kept to 1/255,
    novelty falls for 255 ticks.
    """

    card: ClassVar[Card] = Card(
        source="Hubbub's own: the traits that go with an act, and its rates, are plain choices",
        meaning={"act": "what a member does about a message that it is shown"},
        equations=(
            "drive = attention novelty appeal (1/4 + 3/4 interest) (2/5 + 3/5 trust) "
            "(1 + proof further friends) (1 + standing (2 r / (1 + r) - 1))",
            "attention = 1 / (1 + fatigue slot); novelty = 2^(-hours / half_life)",
            "like: likes drive (1/2 + A); repost: reposts drive (1/2 + E); reply: replies drive "
            "(1/2 + E); quote: quotes drive (1/2 + O); follow a stranger: follows drive (1/2 + O)",
            "dislike: dislikes attention (1 - interest) (1/2 + N); mute: mutes attention "
            "(1 - interest) (1/2 + N); report: reports attention (1 - appeal) (1/2 + C)",
            "with moods m in [-1, 1]: A + m / 4 and N - m / 4 stand for A and N",
        ),
        cost="one pass over the exposures of a tick",
        largest="10 million agents on one machine",
        checked=("the compiled pass against plain Python over the same exposures and draws",),
        choices=("injected messages are shared by who adopts them, as their model says",),
    )
    likes: float = Field(0.5, ge=0, le=2, description="rate of likes at full drive")
    reposts: float = Field(0.15, ge=0, le=2, description="rate of reposts at full drive")
    replies: float = Field(0.06, ge=0, le=2, description="rate of replies at full drive")
    quotes: float = Field(0.03, ge=0, le=2, description="rate of quotes at full drive")
    dislikes: float = Field(0.01, ge=0, le=2, description="rate of dislikes without interest")
    reports: float = Field(0.0003, ge=0, le=2, description="rate of reports without appeal")
    follows: float = Field(0.01, ge=0, le=2, description="rate of follows at full drive")
    mutes: float = Field(0.0005, ge=0, le=2, description="rate of mutes without interest")
    fatigue: float = Field(0.15, ge=0, le=10, description="how attention falls with each slot")
    half_life: float = Field(
        24.0, gt=0, le=100_000, description="in which a message loses half its novelty",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip
    proof: float = Field(
        0.25, ge=0, le=10, description="what each further friend that shares it adds"
    )

    standing: float = Field(
        0.2, ge=0, le=1, description="how much the source's reputation bends the drive"
    )

    def codes(
        self, part: ExposurePart, platform: PlatformView, key: np.uint64
    ) -> npt.NDArray[np.uint8]:
        """Return the act of each exposure by the rules above, in one compiled pass."""
        out = np.empty(part.message.size, np.uint8)
        rates = (self.likes, self.reposts, self.replies, self.quotes, self.dislikes, self.reports,
                 self.follows, self.mutes)  # fmt: skip
        kernels.decide(
            part.viewers, part.counts, part.shown, platform.effective_personality,
            np.array(rates, np.float32), *self._fading(platform.tick_minutes), self.proof,
            platform.standing, self.standing, key, out,
        )  # fmt: skip
        return out

    def _fading(self, minutes: float) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the remaining attention at each slot, and novelty at each age in ticks."""
        slots = 1 / (1 + self.fatigue * np.arange(256))
        ages = 0.5 ** (np.arange(256) * minutes / 60 / self.half_life)
        return slots.astype(np.float32), ages.astype(np.float32)
