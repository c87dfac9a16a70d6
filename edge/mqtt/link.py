"""``MqttLink``: a connection to the broker for as long as the process lives.

It owns one thread, which makes a fresh paho client for every connection and drives it through paho's select interface:
no state survives a broken connection but our own outbox. paho's callbacks only take notes; nothing of the caller runs
in them. ``publish`` never blocks; what was received is fetched by ``poll``.
"""

from __future__ import annotations

import json
import logging
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from edge.core.outbox import Message, Outbox
from edge.core.reconnect import SHORT_S, SHORT_TIMES, Cause, Protocol, Reconnect
from edge.mqtt.connection import CONNECT_TIMEOUT_S, INBOX_MAX, Connection, EndedError
from edge.mqtt.records import LinkStats, MqttSettings, Received
from edge.mqtt.traffic import Traffic
from edge.mqtt.waker import Waker

log = logging.getLogger(__name__)

CLOSE_S = 0.1
"""Kept for closing the connection and ending the thread."""


class MqttLink:
    """Keeps a connection to the broker for as long as the process lives.

    On each connection it subscribes, publishes ``birth`` and then the newest retained message of every topic, so that
    a broker that lost its memory knows it again. ``will`` is published by the broker when the connection breaks.
    """

    def __init__(  # noqa: PLR0913 - all but the first by keyword
        self,
        settings: MqttSettings,
        *,
        will: Message,
        birth: Message,
        subscriptions: Sequence[str] = (),
        on_change: Callable[[LinkStats], None] | None = None,
        on_ack: Callable[[Message, float], None] | None = None,
    ) -> None:
        """``on_change`` is called after the connection came or went, ``on_ack`` with each acknowledged message and the
        seconds since its ``publish``. Both run in the link's thread: they must be quick, and thread-safe."""
        self._settings = settings
        self._will = will
        self._birth = birth
        self._subscriptions = tuple(subscriptions)
        self._on_change = on_change
        self._on_ack = on_ack
        self._lock = threading.Lock()
        self._outbox = Outbox(limit=settings.outbox_max)
        self._retained: dict[str, Message] = {}
        self._inbox: deque[Received] = deque(maxlen=INBOX_MAX)
        self._reconnect = Reconnect(protocol=settings.protocol, max_s=settings.reconnect_max_s, draw=random.random)
        self._client_id = settings.client_id
        self._connected: Protocol | None = None
        self._connects = 0
        self._tries = 0
        self._last_error: str | None = None
        self._login_refused = False
        self._logged: str | None = None
        self._denials: set[str] = set()
        self._waker = Waker()
        self._stopping = threading.Event()
        self._deadline_s = 0.0
        self._last = will
        self._last_acked = False
        self._crash: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    # What the caller uses -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to connect; returns at once."""
        self._waker.open()
        self._thread.start()

    def publish(  # noqa: PLR0913 - all but two by keyword
        self,
        topic: str,
        payload: str | Mapping[str, object],
        *,
        qos: int = 1,
        retain: bool = False,
        key: str | None = None,
        max_age_s: float | None = None,
        expiry_s: float | None = None,
    ) -> None:
        """Queues a message; never blocks. A dictionary becomes JSON.

        Of waiting messages with the same ``key`` only the newest is kept; retained messages have their topic as key.
        Not sent when it waited longer than ``max_age_s`` or ``expiry_s``; with MQTT 5 the broker, too, forgets it
        ``expiry_s`` after this call. May be called from any thread.
        """
        text = payload if isinstance(payload, str) else _json(payload)
        message = Message(topic, text, qos, retain)
        with self._lock:
            if retain:
                self._retained[topic] = message
            self._outbox.put(
                message,
                time.monotonic(),
                key=topic if key is None and retain else key,
                max_age_s=max_age_s,
                expiry_s=expiry_s,
            )
        self._waker.wake()

    def poll(self) -> list[Received]:
        """What was received since the last call, oldest first. Raises what ended the link's thread, if a bug did."""
        if self._crash is not None:
            raise self._crash
        received = []
        while self._inbox:
            received.append(self._inbox.popleft())
        return received

    def stats(self) -> LinkStats:
        """How the connection is doing now."""
        with self._lock:
            return LinkStats(
                connected=self._connected is not None,
                protocol=self._connected,
                client_id=self._client_id,
                depth=self._outbox.depth,
                dropped=self._outbox.dropped,
                drops={**self._outbox.drops},
                connects=self._connects,
                tries=self._tries,
                last_error=self._last_error,
                login_refused=self._login_refused,
                takeover=self._reconnect.takeovers > 0,
            )

    def stop(self, timeout_s: float = 1.5, *, last: Message | None = None) -> bool:
        """Sends what waits, then ``last`` (None: the will), and disconnects; all within ``timeout_s``.

        True: the broker has ``last``. Otherwise the connection is broken, so that the broker publishes the will.
        """
        self._last = self._will if last is None else last
        self._deadline_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._waker.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return self._last_acked

    # The thread -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                takeovers = self._reconnect.takeovers
                cause, lived_s = self._connect_once()
                wait_s = self._reconnect.after(cause, lived_s)
                if self._reconnect.takeovers > takeovers:
                    self._rename(told=cause == "taken_over")
                self._stopping.wait(wait_s)
        except BaseException as error:  # noqa: BLE001 - a bug: poll() raises it in the main loop, which ends the process
            self._crash = error
        finally:
            self._waker.close()

    def _rename(self, *, told: bool) -> None:
        taken = self._client_id
        with self._lock:
            self._client_id = f"{self._settings.client_id}-{secrets.token_hex(2)}"
        log.warning(
            "another client uses the MQTT id %s%s: going on as %s. Give each unit a name of its own (unit.id)",
            taken,
            "" if told else f" (guessed: {SHORT_TIMES} connections in a row were closed within {SHORT_S:.0f} s)",
            self._client_id,
        )

    def _connect_once(self) -> tuple[Cause, float | None]:
        """One connection from its beginning to its end: why it ended and how long it was up."""
        since_s: float | None = None
        connection = Connection(self._settings, self._reconnect.protocol, self._client_id, self._will)
        self._tries += 1
        try:
            connection.open()
            self._await_answer(connection)
            since_s = time.monotonic()
            self._came_up()
            self._serve(connection)
        except EndedError as ended:
            lived_s = None if since_s is None else time.monotonic() - since_s
            self._went_down(ended, lived_s)
            return ended.cause, lived_s
        finally:
            with self._lock:
                self._connected = None
            connection.close(clean=self._last_acked)
        return "unreachable", None

    def _await_answer(self, connection: Connection) -> None:
        end_s = time.monotonic() + CONNECT_TIMEOUT_S
        while not connection.answered:
            if self._stopping.is_set() or time.monotonic() > end_s:
                raise EndedError("closed", "no answer from the broker")
            connection.step(self._waker, 0.2)

    def _came_up(self) -> None:
        with self._lock:
            self._connected = self._reconnect.protocol
            self._connects += 1
            self._last_error = None
            self._login_refused = False
        self._logged = None
        log.info("connected to %s with MQTT %s as %s", self._where, self._connected, self._client_id)
        self._tell_change()

    def _went_down(self, ended: EndedError, lived_s: float | None) -> None:
        with self._lock:
            self._connected = None
            self._last_error = str(ended)
            self._login_refused = ended.cause == "refused_login"
            self._outbox.requeue()
        if str(ended) != self._logged and not self._stopping.is_set():  # one line for each change, not for each try
            self._logged = str(ended)
            level = logging.INFO if ended.cause == "refused_protocol" else logging.WARNING
            # As text: a log handler that keeps the exception would keep paho's broken socket open.
            log.log(level, "%s: %s%s", self._where, str(ended), _advice(ended.cause, self._settings))
        if lived_s is not None:
            self._tell_change()

    @property
    def _where(self) -> str:
        return f"MQTT broker {self._settings.host}:{self._settings.port}"

    def _tell_change(self) -> None:
        if self._on_change is not None:
            self._on_change(self.stats())

    def _serve(self, connection: Connection) -> None:
        """Until the connection ends, or the link is stopped."""
        connection.subscribe(self._subscriptions)
        with self._lock:
            known = [m for topic, m in self._retained.items() if not self._outbox.waits(topic)]
        traffic = Traffic(connection, self._outbox, self._lock, limit=self._settings.in_flight_max)
        traffic.first.extend((self._birth, *known))
        while not self._stopping.is_set():
            self._turn(traffic, 1.0)
        # The last message must not wait behind a long backlog: half of the time is for that.
        half_s = (self._deadline_s + time.monotonic()) / 2
        while not traffic.idle and time.monotonic() < half_s:
            self._turn(traffic, 0.05)
        mid = connection.publish(self._last)
        while mid in connection.unacked and time.monotonic() < self._deadline_s - CLOSE_S:
            connection.step(self._waker, 0.05)
        self._last_acked = mid not in connection.unacked

    def _turn(self, traffic: Traffic, timeout_s: float) -> None:
        turn = traffic.turn(self._waker, timeout_s)
        self._inbox.extend(turn.received)
        for message, age_s in turn.acked:
            if self._on_ack is not None:
                self._on_ack(message, age_s)
        for denial in turn.denied:
            self._denied(denial)

    def _denied(self, denial: str) -> None:
        with self._lock:
            self._last_error = denial
        if denial not in self._denials:
            self._denials.add(denial)
            log.warning("%s: %s. Check the broker's access rules for this user", self._where, denial)


def _advice(cause: Cause, settings: MqttSettings) -> str:
    """What to do about it."""
    if cause == "refused_login":
        return (
            f". Check mqtt.username ({settings.username or 'not set'}) and the password "
            "(mqtt.password_file, or MOODCAST_MQTT_PASSWORD)"
        )
    return "" if cause in ("refused_protocol", "taken_over") else "; trying again"


def _json(payload: Mapping[str, object]) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
