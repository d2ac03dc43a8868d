"""Profiles of real persons taken out: no byte of them is left in anything that a world keeps."""

import json
import sqlite3
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World, open_live, replay
from sim.errors import FileError, InputError
from sim.runtime import JournalConfig, Simulation, erase_profiles
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.saves.erasing import ERASED, MADE_UP, ErasureReport, How, Scrub, whom
from sim.store import LeaseError, audit, load, record_of, save, verify
from sim.store.history.database import HistoryDatabase, TickDecisions, history_file
from sim.store.journal.journal import folder_of
from sim.store.journal.reading import checked
from sim.world.commands import note, take_profiles
from sim.world.members import Match
from tests.raising import raises

NAME, OTHER = "Ada Lovelace-Quux", "Grace Hopper-Zwei"
PROFILES: list[dict[str, Any]] = [
    {
        "id": "ada@example.org", "name": NAME, "language": "fr",
        "biography": "A mathematician of the very first engine. She likes long walks.",
        "persona": "You are Ada, the countess of numbers.\nYou answer in rhymes, always.",
        "interests": ["poetry"], "traits": {"openness": 0.9}, "activity": 0.75, "hours": [0.5] * 24,
        "more": {
            "country": "Ruritania", "age": 36, "about": "Lives behind the old mill by the river.",
        },
    },
    {"id": "grace@example.org", "name": OTHER, "biography": "An admiral who wrote compilers."},
]  # fmt: skip
"""As a table of real persons would say; the second one stays."""

SECRETS = (
    NAME, "Quux", "ada@example.org", "ada.lovelace.quux0", "mathematician of the very first engine",
    "She likes long walks", "countess of numbers", "You answer in rhymes", "behind the old mill",
    "met Mr Babbage in the rain", "Ruritania",
)  # fmt: skip
STAY = (OTHER, "grace@example.org", "An admiral who wrote compilers")


async def lived(path: Path, *, saves: bool = True) -> Path:
    """Run a world with profiles, journal, checkpoints, a history and names in other texts."""
    ids = ["ada@example.org", "grace@example.org", *(f"user-{n}" for n in range(2, 40))]
    ring = np.arange(40)
    world = World.from_edges(ring, np.roll(ring, 1), agents=40, seed=3, ids=ids)
    world.open_platform()
    journal_config = JournalConfig(path, Pacing(2, None))
    async with Simulation(world, journal=journal_config) as simulation:
        await simulation.call(take_profiles, PROFILES)
        await simulation.call(note, [0], "She met Mr Babbage in the rain")
        await simulation.call(note, [1], f"Talked to {NAME} again")
        await simulation.inject(f"{NAME} says hello", seeds=[0], model="sir", author=0)
        await simulation.step(3)
        if saves:
            await simulation.save(path)
        await simulation.step(3)
    put_decision(path, world)
    return path


def put_decision(path: Path, world: World) -> None:
    """Note what a mind decided, with what it was told."""
    with closing(sqlite3.connect(history_file(path))) as file:
        (chain,) = file.execute("SELECT chain FROM ticks ORDER BY id DESC LIMIT 1").fetchone()
    own = [["system", f"{PROFILES[0]['persona'][:30]} Age: 36. Country: Ruritania."]]
    told = [*own, ["user", f"{NAME}, what now?"]]
    block = f'<member number="2">\nThis is {NAME}. Country: Ruritania.\n</member>'
    several = [["system", "Several members decide here."], ["user", block]]
    others = [["user", '<member number="1">\nThis is Bo. Country: Utopia.\n</member>']]
    rows = [
        {"member": 0, "act": "post", "text": f"Yours, {NAME}", "replies": [{"prompt": told}]},
        {"member": 1, "act": "post", "text": f"Dear {NAME}", "replies": [{"prompt": told[1:]}]},
        {"member": 2, "act": "post", "text": "Hello", "replies": [{"prompt": several}]},
        {"member": 3, "act": "post", "text": "Hello", "replies": [{"prompt": others}]},
    ]
    writer = HistoryDatabase(history_file(path), most_bytes=1 << 30)
    writer.put(TickDecisions(chain, rows))
    writer.wait()
    writer.close()


def everything(folder: Path) -> bytes:
    """Return every byte that lies in a folder, and what is packed in it."""
    found = []
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        found += [path.name.encode(), data, *unpacked(data)]
    return b"\n".join(found)


def unpacked(data: bytes) -> list[bytes]:
    """Inflate whatever may be a zlib stream in some bytes."""
    found = []
    for head in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        at = data.find(head)
        while at >= 0:
            with suppress(zlib.error):
                found.append(zlib.decompressobj().decompress(data[at : at + (1 << 20)]))
            at = data.find(head, at + 1)
    return found


def forms(secret: str) -> tuple[bytes, ...]:
    return secret.encode(), json.dumps(secret)[1:-1].encode()


