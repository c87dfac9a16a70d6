"""The link over a real mosquitto, over amqtt, and against brokers that misbehave."""

from __future__ import annotations

import gc
import logging
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.mqtt import LinkStats, Message, MqttLink, MqttSettings, Received
from tests.mosquitto import Gate, Mosquitto, Recorder, eventually, free_port, retained

ROOT = "moodcast/test"
AVAILABILITY = f"{ROOT}/availability"
EVENT = f"{ROOT}/event"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., MqttLink]]:
    """Makes started links and ends them after the test."""
    links: list[MqttLink] = []

    def _make(port: int, **changes: Any) -> MqttLink:
        link_only = {k: changes.pop(k) for k in ("subscriptions", "on_change", "on_ack") if k in changes}
        values = {"client_id": "moodcast-sense-test", "reconnect_max_s": 2.0, **changes}
        link = MqttLink(
            MqttSettings(host="127.0.0.1", port=port, **values),
            will=Message(AVAILABILITY, "offline", retain=True),
            birth=Message(AVAILABILITY, "online", retain=True),
            **link_only,
        )
        links.append(link)
        link.start()
        return link

    yield _make
    for link in links:
        link.stop(0.5)


Make = Callable[..., MqttLink]


def connected(link: MqttLink, timeout_s: float = 6.0) -> bool:
    return eventually(lambda: link.stats().connected, timeout_s)


def numbered(link: MqttLink, numbers: range) -> None:
    for seq in numbers:
        link.publish(EVENT, {"boot": "b", "seq": seq}, max_age_s=60.0)


def seqs(recorder: Recorder) -> list[int]:
    """Of the events received, repeats (same boot and seq) dropped."""
    return list(dict.fromkeys(int(str(got.json["seq"])) for got in recorder.of(EVENT)))


def polled(link: MqttLink, got: list[Received], count: int) -> bool:
    """Adds what came to ``got``; whether that is ``count``."""
    got.extend(link.poll())
    return len(got) >= count


# Ordinary life


def test_publishes_as_asked(broker: Mosquitto, make: Make) -> None:
    with Recorder(broker.port) as recorder:
        link = make(broker.port)
        link.publish(EVENT, {"seq": 1, "name": "é"})
        link.publish(f"{ROOT}/state", {"state": "running"}, retain=True)
        link.publish(f"{ROOT}/emotion", {"emotion": "happy"}, key="emotion", expiry_s=15)
        assert recorder.wait_for(lambda r: len(r.got) >= 4)
        assert [got.text for got in recorder.of(AVAILABILITY)] == ["online"]
        assert recorder.of(EVENT)[0].json == {"seq": 1, "name": "é"}
        assert recorder.of(EVENT)[0].expiry_s is None
        assert recorder.of(f"{ROOT}/emotion")[0].expiry_s in (14, 15)
        assert {got.qos for got in recorder.got} == {1}
    kept = retained(broker.port)
    assert kept == {AVAILABILITY: "online", f"{ROOT}/state": '{"state":"running"}'}
    assert eventually(lambda: link.stats().depth == 0)
    assert link.stats().protocol == "5"
    assert link.stats().last_error is None


def test_tells_latency_and_changes(broker: Mosquitto, make: Make) -> None:
    acked: list[tuple[str, float]] = []
    changes: list[bool] = []

    def on_change(stats: LinkStats) -> None:
        changes.append(stats.connected)

    link = make(broker.port, on_change=on_change, on_ack=lambda m, s: acked.append((m.topic, s)))
    assert connected(link)
    link.publish(EVENT, "{}")
    assert eventually(lambda: bool(acked))
    assert acked[0][0] == EVENT
    assert 0 <= acked[0][1] < 1
    broker.kill()
    assert eventually(lambda: changes == [True, False])


def test_receives_with_the_retained_flag(broker: Mosquitto, make: Make) -> None:
    with Recorder(broker.port) as recorder:
        recorder.publish(f"{ROOT}/privacy/set", "paused", retain=True)
        link = make(broker.port, subscriptions=[f"{ROOT}/privacy/set", f"{ROOT}/request/+"])
        got: list[Received] = []
        assert eventually(partial(polled, link, got, 1))
        recorder.publish(f"{ROOT}/request/status", "{}")
        assert eventually(partial(polled, link, got, 2))
    assert got == [
        Received(f"{ROOT}/privacy/set", b"paused", retained=True),
        Received(f"{ROOT}/request/status", b"{}", retained=False),
    ]


