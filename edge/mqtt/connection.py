"""One connection to the broker: the only module that imports the MQTT client (paho-mqtt 2)."""

from __future__ import annotations

import logging
import select
import socket
import ssl
import struct
from collections.abc import Sequence
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.core.outbox import Message
from edge.core.reconnect import Cause, Protocol
from edge.mqtt.records import MqttSettings, Received
from edge.mqtt.waker import Waker

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
INBOX_MAX = 200
"""Received messages kept; of more, the oldest are dropped. Commands are rare."""
MAX_RECEIVED_BYTES = 65536
"""Larger messages are dropped: requests are some hundred bytes."""
MQTT_RECEIVE_MAX = 65535
"""Where the broker names no limit."""
PAHO_ERRORS = (OSError, ValueError, LookupError, struct.error, MQTTException)
"""What paho raises when the network fails or the other side speaks no MQTT. Our own callbacks cannot raise."""
LOGIN_REFUSED = ("Bad user name or password", "Not authorized", "Bad authentication method", "Banned")


class EndedError(Exception):
    """A connection could not be made, or ended."""

    def __init__(self, cause: Cause, text: str) -> None:
        super().__init__(text)
        self.cause = cause


class Connection:
    """One paho client for one connection. Its callbacks take notes; ``step`` raises EndedError at the end."""

    def __init__(self, settings: MqttSettings, protocol: Protocol, client_id: str, will: Message) -> None:
        self.answered = False
        self.received: list[Received] = []
        self.acked: list[tuple[int, str | None]] = []
        """Message id and, when the broker refused the message, the reason."""
        self.denied: list[str] = []
        self.unacked: set[int] = set()
        """Ids of messages that the broker has not acknowledged yet."""
        self.receive_max = MQTT_RECEIVE_MAX
        """So many the broker accepts (MQTT 5; Mosquitto says 20, HiveMQ 10)."""
        self._ended: EndedError | None = None
        self._settings = settings
        self._v5 = protocol == "5"
        self._filters: dict[int, Sequence[str]] = {}
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if self._v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages = 0  # unlimited: the session counts, since only it knows receive_max
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.will_set(will.topic, will.payload, will.qos, will.retain)
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        client.on_socket_open = self._tune
        client.on_connect = self._note_connect
        client.on_disconnect = self._note_disconnect
        client.on_publish = self._note_publish
        client.on_message = self._note_message
        client.on_subscribe = self._note_subscribe

    def open(self) -> None:
        """Connects the socket and sends CONNECT. Blocks for at most CONNECT_TIMEOUT_S for each address."""
        options: dict[str, Any] = {}
        if self._settings.tls:
            self._set_tls()
        if self._v5:
            properties = _properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0
            properties.MaximumPacketSize = 2 * MAX_RECEIVED_BYTES
            options = {"clean_start": True, "properties": properties}
        try:
            self._client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s, **options)
        except PAHO_ERRORS as error:
            raise EndedError("unreachable", f"cannot connect: {error or type(error).__name__}") from error

    def _set_tls(self) -> None:
        try:
            self._client.tls_set(ca_certs=self._settings.ca_file)
        except OSError as error:
            where = self._settings.ca_file or "the system's authorities"
            raise EndedError("unreachable", f"mqtt.ca_file: cannot read {where}: {error.strerror or error}") from error

    def step(self, waker: Waker, timeout_s: float) -> None:
        """Waits for the network, or for a byte from ``waker``, and does what is due."""
        sock = self._client.socket()
        if sock is None or self._ended is not None:
            raise self._ended or EndedError("unreachable", "connection lost")
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            timeout_s = 0.0
        try:
            writers = [sock] if self._client.want_write() else []
            readable, writable, _ = select.select([sock, waker], writers, [], timeout_s)
            if waker in readable:
                waker.drain()
            rc = self._client.loop_read() if sock in readable or timeout_s == 0.0 else MQTTErrorCode.MQTT_ERR_SUCCESS
            if rc == MQTTErrorCode.MQTT_ERR_SUCCESS and writable:
                rc = self._client.loop_write()
            if rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                rc = self._client.loop_misc()
        except PAHO_ERRORS as error:
            raise EndedError(
                "closed", f"the other side does not speak MQTT: {error or type(error).__name__}"
            ) from error
        if self._ended is not None:
            raise self._ended
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise EndedError("closed", f"connection lost: {rc.name}")

    def publish(self, message: Message, expiry_s: int | None = None) -> int:
        """Hands a message to paho; returns its id on this connection."""
        properties = None
        if self._v5 and expiry_s is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        try:
            info = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        except PAHO_ERRORS as error:
            raise EndedError("unreachable", f"connection lost: {error}") from error
        if message.qos > 0:
            self.unacked.add(info.mid)
        return info.mid

    def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribes to ``filters`` with QoS 1."""
        if filters:
            _, mid = self._client.subscribe([(name, 1) for name in filters])
            if mid is not None:
                self._filters[mid] = filters

    def forget_notes(self) -> None:
        """After the notes were read."""
        self.received, self.acked, self.denied = [], [], []

    def close(self, *, clean: bool) -> None:
        """``clean``: says goodbye, so that the broker drops the will. Otherwise the socket is just closed."""
        try:
            sock = self._client.socket()
            if clean:
                self._client.disconnect()
            elif sock is not None:
                sock.close()
        except PAHO_ERRORS as error:
            log.debug("closing the connection: %s", error)

    def _tune(self, _c: Client, _u: object, sock: Any) -> None:
        # Without this, small messages wait for the acknowledgement of the ones before: 40 ms each time (Nagle).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _note_connect(
        self, _c: Client, _u: object, _f: ConnectFlags, reason: ReasonCode, props: Properties | None
    ) -> None:
        if reason.is_failure:
            name = reason.getName()
            cause: Cause = "refused"
            if name == "Unsupported protocol version":
                cause = "refused_protocol"
            elif name in LOGIN_REFUSED:
                cause = "refused_login"
            self._ended = EndedError(cause, f"the broker refuses the connection: {name}")
            return
        self.answered = True
        self.receive_max = getattr(props, "ReceiveMaximum", MQTT_RECEIVE_MAX)

    def _note_disconnect(
        self, _c: Client, _u: object, flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        if self._ended is not None:
            return
        name = reason.getName()
        if flags.is_disconnect_packet_from_server and name == "Session taken over":
            self._ended = EndedError("taken_over", "another client connected with the same id")
        elif flags.is_disconnect_packet_from_server:
            self._ended = EndedError("refused", f"the broker ended the connection: {name}")
        else:
            why = "" if name == "Unspecified error" else f": {name}"
            self._ended = EndedError("closed", f"connection lost{why}")

    def _note_publish(self, _c: Client, _u: object, mid: int, reason: ReasonCode, _p: Properties | None) -> None:
        self.unacked.discard(mid)
        self.acked.append((mid, reason.getName() if reason.is_failure else None))

    def _note_message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        if len(message.payload) <= MAX_RECEIVED_BYTES and len(self.received) < INBOX_MAX:
            self.received.append(Received(message.topic, bytes(message.payload), bool(message.retain)))

    def _note_subscribe(
        self, _c: Client, _u: object, mid: int, reasons: list[ReasonCode], _p: Properties | None
    ) -> None:
        for name, reason in zip(self._filters.pop(mid, ()), reasons, strict=False):
            if reason.is_failure:
                self.denied.append(f"subscribing to {name} was refused: {reason.getName()}")


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
