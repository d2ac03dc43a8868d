from pathlib import Path

import pytest

from sim.cli.exits import FILE, OK, USAGE
from tests.unit.cli.conftest import Hubbub
from tests.unit.cli.test_main import every_verb

MISTAKES = [
    ("new --out no/a.hub", FILE),
    ("new --out a.hub -p x", USAGE),
    ("import none.txt --out a.hub", FILE),
    ("import text.txt --out no/a.hub", FILE),
    ("export none --out a.csv --format csv", FILE),
    ("export demo --out a.none", USAGE),
    ("open none", USAGE),
    ("run none --ticks 1", FILE),
    ("run demo --checkpoint 5", USAGE),
    ("run demo --seeds top:5", USAGE),
    ("run demo --out a.hub", USAGE),
    ("run demo --ticks 1 --save no/a.hub", FILE),
    ("run demo --resume", USAGE),
    ("run demo --goal x", USAGE),
    ("run demo --variant x", USAGE),
    ("run none.toml", FILE),
    ("run gallery:none", USAGE),
    ("run gallery:echo-chamber --journal", USAGE),
    ("run gallery:echo-chamber --platform blend", USAGE),
    ("replay none", FILE),
    ("replay none --decide --check", USAGE),
    ("seeds none", FILE),
    ("recover none", FILE),
    ("info none", FILE),
    ("info none --manifest a.json --json", USAGE),
    ("verify none", FILE),
    ("models --kind none", USAGE),
    ("models --out none.md", FILE),
    ("validate none", USAGE),
    ("compare demo --arm a --minds awake", USAGE),
    ("compare demo --measure share", USAGE),
    ("compare demo --resume", USAGE),
    ("compare demo --variants", USAGE),
    ("compare demo --mind rule", USAGE),
    ("compare none", FILE),
    ("sweep demo", USAGE),
    ("sweep none.toml --vary beta=1,2", FILE),
    ("calibrate none.csv", FILE),
    ("calibrate none.csv --fit a=b", USAGE),
    ("ask none 1 Why?", FILE),
    ("show none agents", FILE),
    ("show none posts", FILE),
    ("show none history --agent 1 --message 1", USAGE),
    ("show none audit", FILE),
    ("edit none agents --set status=idle --out a.hub", FILE),
    ("edit demo ties none 1 2 --out a.hub", USAGE),
    ("edit demo ties set 1 2 --out a.hub", USAGE),
    ("scenario show none", USAGE),
    ("scenario variants none.toml", FILE),
    ("scenario describe none", FILE),
    ("scenario from-world none", FILE),
    ("study new text.toml", FILE),
    ("study run none.toml", FILE),
    ("study report none.toml --out a.html", FILE),
    ("study report none.runs --out a.txt", USAGE),
    ("study schema --out no/a.json", FILE),
    ("saves rename none a", FILE),
    ("saves verify", USAGE),
    ("saves delete none --yes", FILE),
    ("past branch none --name a", FILE),
    ("past bookmark none a", FILE),
    ("past back none 1", FILE),
    ("plugin disable none", USAGE),
    ("llm prices none --read 1", USAGE),
    ("llm distill none --held-out 2", USAGE),
    ("llm distill none --out no/a.json", FILE),
    ("llm estimate none", FILE),
    ("config --json", OK),
    ("phases --json", OK),
    ("serve --host 0.0.0.0", USAGE),
]


@pytest.mark.parametrize(("words", "code"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_has_its_exit_code(hubbub: Hubbub, words: str, code: int) -> None:
    Path("text.txt").write_text("1 2\n")
    Path("text.toml").write_text("")
    said = hubbub(*words.split(" "))
    assert said.code == code, said
    assert said.err.count("\n") == (code != OK)


def test_every_verb_refuses_an_unknown_option_and_stands_in_the_table(hubbub: Hubbub) -> None:
    for words, command in every_verb():
        if words and not hasattr(command, "commands"):
            assert hubbub(*words, "--no-such-option").code == USAGE, words
    told = {tuple(words.split(" ")) for words, _ in MISTAKES}
    first = {words[0] for words in told}
    assert first >= {words[0] for words, _ in every_verb() if words} - {"doctor"}