@pytest.mark.parametrize("saves", [True, False], ids=["saved once", "never saved"])
@pytest.mark.parametrize("how", ["erase", "pseudonymise"])
async def test_no_byte_of_an_erased_profile_is_left(tmp_path: Path, how: Any, saves: bool) -> None:
    path = await lived(tmp_path / "a.hub", saves=saves)
    before = everything(tmp_path)
    assert all(
        any(form in before for form in forms(secret)) for secret in SECRETS if "." not in secret
    )
    tick = open_live(path, read_only=True).world.tick
    done = erase_profiles(path, "ada@example.org", how)
    assert (done.members, done.left) == (1, ())
    assert done.acts >= 4
    assert done.ticks >= 1
    after = everything(tmp_path)
    assert [secret for secret in SECRETS if any(form in after for form in forms(secret))] == []
    assert [kept for kept in STAY if kept.encode() not in after] == []
    assert not folder_of(path).exists()
    world = load(path)
    assert world.tick == tick == 6
    assert verify(path).columns > 0
    assert checked(path) == len(world.trail.acts)
    assert audit(path).acts[-1].kind == how


async def test_what_is_left_of_a_member_is_nobody_in_particular_or_numbers(tmp_path: Path) -> None:
    path = await lived(tmp_path / "a.hub")
    other = tmp_path / "b.hub"
    save(open_live(path, read_only=True).world, other)
    erase_profiles(path, [0], "erase")
    erase_profiles(other, [0], "pseudonymise")
    erased, pseudonym = load(path).agents, load(other).agents
    for agents in (erased, pseudonym):
        assert agents.id(0) == "member-0"
        assert agents.name(0) not in NAME
        assert agents.name(1) == OTHER
        assert agents.index("grace@example.org") == 1
    assert erased.lore.cold.get(0) == {}
    assert (erased.interests[0], erased.language[0], pseudonym.language[0]) == (0, 0, 4)
    assert set(erased.personality[0].tolist()) <= {127, 128}
    assert erased.lore.hours.agents.size == 0
    assert pseudonym.lore.cold.get(0) == {
        "interests": ["poetry"], "traits": {"openness": 0.9}, "activity": 0.75,
        "hours": [0.5] * 24, "more": {"age": 36},
    }  # fmt: skip
    assert pseudonym.activity[0] == np.float32(0.75)
    assert pseudonym.lore.hours.agents.tolist() == [0]


async def test_a_world_goes_on_after_an_erasure_and_its_history_is_read(tmp_path: Path) -> None:
    path = await lived(tmp_path / "a.hub")
    erase_profiles(path, "all", "pseudonymise")
    opened = open_live(path)
    journal_config = opened.journal_config(Pacing(None, None))
    async with Simulation(opened.world, path=path, journal=journal_config) as simulation:
        await simulation.step(2)
    again = open_live(path)
    assert (again.world.tick, again.findings) == (8, ())
    assert len(record_of(again.world, path).ticks) == 8


async def test_a_world_that_is_open_or_out_of_date_is_left_as_it_is(tmp_path: Path) -> None:
    path = await lived(tmp_path / "a.hub")
    opened = open_live(path)
    async with Simulation(opened.world, path=path, journal=opened.journal_config()):
        raises(LeaseError, "in use", erase_profiles, path)
    (folder_of(path) / "journal").write_bytes(b"nothing")
    before = everything(tmp_path)
    with pytest.raises(FileError, match="not a journal") as refused:
        erase_profiles(path)
    assert everything(tmp_path) == before
    assert "--force" not in str(refused.value)  # it has no such option
    save(open_live(path).world, path)
    assert erase_profiles(path).members == 40


async def test_a_history_that_cannot_be_read_is_told_and_not_called_clean(tmp_path: Path) -> None:
    path = await lived(tmp_path / "a.hub")
    file = history_file(path)
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    raises(FileError, r"not cleaned: .*malformed", erase_profiles, path)