def test_large_messages_are_not_received(broker: Mosquitto, make: Make) -> None:
    for protocol in ("5", "3.1.1"):
        link = make(broker.port, subscriptions=[f"{ROOT}/request/+"], protocol=protocol, client_id=f"c{protocol}")
        assert connected(link)
        time.sleep(0.1)
        with Recorder(broker.port) as recorder:
            recorder.publish(f"{ROOT}/request/big", "x" * 100_000)
            recorder.publish(f"{ROOT}/request/small", "{}")
        got: list[Received] = []
        assert eventually(partial(polled, link, got, 1))
        assert [r.topic for r in got] == [f"{ROOT}/request/small"]
        assert link.stats().connects == 1


# The end


def test_stop_says_offline_after_all_else(broker: Mosquitto, make: Make) -> None:
    with Recorder(broker.port) as recorder:
        link = make(broker.port)
        assert connected(link)
        numbered(link, range(200))
        began_s = time.monotonic()
        assert link.stop(1.5)
        assert time.monotonic() - began_s < 1.5
        assert recorder.wait_for(lambda r: bool(r.of(AVAILABILITY)) and r.of(AVAILABILITY)[-1].text == "offline")
        assert seqs(recorder) == list(range(200))
        assert recorder.got[-1].text == "offline"
        time.sleep(0.2)
        assert len(recorder.of(AVAILABILITY)) == 2  # the will was dropped by the goodbye
    assert retained(broker.port) == {AVAILABILITY: "offline"}
    assert not link.stats().connected


def test_stop_in_time_without_a_broker(make: Make) -> None:
    link = make(free_port())
    time.sleep(0.3)
    began_s = time.monotonic()
    assert not link.stop(1.0)
    assert time.monotonic() - began_s < 1.1


def test_stop_in_time_when_the_broker_hangs(broker: Mosquitto, make: Make) -> None:
    link = make(broker.port)
    assert connected(link)
    broker.freeze()
    numbered(link, range(50))
    began_s = time.monotonic()
    assert not link.stop(1.0)
    assert time.monotonic() - began_s < 1.1
    broker.thaw()
    assert eventually(lambda: retained(broker.port) == {AVAILABILITY: "offline"})


def test_will_when_the_connection_breaks(broker: Mosquitto, make: Make) -> None:
    with Recorder(broker.port) as recorder, Gate(broker.port) as gate:
        link = make(gate.port, reconnect_max_s=30.0)
        assert connected(link)
        gate.cut()
        # The link may be back, and `online` again, before the recorder looks.
        assert recorder.wait_for(lambda r: [g.text for g in r.of(AVAILABILITY)][:2] == ["online", "offline"])


# Outages


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_events_survive_an_outage(broker: Mosquitto, make: Make, how: str) -> None:
    with Gate(broker.port) as gate:
        link = make(gate.port, reconnect_max_s=0.5)
        with Recorder(broker.port) as recorder:
            numbered(link, range(50))
            assert recorder.wait_for(lambda r: len(seqs(r)) == 50)
        getattr(broker, how)()
        gate.shut()
        for seq in range(50, 100):
            numbered(link, range(seq, seq + 1))
            link.publish(f"{ROOT}/emotion", {"seq": seq}, key="emotion")
            link.publish(f"{ROOT}/health", {"seq": seq}, retain=True)
            time.sleep(0.02)
        broker.start()
        with Recorder(broker.port) as again:
            gate.open()
            numbered(link, range(100, 150))
            assert again.wait_for(lambda r: seqs(r)[-1:] == [149], 6.0)
            assert seqs(again) == list(range(50, 150))
            assert {got.text for got in again.of(f"{ROOT}/emotion")} == {'{"seq":99}'}
            assert {got.text for got in again.of(f"{ROOT}/health")} == {'{"seq":99}'}
        stats = link.stats()
        assert stats.dropped == 0
        assert stats.drops["superseded"] >= 98
        assert stats.reconnects == 1
        # A broker that forgot everything knows the unit again.
        kept = retained(broker.port)
        assert kept[AVAILABILITY] == "online"
        assert kept[f"{ROOT}/health"] == '{"seq":99}'


