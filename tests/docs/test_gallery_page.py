"""The page of the gallery says of every claim of every scenario whether it was seen."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from sim.lab import study_of
from sim.scenario import gallery_names
from tests.docs.gallery_page import FOLDER, PAGE, ran, section


def part_of(name: str) -> str:
    title = study_of(f"gallery:{name}").said.title
    found = re.search(
        rf"^## {re.escape(title)}\n.*?(?=^## |\Z)",
        PAGE.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None, f"{name}: python -m tests.docs.gallery_page --write"
    return found[0]


@pytest.mark.parametrize("name", gallery_names())
def test_every_claim_has_its_verdict_and_every_scenario_its_figure(name: str) -> None:
    study, part = study_of(f"gallery:{name}"), part_of(name)
    rows = [line.split(" | ") for line in part.splitlines() if line.startswith("| ")][1:]
    assert [row[0].removeprefix("| ") for row in rows] == [str(claim) for claim in study.claims]
    assert {row[1] for row in rows} <= {"agrees", "disagrees", "undecided"}
    for text in (study.said.question, study.said.sees, study.said.source, f"({name}.svg)"):
        assert text in part
    drawing = ET.fromstring((FOLDER / f"{name}.svg").read_text("utf-8"))  # noqa: S314 - our own
    labels = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {arm.name for arm in study.arms} <= set(labels)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["product-launch", "super-spreader-ban"])
def test_what_the_page_says_is_what_a_run_says(name: str) -> None:
    assert section(name, ran(name)).strip() == part_of(name).strip()
