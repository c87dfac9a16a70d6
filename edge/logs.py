"""What is logged: not more than a person can read, and the newest warnings kept for ``request/diagnostics``.

The journal lies on the card: a message that a stranger or a flapping device can cause must not fill it.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TextIO

BURST = 5
WINDOW_S = 60.0
"""Of one kind of line, so many pass in this time. State changes and problems of a healthy unit are far rarer."""
IDENTIFIER = "moodcast"
"""In front of each line in the journal; the unit tells the two daemons apart."""
_JOURNAL_FIELDS = ("PRIORITY", "SYSLOG_IDENTIFIER", "LOGGER", "THREAD_NAME", "CODE_FILE", "CODE_LINE", "CODE_FUNC")
_KINDS = 500
_KEPT = 10


@dataclass(slots=True)
class _Kind:
    since_s: float
    passed: int = 0
    left_out: int = 0


class RateLimit(logging.Filter):
    """Passes ``burst`` lines of one kind in ``window_s``; the next one after that says how many were left out.

    A kind is the place in the code: its logger, level and text before values are put in. Debug lines always pass.
    """

    def __init__(
        self, *, burst: int = BURST, window_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._burst = burst
        self._window_s = window_s
        self._clock = clock
        self._kinds: dict[tuple[str, int, str], _Kind] = {}
        self.left_out = 0
        """Lines left out since the start."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno <= logging.DEBUG:
            return True
        kind = self._kind((record.name, record.levelno, str(record.msg)))
        if kind.passed >= self._burst:
            kind.left_out += 1
            self.left_out += 1
            return False
        kind.passed += 1
        if kind.left_out:
            record.msg, record.args = f"{record.getMessage()} (and {kind.left_out} more like this, left out)", None
            kind.left_out = 0
        return True

    def _kind(self, key: tuple[str, int, str]) -> _Kind:
        now_s = self._clock()
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = _Kind(now_s)
        elif now_s - kind.since_s >= self._window_s:
            kind.since_s, kind.passed = now_s, 0
        return kind


@dataclass(frozen=True, slots=True)
class Problem:
    """One warning or error, without secrets."""

    t_s: float
    """Monotonic seconds."""
    level: str
    text: str


class RecentProblems(logging.Handler):
    """Keeps the newest warnings and errors in memory, each text once. ``mask`` takes secrets out."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self._mask = mask
        self._kept: deque[Problem] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        problem = Problem(time.monotonic(), record.levelname.lower(), self._mask(record.getMessage())[:500])
        kept = [p for p in self._kept if p.text != problem.text]
        self._kept = deque([*kept, problem], maxlen=_KEPT)

    @property
    def newest(self) -> tuple[Problem, ...]:
        """Newest first."""
        return tuple(reversed(self._kept))


def set_up_log(level: str, scrub: Callable[[str], str]) -> RateLimit:
    """Sets up the process's log: the journal where systemd runs us and python3-systemd is there, else standard error.

    Every line goes through ``scrub``, tracebacks too.
    """
    handler = journal_handler(os.environ, sys.stderr) or logging.StreamHandler(sys.stderr)
    # Journald adds time and unit by itself, so the lines carry neither there.
    form = "%(asctime)s " if sys.stderr.isatty() else ""
    handler.setFormatter(_Scrubbed(form + "%(levelname)s %(name)s: %(message)s", scrub))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    limit = RateLimit()
    handler.addFilter(limit)
    return limit


def journal_module() -> ModuleType | None:
    """``systemd.journal`` of Debian's python3-systemd, or None. PyPI's needs a compiler, so it is no dependency."""
    try:
        return importlib.import_module("systemd.journal")
    except ImportError:
        return None


def journal_handler(
    environ: Mapping[str, str], stream: TextIO, load: Callable[[], ModuleType | None] = journal_module
) -> logging.Handler | None:
    """A handler that writes to the journal with priorities, or None where ``stream`` does not lead there anyway."""
    module = load() if _leads_to_journal(environ.get("JOURNAL_STREAM", ""), stream) else None
    if module is None:
        return None

    def send(text: str, /, **fields: object) -> None:
        module.send(text, **{name: fields[name] for name in _JOURNAL_FIELDS if fields.get(name) is not None})

    # Its own sender adds the values of each line, unformatted, and the exception: past our scrubber.
    handler: logging.Handler = module.JournalHandler(sender_function=send, SYSLOG_IDENTIFIER=IDENTIFIER)
    return handler


def destination() -> str:
    """Where this process's log goes: ``journal`` or ``stderr`` (which systemd hands to the journal, too)."""
    through = {type(handler).__module__ for handler in logging.getLogger().handlers}
    return "journal" if "systemd.journal" in through else "stderr"


def _leads_to_journal(device_and_inode: str, stream: TextIO) -> bool:
    """Whether ``stream`` is the one that systemd connected (systemd.exec(5), JOURNAL_STREAM), not redirected since."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # ValueError: closed, or without a descriptor
        return False
    return device_and_inode == f"{found.st_dev}:{found.st_ino}"


class _Scrubbed(logging.Formatter):
    """The whole line with its traceback, without secrets."""

    def __init__(self, form: str, scrub: Callable[[str], str]) -> None:
        super().__init__(form)
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return self._scrub(super().format(record))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing of ours is logged meanwhile: a command tells it on its own, in better words."""
    logger = logging.getLogger("edge")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
