"""Opinion models with algorithmic bias: like-minded agents meet more often; media never change."""

from typing import ClassVar

import numpy as np

from sim import Card, Field, Floats, Meetings, register
from sim.errors import ParameterError


@register("algorithmic-bias")
class AlgorithmicBias(Meetings):
    """Two who think alike meet more often, and meet in the middle (Sirbu et al. 2019).

    The partner j of i is drawn in proportion to ``max(|x_i - x_j|, 1e-5) ** -gamma``; if
    ``|x_i - x_j| < bound`` both take the mean of the two. With ``gamma = 0`` this is ``deffuant``.
    """

    mutual: ClassVar[bool] = True
    conserves: ClassVar[bool] = True

    bound: float = Field(0.32, ge=0, le=2, description="largest gap that still persuades, epsilon")
    gamma: float = Field(1.0, ge=0, le=20, description="strength of the bias towards like minds")

    card: ClassVar[Card] = Card(
        source="Sirbu, Pedreschi, Giannotti & Kertesz, Algorithmic bias amplifies opinion "
        "fragmentation and polarization: a bounded confidence model, PLOS ONE 14, 2019",
        equations=(
            "P(j | i) ~ max(|x_i - x_j|, 1e-5)^-gamma over those i hears",
            "if |x_i - x_j| < bound:  x_i, x_j <- (x_i + x_j) / 2",
        ),
        comparison="a gap persuades when it is < the bound",
        cost="the row of ties of each updated agent",
        largest="as large as the world: 16 bytes an agent",
        checked=(
            "partners of one listener by distance: 300,000 draws against the exact law, chi-square",
            "gamma 0: deffuant with mu 1/2, to 1e-12",
            "mean opinion conserved to 1e-12",
        ),
        choices=(
            "distances below 1e-5 count as 1e-5",
            "both move where each hears the other; along one-sided ties the listener alone does",
        ),
    )

    def preference(self) -> float:
        """Return ``gamma``."""
        return self.gamma

    def meet(self, listener: float, speaker: float) -> float:
        """Take the mean, if the gap is not too large."""
        if abs(speaker - listener) < self.bound:
            return 0.5 * (listener + speaker)
        return listener


@register("algorithmic-bias-media")
class AlgorithmicBiasMedia(AlgorithmicBias):
    """As algorithmic-bias, with media that are heard and never move (Pansanella et al. 2023).

    After each meeting, with chance ``media_chance``, the agent whose turn it is hears a medium,
    drawn by ``gamma_media`` as partners are by ``gamma``, and takes the mean if it is near enough.
    """

    conserves: ClassVar[bool] = False

    media_opinions: str = Field("0.05,0.5,0.95", description="what each medium says, by commas")
    media_chance: float = Field(
        0.2, ge=0, le=1, description="chance to hear one", json_schema_extra={"unit": "per meeting"}
    )
    gamma_media: float = Field(1.0, ge=0, le=20, description="bias in the choice of a medium")

    card: ClassVar[Card] = Card(
        source="Pansanella, Sirbu, Kertesz & Rossetti, Mass media impact on opinion evolution in "
        "biased digital environments: a bounded confidence model, Scientific Reports 13, 2023",
        equations=(
            "as algorithmic-bias; then with chance media_chance a medium m, "
            "P(m | i) ~ max(|x_i - x_m|, 1e-5)^-gamma_media",
            "if |x_i - x_m| < bound:  x_i <- (x_i + x_m) / 2",
        ),
        checked=(
            "one medium, bound 1: all end at its opinion",
            "media_chance 0: algorithmic-bias, to the last bit",
        ),
        choices=(
            "media are heard by the agent whose turn it is, not by its partner",
            "agents take their turn at random, on complete networks too",
            "distances below 1e-5 count as 1e-5",
        ),
    )

    def check(self) -> None:
        """Refuse media that say nothing in the range."""
        super().check()
        self._opinions()

    def _opinions(self) -> Floats:
        try:
            said = np.array([float(word) for word in self.media_opinions.split(",")])
        except ValueError:
            said = np.array([np.nan])
        if not ((said >= 0.0) & (said <= 1.0)).all():
            raise ParameterError(
                f"{self.plugin_name}: media_opinions must be numbers in [0, 1] with commas "
                f"between, got {self.media_opinions!r}."
            )
        return said

    def media(self) -> tuple[Floats, float, float]:
        """Return what media say, the chance to hear one, and the bias among them."""
        return self._opinions(), self.media_chance, self.gamma_media
