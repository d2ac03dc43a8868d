import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import lab
from sim.core.files import from_toml
from sim.errors import FileError, InputError
from sim.lab import study_of
from sim.lab.studies.findings import figures_of, study_as_toml
from sim.lab.studies.pages import Marked, curves_drawn, means_drawn
from sim.scenario import gallery_names

EVIL = '</svg></title><script>alert("x")</script>|a| *b* `c`'
TEXT = {"text": "The bridge is closed.", "seeds": "ids:0,1", "model": "independent-cascade"}


def asked(**study: Any) -> dict[str, Any]:
    loud = [TEXT | {"parameters": {"probability": 0.5}}]
    said = {"title": "Rumour", "question": "Who hears?", "replicates": 3, "measures": ["share"]}
    return {
        "study": {**said, "expects": ["share: soft < loud", "share: loud < soft"], **study},
        "network": {"agents": 150, "seed": 2},
        "messages": [TEXT | {"parameters": {"probability": 0.02}}],
        "arms": {"soft": {}, "loud": {"messages": loud}},
    }


@pytest.fixture(scope="module")
def found() -> lab.StudyFindings:
    return lab.run_study_now(asked(), workers=1)


class Tags(HTMLParser):
    """The elements of a page, which are closed as they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        del attrs
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        del attrs
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    return tags


def test_a_page_holds_figures_verdicts_tables_sources_and_how_to_repeat_it(
    found: lab.StudyFindings, tmp_path: Path
) -> None:
    page = found.report(tmp_path / "r.html").read_text("utf-8")
    tags = parsed(page)
    assert tags.seen.count("svg") == 2  # the measure, and how it spread
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert not re.search(r"(src|href)\s*=|url\(|@import", page)
    text = "\n".join(tags.texts)
    apart = found.difference("share", "loud")
    for part in (
        "Rumour", "Who hears?", "Confirmed: share is less in soft than in loud",
        "Not confirmed, the runs disagree: share is less in loud than in soft",
        f"{apart.mean:.4g}", "Kempe", "hubbub study run study.toml", "[arms.loud]",
        str(found.begun["world"]), "numpy", "Seeds of the replicates: 2, 3, 4",
        "do not cover other networks", "3. Process overview and scheduling",
    ):  # fmt: skip
        assert part in text, part


def test_nothing_that_a_person_wrote_is_obeyed(tmp_path: Path) -> None:
    study = asked(title=EVIL, question=EVIL, source=EVIL, sees=EVIL)
    del study["study"]["expects"]
    study["arms"][EVIL] = study["arms"].pop("loud")
    own = lab.run_study_now(study, workers=1)
    tags = parsed(own.report(tmp_path / "r.html").read_text("utf-8"))
    assert "script" not in tags.seen
    text = own.report(tmp_path / "r.md").read_text("utf-8")
    code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<script", code)
    for drawn in figures_of(own):
        ET.fromstring(drawn.svg)  # noqa: S314 - our own drawing


def test_markdown_has_its_figures_beside_it(found: lab.StudyFindings, tmp_path: Path) -> None:
    text = found.report(tmp_path / "my report.md").read_text("utf-8")
    named = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert named == ["my%20report.measure-1.svg", "my%20report.spread.svg"]
    for name in named:
        drawing = (tmp_path / name.replace("%20", " ")).read_text("utf-8")
        ET.fromstring(drawing)  # noqa: S314 - our own drawing
    rows = [line for line in text.splitlines() if line.startswith("| share | ")]
    assert len(rows) == 5  # two claims, a mean for each arm, a difference


@pytest.mark.parametrize("name", gallery_names())
def test_what_a_report_prints_is_the_study(name: str) -> None:
    study = study_of(f"gallery:{name}", replicates=3, worlds=2, agents=200)
    again = study_of(from_toml(study_as_toml(study)))
    assert [arm.does for arm in again.arms] == [arm.does for arm in study.arms]
    assert (again.said, again.claims, again.seed) == (study.said, study.claims, study.seed)


def test_a_file_of_results_makes_the_same_page(found: lab.StudyFindings, tmp_path: Path) -> None:
    into = tmp_path / "some.runs"
    own = lab.run_study_now(asked(), workers=1, into=into)
    pages = [own.report(tmp_path / "a.html"), lab.read_findings(into).report(tmp_path / "b.html")]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert found.report(tmp_path / "c.html").read_bytes() == pages[0].read_bytes()


def test_what_cannot_be_written_leaves_what_was(found: lab.StudyFindings, tmp_path: Path) -> None:
    there = tmp_path / "r.html"
    there.write_text("mine", "utf-8")
    with pytest.raises(FileError):
        found.report(there, force=False)
    assert there.read_text("utf-8") == "mine"
    with pytest.raises(InputError, match=r"\.html or \.md, and 'r.pdf' ends in neither"):
        found.report(tmp_path / "r.pdf")
    with pytest.raises(FileError):
        found.report(tmp_path / "none" / "r.html")


def test_networks_versions_and_missing_numbers_are_told(tmp_path: Path) -> None:
    study = asked(worlds=2, versions={"hubbub": "0.0.1"}, measures=["share#9", "active"])
    study["messages"] = []
    ban = {"interventions": [{"at": 0, "do": "ban", "agents": "ids:1"}]}
    study["arms"] = {"soft": {}, "ban": ban}
    study["stop"] = {"ticks": 2}
    del study["study"]["expects"]
    own = lab.run_study_now(study, workers=1)
    text = own.report(tmp_path / "r.md").read_text("utf-8")
    assert "2 networks in turn (seeds 2 to 3" in text
    assert "was written for hubbub 0.0.1, but ran with other versions" in text
    assert "No conclusion about share" in text
    assert "None: no message was sent" in text


def test_a_dot_lies_where_its_number_is() -> None:
    values = np.array([0.0, 10.0])
    drawn = means_drawn("m", "of m", [Marked("a", values, 5.0, 2.0, 8.0)], "m (agents)")
    tree = ET.fromstring(drawn.svg)  # noqa: S314 - our own drawing
    space = "{http://www.w3.org/2000/svg}"
    left, right = (float(dot.attrib["cx"]) for dot in tree.iter(f"{space}circle"))
    bar = next(each for each in tree.iter(f"{space}rect") if "fill-opacity" in each.attrib)
    assert float(bar.attrib["x"]) == pytest.approx(left + 0.2 * (right - left), abs=0.1)
    assert float(bar.attrib["width"]) == pytest.approx(0.6 * (right - left), abs=0.2)
    mean = [each for each in tree.iter(f"{space}line") if "stroke-width" in each.attrib][-1]
    assert float(mean.attrib["x1"]) == pytest.approx((left + right) / 2, abs=0.1)


def test_axes_and_the_methods_of_intervals_are_named(tmp_path: Path) -> None:
    own = lab.run_study_now(asked(), workers=1)
    known = {"t", "Wilson", "identical", "too few", "bootstrap-t", "Bonett-Price"}
    methods = [*own.means["method"].tolist(), *own.differences["method"].tolist()]
    assert {each.split(" over ")[0] for each in methods} <= known
    figures = figures_of(own)
    for figure, measure in zip(figures, own.study.measures, strict=False):
        unit = own.records.runs.units.get(measure, "")
        assert f">{measure} ({unit})</text>" in figure.svg if unit else f">{measure}<" in figure.svg
    spread = figures[-1].svg
    assert ">ticks</text>" in spread
    assert ">agents</text>" in spread


def test_figures_of_nothing_and_of_one_number_are_drawn() -> None:
    nothing = Marked("a", np.array([np.nan]), np.nan, np.nan, np.nan)
    same = Marked("b", np.array([3.0, 3.0]), 3.0, 3.0, 3.0)
    for rows in ([], [nothing], [same, nothing]):
        ET.fromstring(means_drawn("m", "", rows, "m").svg)  # noqa: S314 - our own drawing
    for arms in ([], [("a", np.empty((0, 0)))], [("a", np.ones((2, 1)))]):
        ET.fromstring(curves_drawn("c", "", arms).svg)  # noqa: S314 - our own drawing
