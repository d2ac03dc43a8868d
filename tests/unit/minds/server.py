"""A model server on loopback that answers as a script says, right or wrong."""

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable
from threading import Thread
from typing import Any, Self

Answering = Callable[["Call"], Awaitable[None]]


def completion(text: object = "Good morning.", reason: str = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": text}
    said = {
        "id": "x", "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        **more,
    }  # fmt: skip
    return json.dumps(said).encode()


class Call:
    """One request that came, and the way back."""

    def __init__(self, head: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self.body = body
        self.writer = writer

    @property
    def said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said

    async def send(
        self, body: bytes, status: int = 200, headers: str = "", *, kind: str = "application/json"
    ) -> None:
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            f"{headers}\r\n"
        )
        self.writer.write(head.encode() + body)
        await self.writer.drain()


async def well(call: Call) -> None:
    await call.send(completion())


def status(code: int, said: str = "{}", headers: str = "") -> Answering:
    async def answer(call: Call) -> None:
        await call.send(said.encode(), code, headers)

    return answer


def body(said: bytes, headers: str = "") -> Answering:
    async def answer(call: Call) -> None:
        await call.send(said, headers=headers)

    return answer


async def hang(call: Call) -> None:
    await asyncio.sleep(3600)


async def drip(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        call.writer.write(b" ")
        await call.writer.drain()
        await asyncio.sleep(0.05)


async def reset(call: Call) -> None:
    call.writer.transport.abort()


async def half(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + completion()[:40])
    await call.writer.drain()
    call.writer.close()


bomb = body(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip\r\n")
huge = body(b" " * 2_000_000)


class Server:
    """Answers each request as the next entry of its script says; the last entry stays."""

    def __init__(self, *script: Answering) -> None:
        self.script = list(script or (well,))
        self.calls: list[Call] = []
        self.most_at_once = 0
        self._at_once = 0
        self._serving: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        self._port = made.result(60)
        return self

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.current_task()
        assert mine is not None
        self._serving.add(mine)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                (length,) = map(int, re.findall(r"(?i)content-length: *(\d+)", head))
                await self._answer(Call(head, await reader.readexactly(length), writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, call: Call) -> None:
        self.calls.append(call)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self.script[min(len(self.calls), len(self.script)) - 1](call)
        finally:
            self._at_once -= 1

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        """Call off what is served; who is just being let in is served first, and so hung up on."""
        self._server.close()
        own = asyncio.current_task()
        while tasks := [task for task in asyncio.all_tasks() if task is not own]:
            for task in self._serving.intersection(tasks):
                task.cancel()
            await asyncio.wait(tasks, timeout=0.05)
