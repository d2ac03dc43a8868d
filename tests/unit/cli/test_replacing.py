from pathlib import Path

import pytest

from sim import World, load, open_live, save
from sim.store.journal.journal import LEASE_FILE, folder_of
from sim.store.journal.lease import Lease
from tests.unit.cli.conftest import Hubbub

MAKE = {
    "new": ("new", "--agents", "40", "--mean-degree", "4", "--seed", "9", "--out", "a.hub"),
    "import": ("import", "edges.txt", "--out", "a.hub"),
}


@pytest.fixture
def lived(elsewhere: Path, hubbub: Hubbub) -> Path:
    """A world whose journal goes on behind its file."""
    (elsewhere / "edges.txt").write_text("0 1\n1 2\n2 0\n")
    path = elsewhere / "a.hub"
    save(World.create(30, mean_degree=4, seed=1), path)
    hubbub("run", "a.hub", "--inject", "x", "--ticks", "3", "--journal").well()
    return path


@pytest.mark.parametrize("verb", list(MAKE))
def test_a_world_is_replaced_only_on_demand(verb: str, lived: Path, hubbub: Hubbub) -> None:
    before = lived.read_bytes()
    hubbub(*MAKE[verb]).refuses(
        "a.hub: exists, a world at tick 0, and its journal continues to tick 3; choose another "
        "name, or add --force.\n",
        3,
    )
    assert lived.read_bytes() == before
    forced = hubbub(*MAKE[verb], "--force").well()
    assert "The previous world's journal was moved to a-before-1." in forced.out
    assert load(lived).digest() != open_live(lived.with_name("a-before-1.hub")).world.digest()
    assert open_live(lived.with_name("a-before-1.hub")).world.tick == 3
    assert lived.with_name("a-before-1.hub").read_bytes() == before
    assert open_live(lived).findings == ()


@pytest.mark.parametrize("verb", list(MAKE))
def test_a_world_that_lives_in_its_journal_alone_is_one_too(
    verb: str, lived: Path, hubbub: Hubbub
) -> None:
    lived.unlink()
    said = hubbub(*MAKE[verb])
    said.refuses("a world that was never saved exists there in its journal, at tick 3", 3)
    assert "--force" in said.err
    assert not lived.exists()
    assert hubbub(*MAKE[verb], "--force").code == 0
    assert open_live(lived.with_name("a-before-1.hub")).world.tick == 3


def test_an_open_world_is_replaced_by_nobody(lived: Path, hubbub: Hubbub) -> None:
    with Lease(folder_of(lived) / LEASE_FILE):
        for verb in MAKE:
            said = hubbub(*MAKE[verb], "--force")
            assert said.code != 0
            assert "in use by" in said.err


def test_what_a_run_saves_never_replaces_another_world(hubbub: Hubbub, elsewhere: Path) -> None:
    path = elsewhere / "b.hub"
    save(World.create(30, mean_degree=4, seed=1), path)
    before = path.read_bytes()
    words = ("run", "new:40,mean_degree=4", "--ticks", "2", "--save", "b.hub")
    said = hubbub(*words)
    assert "b.hub holds another world, at tick 0; it was not overwritten (use --force" in said.err
    assert path.read_bytes() == before
    assert load(elsewhere / "b-2.hub").tick == 2
    assert hubbub(*words, "--force").code == 0
    assert load(path).tick == 2
    assert "Replaced b.hub" in hubbub(*words).err  # the same world: nothing is lost


def test_no_verb_that_saves_replaces_another_world(hubbub: Hubbub, elsewhere: Path) -> None:
    save(World.create(30, mean_degree=4, seed=1), elsewhere / "b.hub")
    save(World.create(30, mean_degree=4, seed=2), elsewhere / "c.hub")
    before = (elsewhere / "b.hub").read_bytes()
    for verb in (("replay", "--decide"), ("replay",)):
        said = hubbub(*verb, "c.hub", "--save", "b.hub")
        assert "b.hub: holds another world, at tick 0; choose another name" in said.err
    said = hubbub("edit", "c.hub", "agents", "--where", "id=3", "--set", "mood=1", "--out", "b.hub")
    assert said.code != 0
    assert (elsewhere / "b.hub").read_bytes() == before
