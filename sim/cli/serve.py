"""The screen in a browser: one person drives it, others watch the same picture."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

from sim.cli.output import tell

WAITING = b"\x1b[?1049h\x1b[?25l\x1b[2J\x1b[HNobody drives this screen at the moment."
SLOW_SECONDS = 2.0
"""Seconds that one browser may take to accept what is drawn before it is cut off."""


class Shared:
    """The one running screen, and the browsers that show it."""

    service: AppService | None = None
    size = (80, 24)

    def __init__(self) -> None:
        self.browsers: set[web.WebSocketResponse] = set()

    async def draw(self, data: bytes) -> None:
        """Draw in every browser; one that does not keep up is left behind."""
        for browser in tuple(self.browsers):
            try:
                await asyncio.wait_for(browser.send_bytes(data), SLOW_SECONDS)
            except (OSError, TimeoutError, RuntimeError):
                self.browsers.discard(browser)

    async def draw_all(self) -> None:
        """Have everything drawn again, for a browser that came later."""
        if self.service is not None:
            columns, rows = self.size
            await self.service.set_terminal_size(columns, rows - 1)
            await self.service.set_terminal_size(columns, rows)


class Page(Server):
    """The page of who drives, or of those who watch."""

    def __init__(self, command: str, url: str, shared: Shared, *, drives: bool) -> None:
        super().__init__(command, title="Hubbub", public_url=url)
        self._shared, self._drives = shared, drives

    async def on_startup(self, _app: web.Application) -> None:
        """Say nothing: the verb has said it."""

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Drive the screen if nobody does and this is the driver's page, or else watch it."""
        browser, shared = web.WebSocketResponse(heartbeat=15), self._shared
        await browser.prepare(request)
        shared.browsers.add(browser)

        async def close() -> None:
            await browser.close()

        service = None
        if self._drives and shared.service is None:
            shared.size = (
                to_int(request.query.get("width", ""), 80),
                to_int(request.query.get("height", ""), 24),
            )
            service = shared.service = AppService(
                self.command, write_bytes=shared.draw, write_str=browser.send_str,
                close=close, download_manager=self.download_manager,
            )  # fmt: skip
            await service.start(*shared.size)
        elif shared.service is None:
            await browser.send_bytes(WAITING)
        else:
            await browser.send_bytes(b"\x1b[?1049h\x1b[?25l")
            await shared.draw_all()
        try:
            async for message in browser:
                if message.type == WSMsgType.TEXT:
                    await self._obey(browser, service, *message.json())
        finally:
            shared.browsers.discard(browser)
            if service is not None:
                shared.service = None
                await service.stop()
                await shared.draw(WAITING)
        return browser

    async def _obey(
        self, browser: web.WebSocketResponse, service: AppService | None, kind: str, *said: Any
    ) -> None:
        if kind == "ping":
            await browser.send_json(["pong", *said])
        elif service is None:
            return  # who watches changes nothing
        elif kind == "stdin":
            await service.send_bytes(said[0].encode())
        elif kind == "resize":
            self._shared.size = said[0]["width"], said[0]["height"]
            await service.set_terminal_size(*self._shared.size)


def serve(command: str, host: str, port: int) -> None:
    """Serve until Ctrl+C, after saying the secret addresses."""
    url, paths = f"http://{host}:{port}", [secrets.token_urlsafe(18) for _ in range(2)]

    async def site() -> web.Application:
        whole, shared = web.Application(), Shared()
        for path, drives in zip(paths, (True, False), strict=True):
            page = Page(command, url, shared, drives=drives)
            whole.add_subapp(f"/{path}", await page._make_app())  # noqa: SLF001 - as serve() does
        return whole

    tell(f"You drive:    {url}/{paths[0]}/")
    tell(f"Others watch: {url}/{paths[1]}/")
    tell("Ctrl+C ends it. Keep the first address to yourself: whoever has it controls the world.")
    web.run_app(site(), host=host, port=port, print=None)
