import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sim.lab import Compared, ModelClaim
from tests.unit.cli.conftest import Hubbub

CLAIMS = "sim.lab.validation.running.claims_of"


def claims(model: str) -> tuple[ModelClaim, ...]:
    """Three claims that take no time, the last of which fails for ``bass``."""

    def raises(_: int) -> Sequence[Compared]:
        raise ValueError("a | bar")

    def measure(_: int) -> Sequence[Compared]:
        return [Compared(2.0, 2.0), Compared(1.5, 1.4, 0.1, label="half")]

    more = (ModelClaim(model, "fails", raises, "exact", "s"),) if model == "bass" else ()
    return (
        ModelClaim(model, "keeps its laws", lambda _: [Compared(3.0, 3.0)], "laws", "s", "h"),
        ModelClaim(model, "a mean", measure, "exact", "a | b", "{runs} copies", 5000, 9000),
        *more,
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLAIMS, claims)


def test_every_claim_has_a_line_with_its_interval(hubbub: Hubbub) -> None:
    said = hubbub("validate", "sir", "--workers", "1").well()
    laws, mean = said.out.splitlines()[1:3]
    assert laws.split() == ["ok", "sir", "keeps", "its", "laws", "3", "3", "exactly"]
    assert mean.endswith("1.4       1.5       [1.1, 1.9]")
    assert said.out.splitlines()[-1] == "2 claims of 1 model: all hold."


def test_a_claim_that_does_not_hold_is_told_and_ends_with_one(hubbub: Hubbub) -> None:
    said = hubbub("validate", "bass", "sir", "--workers", "1")
    assert said.code == 1
    assert "FAILS  bass" in said.out
    assert said.out.splitlines()[-2:] == [
        "bass: fails: raised ValueError: a | bar", "5 claims of 2 models: 1 do not hold.",
    ]  # fmt: skip


def test_programs_read_every_number(hubbub: Hubbub) -> None:
    found = hubbub("validate", "bass", "--json", "--workers", "1").json
    assert found["passes"] is False
    assert [claim["passes"] for claim in found["claims"]] == [True, True, False]
    assert [number["label"] for number in found["claims"][1]["numbers"]] == ["", "half"]
    rows = list(csv.DictReader(io.StringIO(hubbub("validate", "sir", "--csv").out)))
    assert [row["claim"] for row in rows] == ["keeps its laws", "a mean"]
    assert rows[1]["how"] == "5,000 copies"
    thorough = hubbub("validate", "sir", "--csv", "--thorough", "--workers", "1").out
    assert "9,000 copies" in thorough


def test_a_model_with_laws_alone_says_so(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLAIMS, lambda model: claims(model)[:1])
    assert "Checked without numeric claims: sir." in hubbub("validate", "sir").out


def test_a_page_is_written_between_its_marks(
    hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(*_: Any) -> tuple[str, ...]:
        return ("sir", "bass")

    monkeypatch.setattr("sim.lab.validation.running.names", few)
    page = tmp_path / "page.md"
    page.write_text("Before.\n<!-- validation -->\nold\n<!-- end of validation -->\nAfter.\n")
    assert hubbub("validate", "--out", page, "--workers", "1").code == 1
    text = page.read_text()
    assert text.startswith("Before.\n<!-- validation -->\n5 claims of 2 models, the default runs: ")
    assert text.endswith("\n<!-- end of validation -->\nAfter.\n")
    assert "\nold\n" not in text
    assert "## Epidemics" in text
    assert "| `sir` | a mean [half] | 1.4 | 1.5 | [1.1, 1.9] | 5,000 copies | a \\| b |" in text
    assert "| `bass` | fails **does not hold** | | | | | s |" in text.replace("|  ", "| ")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["sir", "--json", "--csv"], 2, "exclude each other"),
        (["sir", "--out", "x.md"], 2, "A page lists all models"),
        (["--out", "nowhere.md"], 3, "cannot be read"),
        (["sir", "--workers", "0"], 2, "1 to 64 processes"),
        (["sirr"], 2, "No propagation model named 'sirr'"),
    ],
)
def test_what_cannot_be_is_said(hubbub: Hubbub, words: list[str], code: int, sentence: str) -> None:
    hubbub("validate", *words).refuses(sentence, code)


def test_a_page_without_marks_is_refused_before_any_work(hubbub: Hubbub, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Nothing here.\n")
    hubbub("validate", "--out", page).refuses("has no marks", 3)
    assert page.read_text() == "Nothing here.\n"
