"""Settings of a platform; each is a flag, a form field and a scenario key."""

from typing import ClassVar, Literal

from sim.core.params import Field, Parameters
from sim.core.registry import make
from sim.errors import ParameterError
from sim.platform.members import curve_of


class PlatformSettings(Parameters):
    """How a platform works; immutable, saved with the world."""

    plugin_name: ClassVar[str] = "platform"

    slots: int = Field(10, ge=1, le=60, description="messages shown to an online member in a tick")
    candidates: int = Field(
        40, ge=1, le=64, description="candidate messages per feed, of which the best are shown"
    )
    outside: float = Field(
        0.5, ge=0, le=1, description="share of candidates from members who are not followed"
    )
    window: int = Field(
        72, ge=1, le=100_000, description="how long a message can be shown",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip
    posting: float = Field(
        0.04, ge=0, le=1, description="chance that an online member of medium extraversion posts"
    )
    rhythm: str = Field(
        "daily", description="the day's curve: daily, flat, or 24 numbers separated by commas"
    )
    channel: Literal["feed", "broadcast"] = Field("feed", description="default channel of messages")
    label_reports: int = Field(
        5, ge=0, le=1_000_000_000, description="least reports to label a message; 0: never"
    )
    label_share: float = Field(
        0.001, ge=0, le=1, description="least share of impressions reported, to label a message"
    )
    hide_reports: int = Field(
        20, ge=0, le=1_000_000_000, description="least reports to hide a message; 0: never"
    )
    hide_share: float = Field(
        0.005, ge=0, le=1, description="least share of impressions reported, to hide a message"
    )
    learning: float = Field(
        1.0, ge=0, le=6,
        description="how fast trust moves with outcomes: 1 as world.learn, 0 not at all",
    )  # fmt: skip
    reputation_hours: float = Field(
        24.0, ge=0, le=100_000, description="how often reputation is updated; 0: never",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip
    founders: str = Field(
        "",
        description="members trusted in advance, as for seeds (top:100:pagerank, ids:3,7, "
        "interest:music); default: the most followed of the 10 % with the highest standing",
    )
    friends: str = Field(
        "",
        description="friend recommender; default: none (new members then follow only members whom "
        "they see in feeds, 3 % of them in two days)",
    )
    meeting: float = Field(
        0.002, ge=0, le=1,
        description="share of online members who get a suggestion from the friend recommender",
    )  # fmt: skip
    welcome: int = Field(
        5, ge=0, le=60,
        description="number of members that an online member without ties follows at once, with a "
        "friend recommender; 0: new members wait like others",
    )  # fmt: skip
    log_ticks: int = Field(
        48, ge=0, description="how long actions are kept; counts are kept permanently",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip

    keep_feeds: bool = Field(
        True,
        description="keep feeds until the next tick; false: uses less memory, but feeds cannot be "
        "explained and have no metrics",
    )

    newcomers: float = Field(
        0.0, ge=0, le=1, description="new members per day, as a share of the members"
    )
    churn: float = Field(0.0, ge=0, le=1, description="members leaving per day, as a share")
    drift: float = Field(
        0.0, ge=0, le=1, description="chance to gain an interest from a liked message"
    )
    fading: float = Field(0.0, ge=0, le=1, description="chance per day online to lose an interest")
    mood_hours: float = Field(
        0.0, ge=0, le=100_000, description="half-life of a mood; 0: no moods",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip

    def check(self) -> None:
        """Raise for settings that contradict each other.

        Raises
        ------
        ParameterError
            One sentence.
        """
        curve_of(self.rhythm)
        if self.friends:
            make(self.friends, "friend-recommender")
        if self.candidates < self.slots:
            raise ParameterError(
                f"platform: candidates must be at least slots ({self.slots}), "
                f"got {self.candidates}."
            )
