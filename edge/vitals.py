"""How the daemon with the camera is doing: what ``health`` and ``request/diagnostics`` tell."""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Iterable, Mapping

from edge.core.reload import numbered
from edge.core.stats import latency
from edge.data import Health
from edge.grabber import Grabber
from edge.logs import Problem
from edge.machine import CpuMeter, clock_synced, rss_mb, temperature_c, throttled
from edge.mqtt import LinkStats
from edge.watch import Watch

_RATE_WINDOW_S = 10.0
_FRAMES_KEPT = 1280
"""Enough for the window at the highest rate that can be asked of a camera."""


class Vitals:
    """Counts frames and keeps durations, for a while."""

    def __init__(self, watch: Watch, *, starts: int) -> None:
        """``watch`` is asked what it did; nothing of it is changed."""
        self._watch = watch
        self.frames = 0
        self.events = 0
        """Emotion events told since the start."""
        self.reloads = 0
        self._starts = starts
        self._cpu = CpuMeter()
        self._frame_t: deque[float] = deque(maxlen=_FRAMES_KEPT)
        self._look_t: deque[float] = deque(maxlen=_FRAMES_KEPT)
        self._ages_s: deque[float] = deque(maxlen=256)

    def frame(self, now_s: float, *, age_s: float | None) -> None:
        """A frame is done; ``age_s`` is its age when its results were ready, None where it was not searched."""
        self.frames += 1
        self._frame_t.append(now_s)
        if age_s is not None:
            self._look_t.append(now_s)
            self._ages_s.append(age_s)

    def health(self, now_s: float, *, grabber: Grabber, link: LinkStats) -> Health:
        since_s = now_s - _RATE_WINDOW_S
        schedule = self._watch.schedule
        return Health(
            frames_per_s=_rate(self._frame_t, since_s),
            looks_per_s=_rate(self._look_t, since_s),
            looks_wanted_hz=schedule.looks_hz,
            shed=schedule.shed,
            frame_age_ms=latency(self._ages_s).p50_ms if self._ages_s else 0.0,
            frames_dropped=grabber.dropped,
            frames_passed=self._watch.passed,
            stages=self._watch.times.latencies(),
            cpu_percent=self._cpu.percent(),
            rss_mb=rss_mb(),
            temperature_c=temperature_c(),
            throttled=throttled(),
            outbox_depth=link.depth,
            outbox_dropped=link.dropped,
            reconnects=link.reconnects,
            camera_reopens=grabber.reopens,
            starts=self._starts,
        )

    def counts(self, *, grabber: Grabber, link: LinkStats) -> dict[str, object]:
        """Counts since the start of the process; ``starts`` since the installation."""
        return {
            "frames": self.frames,
            "frames_passed": self._watch.passed,
            "looks": self._watch.looks,
            "reads": self._watch.reads,
            "frames_dropped": grabber.dropped,
            "camera_reopens": grabber.reopens,
            "events": self.events,
            "reloads": self.reloads,
            "starts": self._starts,
            "mqtt_connects": link.connects,
            "mqtt_tries": link.tries,
            "outbox_depth": link.depth,
            "outbox_dropped": link.dropped,
            "drops": {str(reason): count for reason, count in link.drops.items()},
        }


def _rate(times_s: Iterable[float], since_s: float) -> float:
    """Events a second among ``times_s`` from ``since_s`` on; 0 for fewer than two."""
    recent = [t for t in times_s if t >= since_s]
    span_s = recent[-1] - recent[0] if len(recent) > 1 else 0.0
    return (len(recent) - 1) / span_s if span_s > 0 else 0.0


def machine() -> dict[str, object]:
    """What the process runs on; null where the kernel does not tell. No serial number, name or address."""
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "processor": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "rss_mb": round(rss_mb(), 1),
        "temperature_c": temperature_c(),
        "throttled": throttled(),
        "clock_synced": clock_synced(),
    }


def recent_lines(problems: tuple[Problem, ...], now_s: float) -> Mapping[str, str]:
    """The newest problems, newest first, as numbered lines."""
    return numbered(f"{now_s - p.t_s:.0f} s ago: {p.level}: {p.text}" for p in problems)
