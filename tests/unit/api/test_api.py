"""The HTTP interface: who may do what, what it answers, and how it refuses."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from fastapi import FastAPI

from sim import World, save
from sim import api as http
from sim.api import ApiOptions, Caller, Callers, Role, application, guard, orders, reading, routes
from sim.errors import FileError, InputError
from sim.runtime import Simulation, open_live
from sim.settings.settings import load_settings, use
from sim.store.journal.reading import audit
from tests.raising import raises

GOLDEN = Path(__file__).parents[2] / "golden" / "openapi.json"
TOKENS = {role: f"{role.name.lower()}-{'x' * 24}" for role in Role}
CALLERS = [(token, Caller(f"{role.name.lower()}-er", role)) for role, token in TOKENS.items()]
GIF = f"data:image/gif;base64,{b64encode(b'GIF89a').decode()}"
RUMOUR = {"text": "The bridge is closed.", "seeds": "top:5:degree", "model": "sir", "beta": 0.3}


@dataclass
class Api:
    """A served world, and how to ask it."""

    client: httpx.AsyncClient
    app: Any
    inner: FastAPI

    async def ask(
        self,
        path: str,
        body: Any = None,
        role: Role | None = Role.OWN,
        method: str = "",
        **more: Any,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role else {}
        method = method or ("GET" if body is None else "POST")
        return await self.client.request(
            method, path, headers=headers | more.pop("headers", {}), json=body, **more
        )

    async def told(self, path: str, body: Any = None) -> Any:
        found = await self.ask(path, body)
        assert found.status_code in {200, 202}, found.text
        return found.json()


def world(**more: Any) -> World:
    return World.create(agents=300, network="planted-communities", mean_degree=8, seed=3, **more)


@asynccontextmanager
async def served(made: World | None = None, **how: Any) -> AsyncIterator[Api]:
    def opening() -> Simulation:
        return Simulation(made or world(), author="api", **how)

    app = cast("Any", application(opening, Callers(CALLERS), frozenset({"test"})))
    app._known = guard.Buckets(1e6, 1e6)
    app._strange = guard.Buckets(1e6, 1e6)
    inner: FastAPI = app._app
    async with (
        inner.router.lifespan_context(inner),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield Api(client, app, inner)


async def test_the_document_is_the_golden_one() -> None:
    """To renew it after a look at what changed, delete it and run this test."""
    async with served() as api:
        found = (await api.ask("/openapi.json", role=None)).json()
    found["info"]["version"] = ""
    if not GOLDEN.exists():
        GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


async def test_every_route_asks_for_its_role() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))["paths"]
    matrix = [
        (method.upper(), re.sub(r"\{\w+\}", "7", path), Role[told["x-role"].upper()])
        for path, methods in golden.items()
        for method, told in methods.items()
    ]
    assert len(matrix) > 60
    needs = {path: need for _, path, need in matrix}
    assert {needs[path] for path in ("/save", "/jobs/study", "/commands/reseed")} == {Role.OWN}
    assert {needs[path] for path in ("/time/play", "/commands/inject")} == {Role.DRIVE}
    async with served() as api:
        for method, path, need in matrix:
            body: Any = None if method in {"GET", "DELETE"} else {}
            for role in (None, *Role):
                if path == "/watch" and role is not None:
                    continue  # it never ends: below
                broken = {"headers": {"Content-Type": "application/json"}, "content": b"{"}
                for how in ({"body": body}, broken):
                    found = await api.ask(path, role=role, **{"method": method, **how})
                    want = 401 if role is None else 403 if role < need else None
                    assert (found.status_code if want else None) == want, (method, path, role)
                    assert want or found.status_code not in {401, 403, 500}, found.text


async def test_commands_have_their_names_and_the_journal_their_callers(tmp_path: Path) -> None:
    path = tmp_path / "city.hub"
    save(world(), path)
    opened = open_live(path)
    async with served(opened.world, path=path, journal=opened.journal_config(author="api")) as api:
        drive = Role.DRIVE
        assert (await api.ask("/commands/inject", RUMOUR, drive)).json()["result"] == 0
        assert (await api.ask("/commands/step", {"ticks": 3}, drive)).json()["result"] == 3
        told = await api.told("/commands/follow", {"agents": [1, 2], "others": [7, 7]})
        assert len(told["result"]["fate"]) == 2
        best = RUMOUR | {"seeds": "best:2:independent-cascade", "tags": None, "alt": "A bridge"}
        best["image"] = GIF
        assert (await api.told("/commands/inject", best))["result"] == 1
        await api.ask("/time/play", {"until_tick": 5}, drive)
        await _until(lambda: api.inner.state.simulation.frame.tick == 5)
        assert (await api.ask("/time/pause", method="POST")).json() == {"tick": 5}
        acts = (await api.told("/audit?last=5"))["acts"]
        assert '"image":"data:image/gif;..., 6 bytes"' in acts[-1]["said"]
    want = [("drive-er", "inject"), ("drive-er", "step")]
    want += [("own-er", "follow"), ("own-er", "inject")]
    assert [(act["author"], act["kind"]) for act in acts[-4:]] == want
    kept = [(act.author, act.kind) for act in audit(path).acts]
    assert list(dict.fromkeys(kept))[-4:] == want
    assert kept[-2:] == [("drive-er", "step")] * 2
    again = open_live(path).world
    assert (again.tick, again.cascades[1].message.image) == (5, GIF)
    assert again.cascades[1].text.endswith(" [picture: A bridge]")


async def test_queries_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_SAVES", str(tmp_path))
    use(load_settings())
    async with served(world(platform={}), undo_bytes=1 << 24) as api:
        await api.told("/commands/inject", RUMOUR)
        await api.told("/commands/create_group", {"name": "Walkers"})
        while (await api.told("/frame"))["tick"] < 12:  # a request compiles for 20 s at most
            await api.told("/commands/step", {"ticks": 12 - (await api.told("/frame"))["tick"]})
        shown = []
        for member in range(60):
            feed = (await api.told(f"/members/{member}"))["feed"]
            shown += [(member, each["message"]) for each in feed["shown"]]
        viewer, message = shown[0]
        adopter = (await api.told("/members?query=adopted&message=0"))["members"][0]["index"]
        for path, key in (
            ("/me", "role"), ("/frame?whole=true", "communities"), ("/models", "propagation"),
            ("/members?query=a&most=3", "members"), ("/members?first=298", "members"),
            ("/messages", "messages"), ("/messages/0", "tree"), ("/groups", "groups"),
            (f"/why?member={viewer}&message={message}", "parts"), ("/metrics", "platform"),
            (f"/why-adopted?member={adopter}", "sentence"), ("/health", "readings"),
            ("/history?member=2&other=3&first=0&last=9", "events"), ("/jobs", "jobs"),
        ):  # fmt: skip
            assert key in await api.told(path), path
        assert (await api.told("/me"))["role"] == "own"
        assert [group["name"] for group in (await api.told("/groups"))["groups"]] == ["Walkers"]
        assert (await api.told("/time/back", {}))["tick"] == 11
        assert (await api.told("/time/forward", {}))["tick"] == 12
        assert (await api.told("/save", {"name": "monday"}))["path"].endswith("monday.hub")
        assert (await api.ask("/save", {"name": "monday"})).status_code == 422
        assert "heat" in (await api.told("/frame?whole=1"))["communities"]
        assert (tmp_path / "monday.hub").is_file()


REFUSALS: tuple[tuple[str, Any, int, str], ...] = (
    ("/commands/inject", RUMOUR | {"model": "sirr"}, 422, "Did you mean 'sir'?"),
    ("/commands/inject", RUMOUR | {"image": "/etc/passwd", "alt": "x"}, 422, "is a data URL"),
    ("/commands/inject", RUMOUR | {"report": 1}, 422, "body: other arguments have names"),
    ("/commands/step", {"ticks": 1 << 40}, 422, "ticks: Input should be less"),
    ("/commands/step", {"ticks": 1, "x": 2}, 422, "x: Extra inputs"),
    ("/commands/play_member", {"member": 0, "on": 0}, 422, "on: Input should be a valid boolean"),
    ("/commands/follow", {"agents": [300], "others": [0]}, 422, "300"),
    ("/commands/act", {"agent": 0, "what": "like"}, 422, "no platform"),
    ("/commands/go_to", {"tick": 1}, 404, "see /openapi."), ("/jobs/7", None, 404, "no job 7."),
    ("/members/300", None, 422, "There is no member 300"), ("/messages/7", None, 422, "7"),
    ("/members?query=colour:red", None, 422, "colour"), ("/save", {}, 422, "no file yet"),
    ("/jobs/study", {"study": "gallery:nothing"}, 422, "nothing"),
    ("/save", {"name": "../x"}, 422, "name: String should match"),
    ("/jobs/study", {"study": {"network": {"file": "/etc/passwd"}}}, 422, "reads no files"),
    ("/jobs/study", {"study": {"study": {"scenario": "x.toml"}}}, 422, "reads no files"),
    ("/jobs/communities", {"method": "luvain"}, 422, "Did you mean 'louvain'?"),
    ("/jobs/compare", {"arms": {}}, 422, "arms"), ("/nothing", None, 404, "Not Found"),
    ("/me", {}, 405, "Method Not Allowed"), ("/jobs/compare", None, 405, "Method Not Allowed"),
)  # fmt: skip


async def test_a_refusal_is_one_sentence() -> None:
    async with served() as api:
        for path, body, status, part in REFUSALS:
            found = await api.ask(path, body)
            assert found.headers["content-type"] == "application/problem+json"
            assert (found.status_code, found.json()["status"]) == (status, status), found.text
            assert part in found.json()["detail"], found.text


async def test_the_guard_lets_no_stranger_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as api:
        own = {"Authorization": f"Bearer {TOKENS[Role.OWN]}"}
        for headers, status in (
            ({"Host": "evil.example"} | own, 421), ({"Origin": "http://evil.example"} | own, 403),
            ({"Origin": "http://test"} | own, 200), ({"Authorization": "Basic x"}, 401),
            ({"Authorization": "Bearer " + "é" * 30}, 401), ({"Host": "TEST:80"} | own, 200),
        ):  # fmt: skip
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            found = await api.client.get("/me", headers=raw)
            assert found.status_code == status, headers
            assert found.headers["cache-control"] == "no-store"
        twice = [("Authorization", own["Authorization"])] * 2
        assert (await api.client.get("/me", headers=twice)).status_code == 401
        assert (await api.ask(f"/me?token={TOKENS[Role.OWN]}", role=None)).status_code == 401
        large = b"x" * (guard.MOST_BYTES + 1)
        for content in (large, _slowly(large, 0)):
            assert (await api.ask("/save", method="POST", content=content)).status_code == 413
        monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
        late = await api.ask("/save", method="POST", content=_slowly(b"{}", 0.3))
        assert late.status_code == 408
        for name, rates in (("_known", Role.OWN), ("_strange", None)):
            setattr(api.app, name, guard.Buckets(0.001, 3))
            last = [(await api.ask("/me", role=rates)).status_code for _ in range(4)]
            assert last == [200 if rates else 401] * 3 + [429]
        assert api.app._strange.wait("new", 5) > 0
        assert all(api.app._known.wait(str(number)) == 0 for number in range(2000))
        assert len(api.app._known._left) == 1024  # the oldest are forgotten


async def _slowly(data: bytes, seconds: float) -> AsyncIterator[bytes]:
    yield data[: len(data) // 2]
    await asyncio.sleep(seconds)
    yield data[len(data) // 2 :]


async def test_what_fails_or_lasts_is_a_problem_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(orders, "_STEP_SECONDS", 0.1)
    async with served(world(platform={})) as api:
        assert (await api.told("/commands/step", {"ticks": 10_000}))["result"] < 10_000
    monkeypatch.setattr(routes, "SECONDS", 0.05)
    async with served() as api:
        for instead, status in ((broken, 500), (lambda *_: asyncio.sleep(60), 503)):
            monkeypatch.setattr(Simulation, "pause", instead)
            found = await api.ask("/time/pause", method="POST")
            assert found.status_code == status
            assert "ZeroDivisionError" not in found.text
        monkeypatch.setattr(routes, "SECONDS", 60)
        for path, method, status in (("/time/pause", "POST", 503), ("/watch", "GET", 200)):
            asking = asyncio.create_task(api.ask(path, method=method))
            await asyncio.sleep(0.2)
            asking.cancel()  # as the server does at its end
            assert (await asking).status_code == status


@pytest.mark.parametrize(
    ("text", "mode", "part"),
    [
        (f"own me {'x' * 24}\n", 0o644, "chmod 600"), ("# nothing\n", 0o600, "has no token"),
        (f"observe a {'x' * 24}\nown b {'x' * 24}\n", 0o600, "line 2 has the token of a"),
        ("own me short\n", 0o600, "line 1 has a role"), ("x" * 70_000, 0o600, "at most 65,536 "),
    ],
)  # fmt: skip
def test_a_file_of_tokens_is_private_and_whole(
    text: str, mode: int, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(FileError, match=part) as error:
        http.read_tokens(path)
    assert "xxxx" not in str(error.value)


def test_tokens_are_made_and_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tokens"
    http.create_tokens(path)
    assert path.stat().st_mode & 0o777 == 0o600
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    callers = http.read_tokens(path)
    assert [callers.of(token) for *_, token in rows] == [
        Caller(role.name.lower(), role) for role in Role
    ]
    assert callers.of("") is None
    link = tmp_path / "link"
    link.symlink_to(path)
    for wrong, reason in ((link, "cannot be read"), (tmp_path, "regular file")):
        raises(FileError, reason, http.read_tokens, wrong)
    raises(FileError, "cannot be written", http.create_tokens, path)


@pytest.mark.parametrize(
    ("how", "fits"),
    [
        ({}, True), ({"host": "::1"}, True), ({"host": "localhost"}, True),
        ({"host": "10.0.0.1"}, False), ({"host": "10.0.0.1", "is_exposed": True}, False),
        ({"host": "example.org", "certificate": Path("c"), "key": Path("k")}, False),
        ({"host": "::", "is_exposed": True, "certificate": Path("c"), "key": Path("k")}, True),
        ({"certificate": Path("c")}, False),
    ],
)  # fmt: skip
def test_strangers_are_served_only_with_tls_and_tokens(how: dict[str, Any], fits: bool) -> None:
    options = ApiOptions(Path("tokens"), **how)
    if fits:
        options.check()
        assert "localhost" in options.hosts
    else:
        raises(InputError, "TLS", options.check)


def test_what_cannot_be_served_is_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, city, told = tmp_path / "broken.pem", tmp_path / "city.hub", list[str]()
    broken.write_text("x")
    save(world(), city)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for said, how in (
            ("No such file", {"certificate": tmp_path / "none", "key": broken}),
            ("not a PEM certificate", {"certificate": broken, "key": broken}),
            (r":\d+ cannot be served: address already in use; choose another -", {"port": port}),
            (f"Metrics cannot be served on port {port}: address already in use; choose", {}),
        ):
            options = ApiOptions(tmp_path / "tokens", **how)
            use(load_settings(metrics_port=None if how else port))
            opening = http.opening_of(str(city), author="api")
            raises(InputError, said, http.serve_api, opening, options, told.append)
    assert (told, caplog.records) == ([], [])


async def test_jobs_are_followed_and_cancelled() -> None:
    async with served() as api:
        arms = {"baseline": {}, "banned": {"do": "ban", "agents": "top:20:degree"}}
        asked = {"arms": arms, "messages": [RUMOUR], "replicates": 2}
        assert (await api.ask("/jobs/compare", asked)).headers["location"] == "/jobs/1"
        assert "Job 1 runs" in (await api.ask("/jobs/communities", {})).json()["detail"]
        assert (await _ended(api, 1))["result"]["tables"]["differences"]
        await api.told("/jobs/communities", {})
        assert (await _ended(api, 2))["result"]["method"] == "louvain"
        network = {"agents": 100, "mean_degree": 4}
        sent = {name: RUMOUR[name] for name in ("text", "seeds", "model")}
        few = {"messages": [sent | {"seeds": "random:2"}]}
        sections = {"network": network, "messages": [sent], "arms": {"many": {}, "few": few}}
        await api.told("/jobs/study", {"study": sections, "replicates": 500})
        assert (await api.ask("/jobs/3", method="DELETE")).status_code == 202
        assert (await _ended(api, 3))["state"] == "cancelled"
        await api.told("/jobs/compare", asked | {"arms": {"baseline": {}, "b": {"policy": "x"}}})
        failed = await _ended(api, 4)
        assert (failed["state"], failed["by"]) == ("failed", "own-er")
        board: orders.Board = api.inner.state.board
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(orders, "KEPT", 2)
            await api.told("/jobs/communities", {})
        assert 1 not in board.works
        await _ended(api, 5)
        await api.told("/jobs/study", {"study": sections, "replicates": 500})  # stopped at the end


async def _ended(api: Api, number: int) -> Any:
    for _ in range(3000):
        found = await api.told(f"/jobs/{number}")
        if found["state"] != "running":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


@asynccontextmanager
async def really(tmp_path: Path) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Serve a world by the real server; give its address and its tokens by role."""
    options = ApiOptions(tmp_path / "tokens", port=0)
    server = http.server_of(lambda: Simulation(world(), author="api"), options)
    serving = asyncio.create_task(server.serve())
    await _until(lambda: server.started)
    rows = [line.split() for line in options.tokens.read_text().splitlines()[1:]]
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}", {role: token for role, _, token in rows}
    finally:
        server.should_exit = True
        await serving


