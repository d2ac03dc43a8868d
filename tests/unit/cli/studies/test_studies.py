import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sim.errors import Cancelled
from sim.lab import read_findings
from sim.lab.runs.results import ResultsFile
from sim.lab.studies import schema
from tests.unit.cli.conftest import Hubbub

SMALL = """
[study]
title = "Rumour"
question = "Who hears it?"
replicates = 4
expects = ["share: soft < loud"]

[network]
agents = 200

[[messages]]
text = "The bridge is closed."
model = "independent-cascade"
parameters = { probability = 0.02 }

[arms.soft]

[[arms.loud.messages]]
text = "The bridge is closed."
model = "independent-cascade"
parameters = { probability = 0.5 }
"""


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.cli.study.probe_foreign", lambda: None)


def test_a_study_and_its_schema_are_written_once(hubbub: Hubbub) -> None:
    assert hubbub("study", "new", "the-bridge").out == (
        "Wrote the-bridge.toml. Run it: hubbub study run the-bridge.toml\n"
    )
    text = Path("the-bridge.toml").read_text("utf-8")
    assert 'title = "The bridge"' in text
    hubbub("study", "new", "the-bridge.toml").refuses("exists already", 3)
    assert hubbub("study", "new", "the-bridge", "--force").code == 0
    assert "folder does not exist" in hubbub("study", "new", "none/x").err
    assert hubbub("study", "schema").json == schema()
    hubbub("study", "schema", "--out", "s.json")
    assert json.loads(Path("s.json").read_text("utf-8")) == schema()


def test_a_run_tells_means_verdicts_and_what_follows(hubbub: Hubbub) -> None:
    Path("s.toml").write_text(SMALL, "utf-8")
    said = hubbub("study", "run", "s.toml", "--workers", "1").well()
    lines = said.out.splitlines()
    assert lines[:3] == ["Rumour", "", "Who hears it?"]
    found = read_findings("s.runs")
    share = found.records.values("share", "loud").mean()
    assert any(line.split()[:3] == ["share", "loud", f"{share:.4g}"] for line in lines)
    assert any(line.split()[:5] == ["share", "soft", "<", "loud", "agrees"] for line in lines)
    assert "Expected results: 1 of 1 confirmed, 0 not confirmed, 0 undecided." in lines
    assert lines[-2].startswith("8 runs in ")
    assert "kept in s.runs" in lines[-2]
    again = hubbub("study", "run", "s.toml", "--json")
    assert "holds 8 finished replicates; use --resume" in again.err
    facts = hubbub("study", "run", "s.toml", "--json", "--resume").json
    assert facts["expected"][0]["verdict"] == "agrees"
    assert facts["world"] == found.begun["world"]
    assert facts["seeds"] == [0, 1, 2, 3]


def test_a_scenario_of_the_gallery_is_run_small(hubbub: Hubbub) -> None:
    words = ("gallery:product-launch", "--replicates", "2", "--agents", "300", "--workers", "1")
    said = hubbub("study", "run", *words).well()
    assert "share#0  anybody < hubs" in said.out
    assert read_findings("product-launch.runs").records.agents == 300


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("s.toml", "--replicates", "0"), "replicates must be at least 1, got 0"),
        (("none.toml",), "no such file"),
        (("gallery:fact-chek",), "fact-check"),
        (("s.runs",), "s.runs holds results"),
        (("s.toml", "--into", "none/s.runs"), "folder does not exist"),
        (("s.toml", "--backend", "slurm"), "No backend named 'slurm'"),
        (("s.toml", "--into", "s.toml"), "s.toml"),
    ],
)
def test_what_cannot_be_run_is_said(hubbub: Hubbub, words: tuple[str, ...], sentence: str) -> None:
    Path("s.toml").write_text(SMALL, "utf-8")
    said = hubbub("study", "run", *words)
    assert said.code
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert Path("s.toml").read_text("utf-8") == SMALL


