"""The routes: page, event stream, feedback, read-only API."""

from __future__ import annotations

import hashlib
import queue
import secrets
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edge.core.wording import LANGUAGES
from edge.web.brand import BRAND_SUFFIXES, merged_texts
from edge.web.guard import BODY_LIMIT_BYTES, Flood, Guard, Hosts, Refusal, cross_site, parse_feedback
from edge.web.settings import Feedback, WebSettings
from edge.web.stream import Stream

STATIC = Path(__file__).parent / "static"
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif"})
_PAGE_SUFFIXES = frozenset({".css", ".js", ".svg", ".html"})
_FRESH = {"cache-control": "no-cache"}  # asked again each time, answered 304 while unchanged
_NEVER_KEPT = {"cache-control": "no-store"}
_QUEUE_LENGTH = 64
_RATE_HZ, _BURST = 5.0, 20
"""Touches of one visitor: nobody taps faster for long, and 20 at once are a resend after a reconnect."""


class KioskApp:
    """Holds what is served. Methods without `async` may be called from the companion's thread."""

    def __init__(self, settings: WebSettings) -> None:
        self._set = settings
        self._token = secrets.token_urlsafe(24)
        self._page_texts = {
            "name": settings.name,
            "languages": LANGUAGES,
            "texts": merged_texts(settings.brand_dir),
            "notice": {language: list(lines) for language, lines in settings.notice.items()},
            "logo": settings.brand_dir is not None and (settings.brand_dir / "logo.svg").is_file(),
            "heartbeat_s": settings.heartbeat_s,
        }
        hello = {"token": self._token, "version": _version([STATIC, settings.brand_dir])}
        self.stream = Stream(hello=hello, max_clients=settings.max_clients, heartbeat_s=settings.heartbeat_s)
        self.feedback: queue.Queue[Feedback] = queue.Queue(_QUEUE_LENGTH)
        self.rejected: Counter[str] = Counter()
        self._flood = Flood(rate_hz=_RATE_HZ, burst=_BURST, clock=time.monotonic)
        self._state: dict[str, Any] = {}
        self._view: dict[str, Any] = {"scene": "offline", "cards": []}

    def asgi(self) -> ASGIApp:
        """The application, guarded."""
        routes = [
            Route("/", _file(STATIC / "index.html")),
            Route("/static/{path:path}", _files(STATIC, _PAGE_SUFFIXES)),
            Route("/brand/{path:path}", _files(self._set.brand_dir, BRAND_SUFFIXES, default=STATIC / "brand")),
            Route("/image/{path:path}", _files(self._set.images_dir, IMAGE_SUFFIXES)),
            Route("/texts.json", self._texts),
            Route("/events", self.stream),
            Route("/feedback", self._feedback, methods=["POST"]),
            Route("/api/state", self._get_state),
            Route("/api/recommendation", self._get_recommendation),
            Route("/openapi.json", _file(Path(__file__).parent / "openapi.json")),
            Route("/healthz", self._healthz),
        ]
        hosts = Hosts(self._set.host, self._set.allowed_hosts)
        return Guard(Starlette(routes=routes), hosts, self.rejected)

    def show(self, view: dict[str, Any]) -> None:
        """Takes a view as ``edge.core.view.View.as_dict`` makes it; pictures become addresses of this server."""
        cards = [{**card, "image": self._image_address(card.get("image", ""))} for card in view.get("cards", ())]
        self._view = {**view, "cards": cards}
        self.stream.publish(self._view)

    def set_state(self, state: dict[str, Any]) -> None:
        self._state = state

    def _image_address(self, image: str) -> str:
        path = _inside(self._set.images_dir, image, IMAGE_SUFFIXES)
        if path is None or self._set.images_dir is None:
            return ""
        return "/image/" + quote(path.relative_to(self._set.images_dir.resolve()).as_posix())

    async def _texts(self, _: Request) -> Response:
        return JSONResponse(self._page_texts, headers=_FRESH)

    async def _get_state(self, _: Request) -> Response:
        page = {"scene": self._view["scene"], "clients": self.stream.clients, "rejected": dict(self.rejected)}
        return JSONResponse({"state": self._state, "page": page}, headers=_NEVER_KEPT)

    async def _get_recommendation(self, _: Request) -> Response:
        view = self._view
        answer = {key: view.get(key, "") for key in ("scene", "tone", "headline", "wish", "language")}
        return JSONResponse({**answer, "cards": view["cards"]}, headers=_NEVER_KEPT)

    async def _healthz(self, _: Request) -> Response:
        return JSONResponse({"ok": True}, headers=_NEVER_KEPT)

    async def _feedback(self, request: Request) -> Response:
        refusal = cross_site(request.headers, self._token)
        address = request.client.host if request.client else ""
        if refusal is None and not self._flood.passes(address):
            refusal = Refusal(429, "flood", "too many touches; wait a second")
        taken = refusal or await _read_feedback(request)
        if isinstance(taken, Feedback):
            try:
                self.feedback.put_nowait(taken)
            except queue.Full:
                taken = Refusal(503, "queue_full", "the companion does not keep up; try again")
        if isinstance(taken, Refusal):
            self.rejected[taken.reason] += 1
            headers = {**_NEVER_KEPT, **({"retry-after": "1"} if taken.status in (429, 503) else {})}
            return JSONResponse({"error": taken.text, "reason": taken.reason}, taken.status, headers=headers)
        return JSONResponse({"ok": True}, 202, headers=_NEVER_KEPT)


async def _read_feedback(request: Request) -> Feedback | Refusal:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT_BYTES:
                return Refusal(413, "body", f"at most {BODY_LIMIT_BYTES} bytes")
    except ClientDisconnect:
        return Refusal(400, "disconnect", "the body ended early")
    return parse_feedback(body)


Endpoint = Callable[[Request], Any]


def _file(path: Path) -> Endpoint:
    async def serve(_: Request) -> Response:
        return FileResponse(path, headers=_FRESH)

    return serve


def _files(folder: Path | None, suffixes: frozenset[str], *, default: Path | None = None) -> Endpoint:
    """Serves files below ``folder``, then below ``default``."""

    async def serve(request: Request) -> Response:
        asked = request.path_params["path"]
        path = _inside(folder, asked, suffixes) or _inside(default, asked, suffixes)
        return FileResponse(path, headers=_FRESH) if path else Response("not here\n", 404, media_type="text/plain")

    return serve


def _inside(folder: Path | None, name: str, suffixes: frozenset[str]) -> Path | None:
    """The file, when it really lies below the folder (links followed) and has one of the suffixes."""
    if folder is None or not name or "\0" in name:
        return None
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        good = path.is_relative_to(root) and path.suffix.lower() in suffixes and path.is_file()
    except (OSError, RuntimeError):  # a name too long, a loop of links
        return None
    return path if good else None


def _version(folders: list[Path | None]) -> str:
    """Changes when the page's files do, so that open pages load themselves again."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder is not None else []:
            if path.is_file():
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
