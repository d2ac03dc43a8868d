"""A budget: the worst case of a call is set aside before anything is sent.

Nothing is set aside that a cap has no room for. A call whose usage is missing, absurd or never
arrives keeps its reservation: it may have been billed in full. A call is booked with more than its
worst case only where a server states it: a cap may be passed by that surplus, and nothing is sent
after it. Where calls under way hold the room that is left, others wait for them to settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock

from sim.errors import InputError
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.prices import Spend, in_nano

_CAPS = {
    word: cap
    for cap, words in (
        ("requests", "requests request"),
        ("tokens", "tokens token"),
        ("dollars", "dollars dollar $"),
    )
    for word in words.split()
}


class Budget:
    """Caps on requests, tokens and money; safe to ask from any thread.

    Parameters
    ----------
    requests, tokens
        Most of each; None: no cap.
    dollars
        Most money; None: no cap.

    Examples
    --------
    >>> budget = Budget(dollars=0.01)
    >>> held = budget.reserve(Spend(1, 500, 4_000_000))
    >>> held.settle(Spend(1, 300, 2_000_000)).dollars
    0.002
    >>> budget.settled.dollars, budget.reserved.requests
    (0.002, 0)
    """

    def __init__(
        self,
        *,
        requests: int | None = None,
        tokens: int | None = None,
        dollars: float | None = None,
    ) -> None:
        for name, cap in (("requests", requests), ("tokens", tokens), ("dollars", dollars)):
            if cap is not None and not 0 <= cap < float("inf"):
                raise InputError(f"A budget's {name} are 0 or more, got {cap!r}.")
        self.caps = (requests, tokens, None if dollars is None else int(in_nano(dollars)))
        self._settled = Spend()
        self._reserved = Spend()
        self._lock = Lock()
        self._changed: Future[None] = Future()

    @property
    def settled(self) -> Spend:
        """What was spent."""
        return self._settled

    @property
    def reserved(self) -> Spend:
        """What calls under way may cost at worst."""
        return self._reserved

    @property
    def is_spent(self) -> bool:
        """Whether not even one request is left."""
        return self._lacking(Spend(1)) is not None

    def set_cap(self, name: str, most: float | None) -> None:
        """Set a cap anew, at least at what is spent or set aside already.

        Parameters
        ----------
        name
            ``"requests"``, ``"tokens"`` or ``"dollars"``.
        most
            At least 0; None: no cap.
        """
        place = ("requests", "tokens", "dollars").index(name)
        new = Budget(**{name: most}).caps[place]  # type: ignore[arg-type]  # it refuses absurd ones
        with self._lock:
            used = self._settled.plus(self._reserved)[place]
            caps = list(self.caps)
            caps[place] = None if new is None else max(new, used)
            self.caps = (caps[0], caps[1], caps[2])
        self._tell()

    def restore(self, settled: Spend) -> None:
        """Take over what an earlier part of the run spent."""
        with self._lock:
            self._settled = settled
        self._tell()

    def changed(self) -> Future[None]:
        """Return what is done once there may be more room than now; for all who wait alike."""
        with self._lock:
            return self._changed

    def _tell(self) -> None:
        with self._lock:
            told, self._changed = self._changed, Future()
        told.set_result(None)

    def may_fit(self, worst: Spend) -> bool:
        """Return whether a call would fit if all that are under way cost nothing."""
        with self._lock:
            return self._lacking(worst, Spend()) is None

    def reserve(self, worst: Spend) -> Reservation:
        """Set aside the worst case of a call.

        Raises
        ------
        ModelError
            BUDGET: it does not fit under a cap any more; nothing is set aside.
        """
        with self._lock:
            lacking = self._lacking(worst)
            if lacking is not None:
                raise ModelError(Fault.BUDGET, f"the cap on {lacking} leaves no room for a call")
            self._reserved = self._reserved.plus(worst)
        return Reservation(self, worst)

    def _lacking(self, more: Spend, reserved: Spend | None = None) -> str | None:
        """Return the cap that ``more`` would break, or None; ``reserved``: other than it is."""
        held = self._reserved if reserved is None else reserved
        total = self._settled.plus(held).plus(more)
        for name, used, cap in zip(("requests", "tokens", "money"), total, self.caps, strict=True):
            if cap is not None and used > cap:
                return name
        return None

    def _close(self, held: Spend, spent: Spend, most: Spend) -> Spend:
        """Book what a call cost, up to the most it can be; returns what was booked."""
        booked = Spend(*map(min, spent, most))
        with self._lock:
            self._reserved = self._reserved.minus(held)
            self._settled = self._settled.plus(booked)
        self._tell()
        return booked


class Reservation:
    """The worst case of one call, set aside; closed once, by what it really cost or in full."""

    __slots__ = ("_budget", "_open", "worst")

    def __init__(self, budget: Budget, worst: Spend) -> None:
        self._budget = budget
        self._open = True
        self.worst = worst

    def settle(self, spent: Spend, *, beyond: bool = False) -> Spend:
        """Replace it by what the call cost; returns what was booked.

        What is beyond the worst case is not booked (unless ``beyond``), nor is anything a second
        time.
        """
        if not self._open:
            return Spend()
        self._open = False
        most = spent if beyond else self.worst
        return self._budget._close(self.worst, spent, most)  # noqa: SLF001 - the two are one

    def keep(self) -> Spend:
        """Book it whole: nobody knows what the call cost; returns what was booked."""
        return self.settle(self.worst)

    def release(self) -> None:
        """Give it back: nothing was sent."""
        self.settle(Spend())


def cap_of(words: Sequence[str]) -> tuple[str, float | None]:
    """Read a cap as it was typed.

    Examples
    --------
    >>> cap_of(("$0.5",)), cap_of(("200", "requests")), cap_of(("none", "tokens"))
    (('dollars', 0.5), ('requests', 200), ('tokens', None))
    """
    name = _CAPS.get(words[1]) if len(words) == 2 else "dollars"
    said = words[0].removeprefix("$").replace(",", "")
    if name is None or len(words) > 2:
        raise InputError("A budget is $0.50, 200 requests or 50000 tokens; none takes a cap away.")
    if said == "none":
        return name, None
    try:
        most = float(said)
    except ValueError:
        most = -1.0
    if not 0 <= most < float("inf"):
        raise InputError(f"A budget is a number of at least 0, got {words[0]!r}.")
    return name, most if name == "dollars" else int(most)
