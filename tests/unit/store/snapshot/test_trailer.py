"""The digest behind the last page covers every byte, whoever computes it."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xxhash

from sim.store.snapshot.files import (
    LEAF_BYTES,
    MAGIC,
    TRAILER_BYTES,
    Trailer,
    full,
    quick,
    quick_of,
    trailer_of,
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


def naive_quick(data: bytes, strong: bytes) -> bytes:
    leaves = [data[start : start + (1 << 20)] for start in range(0, len(data), 1 << 20)]
    digests = b"".join(xxhash.xxh3_128(leaf).digest() for leaf in leaves)
    return xxhash.xxh3_128(digests + MAGIC + strong).digest()


def computed(descriptor: int, size: int) -> Trailer:
    with full(descriptor, size) as leaves:
        return trailer_of(leaves.results())


@pytest.mark.parametrize(
    "size", [1, 100, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 3 * LEAF_BYTES, 5_200_000]
)
def test_both_digests_equal_the_naive_ones(written: int, size: int) -> None:
    data = os.pread(written, size, 0)
    found = computed(written, size)
    assert found.strong == naive(data)
    assert found.quick == naive_quick(data, found.strong)
    with quick(written, size) as leaves:
        assert quick_of(leaves.results(), found.strong) == found.quick


def test_the_digests_are_these_for_ever(written: int) -> None:
    found = computed(written, 3)
    assert found.strong.hex() == KNOWN
    assert found.quick.hex() == KNOWN_QUICK


def test_lengthening_or_moving_a_byte_between_leaves_changes_both(written: int) -> None:
    sizes = [LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 2 * LEAF_BYTES]
    found = [computed(written, size) for size in sizes]
    assert len({each.strong for each in found}) == len({each.quick for each in found}) == 4


def test_a_file_shorter_than_it_said_is_an_error(written: int) -> None:
    with pytest.raises(EOFError, match="ends before byte 9000000"):
        computed(written, 9_000_000)


def test_work_not_begun_is_dropped_on_the_way_out(written: int) -> None:
    with full(written, 5 * LEAF_BYTES) as leaves:
        pass
    assert all(leaf.done() for leaf in leaves._results)


def test_a_trailer_is_80_bytes_and_says_what_it_is() -> None:
    seal = Trailer(b"s" * 32, b"q" * 16)
    assert TRAILER_BYTES == len(seal.bytes) == 80
    assert Trailer.parse(seal.bytes) == seal
    assert Trailer.parse(seal.bytes[:-1]) is None
    assert Trailer.parse(bytes(80)) is None
    assert MAGIC.decode().strip("\n\0") == "HUBBUB BLAKE2b-256 tree 1 MiB"


def test_the_last_bytes_of_a_file_are_its_trailer(tmp_path: Path) -> None:
    data = saved(tmp_path / "a.hub").read_bytes()
    assert data[-80:-48] == MAGIC
    assert data[-48:-16] == naive(data[:-80])
    assert data[-16:] == naive_quick(data[:-80], data[-48:-16])


KNOWN = "8b361cb2f2ae0a88f714b20756adf1a1fd2a3cf071a6b13eadd2ec8381f87250"
KNOWN_QUICK = "00f1427140f76da868560981a8973728"
