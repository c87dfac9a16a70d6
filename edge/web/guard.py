"""Who may talk to the page's server: host names, headers of every answer, and the checks before feedback counts."""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.core.notice import is_loopback
from edge.core.presentation import WISH_TONES
from edge.core.wording import LANGUAGES
from edge.web.settings import Feedback

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
BODY_LIMIT_BYTES = 1024
TOKEN_HEADER = "x-moodcast-token"  # noqa: S105 - a header's name
_ITEM_ID_LIMIT = 120


class Refusal(NamedTuple):
    """Why a request is turned away; counted under ``reason``."""

    status: int
    reason: str
    text: str


class Hosts:
    """Names under which the page may be asked for. A page of somebody else that points its own name at this machine
    (DNS rebinding) sends that name as Host and is refused."""

    def __init__(self, bind_host: str, allowed: tuple[str, ...]) -> None:
        self._open = not is_loopback(bind_host)
        own = {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local", bind_host.lower()}
        self._names = {name.lower() for name in allowed} | (own if self._open else set())

    def allow(self, host_header: str) -> bool:
        name = (urlsplit(f"//{host_header}").hostname or "") if _clean(host_header) else ""
        if not name:
            return False
        return is_loopback(name) or name in self._names or (self._open and _is_address(name))


def _clean(host: str) -> bool:
    return bool(host) and not any(c in host for c in "@/\\?# ") and host.count("[") == host.count("]")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: refuses foreign hosts and adds the security headers to every answer. Sets no cookie."""

    def __init__(self, app: ASGIApp, hosts: Hosts, rejected: Counter[str]) -> None:
        self._app, self._hosts, self._rejected = app, hosts, rejected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *raw]}
            await send(message)

        if not self._hosts.allow(Headers(scope=scope).get("host", "")):
            self._rejected["host"] += 1
            answer = PlainTextResponse("this name is not served here; add it to kiosk.allowed_hosts\n", 421)
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def cross_site(headers: Headers, token: str) -> Refusal | None:
    """Why this request may not have come from our own page. A foreign page can send neither our Origin nor, without
    a preflight that we never allow, JSON or a header of its own; nor can it read the token."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return Refusal(403, "cross_site", "feedback comes from the kiosk page alone")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return Refusal(403, "origin", "feedback comes from the kiosk page alone")
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        return Refusal(415, "content_type", "send application/json")
    if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode("latin-1"), token.encode()):
        return Refusal(403, "token", f"send the token of the page's event stream as {TOKEN_HEADER}")
    return None


class Flood:
    """One token bucket for each address; the least recent addresses are forgotten."""

    def __init__(self, *, rate_hz: float, burst: int, clock: Callable[[], float], addresses: int = 64) -> None:
        self._rate_hz, self._burst, self._clock, self._addresses = rate_hz, burst, clock, addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def passes(self, address: str) -> bool:
        """True: one more touch from there is fine, and is now counted."""
        now_s = self._clock()
        level, last_s = self._buckets.pop(address, (float(self._burst), now_s))
        level = min(float(self._burst), level + (now_s - last_s) * self._rate_hz)
        passes = level >= 1.0
        self._buckets[address] = (level - 1.0 if passes else level, now_s)
        while len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        return passes


def parse_feedback(body: bytes) -> Feedback | Refusal:
    """``{"kind": ..., "item_id": ...}`` or ``{"kind": ..., "value": ...}`` as Feedback."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return Refusal(400, "not_json", "the body must be a JSON object")
    if not isinstance(given, MutableMapping) or not set(given) <= {"kind", "item_id", "value"}:
        return Refusal(400, "shape", "the body has `kind` and one of `item_id` and `value`, nothing else")
    return _feedback(given)


def _feedback(given: MutableMapping[str, Any]) -> Feedback | Refusal:
    kind, item_id, value = given.get("kind"), given.get("item_id", ""), given.get("value", "")
    if kind in ("like", "skip", "finished"):
        if isinstance(item_id, str) and 0 < len(item_id) <= _ITEM_ID_LIMIT and item_id.isprintable() and value == "":
            return Feedback(kind, item_id=item_id)
        return Refusal(422, "item_id", f"`item_id` must be the item's id, at most {_ITEM_ID_LIMIT} characters")
    allowed = {"not_quite": list(WISH_TONES), "language": list(LANGUAGES), "pause": [""], "resume": [""]}
    if not isinstance(kind, str) or kind not in allowed:
        return Refusal(422, "kind", f"`kind` must be one of like, skip, finished, {', '.join(allowed)}")
    if value not in allowed[kind] or item_id != "":
        return Refusal(422, "value", f"`value` for {kind} must be one of: {', '.join(allowed[kind]) or 'none'}")
    return Feedback(kind, value=value)  # type: ignore[arg-type]
