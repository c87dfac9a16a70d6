"""The page's server, over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from edge.core.view import Card, View
from edge.web import Feedback, KioskServer, WebError, WebSettings
from edge.web.guard import Flood, Hosts

CARD = Card(id="song-1", kind="music", title="Song", reason="Warm and slow.")
NOTICE = {"en": ["Nothing leaves this device."]}


@pytest.fixture
def server() -> Iterator[KioskServer]:
    server = KioskServer(WebSettings(port=0, heartbeat_s=0.2, max_clients=2, notice=NOTICE))
    server.start()
    yield server
    server.stop(3.0)


class Listener:
    """Reads a stream in a thread."""

    def __init__(self, server: KioskServer) -> None:
        self.events: list[tuple[str, Any]] = []
        self.ended = threading.Event()
        self._client = httpx.Client(timeout=5.0)
        self._thread = threading.Thread(target=self._read, args=(f"{server.address}events",), daemon=True)
        self._thread.start()

    def _read(self, address: str) -> None:
        name = ""
        try:
            with self._client.stream("GET", address) as answer:
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        self.events.append((name, json.loads(line[6:])))
        except httpx.HTTPError:
            pass
        self.ended.set()

    def wait(self, name: str, count: int = 1, timeout_s: float = 3.0) -> list[Any]:
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            found = [data for event, data in self.events if event == name]
            if len(found) >= count:
                return found
            time.sleep(0.01)
        raise AssertionError(f"no {name} within {timeout_s} s: {self.events}")

    def close(self) -> None:
        self._client.close()
        self._thread.join(2.0)


@pytest.fixture
def listener(server: KioskServer) -> Iterator[Listener]:
    listener = Listener(server)
    yield listener
    server.stop(3.0)
    listener.close()


def post(server: KioskServer, token: str, body: object = None, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body or {"kind": "pause"}).encode()
    given = {"content-type": "application/json", "x-moodcast-token": token}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{server.address}feedback", content=content, headers={k: v for k, v in given.items() if v})


# --- pages and headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["", "static/page.js", "static/page.css", "brand/brand.css", "texts.json", "api/state", "healthz", "openapi.json"],
)
def test_every_answer_is_guarded_and_sets_no_cookie(server: KioskServer, path: str) -> None:
    answer = httpx.get(server.address + path)
    assert answer.status_code == 200
    csp = answer.headers["content-security-policy"]
    assert "default-src 'none'" in csp
    assert "frame-ancestors 'none'" in csp
    assert "unsafe" not in csp
    assert "http" not in csp
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_nothing_in_the_page_is_inline_or_from_elsewhere() -> None:
    static = Path(__file__).parent.parent / "edge" / "web" / "static"
    page = (static / "index.html").read_text()
    assert "style=" not in page
    assert "<style" not in page
    assert " on" not in page.replace(" one", "")
    for path in static.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            assert "//" not in path.read_text().replace("// ", "").replace("http://www.w3.org/2000/svg", ""), path


@pytest.mark.parametrize(
    "path", ["static/../app.py", "static/%2e%2e/app.py", "static/..%2fapp.py", "static//etc/hostname", "static/x%00.js"]
)
def test_no_file_outside_the_folders(server: KioskServer, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=3)
    connection.request("GET", f"/{path}")
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a@127.0.0.1"])
def test_dns_rebinding_is_refused_and_counted(server: KioskServer, host: str) -> None:
    assert httpx.get(server.address, headers={"host": host}).status_code == 421
    assert server.rejected == {"host": 1}


@pytest.mark.parametrize(
    ("bind", "host", "allowed"),
    [
        *(("127.0.0.1", host, True) for host in ("localhost:8080", "127.0.0.1", "[::1]:80", "kiosk.example")),
        *(("127.0.0.1", host, False) for host in ("192.168.1.4", "other.example", "[::1", "x y")),
        *(("0.0.0.0", host, True) for host in ("192.168.1.4:80", "[fe80::1]", f"{socket.gethostname()}.local")),
        ("0.0.0.0", "evil.example", False),
    ],
)
def test_hosts(bind: str, host: str, allowed: bool) -> None:
    assert Hosts(bind, ("kiosk.example",)).allow(host) is allowed


# --- the stream ------------------------------------------------------------------------------------------------------


def test_the_current_view_comes_at_once_then_news_then_heartbeats(server: KioskServer) -> None:
    server.show(View("glow").as_dict())
    listener = Listener(server)
    assert listener.wait("view")[0]["scene"] == "glow"
    server.show(View("cards", cards=(CARD,)).as_dict())
    assert listener.wait("view", 2)[1]["cards"][0]["title"] == "Song"
    listener.wait("beat", 2)
    server.stop(3.0)
    assert listener.ended.wait(2.0)
    listener.close()


def test_the_same_view_is_sent_once(server: KioskServer, listener: Listener) -> None:
    for _ in range(5):
        server.show(View("glow").as_dict())
    listener.wait("beat", 2)
    assert len(listener.wait("view")) == 1


def test_a_slow_page_gets_the_newest_view_not_a_queue(server: KioskServer, listener: Listener) -> None:
    listener.wait("hello")
    for number in range(3000):
        server.show(View("cards", headline=str(number)).as_dict())
    end_s = time.monotonic() + 5.0
    while listener.wait("view")[-1]["headline"] != "2999" and time.monotonic() < end_s:
        time.sleep(0.01)
    assert listener.wait("view")[-1]["headline"] == "2999"


def test_too_many_pages_are_told_so(server: KioskServer) -> None:
    first, second = Listener(server), Listener(server)
    first.wait("hello")
    second.wait("hello")
    assert httpx.get(f"{server.address}events").status_code == 503
    server.stop(3.0)
    first.close()
    second.close()


def test_a_page_that_goes_makes_room(server: KioskServer) -> None:
    for _ in range(5):
        raw = socket.create_connection(("127.0.0.1", server.port))
        raw.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        assert b"200 OK" in raw.recv(4096)
        raw.close()
        time.sleep(0.1)
    assert httpx.get(f"{server.address}api/state").json()["page"]["clients"] == 0


# --- feedback --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "feedback"),
    [
        ({"kind": "like", "item_id": "song-1"}, Feedback("like", item_id="song-1")),
        ({"kind": "skip", "item_id": "song-1"}, Feedback("skip", item_id="song-1")),
        ({"kind": "finished", "item_id": "song-1"}, Feedback("finished", item_id="song-1")),
        ({"kind": "not_quite", "value": "calmer"}, Feedback("not_quite", value="calmer")),
        ({"kind": "pause"}, Feedback("pause")),
        ({"kind": "resume", "value": ""}, Feedback("resume")),
        ({"kind": "language", "value": "de"}, Feedback("language", value="de")),
    ],
)
def test_feedback_reaches_the_companion(server: KioskServer, listener: Listener, body: object, feedback: Any) -> None:
    token = listener.wait("hello")[0]["token"]
    origin = server.address.rstrip("/")
    assert post(server, token, body, origin=origin, sec_fetch_site="same-origin").status_code == 202
    assert server.poll() == [feedback]
    assert server.poll() == []


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"origin": "https://evil.example"}, 403, "origin"),
        ({"origin": "null"}, 403, "origin"),
        ({"sec_fetch_site": "cross-site"}, 403, "cross_site"),
        ({"sec_fetch_site": "same-site"}, 403, "cross_site"),
        ({"content_type": "text/plain"}, 415, "content_type"),
        ({"content_type": "application/x-www-form-urlencoded"}, 415, "content_type"),
        ({"x_moodcast_token": "guess"}, 403, "token"),
        ({"x_moodcast_token": ""}, 403, "token"),
    ],
)
def test_foreign_pages_are_refused_and_counted(
    server: KioskServer, listener: Listener, headers: dict[str, str], status: int, reason: str
) -> None:
    token = listener.wait("hello")[0]["token"]
    assert post(server, token, **headers).status_code == status
    assert server.rejected == {reason: 1}
    assert server.poll() == []


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "not_json"),
        (b"\xff\xfe", 400, "not_json"),
        (b"[" * 1000, 400, "not_json"),
        (b"[]", 400, "shape"),
        ({"kind": "like", "item_id": "a", "more": 1}, 400, "shape"),
        ({"item_id": "a"}, 422, "kind"),
        ({"kind": "shout"}, 422, "kind"),
        ({"kind": ["like"]}, 422, "kind"),
        ({"kind": "like"}, 422, "item_id"),
        ({"kind": "like", "item_id": 7}, 422, "item_id"),
        ({"kind": "like", "item_id": "x" * 121}, 422, "item_id"),
        ({"kind": "like", "item_id": "a\nb"}, 422, "item_id"),
        ({"kind": "not_quite", "value": "louder"}, 422, "value"),
        ({"kind": "not_quite", "value": ["calmer"]}, 422, "value"),
        ({"kind": "language", "value": "xx"}, 422, "value"),
        ({"kind": "pause", "item_id": "a"}, 422, "value"),
        (b'{"kind":"like","item_id":"' + b"x" * 2000 + b'"}', 413, "body"),
    ],
)
def test_rubbish_is_named_and_counted(
    server: KioskServer, listener: Listener, body: object, status: int, reason: str
) -> None:
    token = listener.wait("hello")[0]["token"]
    answer = post(server, token, body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert server.rejected == {reason: 1}
    assert server.poll() == []


def test_a_flood_is_stopped_and_counted(server: KioskServer, listener: Listener) -> None:
    token = listener.wait("hello")[0]["token"]
    begin_s = time.monotonic()
    with httpx.Client() as client:
        headers = {"x-moodcast-token": token}
        codes = [
            client.post(f"{server.address}feedback", json={"kind": "pause"}, headers=headers).status_code
            for _ in range(80)
        ]
    allowed = 20 + 5 * (time.monotonic() - begin_s) + 1
    assert codes.count(202) == len(server.poll()) <= min(allowed, 64)
    assert codes.count(429) == server.rejected["flood"] > 0


def test_flood_buckets_refill_and_are_bounded() -> None:
    now_s = [0.0]
    flood = Flood(rate_hz=2.0, burst=3, clock=lambda: now_s[0], addresses=4)
    assert [flood.passes("a") for _ in range(4)] == [True, True, True, False]
    now_s[0] = 0.5
    assert [flood.passes("a") for _ in range(2)] == [True, False]
    assert all(flood.passes(str(address)) for address in range(100))
    assert len(flood._buckets) == 4


def test_feedback_takes_post_alone(server: KioskServer) -> None:
    assert httpx.get(f"{server.address}feedback").status_code == 405
    assert httpx.post(f"{server.address}api/state").status_code == 405


# --- API -------------------------------------------------------------------------------------------------------------


def test_the_api_says_what_its_document_promises(server: KioskServer) -> None:
    server.set_state({"broker": "connected"})
    server.show(View("cards", "gentle", "gentle", cards=(CARD,)).as_dict())
    document = httpx.get(f"{server.address}openapi.json").json()
    for path, methods in document["paths"].items():
        assert list(methods) == ["get"], "read-only"
        content = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema = {**content, "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(httpx.get(server.address.rstrip("/") + path).json())
    assert httpx.get(f"{server.address}api/state").json()["state"] == {"broker": "connected"}
    card = httpx.get(f"{server.address}api/recommendation").json()["cards"][0]
    assert card["reason"] == "Warm and slow."


# --- brand and pictures ----------------------------------------------------------------------------------------------


def test_brand_folder(tmp_path: Path) -> None:
    (tmp_path / "brand.css").write_text(":root { --accent: gold; }")
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "texts.yaml").write_text("en:\n  idle.0: Welcome to the museum.\n")
    server = KioskServer(WebSettings(port=0, name="Museum", brand_dir=tmp_path))
    server.start()
    try:
        texts = httpx.get(f"{server.address}texts.json").json()
        assert texts["texts"]["en"]["idle.0"] == "Welcome to the museum."
        assert texts["texts"]["de"]["idle.0"]
        assert (texts["name"], texts["logo"]) == ("Museum", True)
        assert "gold" in httpx.get(f"{server.address}brand/brand.css").text
        assert httpx.get(f"{server.address}brand/logo.svg").headers["content-type"].startswith("image/svg+xml")
        assert httpx.get(f"{server.address}brand/texts.yaml").status_code == 404
    finally:
        server.stop(3.0)


@pytest.mark.parametrize(
    ("texts", "named"),
    [
        (b"en:\n  idle.0: Why so sad?", "`sad` is not allowed"),
        (b"en: {idle.99: x}", "no such text"),
        (b"- a\n", "must hold languages"),
        (b"en: [\n", "cannot be read"),
        (b"\xff\xfe\xfd", "cannot be read"),
        (b"x" * 70_000, "larger than"),
    ],
)
def test_bad_brand_texts_are_named(tmp_path: Path, texts: bytes, named: str) -> None:
    (tmp_path / "texts.yaml").write_bytes(texts)
    with pytest.raises(WebError, match=named):
        KioskServer(WebSettings(brand_dir=tmp_path))


def test_a_brand_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="no such folder"):
        KioskServer(WebSettings(brand_dir=tmp_path / "nothing"))


def test_pictures_come_from_their_folder_alone(tmp_path: Path) -> None:
    images = tmp_path / "images"
    (images / "a b").mkdir(parents=True)
    (images / "a b" / "sea.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.png").write_bytes(b"\x89PNG")
    (images / "link.png").symlink_to(tmp_path / "secret.png")
    (images / "page.svg").write_text("<svg/>")
    server = KioskServer(WebSettings(port=0, images_dir=images))
    server.start()
    asked = ["a b/sea.png", str(images / "a b" / "sea.png"), "../secret.png", "link.png", "page.svg", "missing.png", ""]
    cards = [Card(id=str(n), kind="film", title="", reason="", image=image) for n, image in enumerate(asked)]
    try:
        server.show(View("cards", cards=tuple(cards)).as_dict())
        shown = [card["image"] for card in httpx.get(f"{server.address}api/recommendation").json()["cards"]]
        assert shown == ["/image/a%20b/sea.png"] * 2 + [""] * 5
        assert httpx.get(server.address + "image/a%20b/sea.png").content == b"\x89PNG"
        assert httpx.get(server.address + "image/link.png").status_code == 404
        assert httpx.get(server.address + "image/page.svg").status_code == 404
    finally:
        server.stop(3.0)


# --- start and stop --------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_named(server: KioskServer) -> None:
    second = KioskServer(WebSettings(port=server.port))
    with pytest.raises(WebError, match=f"127.0.0.1:{server.port}: the port is in use"):
        second.start()


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(WebError, match=r"set kiosk\.host"):
        KioskServer(WebSettings(host="192.0.2.1", port=0)).start()


def test_stops_within_a_second_with_a_page_open_and_starts_again_on_the_same_port(
    server: KioskServer, listener: Listener
) -> None:
    listener.wait("hello")
    begin_s = time.monotonic()
    server.stop(3.0)
    assert time.monotonic() - begin_s < 1.0
    again = KioskServer(WebSettings(port=server.port))
    again.start()
    assert httpx.get(f"{again.address}healthz").json() == {"ok": True}
    assert (server.running, again.running) == (False, True)
    again.stop(3.0)


def test_a_page_that_connects_while_the_server_stops_is_let_go(server: KioskServer) -> None:
    opened: list[socket.socket] = []

    def keep_connecting() -> None:
        with contextlib.suppress(OSError):  # refused: the server has stopped listening
            while True:
                opened.append(socket.create_connection(("127.0.0.1", server.port), timeout=1.0))
                time.sleep(0.002)

    thread = threading.Thread(target=keep_connecting)
    thread.start()
    server.stop(3.0)
    thread.join()
    assert opened
    for connection in opened:
        with connection, contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""


def test_stop_before_start_is_nothing() -> None:
    KioskServer(WebSettings()).stop(1.0)
