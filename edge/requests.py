"""Questions over MQTT: ``request/<verb>`` in, ``response/<verb>`` out. What a verb does is given by the loop."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.core import wire

MAX_TRANSACTION = 200
"""Characters of a transaction; it comes back as it was given."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``error`` None: it worked. ``data`` may explain an error."""

    data: Mapping[str, object] | None = None
    error: str | None = None


class Requests:
    """Answers each request once, whatever it holds. Repeated, malformed and unknown ones get an error."""

    def __init__(self, verbs: Mapping[str, Callable[[], Answer]], respond: Callable[[str, wire.Payload], None]) -> None:
        """``respond`` publishes a payload as the response to a verb."""
        self._verbs = dict(verbs)
        self._respond = respond
        self.count = 0
        """Requests since the start."""

    def take(self, verb: str, payload: bytes) -> None:
        """Answers one request."""
        self.count += 1
        try:
            transaction = _transaction(payload)
        except ValueError as error:
            self.say(verb, Answer(error=str(error)))
            return
        known = self._verbs.get(verb)
        there_is = ", ".join(sorted(self._verbs))
        answer = Answer(error=f"unknown verb; there is: {there_is}") if known is None else known()
        self.say(verb, answer, transaction)

    def say(self, verb: str, answer: Answer, transaction: wire.Scalar = None) -> None:
        """Publishes an answer; also one that nobody asked for over MQTT (SIGHUP)."""
        status: wire.Status = "ok" if answer.error is None else "error"
        self._respond(verb, wire.response(status, answer.data, answer.error, transaction))


def _transaction(payload: bytes) -> wire.Scalar:
    """The request's transaction. Raises ValueError, in words for who asked."""
    try:
        request = json.loads(payload or b"{}")
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise ValueError("the payload must be a JSON object")
    given = request.get("transaction")
    unfit = isinstance(given, (dict, list)) or (isinstance(given, str) and len(given) > MAX_TRANSACTION)
    if unfit or (isinstance(given, float) and not math.isfinite(given)):
        raise ValueError(f"`transaction` must be a number or a text of at most {MAX_TRANSACTION} characters")
    return given if isinstance(given, (str, int, float)) else None
