"""Without a network, a key, or the packages of language models all but their texts works."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ALONE = """
import socket, sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"openai", "keyring", "httpx", "requests", "aiohttp"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def refuse(*_, **__):
    raise OSError("there is no network")

sys.meta_path.insert(0, Absent())
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse

import asyncio
from pathlib import Path
from sim import Simulation, World, load, save

folder = Path(sys.argv[1])

async def played(world):
    async with Simulation(world, path=folder / "played.hub", journal=True) as simulation:
        await simulation.inject("News", seeds="top:4:degree", model="sir")
        await simulation.step(3)

world = World.create(agents=300, mean_degree=6, seed=3)
world.open_platform()
asyncio.run(played(world))
post = world.platform.posts.first
assert world.platform.text_of(post)
save(world, folder / "kept.hub")
assert load(folder / "kept.hub").digest() == world.digest()

import tui.app
from sim.cli.main import main
sys.argv = ["hubbub", *sys.argv[2:]]
main()
"""


def alone(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program where nothing of the kind is to be had, from Python and as a command."""
    said = [sys.executable, "-c", ALONE, str(folder), *words]
    there = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return subprocess.run(said, cwd=ROOT, env=there, capture_output=True, text=True, check=False)


def test_all_but_texts_of_language_models_works_alone(tmp_path: Path) -> None:
    done = alone(tmp_path, "run", "new:200", "--inject", "News", "--ticks", "3", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert '"News"' in done.stdout
