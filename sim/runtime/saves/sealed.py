"""Encrypted backups (extra ``encrypt``): one file each, which the tools age and tar open, too."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pyrage
from pyrage.x25519 import Identity

from sim.core.files import (
    PRIVATE,
    Draft,
    flush,
    read_bounded,
    read_private,
    why_not_saved,
    write_whole,
)
from sim.errors import FileError, InputError

KEY_FILE = "backup-key.age"
"""The key of a folder of backups, encrypted by a passphrase."""

_MOST_OF_KEY = 4096
_LEAST_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Seal:
    """Encrypts and decrypts backups with a key of age."""

    key: Identity

    @classmethod
    def in_file(cls, path: Path) -> Seal:
        """Read a key from a file that its owner alone can access; a missing one is made."""
        if not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, f"{Identity.generate()}\n", is_private=True)
        words = read_private(path, "keys", _MOST_OF_KEY).split()
        found = [word for word in words if word.startswith("AGE-SECRET-KEY-")]
        try:
            return cls(Identity.from_str(found[0]))
        except (IndexError, pyrage.IdentityError):
            raise FileError(path, "holds no key of age (AGE-SECRET-KEY-...)") from None

    @classmethod
    def by_passphrase(cls, passphrase: str, folder: Path) -> Seal:
        """Open the key of a folder of backups; a missing one is made."""
        path = folder / KEY_FILE
        try:
            if path.exists():
                opened = pyrage.passphrase.decrypt(read_bounded(path, _MOST_OF_KEY), passphrase)
                return cls(Identity.from_str(opened.decode()))
        except (OSError, ValueError, pyrage.DecryptError, pyrage.IdentityError):
            raise FileError(path, "this passphrase does not open it, or it is damaged") from None
        if len(passphrase) < _LEAST_CHARACTERS:
            raise InputError(f"A passphrase has at least {_LEAST_CHARACTERS} characters.")
        made = Identity.generate()
        folder.mkdir(0o700, parents=True, exist_ok=True)
        sealed = pyrage.passphrase.encrypt(str(made).encode(), passphrase)
        write_whole(path, sealed, is_private=True)
        return cls(made)

    def pack(self, folder: Path, target: Path) -> None:
        """Encrypt what is in a folder to a new file."""
        work = Draft(target, PRIVATE)
        try:
            with (
                TemporaryFile(dir=folder.parent) as plain,
                open(work.descriptor, "wb", closefd=False) as file,
            ):
                with tarfile.open(fileobj=plain, mode="w") as archive:
                    archive.add(folder, ".")
                plain.seek(0)
                pyrage.encrypt_io(plain, file, [self.key.to_public()])
            flush(work.descriptor)
            work.publish()
        except pyrage.EncryptError as error:
            raise FileError(target, f"could not be written ({error})") from error
        except OSError as error:
            raise FileError(target, why_not_saved(error)) from error
        finally:
            work.discard()
            os.close(work.descriptor)

    def unpack(self, path: Path, folder: Path) -> None:
        """Decrypt a file into an empty folder."""
        with TemporaryFile(dir=folder.parent) as plain:
            try:
                with path.open("rb") as file:
                    pyrage.decrypt_io(file, plain, [self.key])
                plain.seek(0)
                with tarfile.open(fileobj=plain) as archive:
                    archive.extractall(folder, filter="data")
            except (OSError, pyrage.DecryptError, tarfile.TarError) as error:
                other = "another key encrypted it" if "matching" in str(error) else str(error)
                raise FileError(path, f"cannot be decrypted: {other}") from None
