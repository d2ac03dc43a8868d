"""The log rotates, reports of faults are complete, and neither tells a secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.settings import crash_report, load_settings, redacted
from sim.settings import logging as logbook
from sim.settings.logging import LOG, MASK, log, one_line_of
from sim.settings.settings import _in_force, use

CANARY = "canary-9f8e7d6c5b4a"


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "ana"))
    before = list(_in_force)
    use(load_settings(log_folder=tmp_path / "logs", log_level="info"))
    yield tmp_path / "logs"
    _in_force[:] = before


@pytest.mark.parametrize(
    "text",
    [
        f"OPENAI_API_KEY={CANARY}",
        f"api_key: '{CANARY}'",
        f'{{"token": "{CANARY}", "tick": 7}}',
        f"Authorization: Bearer {CANARY}",
        f"bearer {CANARY}",
        f"password={CANARY}&user=ana",
        f"https://ana:{CANARY}@example.org/v1",
        f"Incorrect API key provided: sk-{CANARY}.",
        f"x-access-key={CANARY}",
        f"client secret = {CANARY};",
        f"ghp_{CANARY.replace('-', '')}",
        "AKIAIOSFODNN7EXAMPLE is the id",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str) -> None:
    told = redacted(text)
    assert MASK in told
    for secret in (CANARY, CANARY.replace("-", ""), "AKIAIOSFODNN7EXAMPLE", "eyJzdWIi"):
        assert secret not in told


@pytest.mark.parametrize(
    "text",
    ["tick 7, 500 tokens=500, keys: 12", "The keymap is keys.toml.", "a monkey in a turkey", ""],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_secrets_of_environment_and_settings_are_known_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", CANARY)
    monkeypatch.setenv("SHORT_KEY", "abc")
    assert redacted(f"the server said {CANARY}, abc") == f"the server said {MASK}, abc"
    monkeypatch.delenv("MY_SERVICE_TOKEN")
    use(load_settings(llm_key=CANARY))
    assert redacted(f"401 for {CANARY}") == f"401 for {MASK}"
    assert redacted(f"{Path.home()}/worlds/a.hub") == "~/worlds/a.hub"


def test_settings_that_are_broken_do_not_break_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("no settings")

    monkeypatch.setattr("sim.settings.settings.current", broken)
    assert redacted("all the same") == "all the same"
    assert crash_report(ValueError("x")) is None


def test_a_line_has_no_secret_in_any_fact(logs: Path) -> None:
    nested = {"where": [f"token={CANARY}", 5, True, None], f"password={CANARY}": 1}
    log(f"called with api_key={CANARY}", "warning", fact=nested, path=Path.home() / "x", share=0.5)
    text = (logs / LOG).read_text()
    record = json.loads(text)
    assert CANARY not in text
    assert record["fact"]["where"] == [f"token={MASK}", 5, True, None]
    assert (record["path"], record["share"], record["level"]) == ("~/x", 0.5, "warning")


def test_the_log_rotates_and_is_bounded(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "MOST_BYTES", 2000)
    for number in range(200):
        log("a line", number=number, text="x" * 60)
    files = sorted(path.name for path in logs.iterdir())
    assert files == [LOG, *(f"{LOG}.{number}" for number in range(1, 5))]
    assert all(path.stat().st_size <= 2000 for path in logs.iterdir())
    assert json.loads((logs / LOG).read_text().splitlines()[-1])["number"] == 199


def test_a_report_of_a_fault_has_no_secret(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CANARY_KEY", CANARY)

    def fail() -> None:
        held_by_this_frame = CANARY
        raise RuntimeError(f"the server refused {held_by_this_frame}\x1b]0;owned\x07 at tick 7")

    with pytest.raises(RuntimeError) as caught:
        fail()
    path = crash_report(caught.value, tick=7, seed=3)
    assert path is not None
    text = path.read_text()
    assert CANARY not in text + (logs / LOG).read_text()
    assert "\x1b" not in text
    assert text.startswith("Hubbub ")
    assert "tick: 7\nseed: 3\n" in text
    assert "in fail" in text
    assert f"the server refused {MASK}" in text
    assert json.loads((logs / LOG).read_text())["event"] == "failed unexpectedly"


def test_an_error_in_one_line_tells_no_secret() -> None:
    assert one_line_of(ValueError(f"token={CANARY}\nnext.")) == f"ValueError: token={MASK} next"