def test_a_cut_in_the_middle_of_a_burst_loses_nothing(broker: Mosquitto, make: Make) -> None:
    with Recorder(broker.port) as recorder, Gate(broker.port) as gate:
        link = make(gate.port, reconnect_max_s=0.2)
        assert connected(link)
        for start in range(0, 400, 100):
            numbered(link, range(start, start + 100))
            time.sleep(0.005)
            gate.cut()
        assert recorder.wait_for(lambda r: seqs(r)[-1:] == [399] and len(seqs(r)) == 400, 8.0)
        assert seqs(recorder) == list(range(400))
        assert eventually(lambda: link.stats().depth == 0)


def test_a_frozen_broker_is_noticed(broker: Mosquitto, make: Make) -> None:
    link = make(broker.port, keepalive_s=1)
    assert connected(link)
    broker.freeze()
    assert eventually(lambda: not link.stats().connected, 4.0)
    broker.thaw()
    assert connected(link)


def test_old_events_are_not_replayed(broker: Mosquitto, make: Make) -> None:
    with Gate(broker.port) as gate, Recorder(broker.port) as recorder:
        gate.shut()
        link = make(gate.port, reconnect_max_s=0.3)
        link.publish(EVENT, {"seq": 1}, max_age_s=0.5)
        link.publish(EVENT, {"seq": 2}, max_age_s=60.0)
        link.publish(f"{ROOT}/emotion", {"seq": 3}, expiry_s=1)
        time.sleep(1.2)
        gate.open()
        assert recorder.wait_for(lambda r: bool(r.of(EVENT)))
        assert seqs(recorder) == [2]
        assert not recorder.of(f"{ROOT}/emotion")
        assert link.stats().drops["age"] == 2


def test_the_outbox_is_bounded(make: Make) -> None:
    link = make(free_port(), outbox_max=10)
    numbered(link, range(100))
    stats = link.stats()
    assert stats.depth == 10
    assert stats.dropped == 90
    assert stats.drops["overflow"] == 90


def test_publishing_never_blocks(make: Make, broker: Mosquitto) -> None:
    link = make(broker.port)
    assert connected(link)
    broker.freeze()
    began_s = time.monotonic()
    numbered(link, range(5000))
    assert time.monotonic() - began_s < 1.0
    broker.thaw()


def test_one_log_line_for_each_change(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "edge.mqtt")
    broker = Mosquitto(tmp_path)
    link = make(broker.port, reconnect_max_s=0.1)
    assert eventually(lambda: link.stats().tries >= 5)
    assert len(caplog.records) == 1
    assert "cannot connect" in caplog.text
    with broker:
        assert connected(link)
        assert len(caplog.records) == 2


# Refusals


def test_wrong_password_says_so_and_does_not_storm(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "edge.mqtt")
    with Mosquitto(tmp_path, password="right horse") as broker:
        link = make(broker.port, username="moodcast", password="wrong battery", reconnect_max_s=3.0)
        assert eventually(lambda: link.stats().login_refused)
        time.sleep(2.0)
        assert link.stats().tries <= 2
        assert link.stats().last_error is not None
    refusals = [record.message for record in caplog.records if "refuses" in record.message]
    assert len(refusals) == 1
    assert "MOODCAST_MQTT_PASSWORD" in refusals[0]
    assert "mqtt.username (moodcast)" in refusals[0]
    assert "battery" not in caplog.text
    assert "battery" not in repr(MqttSettings("h", "c", password="wrong battery"))


def test_right_password(make: Make, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, password="right horse") as broker:
        assert connected(make(broker.port, username="moodcast", password="right horse"))


