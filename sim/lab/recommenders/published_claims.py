"""Claims of papers about recommenders, to which runs can be held."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLAIMS", "Claim", "claims_of"]

_PLAIN = ("chronological", "random")


class Claim(NamedTuple):
    """One recommender is said to have more or less of something than others.

    Attributes
    ----------
    name, others
        The recommender that is spoken of, and those that it is compared with.
    measure
        One of :data:`~sim.lab.recommenders.exposure_sums.MEASURES`.
    sign
        1: more of it; -1: less.
    source
        Who says so, of what.
    """

    name: str
    others: tuple[str, ...]
    measure: str
    sign: int
    source: str

    def sentence(self, other: str) -> str:
        """Say it of one of the others."""
        more = "more" if self.sign > 0 else "less"
        return f"{self.name} has {more} {self.measure} than {other}"


_SALGANIK = "Salganik, Dodds & Watts, Science 311, 2006: seeing what is popular makes it more so"
_FLEDER = "Fleder & Hosanagar, Management Science 55, 2009: filters by others' choices concentrate"
_BAKSHY = (
    "Bakshy, Messing & Adamic, Science 348, 2015: a ranked feed shows less of the other side than "
    "what friends share"
)
_ZIEGLER = "Ziegler et al., WWW 2005: re-ranked lists hold more topics"
_OVADYA = "Ovadya & Thorburn, arXiv:2301.09976, 2023: what bridging is proposed for; no finding"
_GUESS = "Guess et al., Science 381, 2023: feeds in order of time are used less, and acted on less"
_HOT = ("popularity", "hot", "most-commented")

CLAIMS: tuple[Claim, ...] = (
    *(Claim(name, _PLAIN, "inequality", 1, _SALGANIK) for name in _HOT),
    *(Claim(name, _PLAIN, "top reach", 1, _SALGANIK) for name in _HOT),
    Claim("collaborative-filtering", _PLAIN, "inequality", 1, _FLEDER),
    *(Claim(name, _PLAIN, "agreement", 1, _BAKSHY) for name in ("content", "blend", "x-style")),
    Claim("diversity", ("blend", "content"), "variety", 1, _ZIEGLER),
    Claim("bridging", ("blend",), "separation", -1, _OVADYA),
    *(
        Claim(name, _PLAIN[:1], "engagement", 1, _GUESS)
        for name in ("blend", "content", "popularity")
    ),
)
"""Each a direction; sizes depend on the world."""


def claims_of(first: str, second: str) -> tuple[tuple[Claim, str, int], ...]:
    """Return (claim, other, sign of second minus first) for each claim about two recommenders."""
    found = []
    for claim in CLAIMS:
        for name, other, turn in ((second, first, 1), (first, second, -1)):
            if claim.name == name and other in claim.others:
                found.append((claim, other, claim.sign * turn))
    return tuple(found)
