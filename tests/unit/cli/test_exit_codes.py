import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.cli.exits import FILE, OK, USAGE
from sim.cli.output import as_json, say, tell, writable_streams
from tests.unit.cli.conftest import Hubbub
from tests.unit.cli.test_main import every_verb

MISTAKES = [
    ("new --out no/a.hub", FILE), ("new --out a.hub -p x", USAGE),
    ("import none.txt --out a.hub", FILE), ("import text.txt --out no/a.hub", FILE),
    ("export none --out a.csv --format csv", FILE), ("export demo --out a.none", USAGE),
    ("open none", USAGE), ("run none --ticks 1", FILE), ("run demo --checkpoint 5", USAGE),
    ("run demo --seeds top:5", USAGE), ("run demo --out a.hub", USAGE),
    ("run demo --ticks 1 --save no/a.hub", FILE), ("run demo --resume", USAGE),
    ("run demo --goal x", USAGE), ("run demo --variant x", USAGE), ("run none.toml", FILE),
    ("run gallery:none", USAGE), ("run gallery:echo-chamber --journal", USAGE),
    ("run gallery:echo-chamber --platform blend", USAGE), ("replay none", FILE),
    ("replay none --decide --check", USAGE), ("seeds none", FILE), ("recover none", FILE),
    ("info none", FILE), ("info none --manifest a.json --json", USAGE), ("verify none", FILE),
    ("models --kind none", USAGE), ("models --out none.md", FILE), ("validate none", USAGE),
    ("compare demo --arm a --minds awake", USAGE), ("compare demo --measure share", USAGE),
    ("compare demo --resume", USAGE), ("compare demo --variants", USAGE),
    ("compare demo --mind rule", USAGE), ("compare none", FILE), ("sweep demo", USAGE),
    ("sweep none.toml --vary beta=1,2", FILE), ("calibrate none.csv", FILE),
    ("calibrate none.csv --fit a=b", USAGE), ("ask none 1 Why?", FILE), ("show none agents", FILE),
    ("show none posts", FILE), ("show none history --agent 1 --message 1", USAGE),
    ("show none audit", FILE), ("edit none agents --set status=idle --out a.hub", FILE),
    ("edit demo ties none 1 2 --out a.hub", USAGE), ("edit demo ties set 1 2 --out a.hub", USAGE),
    ("scenario show none", USAGE), ("scenario variants none.toml", FILE),
    ("scenario describe none", FILE), ("scenario from-world none", FILE),
    ("study new text.toml", FILE), ("study run none.toml", FILE),
    ("study report none.toml --out a.html", FILE), ("study report none.runs --out a.txt", USAGE),
    ("study schema --out no/a.json", FILE), ("saves rename none a", FILE), ("saves verify", USAGE),
    ("saves delete none --yes", FILE), ("past branch none --name a", FILE),
    ("past bookmark none a", FILE), ("past back none 1", FILE), ("plugin disable none", USAGE),
    ("llm prices none --read 1", USAGE), ("llm distill none --held-out 2", USAGE),
    ("llm distill none --out no/a.json", FILE), ("llm estimate none", FILE), ("config --json", OK),
    ("phases --json", OK), ("serve --host 0.0.0.0", USAGE),
]  # fmt: skip


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


NAMES = "José, Zoë, 李雷, 🙂"
FULL = "Standard output cannot be written to (no space left on device)"
CLOSED = "Standard output cannot be written to (it is closed)"


def shell(words: str, folder: Path) -> tuple[int, str]:
    """Run a line of bash in which HUBBUB stands for the program; returns its code, and remarks."""
    line = words.replace("HUBBUB", f"{sys.executable} -m sim")
    env = {"PYTHONPATH": str(Path(sim.__file__).parents[1]), "HOME": str(folder), "PATH": "/bin"}
    bash = ["bash", "-c", line]
    done = subprocess.run(bash, capture_output=True, text=True, cwd=folder, env=env, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("HUBBUB --version > /dev/full", 3, FULL),
        ("PYTHONUNBUFFERED=1 HUBBUB --version > /dev/full", 3, FULL),
        ("HUBBUB --version >&-", 3, CLOSED),
        ("HUBBUB --version 2>&-", 0, ""),
        ("HUBBUB saves nothing-such 2>/dev/full", 2, ""),
    ],
)
def test_full_output_is_one_sentence(words: str, code: int, said: str, tmp_path: Path) -> None:
    found = shell(words, tmp_path)
    assert found[0] == code
    assert found[1].startswith(said)
    assert len(found[1].splitlines()) == bool(said)
    assert not list(tmp_path.rglob("crash*"))


def test_what_was_written_before_the_output_was_full_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ann bob\n")
    code, said = shell("HUBBUB import a.txt --out a.hub > /dev/full", tmp_path)
    assert (code, said.startswith(FULL)) == (3, True)
    assert "what was written to files stays" in said
    assert (tmp_path / "a.hub").stat().st_size > 0
    assert not list(tmp_path.rglob("crash*"))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_an_encoding_lacks_is_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    writable_streams()
    say(as_json({"names": NAMES}))
    say("half \ud800 a letter")
    sys.stdout.flush()
    *body, last = raw.getvalue().decode(encoding).splitlines()
    assert json.loads("\n".join(body)) == {"names": NAMES}
    assert last.isprintable()
    assert (NAMES in body[1]) == (encoding == "utf-8")


def test_a_remark_that_finds_no_room_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        tell("nobody reads this")
        tell("nor this")
        monkeypatch.undo()


def test_what_a_plugin_writes_past_python_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import os\nfrom sim import PerExposure, register\n\n\n"
        "@register('past-python')\nclass PastPython(PerExposure):\n"
        "    def chance(self, exposure):\n"
        "        os.write(1, b'NOISE')\n        return 0.5 * exposure.trust\n"
    )
    run = "HUBBUB run new:50 --plugin loud.py --inject x --model past-python --ticks 1 --json"
    code, said = shell(f"{run} > out.json", tmp_path)
    assert code == 0
    assert "NOISE" in said
    assert json.loads((tmp_path / "out.json").read_text())["world"]["tick"] == 1
    assert shell(f"{run} > /dev/full", tmp_path)[0] == 3
