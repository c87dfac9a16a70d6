"""``moodcast demo``: both daemons on the bundled clip, an embedded broker, and a subscriber that prints moods."""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from edge.camera.demo import SCRIPT
from edge.camera.table import SOURCES
from edge.core.topics import Topics
from edge.embedded_broker import EmbeddedBroker, free_port
from edge.errors import EXIT_INPUT, ConfigError
from edge.measure.script import read_script, script_accuracy, spans
from edge.mqtt import Message, MqttLink, MqttSettings, Received

_FIRST_FRAME_S = 60.0
"""A first start compiles nothing but may read slowly from an SD card."""


@dataclass
class _Heard:
    """What the subscriber learnt. Times ``t_s`` are seconds from the first frame."""

    first_frame_up_s: float | None = None
    first_frame_s: float = 0.0
    camera: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=dict)
    recommendations: list[dict[str, Any]] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=float, help="end after so many seconds from the first frame (default: Ctrl-C)"
    )
    parser.add_argument("--json", action="store_true", help="print only a summary, as JSON, at the end")
    parser.add_argument(
        "--camera",
        default="demo",
        help="another source: a video file, a folder of images, an rtsp:// address, a number of /dev/videoN, "
        f"or one of {', '.join(SOURCES)} (default: the bundled clip)",
    )


def run(args: argparse.Namespace) -> int:
    broker = EmbeddedBroker()
    broker.start()
    unit = f"demo-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="moodcast-demo-") as folder:
        config = Path(folder) / "demo.yaml"
        values = _config(unit, broker.port, Path(folder), camera_keys(args.camera))
        config.write_text(yaml.safe_dump(values))
        sense, companion = _start("sense", config), _start("companion", config)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C
        if not args.json:
            print(f"page: http://127.0.0.1:{values['kiosk']['port']}/", flush=True)
        try:
            heard = _listen(args, Topics("moodcast", unit), broker.port, sense)
        finally:
            _end(companion)
            status = _end(sense)
            broker.stop()
    if heard.first_frame_up_s is None:
        print(f"moodcast demo: the daemon gave no frame (exit status {status}); see above", file=sys.stderr)
        return status or EXIT_INPUT
    summary = summarise(heard, scripted=args.camera == "demo", seconds=args.seconds)
    print(json.dumps(summary) if args.json else _closing(summary))
    return 0


def camera_keys(text: str) -> dict[str, object]:
    """The section ``camera`` for a word of the command line. Raises ConfigError when it fits nothing."""
    if text == "demo":
        return {"source": "demo", "loop": True}
    if text.isdigit() or text.startswith("/dev/"):
        return {"source": "v4l2", "device": text}
    if text in ("picamera2", "v4l2"):
        return {"source": text}
    if "://" in text or Path(text).is_file():
        return {"source": "video", "path": text if "://" in text else str(Path(text).resolve()), "loop": True}
    if Path(text).is_dir():
        return {"source": "images", "path": str(Path(text).resolve()), "loop": True, "rate_hz": 2}
    raise ConfigError([f"--camera {text}: no such file, folder or source; sources are demo, picamera2, v4l2"])


def summarise(heard: _Heard, *, scripted: bool, seconds: float | None) -> dict[str, Any]:
    """The demo in numbers. ``script_accuracy`` is None for another camera than the bundled clip."""
    end_s = seconds if seconds is not None else time.monotonic() - heard.first_frame_s
    accuracy = None
    if scripted:
        accuracy = round(script_accuracy(read_script(SCRIPT), spans(heard.events, end_s), end_s), 4)
    return {
        "seconds": round(end_s, 1),
        "events": heard.events,
        "emotions": sorted({e["emotion"] for e in heard.events}),
        "script_accuracy": accuracy,
        "recommendations": heard.recommendations,
        "frames_per_s": heard.health.get("frames_per_s"),
        "rss_mb": heard.health.get("rss_mb"),
    }


def _config(unit: str, port: int, folder: Path, camera: dict[str, object]) -> dict[str, Any]:
    return {
        "unit": {"id": unit},
        "deployment": {"context": "demonstration"},
        "camera": camera,
        "mqtt": {"port": port, "health_s": 2.0, "protocol": "3.1.1"},
        "home_assistant": {"discovery": False},
        "kiosk": {"port": free_port()},
        "daemon": {"state_dir": str(folder), "log_level": "warning"},
    }


