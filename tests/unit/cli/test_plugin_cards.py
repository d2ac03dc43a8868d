import io
import re
import sys
from pathlib import Path

import pytest

from sim import Setting
from sim.cli import models as cards
from tests.unit.cli.conftest import Hubbub


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_list_is_grouped_by_family_and_a_card_tells_all(hubbub: Hubbub) -> None:
    lines = hubbub("models").out.splitlines()
    start = lines.index("epidemics")
    assert any(line.startswith("  sir ") for line in lines[start:])
    assert any(line.startswith("  sir ") and line.endswith("1927).") for line in lines)
    said = hubbub("models", "bass").out
    assert "popularity; form PropagationModel" in said
    assert "equations       dF/dt = (p + q F) (1 - F)" in said
    assert "states          inactive: " in said
    assert "innovation  0.03     in [0, 10]" in said
    assert "rate of adopting by oneself" in said
    assert "``" not in said
    assert hubbub("models", "bass", "--json").json["card"]["includes_self"] == "no"


def test_a_model_without_parameters_says_so(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "still.py").write_text(
        "from sim import PropagationModel, register\n"
        '@register("still-of-the-tests")\n'
        "class Still(PropagationModel):\n"
        '    """Nothing happens."""\n\n'
        "    def step(self, cascade, contacts, draws):\n        pass\n"
    )
    said = hubbub("models", "still-of-the-tests", "--plugin", "still.py").out
    assert "No parameters." in said
    assert "still; form PropagationModel" in said


@pytest.mark.parametrize("width", ["70", "90"])
def test_a_terminal_gets_colours_and_its_width(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    cards.show_model("bass", json=False)
    said = terminal.getvalue()
    assert "\x1b[1msource\x1b[0m" in said
    assert max(map(len, re.sub("\x1b\\[[0-9;]*m", "", said).splitlines())) <= int(width)
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.truncate(0)
    cards.show_models(json=False)
    assert "\x1b" not in terminal.getvalue()


def test_theory_is_drawn_tabled_and_counts_the_agents_of_a_world(hubbub: Hubbub) -> None:
    said = hubbub("models", "bass", "--theory", "--ticks", "12", "--agents", "1000").out
    assert said.startswith("closed form (Bass 1969)")
    assert any(line.startswith("0 ") and line.endswith(" 10.0") for line in said.splitlines())
    told = hubbub("models", "bass", "--theory", "--ticks", "12", "--json").json
    assert len(told["theory"][0]["expected"]) == 13
    words = ("models", "bass", "--theory", "--world", "new:300", "--ticks", "1", "--json")
    first, *_ = hubbub(*words).json["theory"][0]["expected"]
    assert sum(first) == pytest.approx(300)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--theory",), "--theory needs the name of a model: hubbub models sir --theory.\n"),
        (("viral", "--theory"), "No equation is known for viral"),
        (("bass", "--theory", "--seed-count", "0"), "Theory takes 1 to 10,000 seeds"),
        (("bass", "--theory", "--degree", "many"), "--degree is a whole number"),
        (("bass", "--theory", "--degree", "2.5"), "--degree is a whole number"),
    ],
)
def test_theory_that_there_is_none_of_is_refused(
    words: tuple[str, ...], sentence: str, hubbub: Hubbub
) -> None:
    hubbub("models", *words).refuses(sentence)


@pytest.mark.parametrize("mean", ["0", "3", "40"])
def test_random_degrees_have_the_mean_asked_for(mean: str) -> None:
    setting = Setting(10_000, 10, cards._shares(f"poisson:{mean}"))
    assert setting.mean_degree == pytest.approx(float(mean))
    assert setting.degrees.sum() == pytest.approx(1.0)
    assert Setting(10_000, 10, cards._shares(mean)).mean_degree == float(mean)


def test_the_table_of_a_guide_is_written_between_its_marks(hubbub: Hubbub, tmp_path: Path) -> None:
    guide = tmp_path / "GUIDE.md"
    guide.write_text("before\n<!-- models -->\nformer\n<!-- end of models -->\nafter\n")
    assert hubbub("models", "--out", "GUIDE.md").code == 0
    text = guide.read_text()
    assert "former" not in text
    assert "| epidemics | `sir` | Compartments | " in text
    assert (text[:7], text[-6:]) == ("before\n", "after\n")
    guide.write_text("no marks")
    assert "has no marks" in hubbub("models", "--out", "GUIDE.md").err
    assert "cannot be read" in hubbub("models", "--out", "NONE.md").err


def test_theory_for_one_way_ties_says_what_it_takes_for_granted(hubbub: Hubbub) -> None:
    Path("star.txt").write_text("".join(f"0 {leaf}\n" for leaf in range(1, 20)))
    hubbub("import", "star.txt", "--direction", "influences", "--out", "star.hub")
    said = hubbub("models", "sir", "--theory", "--world", "star.hub", "--ticks", "5")
    assert "one-way ties taken as mutual" in said.out
    assert "taken as mutual" not in hubbub("models", "sir", "--theory", "--ticks", "5").out
