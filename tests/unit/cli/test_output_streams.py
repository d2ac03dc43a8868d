import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.cli.output import as_json, say, tell, writable_streams

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
