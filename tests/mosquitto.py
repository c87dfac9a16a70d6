"""A real mosquitto on a free loopback port, with a configuration of its own; and a client that records everything."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

START_S = 5.0


def find_mosquitto() -> str | None:
    """Path of the program; Debian keeps it in /usr/sbin, which users seldom have in PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """A loopback port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A broker that can be stopped, killed, frozen and started again on the same port."""

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        *,
        password: str | None = None,
        acl: str | None = None,
        persist: bool = False,
        extra: Sequence[str] = (),
    ) -> None:
        """``password``: of the user ``moodcast``, required from everybody then; ``acl``: lines of mosquitto's ACL file;
        ``persist``: retained messages survive a restart; ``extra``: more lines of mosquitto.conf, for the listener.
        Skips the test where mosquitto is not installed."""
        program = find_mosquitto()
        if program is None:
            pytest.skip("needs the program mosquitto (apt install mosquitto), which is not here")
        self._program = program
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        lines = [f"listener {self.port} {self.host}", *extra, "log_dest stderr", "log_type all"]
        lines += ["connection_messages true", "max_queued_messages 10000", "set_tcp_nodelay true"]
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes the user mosquitto, who cannot read the test's folder
        lines.append(f"allow_anonymous {'true' if password is None else 'false'}")
        if password is not None:
            secrets = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", str(secrets), "moodcast", password], check=True)
            secrets.chmod(0o644)
            lines.append(f"password_file {secrets}")
        if acl is not None:
            rules = folder / "acl"
            rules.write_text(acl)
            rules.chmod(0o644)
            lines.append(f"acl_file {rules}")
        if persist:
            lines += ["persistence true", f"persistence_location {folder}/", "autosave_interval 1"]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")
        self._log = folder / "mosquitto.log"

    def start(self) -> Mosquitto:
        """Starts the broker and waits until it accepts connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self._config)], stdout=log, stderr=log)
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s:
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection((self.host, self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise RuntimeError(f"mosquitto did not start:\n{self.log()}")

    def stop(self) -> None:
        """Ends the broker as its service would (SIGTERM)."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)
            self._process = None

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def freeze(self) -> None:
        """Lets it hang: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Ends the freeze."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Ends it and starts it again."""
        self.stop()
        self.start()

    def log(self) -> str:
        """What the broker wrote so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def connects(self, client_id: str = "") -> int:
        """Connections accepted so far from ids that begin with ``client_id``."""
        return self.log().count(f" as {client_id}" if client_id else "New client connected")

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass(frozen=True)
class Got:
    """A message that a Recorder received."""

    topic: str
    payload: bytes
    retained: bool
    qos: int
    t_s: float
    expiry_s: int | None = None

    @property
    def text(self) -> str:
        return self.payload.decode()

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.payload)
        assert isinstance(value, dict)
        return value


class Recorder:
    """Subscribes (QoS 1) and keeps all messages in order. Comes back by itself, with its session, after an outage."""

    def __init__(
        self, port: int, topic: str = "#", *, username: str | None = None, password: str | None = None, v5: bool = True
    ) -> None:
        self.got: list[Got] = []
        self._ready = threading.Event()
        self._topic = topic
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"recorder-{time.monotonic_ns()}",
            protocol=paho.MQTTv5 if v5 else paho.MQTTv311,
        )
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(5), "the recorder could not subscribe"

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        now_s = time.monotonic()
        self.got.append(Got(message.topic, bytes(message.payload), message.retain, message.qos, now_s, expiry))

    def of(self, topic: str) -> list[Got]:
        """Messages of one topic."""
        return [got for got in self.got if got.topic == topic]

    def wait_for(self, what: Callable[[Recorder], bool], timeout_s: float = 5.0) -> bool:
        """Whether ``what`` comes true in time."""
        return eventually(lambda: what(self), timeout_s)

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Sends a message and waits until the broker has it."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def close(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Gate:
    """A port that leads to the broker while it is open. Devices connect here, so that in an outage the subscribers are
    back before them: what a broker without persistence gets while nobody listens is lost, whoever sends it."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = True
        self._pairs: list[socket.socket] = []

    def __enter__(self) -> Gate:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._pairs += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def shut(self) -> None:
        """Breaks all connections without a goodbye, and lets nobody in."""
        self._open = False
        self.cut()

    def open(self) -> None:
        """Lets connections in again."""
        self._open = True

    def cut(self) -> None:
        """Breaks all connections without a goodbye."""
        pairs, self._pairs = self._pairs, []
        for end in pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)  # the pumps end before their sockets are closed
        for end in pairs:
            end.close()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()


def eventually(what: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Whether ``what()`` comes true within ``timeout_s``."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        if what():
            return True
        time.sleep(0.02)
    return what()


def retained(port: int, topic: str = "#") -> dict[str, str]:
    """What the broker keeps for newcomers, by topic."""
    with Recorder(port, topic) as recorder:
        time.sleep(0.3)
        return {got.topic: got.text for got in recorder.got if got.retained}
