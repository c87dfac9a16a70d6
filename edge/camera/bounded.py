"""Calls into drivers that may never return."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


def call_within(function: Callable[[], object], *, limit_s: float, what: str) -> bool:
    """Runs ``function`` in a thread of its own and waits for at most ``limit_s``; False when it has not returned.

    What it raises is logged and counts as returned: it is for clean-up, after which the object is thrown away.
    """

    def run() -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001  drivers raise anything; the device is given up either way
            _log.warning("%s failed: %s", what, error)

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        _log.warning("%s has not returned after %.1f s; left behind", what, limit_s)
    return not thread.is_alive()
