"""What can be asked of the running daemon: status, reload, restart, diagnostics. Decides nothing about people."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.core import wire
from edge.core.reload import numbered
from edge.logs import destination
from edge.requests import Answer, Requests
from edge.sense_parts import SenseParts, SenseSettings
from edge.vision.finders import FaceFinder
from edge.vitals import Vitals, machine, recent_lines

_log = logging.getLogger(__name__)

_RELOAD_S = 1.0
"""The configuration is read at most so often: parsing it costs some frames."""
_PROBLEMS = 200
"""Mistakes listed in one answer. A configuration has fewer keys; of more, the number is told."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the loop says of itself now."""

    state: tuple[str, str]
    """State and reason."""
    camera: tuple[str, str]
    settings: SenseSettings


class Operation:
    """The verbs of ``request/<verb>``, and SIGHUP."""

    def __init__(
        self,
        parts: SenseParts,
        vitals: Vitals,
        *,
        told: Callable[[], Told],
        take_over: Callable[[SenseSettings, FaceFinder | None, float], None],
        restart: Callable[[], None],
    ) -> None:
        """``take_over`` gets new settings, a new face finder or None, and the monotonic time in seconds."""
        self._p = parts
        self._vitals = vitals
        self._told = told
        self._take_over = take_over
        self._start_again = restart
        self._reload_s = -float("inf")
        self.reload_asked = False
        """SIGHUP came. A second one during a reload is not lost: it waits its time."""
        verbs = {
            "status": self._status,
            "reload": self._reload,
            "restart": self._restart,
            "diagnostics": self._diagnostics,
        }
        self.requests = Requests(verbs, parts.reporter.response)

    def reload_if_asked(self, now_s: float) -> None:
        """Answers a SIGHUP, on ``response/reload`` too."""
        if self.reload_asked and now_s - self._reload_s >= _RELOAD_S:
            self.reload_asked = False
            self.requests.say("reload", self._reload())

    def _status(self) -> Answer:
        told = self._told()
        return Answer({"state": told.state[0], "reason": told.state[1], "camera": told.camera[0]})

    def _restart(self) -> Answer:
        if not self._p.supervised:
            return Answer(error="not run by systemd: nobody would start it again; restart it where it was started")
        self._start_again()
        return Answer({"state": "stopping"})

    def _diagnostics(self) -> Answer:
        told, stats = self._told(), self._p.link.stats()
        counts = self._vitals.counts(grabber=self._p.grabber, link=stats)
        return Answer(
            {
                "state": told.state[0],
                "reason": told.state[1],
                "camera": {"state": told.camera[0], "reason": told.camera[1]},
                "mqtt": {"protocol": stats.protocol, "client_id": stats.client_id, "last_error": stats.last_error},
                "versions": told.settings.versions,
                "model_sha256": self._p.watch.classifier.card.sha256,
                "machine": machine(),
                "log": destination(),
                "counts": {**counts, "requests": self.requests.count},
                "problems": recent_lines(self._p.recent.newest, time.monotonic()),
            }
        )

    def _reload(self) -> Answer:
        """Reads the configuration again and takes over what can be at once."""
        now_s = time.monotonic()
        if now_s - self._reload_s < _RELOAD_S:
            return Answer(error=f"asked again within {_RELOAD_S:g} s: wait, then ask again")
        self._reload_s = now_s
        reloaded = self._p.reload()
        if reloaded.settings is None:
            return _refused(reloaded.problems)
        self._take_over(reloaded.settings, reloaded.finder, now_s)
        changes = reloaded.changes
        listed = {"applied": changes.live, "restart": changes.restart, "companion": changes.companion}
        words = [f"{name}: {', '.join(keys)}" for name, keys in listed.items() if keys]
        _log.info("configuration read again: %s", "; ".join(words) or "nothing changed")
        return Answer({name: numbered(keys) for name, keys in listed.items()})


def _refused(problems: Sequence[str]) -> Answer:
    """A configuration that cannot be used: every mistake, and what goes on."""
    listed = problems[:_PROBLEMS]
    _log.warning("configuration not read again, the running one stays:\n%s", "\n".join(listed))
    count = f"{len(problems)} mistakes" if len(problems) != 1 else "1 mistake"
    return Answer(
        {"problems": numbered(problem[: wire.MAX_TEXT] for problem in listed)},
        error=f"{count}; nothing was changed. Correct the file and ask again",
    )