async def test_frames_and_events_come_over_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        really(tmp_path) as (host, tokens),
        httpx.AsyncClient() as client,
        ClientSession() as web,
    ):
        page = await client.get(f"http://{host}/")
        assert "sha256-" in page.headers["content-security-policy"]
        assert "server" not in page.headers
        drive = {"Authorization": f"Bearer {tokens['drive']}"}
        url = f"ws://{host}/watch/socket?rate=10"
        said = ["hubbub", f"bearer.{tokens['observe']}"]
        async with web.ws_connect(url, protocols=said) as socket:
            assert socket.protocol == "hubbub"
            await socket.send_str("unheard")
            assert (await socket.receive_json())["frame"]["tick"] == 0
            await client.post(f"http://{host}/commands/inject", json=RUMOUR, headers=drive)
            await client.post(f"http://{host}/commands/step", json={"ticks": 2}, headers=drive)
            ticks, events = {0}, {""}
            while 2 not in ticks or "MessageSent" not in events:
                heard = await socket.receive_json()
                ticks.add(heard.get("frame", {}).get("tick"))
                events.add(heard.get("event", {}).get("event"))
        stream = f"http://{host}/watch?what=events&rate=10"
        monkeypatch.setattr(reading, "_BEAT_SECONDS", 0.05)
        async with client.stream("GET", stream, headers=drive) as lines:
            assert await anext(lines.aiter_lines()) == "event: beat"
        last = await web.ws_connect(url, headers=drive)
        monkeypatch.setattr(reading, "MOST_WATCHERS", 0)
        assert (await client.get(stream, headers=drive)).status_code == 409
        for wrong in (drive, {"Origin": "http://evil.example", **drive}, {}):
            with pytest.raises(WSServerHandshakeError):
                await web.ws_connect(url, headers=wrong)
    while (await last.receive()).type not in {WSMsgType.CLOSE, WSMsgType.CLOSED}:
        pass  # the end of the server is that of its watches


def test_the_verb_serves_a_saved_world_until_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "city.hub"
    save(world(), path)
    env = os.environ | {"HUBBUB_SETTINGS": str(tmp_path / "settings.toml")}
    (tmp_path / "settings.toml").touch()
    words = [sys.executable, "-m", "sim", "serve", str(path), "--api", "--port", "18473"]
    verb = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert verb.stderr is not None
        assert "Dashboard: http://127.0.0.1:18473/" in verb.stderr.readline()
        token = (tmp_path / "api-tokens").read_text().split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        for _ in range(600):
            with suppress(httpx.HTTPError):
                found = httpx.post(
                    "http://127.0.0.1:18473/commands/step", json={"ticks": 2}, headers=headers
                )
                break
            assert verb.poll() is None
        assert found.json()["result"] == 2
    finally:
        verb.send_signal(signal.SIGINT)
        verb.communicate(timeout=60)
    assert verb.returncode == 130
    assert audit(path).acts[-1].author == "own"
