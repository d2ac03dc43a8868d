"""Settings of a platform when it opens; each a flag, a form field and a scenario key."""

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
        40, ge=1, le=64, description="messages drawn for a member, of which the best are shown"
    )
    outside: float = Field(
        0.5, ge=0, le=1, description="share of the draws made beyond those whom a member follows"
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
    channel: Literal["feed", "broadcast"] = Field(
        "feed", description="the channel of messages injected without naming one"
    )
    label_reports: int = Field(
        5, ge=0, le=1_000_000_000, description="reports that label a message, at least; 0: never"
    )
    label_share: float = Field(
        0.001, ge=0, le=1, description="share of its showings that must end in a report for that"
    )
    hide_reports: int = Field(
        20, ge=0, le=1_000_000_000, description="reports that hide a message, at least; 0: never"
    )
    hide_share: float = Field(
        0.005, ge=0, le=1, description="share of its showings that must end in a report for that"
    )
    learning: float = Field(
        1.0, ge=0, le=6,
        description="how fast trust moves with outcomes: 1 as world.learn, 0 not at all",
    )  # fmt: skip
    reputation_hours: float = Field(
        24.0, ge=0, le=100_000, description="how often reputation is weighed anew; 0: never",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip
    founders: str = Field(
        "",
        description="whom reputation trusts beforehand, named as seeds are (top:100:pagerank, "
        "ids:3,7, interest:music); by default the tenth of highest standing with the most heard",
    )
    friends: str = Field(
        "",
        description="who proposes whom to follow (friend recommender); by default nobody: who "
        "joins then follows only whom it comes across in feeds, three in a hundred in two days",
    )
    meeting: float = Field(
        0.002, ge=0, le=1,
        description="share of online members that are proposed somebody, where there is who does",
    )  # fmt: skip
    welcome: int = Field(
        5, ge=0, le=60,
        description="whom a member online that follows nobody follows at once, where there is who "
        "proposes; 0: newcomers wait for their turn as others do",
    )  # fmt: skip
    log_ticks: int = Field(
        48, ge=0, description="how long every act is kept; counts are kept for ever",
        json_schema_extra={"unit": "ticks"},
    )  # fmt: skip

    keep_feeds: bool = Field(
        True,
        description="keep feeds until the next tick; if not, members are fed and act in waves, "
        "which takes less memory; feeds are not explained and metrics of them not taken",
    )

    newcomers: float = Field(
        0.0, ge=0, le=1, description="share of the members by which more join in a day"
    )
    churn: float = Field(0.0, ge=0, le=1, description="share of the members that leave in a day")
    drift: float = Field(
        0.0, ge=0, le=1, description="chance to take up an interest with a message that one likes"
    )
    fading: float = Field(
        0.0, ge=0, le=1, description="chance in a day online to lose one of one's interests"
    )
    mood_hours: float = Field(
        0.0, ge=0, le=100_000, description="in which a mood loses half of itself; 0: no moods",
        json_schema_extra={"unit": "hours"},
    )  # fmt: skip

    def check(self) -> None:
        """Refuse what does not go together.

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
