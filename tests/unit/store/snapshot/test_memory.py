"""Free memory is the least of what machine, container and process leave."""

import resource
from pathlib import Path

import psutil
import pytest

from sim.store.snapshot import opened


def test_without_other_limits_it_is_what_the_machine_says() -> None:
    machine = psutil.virtual_memory().total
    assert 0 < opened.available_bytes() <= machine


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(opened, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("50000\n")
    (tmp_path / "memory.current").write_text("30000\n")
    (tmp_path / "memory.stat").write_text("anon 1\nactive_file 2000\ninactive_file 500\n")
    return tmp_path


def test_a_container_allows_its_limit_less_what_is_in_use(container: Path) -> None:
    assert opened.available_bytes() == 50_000 - 30_000 + 2_500


def test_a_container_in_debt_leaves_nothing(container: Path) -> None:
    (container / "memory.current").write_text("99999\n")
    assert opened.available_bytes() == 0


def test_a_container_without_limit_is_none(container: Path) -> None:
    (container / "memory.max").write_text("max\n")
    assert opened.available_bytes() > 50_000


def test_files_that_say_something_else_are_ignored(container: Path) -> None:
    (container / "memory.stat").write_text("what is this\n")
    assert opened.available_bytes() > 50_000


def test_the_limit_of_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda _: (taken + 10**7, taken + 10**7))
    assert 0 <= opened.available_bytes() <= 2 * 10**7
