"""Keeps the page served: a port that is taken today may be free in a minute, and a server that died is made anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from edge.web.server import KioskServer
from edge.web.settings import Feedback, WebError, WebSettings

_log = logging.getLogger(__name__)

_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 30.0


class KeptPage:
    """A ``KioskServer`` that is started again with back-off. Called from one loop; only a (re)start takes time."""

    def __init__(self, settings: WebSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._set = settings
        self._clock = clock
        self._server: KioskServer | None = None
        self._view: dict[str, Any] | None = None
        self._wait_s = _FIRST_WAIT_S
        self._due_s = 0.0
        self._told = ""

    def start(self) -> None:
        """Tries to open the page. A failure is logged, one line for each reason, and tried again by ``poll``."""
        try:
            server = KioskServer(self._set)
            server.start()
        except WebError as error:
            self._server = None
            self._due_s = self._clock() + self._wait_s
            self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
            if str(error) != self._told:
                _log.error("%s; trying again", error)
            self._told = str(error)
            return
        self._server, self._wait_s, self._told = server, _FIRST_WAIT_S, ""
        _log.info("page at %s", server.address)
        if self._view is not None:
            server.show(self._view)

    def show(self, view: dict[str, Any]) -> None:
        """What every open page shows from now on, and what a page opened later begins with."""
        self._view = view
        if self._server is not None:
            self._server.show(view)

    def set_state(self, state: dict[str, Any]) -> None:
        """What ``GET /api/state`` says under ``state``. JSON values only."""
        if self._server is not None:
            self._server.set_state(state)

    def poll(self) -> list[Feedback]:
        """Touches since the last call; also where a page that is not served is tried again."""
        if self._server is not None and not self._server.running:
            self._server, self._due_s = None, self._clock() + self._wait_s
        if self._server is None:
            if self._clock() >= self._due_s:
                self.start()
            return []
        return self._server.poll()

    def stop(self, timeout_s: float) -> None:
        """Ends the server."""
        if self._server is not None:
            self._server.stop(timeout_s)
