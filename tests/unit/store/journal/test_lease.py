"""What a lease's file says of those who have it, had it, and never gave it back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sim.store.journal.lease import Lease, holder, is_held, signature

DIE = """
import os, pathlib, sys
from sim.store.journal.lease import Lease
lease = Lease(pathlib.Path(sys.argv[1]))
os._exit(9)
"""


def test_a_lease_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    assert not is_held(path)
    with Lease(path):
        assert is_held(path)
    assert not is_held(path)


def test_a_release_is_noted_and_who_held_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    lease = Lease(path)
    said = signature(path)
    assert said is not None
    assert said[:2] == (str(os.getpid()), socket.gethostname())
    assert said.until == ""
    lease.release()
    after = signature(path)
    assert after is not None
    assert after.since == said.since
    assert after.until >= said.since
    assert holder(path) == f"process {os.getpid()} on {socket.gethostname()} since {said.since}"


def test_a_process_that_died_with_it_never_released_it(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    assert subprocess.run([sys.executable, "-c", DIE, str(path)], check=False).returncode == 9
    assert not is_held(path)
    said = signature(path)
    assert said is not None
    assert said.until == ""


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b'{"pid": 1}', b"\xff"])
def test_a_file_that_says_nothing_has_no_signature(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "lease").write_bytes(data)
    assert signature(tmp_path / "lease") is None


def test_who_only_looks_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    Lease(path).release()
    for _ in range(50):
        assert not is_held(path)
        Lease(path).release()
