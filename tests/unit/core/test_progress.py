"""Reports of progress."""

from sim.core.progress import Report, quiet


def test_nobody_hears_a_quiet_report() -> None:
    report: Report = quiet
    assert report("drawing", 0.5) is None  # type: ignore[func-returns-value]
