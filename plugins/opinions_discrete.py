"""Opinions of which there are two: a listener takes up what it hears."""

from typing import ClassVar

from sim import Card, Field, Meetings, register

TWO = {
    "against": "holds the first opinion",
    "for": "holds the second opinion, with which the seeds begin",
}


class TwoOpinions(Meetings):
    """What models of two opinions have in common: all hold the first, the seeds the second."""

    states: ClassVar[tuple[str, ...]] = ("against", "for")
    choices: ClassVar[tuple[float, ...]] = (0.0, 1.0)

    initial: str = Field(
        "first",
        description="opinions of those without one: first (all the first), uniform (by a fair "
        "coin), uniform:LOW:HIGH, even or column:NAME, rounded",
    )


@register("voter")
class Voter(TwoOpinions):
    """An agent takes the opinion of one it hears, drawn at random (Clifford & Sudbury 1973)."""

    card: ClassVar[Card] = Card(
        source="Clifford & Sudbury, A model for spatial conflict, Biometrika 60, 1973; Holley & "
        "Liggett, Ergodic theorems for weakly interacting infinite systems and the voter model, "
        "Annals of Probability 3, 1975",
        meaning=TWO,
        equations=(
            "x_i <- x_j, where i is drawn from all that hear somebody, j from those i hears",
        ),
        largest="as large as the world: 16 bytes an agent",
        checked=(
            "complete networks of 10, half for: 58.107143 single updates to consensus",
            "exit probability = initial share",
        ),
    )

    def meet(self, listener: float, speaker: float) -> float:
        """Take over what is heard."""
        return speaker
