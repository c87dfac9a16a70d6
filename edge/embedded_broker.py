"""An MQTT broker inside the process, for the demo alone: amqtt speaks MQTT 3.1.1 and is no production broker."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

from edge.errors import BrokerError

_START_S = 10.0


class EmbeddedBroker:
    """Listens on a free loopback port, from ``start`` to ``stop``, in a thread of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> None:
        """Returns when clients can connect. Raises BrokerError when amqtt is missing or does not come up."""
        self._thread.start()
        if not self._ready.wait(_START_S) or self._failure is not None:
            raise BrokerError(
                f"the embedded broker did not start ({self._failure!r}); it needs: pip install 'moodcast[demo]'"
            )

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(2.0)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to the starting thread, which raises it
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker  # noqa: PLC0415 - the extra `demo`

        for name in ("amqtt", "transitions"):  # they tell every packet
            logging.getLogger(name).setLevel(logging.ERROR)
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await broker.start()
        self._ready.set()
        await self._stop.wait()
        await broker.shutdown()


def free_port() -> int:
    """A loopback port that nobody uses just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
