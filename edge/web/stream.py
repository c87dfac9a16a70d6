"""Server-sent events (WHATWG HTML, section 9.2): each page gets the newest view; older ones it missed are skipped."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

_SEND_S = 10.0
"""A page that does not read for so long is dropped."""


def event(name: str, data: object) -> bytes:
    """One event of the stream; JSON has no line breaks of its own."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Stream:
    """ASGI endpoint. ``publish`` and ``close`` may be called from any thread."""

    def __init__(self, *, hello: dict[str, Any], max_clients: int, heartbeat_s: float) -> None:
        self._hello = event("hello", hello)
        self._max_clients, self._heartbeat_s = max_clients, heartbeat_s
        self._lock = threading.Lock()
        self._frame = b""
        self._seq = 0
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()

    @property
    def clients(self) -> int:
        return len(self._waiting)

    def publish(self, view: dict[str, Any]) -> None:
        """Replaces the view. The box has one slot: a slow page sees the newest view, never a queue of old ones."""
        frame = event("view", view)
        with self._lock:
            if frame == self._frame:
                return
            self._frame, self._seq = frame, self._seq + 1
        self._wake_from_outside()

    def close(self) -> None:
        """Ends every stream, so that the server can stop."""
        self._closing = True
        self._wake_from_outside()

    def _wake_from_outside(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._closing or len(self._waiting) >= self._max_clients:
            busy = PlainTextResponse("too many pages are open\n", 503, headers={"retry-after": "5"})
            await busy(scope, receive, send)
            return
        self._loop = asyncio.get_running_loop()
        news = asyncio.Event()
        self._waiting.add(news)
        gone = asyncio.ensure_future(_until_gone(receive, news))
        try:
            await self._serve(news, gone, send)
        except asyncio.TimeoutError:
            return  # a page that stopped reading
        finally:
            self._waiting.discard(news)
            gone.cancel()

    async def _serve(self, news: asyncio.Event, gone: asyncio.Future[None], send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _send(send, self._hello)
        seq = 0
        while not self._closing and not gone.done():
            news.clear()
            with self._lock:
                newest, frame = self._seq, self._frame
            await _send(send, frame if newest != seq else event("beat", {}))
            seq = newest
            try:
                await asyncio.wait_for(news.wait(), self._heartbeat_s)
            except asyncio.TimeoutError:
                continue  # time for a heartbeat
        if not gone.done():
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send(send: Send, body: bytes) -> None:
    await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": True}), _SEND_S)


async def _until_gone(receive: Receive, news: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    news.set()
