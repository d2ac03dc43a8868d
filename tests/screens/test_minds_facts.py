"""What is said of minds: nothing is hidden, and nothing is said where there is nothing."""

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from sim.errors import Cancelled, InputError
from sim.minds.deciding.interview import gathered
from sim.minds.models.budget import cap_of
from sim.runtime.frames.frames import MindsNow
from tui.text import NOBODY, minds_facts, minds_share, minds_text

NOW = MindsNow(
    50, 7, True, (("model", 80), ("rule", 20)), (("malformed", 3),), 100, 90, 95, 40_000, 0.25,
    (1.5, 8.0), 0.5, (("a", "closed"), ("b", "off")), ("95 of 100 requests",),
)  # fmt: skip


def test_everything_known_of_minds_is_told() -> None:
    said = minds_text(NOW)
    for part in ("50, 7 deciding", "100, 90.0% act", "80.0%", "malformed", "0.5 decisions/s",
                 "requests     95", "40,000", "$0.2500", "95 of 100 requests", "available",
                 "off for this run"):  # fmt: skip
        assert part in said
    why = (("the request was refused", 2_000), *((f"reason {n}", 9 - n) for n in range(8)))
    reasons = minds_facts(replace(NOW, reasons=why))
    at = reasons.index(("  malformed", "3"))
    assert reasons[at + 1 : at + 3] == [
        ("    the request was refused", "2,000"), ("    reason 0", "9"),
    ]  # fmt: skip
    assert [name for name, _ in reasons if name.startswith("    reason")][-1] == "    reason 4"
    assert minds_facts(None) == [("minds", NOBODY)]
    idle = replace(NOW, deciding=0, trouble="Nobody answers.", warning="None of 100.")
    assert "Nobody answers." in minds_text(idle)
    assert "None of 100." in minds_text(idle)
    assert "off: rule-based" in minds_text(MindsNow(3, trouble="Nobody answers."))


def test_the_status_bar_says_the_most_of_it_in_a_few_words() -> None:
    assert minds_share(NOW) == ("minds 80.0% model $0.250, 7 deciding", False)
    assert minds_share(replace(NOW, dollars=0.0, deciding=0)) == ("minds 80.0% model", False)
    assert minds_share(replace(NOW, trouble="x")) == ("minds: using rules", True)
    assert minds_share(MindsNow(5, 2, True)) == ("minds 2 deciding", False)
    assert minds_share(MindsNow(5)) == minds_share(None) == ("", False)


def test_who_cancels_a_survey_calls_off_what_is_awaited() -> None:
    def report(stage: str, share: float) -> None:
        raise Cancelled(f"{stage} {share}")

    futures: list[Future[Any]] = [Future(), Future()]
    with pytest.raises(Cancelled, match="0 of 2 answered"):
        gathered(futures, report)
    assert all(future.cancelled() for future in futures)


@pytest.mark.parametrize("said", ["5 apples", "1 request more", "-1", "inf", "x tokens"])
def test_an_absurd_cap_is_refused(said: str) -> None:
    with pytest.raises(InputError, match="budget is"):
        cap_of(tuple(said.split()))
