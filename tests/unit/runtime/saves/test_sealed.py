"""Encrypted backups: they come back by their key, and by no other."""

import errno
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pyrage
import pytest
from pyrage.x25519 import Identity

from sim import World
from sim.core.files import stage
from sim.errors import FileError, InputError
from sim.runtime.saves import sealed
from sim.runtime.saves.backups import backup, backups, restore
from sim.runtime.saves.sealed import KEY_FILE, Seal
from sim.store import save, saves
from tests.raising import raises
from tests.unit.store.test_saves import told

WORDS, VARIABLE = "correct horse battery", "HUBBUB_BACKUP_PASSPHRASE"


def city(seed: int) -> World:
    return World.create(agents=30, mean_degree=3, seed=seed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "saves").mkdir()
    save(city(1), tmp_path / "saves" / "a.hub")
    return tmp_path / "saves"


@pytest.fixture
def seal() -> Seal:
    return Seal(Identity.generate())


def test_a_world_comes_back_by_its_key(folder: Path, tmp_path: Path, seal: Seal) -> None:
    to, before = tmp_path / "away", told(folder / "a.hub")
    (done,) = backup(folder, to, seal=seal)
    assert backup(folder, to, seal=seal)[0].reason == "unchanged since"
    save(city(2), folder / "a.hub")
    (later,) = backup(folder, to, keep=1, seal=seal)
    assert later.removed == (done.path,)
    assert [later.path] == list(to.iterdir()) == list(backups(to, "a", encrypted=True))
    assert later.path is not None
    assert later.path.stat().st_mode & 0o777 == 0o600
    assert b"HUBBUB" not in later.path.read_bytes().upper()
    (folder / "a.hub").unlink()
    raises(FileError, "holds encrypted backups of a; add --encrypted", restore, folder, "a", to)
    raises(FileError, "holds no backup of b", restore, folder, "b", to, seal=seal)
    tried = restore(folder, "a", to, seal=seal, test=True)
    assert (tried.path, list(folder.iterdir())) == (later.path, [])
    assert restore(folder, "a", later.path, seal=seal).path == folder / "a.hub"
    assert told(folder / "a.hub") != before
    assert [path.name for path in folder.iterdir()] == ["a.hub"]


def test_a_wrong_key_is_one_sentence(folder: Path, tmp_path: Path, seal: Seal) -> None:
    (done,) = backup(folder, tmp_path / "away", seal=seal)
    assert done.path is not None
    stranger, to = Seal(Identity.generate()), tmp_path / "away"
    other = "cannot be decrypted: another key encrypted it"
    raises(FileError, other, restore, folder, "a", to, seal=stranger, force=True)
    done.path.write_bytes(done.path.read_bytes()[:-9])
    raises(FileError, "cannot be decrypted", restore, folder, "a", to, seal=seal, force=True)
    with done.path.open("wb") as file:  # no archive inside
        file.write(pyrage.encrypt(b"rubbish", [seal.key.to_public()]))
    raises(FileError, "cannot be decrypted", restore, folder, "a", to, seal=seal, force=True)
    assert [path.name for path in folder.iterdir()] == ["a.hub"]


def test_a_full_disk_leaves_nothing(
    folder: Path, tmp_path: Path, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, said in (
        (OSError(errno.ENOSPC, "full"), "the disk is full"),
        (pyrage.EncryptError("OSError"), "could not be written"),
    ):
        monkeypatch.setattr(sealed, "flush", Mock(side_effect=error))
        raises(FileError, said, backup, folder, tmp_path / "away", seal=seal)
    assert list((tmp_path / "away").iterdir()) == []


KILLED = """
import os, pathlib, sys
from sim.runtime.saves import backups, sealed
sealed.Seal.pack = lambda *_: os.kill(os.getpid(), 9)
seal = sealed.Seal(sealed.Identity.generate())
backups.backup(*map(pathlib.Path, sys.argv[1:]), seal=seal)
"""


def test_what_a_killed_backup_left_unencrypted_is_swept(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "away"
    for use in (lambda: backup(folder, to), lambda: saves.delete(folder, "a")):
        done = subprocess.run([sys.executable, "-c", KILLED, folder, to], check=False)
        assert (done.returncode, len([*folder.glob(".hubbub-stage-*/world.hub")])) == (-9, 1)
        use()
        assert list(folder.glob(".*")) == []
    with stage(folder) as living:
        backup(folder, to)
        assert list(folder.iterdir()) == [living]  # its process lives
    assert list(folder.iterdir()) == []


def test_a_key_stands_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "backups.key"
    made = Seal.in_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(Seal.in_file(path).key) == str(made.key)
    path.chmod(0o640)
    raises(FileError, "others may read the keys; chmod 600", Seal.in_file, path)
    path.chmod(0o600)
    for text in ("", "AGE-SECRET-KEY-1WRONG"):
        path.write_text(text)
        raises(FileError, "holds no key of age", Seal.in_file, path)
    path.write_text("x" * 5000)
    raises(FileError, "at most 4,096 bytes", Seal.in_file, path)


def test_a_passphrase_opens_the_key_of_a_folder(tmp_path: Path) -> None:
    to = tmp_path / "away"
    raises(InputError, "at least 12 characters", Seal.by_passphrase, "short", to)
    made = Seal.by_passphrase(WORDS, to)
    assert str(Seal.by_passphrase(WORDS, to).key) == str(made.key)
    raises(FileError, "does not open it", Seal.by_passphrase, "another one, longer", to)
    (to / KEY_FILE).write_bytes(b"rubbish")
    raises(FileError, "or it is damaged", Seal.by_passphrase, WORDS, to)


def test_the_verbs_ask_the_environment_and_never_the_command_line(
    folder: Path, tmp_path: Path
) -> None:
    def hubbub(*words: str, **more: str) -> tuple[int, str]:
        env = {"HUBBUB_SAVES": str(folder), "HOME": str(tmp_path), **more}
        command = [sys.executable, "-m", "sim", "saves", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=env, stdin=-3)
        return done.returncode, done.stdout + done.stderr

    to = ("--out", str(tmp_path / "away"))
    code, said = hubbub("backup", *to, "--encrypt")
    assert (code, "set HUBBUB_BACKUP_PASSPHRASE" in said) == (2, True)
    code, said = hubbub("backup", *to, "--encrypt", **{VARIABLE: WORDS})
    assert (code, "is no setting" in said) == (0, False)
    back = ("restore", "a", "--backups", str(tmp_path / "away"))
    assert "there is no such key" in hubbub(*back, "--key", str(tmp_path / "none"))[1]
    assert "does not open it" in hubbub(*back, "--encrypted", **{VARIABLE: "x"})[1]
    assert "Restored " in hubbub(*back, "--encrypted", "--as", "b", **{VARIABLE: WORDS})[1]
    key = ("--key", str(tmp_path / "mine.key"))
    assert hubbub("backup", "--out", str(tmp_path / "other"), *key)[0] == 0
    assert (tmp_path / "mine.key").stat().st_mode & 0o777 == 0o600