def test_a_full_disk_loses_nothing(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("s.toml").write_text(SMALL.replace("replicates = 4", "replicates = 60"), "utf-8")
    keep, kept = ResultsFile.keep, 0

    def fills(self: ResultsFile, found: object) -> None:
        nonlocal kept
        if kept >= 3:
            pages = self._file.execute("pragma page_count").fetchone()[0]
            self._file.execute(f"pragma max_page_count = {pages}")
        keep(self, found)  # type: ignore[arg-type]
        kept += 1

    with monkeypatch.context() as patched:
        patched.setattr(ResultsFile, "keep", fills)
        said = hubbub("study", "run", "s.toml", "--workers", "1")
    assert said.code == 3
    assert "the disk is full; finished runs are kept" in said.err
    assert said.err.count("\n") == 1
    part = read_findings("s.runs").records.finished
    assert 0 < part < 120
    assert hubbub("study", "run", "s.toml", "--resume", "--workers", "1").code == 0
    assert read_findings("s.runs").is_finished


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_killed_run_goes_on_and_comes_to_the_same(hubbub: Hubbub) -> None:
    Path("s.toml").write_text(SMALL.replace("replicates = 4", "replicates = 60"), "utf-8")
    words = ["study", "run", "s.toml", "--workers", "1"]
    run = [sys.executable, "-c", f"from sim.cli.main import main; main({words!r})"]
    began = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if Path("s.runs").exists() and Path("s.runs").stat().st_size > 20_000:
                break
            time.sleep(0.05)
    finally:
        os.kill(began.pid, signal.SIGKILL)
        began.wait()
    assert hubbub(*words, "--resume").code == 0
    assert hubbub(*words, "--into", "straight.runs").code == 0
    one, other = read_findings("s.runs"), read_findings("straight.runs")
    for name in one.tables:
        assert one.tables[name] == other.tables[name]


def test_a_report_is_written_of_results_and_of_the_study_beside_them(hubbub: Hubbub) -> None:
    Path("s.toml").write_text(SMALL, "utf-8")
    early = hubbub("study", "report", "s.toml", "--out", "r.html")
    assert "does not exist yet; hubbub study run s.toml writes it" in early.err
    run = hubbub("study", "run", "s.toml", "--workers", "1")
    assert "For a report: hubbub study report s.runs --out report.html" in run.out
    assert hubbub("study", "report", "s.toml", "--out", "r.html").out == "Wrote r.html.\n"
    assert hubbub("study", "report", "s.runs", "--out", "r.md").code == 0
    page = Path("r.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "r.html: exists" in hubbub("study", "report", "s.runs", "--out", "r.html").err
    assert hubbub("study", "report", "s.runs", "--out", "r.html", "--force").code == 0
    both = hubbub("study", "report", "s.runs", "--out", "both.html", "--out", "both.md")
    assert both.out == "Wrote both.html.\nWrote both.md.\n"
    assert all(Path(f"both.{kind}").is_file() for kind in ("html", "md"))
    assert Path("r.html").read_text("utf-8") == page
    for words in (("none.runs", "--out", "a.html"), ("s.runs", "--out", "none/a.html")):
        said = hubbub("study", "report", *words)
        assert said.code
        assert said.err.count("\n") == 1


def test_a_run_that_is_cancelled_says_how_it_goes_on(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("s.toml").write_text(SMALL, "utf-8")
    keep = ResultsFile.keep

    def cancelled(self: ResultsFile, found: Iterable[Any]) -> None:
        keep(self, found)
        raise Cancelled("Cancelled while running.")

    with monkeypatch.context() as patched:
        patched.setattr(ResultsFile, "keep", cancelled)
        words = ("--workers", "1", "--replicates", "5", "--worlds", "2", "--agents", "150")
        said = hubbub("study", "run", "s.toml", "--into", "a b.runs", *words)
    assert said.code
    assert said.err.splitlines()[0] == (
        "Finished runs are kept in a b.runs. To resume: hubbub study run s.toml "
        "--into 'a b.runs' --workers 1 --replicates 5 --worlds 2 --agents 150 --resume"
    )
    assert read_findings("a b.runs").records.finished == 1
