"""Serves the kiosk page from a thread of its own; the companion's loop never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import queue
import socket
import threading
import time
from typing import Any

import uvicorn

from edge.web.app import KioskApp
from edge.web.settings import Feedback, WebError, WebSettings

_log = logging.getLogger(__name__)
_START_S = 10.0
_CONNECTIONS = 64
"""At the same time; more are answered 503. A page needs two."""


class _Server(uvicorn.Server):
    """Lets everybody go: uvicorn asks those that are connected when it begins to stop, and forgets who came then."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next turn


class KioskServer:
    """From ``start`` to ``stop``. All methods return at once, but for those two."""

    def __init__(self, settings: WebSettings) -> None:
        """Raises WebError when the brand folder cannot be used."""
        self._set = settings
        self._app = KioskApp(settings)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = settings.port
        """The real one after ``start``."""

    @property
    def address(self) -> str:
        """Where a browser on this device finds the page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self._set.host, self._set.host)  # noqa: S104
        return f"http://{host}:{self.port}/"

    @property
    def running(self) -> bool:
        """Between ``start`` and ``stop``, unless the server died: then its error is in the log; make a new one."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def rejected(self) -> dict[str, int]:
        """Requests turned away since the start, by reason."""
        return dict(self._app.rejected)

    def start(self) -> None:
        """Returns when the page can be opened. Raises WebError when the port is taken or the address is not ours."""
        sock = self._bind()
        self.port = sock.getsockname()[1]
        config = uvicorn.Config(
            self._app.asgi(),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, args=(self._server, sock), name="web", daemon=True)
        self._thread.start()
        deadline_s = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline_s:
                sock.close()
                raise WebError("the page's server did not start; its log lines above say why")
            time.sleep(0.005)

    def stop(self, timeout_s: float) -> None:
        """Ends the open streams and the server; after ``timeout_s`` it is left to die with the process."""
        if self._server is None or self._thread is None:
            return
        self._app.stream.close()
        self._server.should_exit = True
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._server.force_exit = True
            _log.warning("the page's server did not stop within %.1f s", timeout_s)

    def show(self, view: dict[str, Any]) -> None:
        """What every open page shows from now on: ``edge.core.view.View.as_dict()``."""
        self._app.show(view)

    def set_state(self, state: dict[str, Any]) -> None:
        """What ``GET /api/state`` says under ``state``. JSON values only."""
        self._app.set_state(state)

    def poll(self) -> list[Feedback]:
        """Touches since the last call, oldest first; at most 64 wait."""
        taken: list[Feedback] = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._app.feedback.get_nowait())
        return taken

    @staticmethod
    def _run(server: uvicorn.Server, sock: socket.socket) -> None:
        with sock:
            server.run(sockets=[sock])

    def _bind(self) -> socket.socket:
        host, port = self._set.host, self._set.port
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart must not wait for old connections
            sock.bind((host, port))
        except OSError as error:
            sock.close()
            raise WebError(f"cannot serve the page on {host}:{port}: {_why(error)}") from error
        return sock


def _why(error: OSError) -> str:
    return {
        errno.EADDRINUSE: "the port is in use; stop the other program, or set kiosk.port to a free one",
        errno.EACCES: "ports below 1024 are not for everyone; set kiosk.port to 1024 or above",
        errno.EADDRNOTAVAIL: "this device does not have that address; set kiosk.host to 127.0.0.1 or 0.0.0.0",
    }.get(error.errno or 0, f"{error}; set kiosk.host to 127.0.0.1 or 0.0.0.0")