def test_what_the_access_rules_deny_is_told(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rules = f"user moodcast\ntopic readwrite {ROOT}/#\n"
    with Mosquitto(tmp_path, password="p", acl=rules) as broker:
        link = make(broker.port, username="moodcast", password="p")
        assert connected(link)
        for _ in range(3):
            link.publish("elsewhere", "1")
            link.publish(EVENT, "{}")
        assert eventually(lambda: link.stats().drops["refused"] == 3)
        assert "elsewhere" in str(link.stats().last_error)
        assert link.stats().connected
        assert caplog.text.count("elsewhere") == 1


def test_the_documented_access_rules_suffice(make: Make, tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "mqtt.md").read_text(encoding="utf-8")
    rules = re.findall(r"^    ((?:user|topic) .*)$", page, re.M)
    acl = "\n".join(rules).replace("user kiosk-7f3a", "user moodcast")
    with Mosquitto(tmp_path, password="p", acl=acl) as broker:
        link = make(
            broker.port,
            username="moodcast",
            password="p",
            subscriptions=["homeassistant/status", "moodcast/kiosk-7f3a/privacy/set", "moodcast/kiosk-7f3a/request/+"],
        )
        link.publish("homeassistant/device/moodcast-kiosk-7f3a/config", "{}", retain=True)
        link.publish("moodcast/kiosk-7f3a/event", "{}")
        assert connected(link)
        assert eventually(lambda: link.stats().depth == 0)
        assert link.stats().dropped == 0
        link.publish("moodcast/another/event", "{}")
        assert eventually(lambda: link.stats().drops["refused"] == 1)


# Two units with one id


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
def test_two_units_with_one_id(broker: Mosquitto, make: Make, caplog: pytest.LogCaptureFixture, protocol: str) -> None:
    first = make(broker.port, protocol=protocol, reconnect_max_s=30.0)
    assert connected(first)
    second = make(broker.port, protocol=protocol, reconnect_max_s=30.0)
    links = (first, second)
    assert eventually(lambda: any(link.stats().takeover for link in links), 20.0)
    assert eventually(lambda: all(link.stats().connected for link in links), 20.0)
    time.sleep(1.0)
    assert all(link.stats().connected for link in links)
    assert broker.connects("moodcast-sense-test") <= 9
    names = {link.stats().client_id for link in links}
    assert len(names) == 2
    assert "another client uses the MQTT id moodcast-sense-test" in caplog.text


# Other brokers


def test_amqtt(make: Make) -> None:
    pytest.importorskip("amqtt", reason="needs the extra `demo`")
    with Amqtt() as port, Recorder(port, v5=False) as recorder:
        link = make(port, subscriptions=[f"{ROOT}/request/+"], protocol="3.1.1")
        assert connected(link)
        numbered(link, range(50))
        assert recorder.wait_for(lambda r: len(seqs(r)) == 50)
        assert seqs(recorder) == list(range(50))
        assert link.stop(1.5)
        assert recorder.wait_for(lambda r: r.got[-1].text == "offline")


@pytest.mark.parametrize("answer", [b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01"], ids=["mqtt5", "mqtt3"])
def test_falls_back_at_once_when_the_version_is_refused(make: Make, answer: bytes) -> None:
    with FakeBroker(lambda version: answer if version == 5 else b"\x20\x02\x00\x00") as fake:
        link = make(fake.port)
        assert connected(link, 2.0)
        assert link.stats().protocol == "3.1.1"
        assert fake.versions == [5, 4]


def test_falls_back_when_the_broker_just_closes(make: Make) -> None:
    with FakeBroker(lambda version: b"" if version == 5 else b"\x20\x02\x00\x00") as fake:
        link = make(fake.port)
        assert connected(link, 4.0)
        assert fake.versions == [5, 4]


def test_falls_back_when_the_broker_does_not_answer(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.mqtt.link.CONNECT_TIMEOUT_S", 0.5)
    with FakeBroker(lambda version: None if version == 5 else b"\x20\x02\x00\x00") as fake:
        link = make(fake.port)
        assert connected(link, 4.0)
        assert fake.versions == [5, 4]


def test_stays_with_the_version_asked_for(make: Make) -> None:
    with FakeBroker(lambda version: b"" if version == 5 else b"\x20\x02\x00\x00") as fake:
        link = make(fake.port, protocol="5", reconnect_max_s=0.1)
        assert eventually(lambda: link.stats().tries >= 4)
        assert set(fake.versions) == {5}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x03\x00\x00\x00" + b"\x30\xff\xff\xff\xff\xff",
        b"\x20\x03\x00\x00\x00" + b"\x32\x05\x00\x02\xff\xfe\x00",
        b"\x20\x01\x00",
        b"\x20\x03\x00\xee\x00",
        b"\xe0\x01\xee",
        bytes(range(256)),
        b"\x00" * 64,
    ],
    ids=["http", "length", "topic", "short", "reason", "disconnect", "any", "zeros"],
)
def test_garbage_does_not_end_the_link(make: Make, answer: bytes) -> None:
    with FakeBroker(lambda _: answer) as fake:
        link = make(fake.port, reconnect_max_s=0.05)
        assert eventually(lambda: link.stats().tries >= 3)
        assert link.poll() == []


def test_a_broker_that_acknowledges_nothing_is_left(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.mqtt.traffic.ACK_TIMEOUT_S", 0.5)
    with FakeBroker(lambda _: b"\x20\x02\x00\x00") as fake:
        link = make(fake.port, protocol="3.1.1", reconnect_max_s=0.1)
        numbered(link, range(3))
        assert eventually(lambda: link.stats().connects >= 2)
        assert link.stats().depth == 3


def test_a_bug_in_the_thread_comes_out_of_poll(broker: Mosquitto, make: Make) -> None:
    def bug(_: LinkStats) -> None:
        raise RuntimeError("on purpose")

    link = make(broker.port, on_change=bug)

    def crashed() -> bool:
        try:
            link.poll()
        except RuntimeError as error:
            return str(error) == "on purpose"
        return False

    assert eventually(crashed)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed one for 127.0.0.1, its key beside it."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the program openssl, which is not here")
    path = tmp_path / "server.pem"
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        str(tmp_path / "server.key"),
    ]
    subprocess.run([program, "req", "-x509", *key, *subject, "-out", str(path)], check=True, capture_output=True)
    return path


def test_tls(make: Make, tmp_path: Path, certificate: Path) -> None:
    lines = [f"cafile {certificate}", f"certfile {certificate}", f"keyfile {certificate.with_suffix('.key')}"]
    with Mosquitto(tmp_path, extra=lines) as broker:
        trusting = make(broker.port, tls=True, ca_file=str(certificate), client_id="trusting", subscriptions=["#"])
        assert connected(trusting)
        numbered(trusting, range(300))
        got: list[Received] = []
        assert eventually(partial(polled, trusting, got, 150))  # comes back over TLS in large records
        assert eventually(lambda: trusting.stats().depth == 0)
        assert trusting.stop(1.0)


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho leaves it to its last reference
def test_an_unknown_certificate_is_refused(make: Make, tmp_path: Path, certificate: Path) -> None:
    lines = [f"cafile {certificate}", f"certfile {certificate}", f"keyfile {certificate.with_suffix('.key')}"]
    with Mosquitto(tmp_path, extra=lines) as broker:
        link = make(broker.port, tls=True)
        assert eventually(lambda: "certificate verify failed" in str(link.stats().last_error))
        link.stop(0.5)
        gc.collect()


def test_a_missing_certificate_is_told(make: Make, tmp_path: Path) -> None:
    link = make(free_port(), tls=True, ca_file=str(tmp_path / "missing.pem"))
    assert eventually(lambda: "missing.pem" in str(link.stats().last_error))


def test_json_that_is_none_is_refused(make: Make) -> None:
    link = make(free_port())
    with pytest.raises(ValueError, match="JSON"):
        link.publish(EVENT, {"x": float("nan")})


class FakeBroker:
    """Answers each CONNECT as told, by its protocol level; None: stays silent. Closes after all but a CONNACK."""

    def __init__(self, answer: Callable[[int], bytes | None]) -> None:
        self._answer = answer
        self.versions: list[int] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> FakeBroker:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed by __exit__
                return
            self._open.append(client)
            client.settimeout(5)
            try:
                packet = client.recv(4096)
                if b"MQTT" not in packet:  # left before it said CONNECT
                    continue
                version = packet[packet.index(b"MQTT") + 4]
                self.versions.append(version)
                answer = self._answer(version)
                if answer:
                    client.sendall(answer)
                if answer not in (None, b"\x20\x02\x00\x00"):
                    client.close()
            except OSError:  # the client is gone: the next one
                continue

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()  # what it has just accepted is in _open by then
        self._server.close()
        for client in self._open:
            client.close()


class Amqtt:
    """The embedded broker of the demo, in a thread of its own."""

    def __enter__(self) -> int:
        import asyncio  # noqa: PLC0415 - only with the extra

        from amqtt.broker import Broker  # noqa: PLC0415

        self._loop = asyncio.new_event_loop()
        port = free_port()
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        ready = threading.Event()

        async def begin() -> None:
            self._broker = Broker(config)
            await self._broker.start()
            ready.set()

        def run() -> None:
            self._loop.run_until_complete(begin())
            self._loop.run_forever()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(5)
        return port

    def __exit__(self, *_: object) -> None:
        import asyncio  # noqa: PLC0415 - only with the extra

        asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