def _listen(args: argparse.Namespace, topics: Topics, port: int, daemon: subprocess.Popen[bytes]) -> _Heard:
    """Hears the daemon until the time is up, it ends, or Ctrl-C."""
    presence = f"moodcast/{topics.unit}-viewer/availability"
    link = MqttLink(
        MqttSettings(host="127.0.0.1", port=port, client_id=f"moodcast-viewer-{topics.unit}", protocol="3.1.1"),
        will=Message(presence, "offline"),
        birth=Message(presence, "online"),
        subscriptions=[topics.event, topics.camera, topics.health, topics.recommendation],
    )
    link.start()
    heard, started_s = _Heard(), time.monotonic()
    try:
        while daemon.poll() is None and not _over(args.seconds, heard, started_s):
            for message in link.poll():
                line = _hear(message, topics, heard)
                if line and not args.json:
                    print(line, flush=True)
            time.sleep(0.02)
    except KeyboardInterrupt:
        pass  # the usual end of a demo without --seconds
    finally:
        link.stop(0.5)
    return heard


def _over(seconds: float | None, heard: _Heard, started_s: float) -> bool:
    if heard.first_frame_up_s is None:
        return time.monotonic() - started_s > _FIRST_FRAME_S
    return seconds is not None and time.monotonic() - heard.first_frame_s >= seconds


def _hear(message: Received, topics: Topics, heard: _Heard) -> str:
    """Takes one message; returns what to tell a person, or nothing."""
    payload = json.loads(message.payload)
    if message.topic == topics.health:
        heard.health = payload
        return ""
    if message.topic == topics.recommendation:
        return _suggested(payload, heard)
    if message.topic == topics.camera:
        if payload["state"] == "online" and heard.first_frame_up_s is None:
            heard.first_frame_up_s, heard.first_frame_s = payload["up_s"], time.monotonic()
        changed, heard.camera = payload["state"] != heard.camera, payload["state"]
        told = changed and payload["reason"] != "opening"
        return f"camera {payload['state']} {payload['reason']}".rstrip() if told else ""
    t_s = round(payload["up_s"] - (heard.first_frame_up_s or 0.0), 3)
    names = ("event_type", "track_id", "emotion", "confidence", "held_s")
    heard.events.append({"t_s": t_s, **{name: payload[name] for name in names}})
    if payload["event_type"] == "update":
        return ""
    verb = "begins" if payload["event_type"] == "start" else "ends  "
    track, emotion, confidence = payload["track_id"], payload["emotion"], payload["confidence"]
    return f"{t_s:7.2f} s  {track:>12}  {emotion:8} {verb}  confidence {confidence:.2f}"


def _suggested(payload: dict[str, Any], heard: _Heard) -> str:
    """Takes the best choice of a recommendation. Its stamp is the companion's, so the time is that of its arrival."""
    best = payload["choices"]["1"]
    t_s = round(time.monotonic() - heard.first_frame_s, 3) if heard.first_frame_up_s is not None else 0.0
    names = ("item_id", "kind", "title", "creator", "reason")
    heard.recommendations.append({"t_s": t_s, **{name: best[name] for name in names}})
    return f'{t_s:7.2f} s  {"suggests":>12}  {best["kind"]} "{best["title"]}": {best["reason"]}'


def _start(command: str, config: Path) -> subprocess.Popen[bytes]:
    """A daemon as it is installed, not a thread: with its signals, exit status and memory."""
    return subprocess.Popen([sys.executable, "-m", "edge.cli", command, "--config", str(config)])  # noqa: S603


def _end(daemon: subprocess.Popen[bytes]) -> int:
    if daemon.poll() is None:
        daemon.terminate()
    try:
        return daemon.wait(5.0)
    except subprocess.TimeoutExpired:
        daemon.kill()
        return daemon.wait()


def _closing(summary: dict[str, Any]) -> str:
    accuracy = summary["script_accuracy"]
    followed = "" if accuracy is None else f", right for {accuracy:.0%} of the scripted time"
    return f"{summary['seconds']} s: {', '.join(summary['emotions']) or 'no emotion'}{followed}"
