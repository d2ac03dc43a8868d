"""The digest behind the last page covers every byte, whoever computes it."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.store.trailer import (
    LEAF_BYTES,
    MAGIC,
    TRAILER_BYTES,
    TreeDigest,
    pack,
    tree_digest,
    unpack,
)
from tests.unit.store.fake import saved


def naive(data: bytes) -> bytes:
    """Hash leaf after leaf, then their digests, as saves/README.md tells it."""
    tree: dict[str, Any] = {
        "digest_size": 32,
        "fanout": 0,
        "depth": 2,
        "leaf_size": 1 << 20,
        "inner_size": 32,
    }
    leaves = [data[start : start + (1 << 20)] for start in range(0, len(data), 1 << 20)]
    digests = [
        hashlib.blake2b(leaf, node_offset=i, last_node=i == len(leaves) - 1, **tree).digest()
        for i, leaf in enumerate(leaves)
    ]
    return hashlib.blake2b(b"".join(digests), node_depth=1, last_node=True, **tree).digest()


@pytest.fixture
def written(tmp_path: Path) -> Iterator[int]:
    """An open file of five leaves and a bit."""
    path = tmp_path / "x"
    path.write_bytes(bytes(range(251)) * ((5 * LEAF_BYTES + 77) // 251))
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    "size", [1, 100, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 3 * LEAF_BYTES, 5_200_000]
)
def test_the_digest_equals_the_naive_one(written: int, size: int) -> None:
    assert tree_digest(written, size) == naive(os.pread(written, size, 0))


def test_the_digest_is_this_one_for_ever(written: int) -> None:
    assert tree_digest(written, 3).hex() == naive(b"\0\1\2").hex() == KNOWN


def test_lengthening_or_moving_a_byte_between_leaves_changes_the_digest(written: int) -> None:
    sizes = [LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 2 * LEAF_BYTES]
    assert len({tree_digest(written, size) for size in sizes}) == len(sizes)


def test_a_file_shorter_than_it_said_is_an_error(written: int) -> None:
    with pytest.raises(EOFError, match="ends before byte 9000000"):
        tree_digest(written, 9_000_000)


def test_work_not_begun_is_dropped_on_the_way_out(written: int) -> None:
    with TreeDigest(written, 5 * LEAF_BYTES) as digest:
        pass
    assert all(leaf.done() for leaf in digest._leaves)


def test_a_trailer_is_64_bytes_and_says_what_it_is() -> None:
    assert TRAILER_BYTES == len(pack(bytes(32))) == 64
    assert unpack(pack(b"d" * 32)) == b"d" * 32
    assert unpack(pack(b"d" * 31)) is None
    assert unpack(bytes(64)) is None
    assert MAGIC.decode().strip("\n\0") == "HUBBUB BLAKE2b-256 tree 1 MiB"


def test_the_last_bytes_of_a_file_are_its_trailer(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.hub").read_bytes()
    assert data[-64:-32] == MAGIC
    assert data[-32:] == naive(data[:-64])


KNOWN = "8b361cb2f2ae0a88f714b20756adf1a1fd2a3cf071a6b13eadd2ec8381f87250"