@pytest.mark.parametrize(
    ("who", "how", "sentence"),
    [
        ([40], "erase", "Members are 0 to 39"), ([], "erase", "No members match"),
        ("nobody-such", "erase", "nobody-such"), ("all", "forget", "erase or pseudonymise"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(path: Path, who: Any, how: Any, sentence: str) -> None:
    save(World.create(agents=40, mean_degree=4, seed=1), path)
    raises(InputError, sentence, erase_profiles, path, who, how)


def test_numbers_for_ids_become_free_ones_and_what_is_aside_is_named(tmp_path: Path) -> None:
    ring = np.arange(4)
    world = World.from_edges(ring, np.roll(ring, 1), agents=4, ids=np.array([70_123, 1, 80_456, 0]))
    save(world, tmp_path / "a.hub")
    (tmp_path / "a-before-1.hub.live").mkdir()
    (tmp_path / "a-b.hub").write_bytes(b"")
    done = erase_profiles(tmp_path / "a.hub", [0, 2])
    assert [load(done.path).agents.id(at) for at in range(4)] == [MADE_UP, 1, MADE_UP + 2, 0]
    assert done.left == (tmp_path / "a-before-1.hub.live",)
    assert "may still contain them: a-before-1.hub.live" in done.sentence


def test_numbers_for_ids_are_made_up_once_and_pass_by_those_that_are_there(path: Path) -> None:
    ids = np.array([70_123, MADE_UP, 80_456, 1])
    ring = np.arange(4)
    save(World.from_edges(ring, np.roll(ring, 1), agents=4, ids=ids), path)
    expected = [MADE_UP + 4, MADE_UP + 1, MADE_UP + 2, MADE_UP + 3]
    for who, members in (("all", 4), ("all", 0), ([2], 0)):
        done = erase_profiles(path, who, "pseudonymise")
        assert done.members == members
        assert [load(done.path).agents.id(at) for at in range(4)] == expected


def test_texts_are_found_whole_in_one_line_and_by_their_sentences() -> None:
    scrub = Scrub(["“Ann  Bo”", "One two three four five. Six seven eight nine ten!", "", "..."])
    assert scrub.text("Ann  Bo, Ann Bo, Ann Bob") == f"{ERASED}, {ERASED}, Ann Bob"
    assert scrub.text("So: Six seven eight nine ten!") == f"So: {ERASED}!"
    assert scrub.plain({"Ann Bo": ["Ann Bo", 3, None]}) == {ERASED: [ERASED, 3, None]}
    untouched = "Nothing of the kind."
    assert scrub.text(untouched) is untouched


def test_acts_that_nobody_can_read_are_left_out_and_names_made_up(path: Path) -> None:
    ring = np.arange(4)
    world = World.from_edges(ring, np.roll(ring, 1), agents=4, names=[NAME, OTHER, "", "Bo Li"])
    world.take_profiles([{"name": NAME, "biography": "Gone."}] * 2)
    world.trail._add(0, "script", "take_profiles", "no JSON of ours", "")
    world.trail._add(0, "script", "take_profiles", '{"unsaid":"too long"}', "")
    world.trail._add(0, "script", "take_profiles", '{"args":[[{"id":"who"},{"id":1}]]}', "")
    save(world, path)
    erase_profiles(path, [0, 3])
    again = load(path)
    assert [again.agents.name(at) in (NAME, "Bo Li") for at in range(4)] == [False] * 4
    words = [act.said for act in again.trail.acts if act.kind == "take_profiles"]
    assert words[1:] == ['{"unsaid":"(erased)"}'] * 2 + ['{"args":[[{"id":1}]]}']
    assert checked(path) == len(again.trail.acts)


@pytest.mark.parametrize("how", ["erase", "pseudonymise"])
@pytest.mark.parametrize(
    ("match", "ids", "told"),
    [("auto", "", "4 profiles"), ("order", "person-{}", "4 profiles"), ("id", "{}", "2 profiles")],
)
def test_who_stays_keeps_a_profile(path: Path, how: How, match: Match, ids: str, told: str) -> None:
    world = World.create(9, mean_degree=4, seed=3)
    said: list[dict[str, Any]] = []
    for place in range(4):
        said.append({"name": f"Person The {place}th", "more": {"age": 40}})
        said[-1] |= {"id": place if match == "id" else ids.format(place)} if ids else {}
    world.take_profiles(said, match)
    save(world, path)
    erase_profiles(path, [1, 2], how)
    clean = load(path)
    assert clean.trail.acts[1].result == told
    assert "person-1" not in clean.trail.acts[1].said
    again = replay(clean.trail.acts)
    assert again.findings == (
        f"Act 2 ({how}, tick 0) cannot be done again: only the program that did it could.",
    )
    names = [again.world.agents.name(place) for place in range(9)]
    assert names == [clean.agents.name(place) for place in range(9)]
    assert [names[0], names[3]] == ["Person The 0th", "Person The 3th"]


async def test_what_is_gone_does_not_go_again(tmp_path: Path) -> None:
    path = await lived(tmp_path / "a.hub")
    assert erase_profiles(path, "ada@example.org").members == 1
    for how in ("pseudonymise", "erase"):
        again = erase_profiles(path, "member-0", how)
        assert again.members == 0
        assert again.sentence.startswith("No profile data was left; ")
        assert open_live(path).world.agents.id(0) == "member-0"
    assert erase_profiles(path, [0, 1], "pseudonymise").members == 1
    assert open_live(path).world.agents.id(1) == "member-1"
    assert ERASED not in json.dumps(open_live(path).world.agents.lore.cold.get(1))


def test_numbers_of_one_are_said_as_one() -> None:
    assert ErasureReport(Path("a.hub"), 1, 1, 1).sentence == (
        "Deleted 1 profile from a.hub, from 1 log entry and 1 tick of its "
        "history; started a new journal."
    )
    two = ErasureReport(Path("a.hub"), 2, 0, 0).sentence
    assert "Deleted 2 profiles from a.hub, from 0 log entries" in two


def test_whose_profiles_go_is_said_before_anybody_agrees() -> None:
    world = World.create(30, mean_degree=4, seed=1)
    assert whom(world, "7") == f"{world.agents.name(7)} (member 7)"
    first = ", ".join(world.agents.name(index) for index in range(3))
    assert whom(world, "all") == f"30 members, {first} and 27 more"
    raises(InputError, "99999", whom, world, "99999")
    raises(InputError, "No members match", whom, world, "openness>2")
