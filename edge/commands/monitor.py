"""``moodcast monitor``: a unit, live, over MQTT; a screen in a terminal, lines in a pipe."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from edge.config.file import load_config
from edge.config.schema import Config
from edge.daemon import mqtt_settings
from edge.errors import EXIT_INPUT
from edge.logs import quiet
from edge.monitor import TAILS, Board, boards, line
from edge.mqtt import Message, MqttLink
from edge.paths import default_config
from edge.terminal import Terminal

_ONCE_S = 7.0
"""An emotion is told at least every 5 s; what is retained comes at once."""
_CALM_S = 1.0
_TICK_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=default_config(), help="for the broker; default: %(default)s")
    parser.add_argument("--unit", help="one unit alone; default: unit.id of the configuration, else all that speak")
    parser.add_argument("--once", action="store_true", help="show the present state and end; status 1: no unit online")
    parser.add_argument("--json", action="store_true", help="one JSON object a message; with --once: one for all units")
    parser.epilog = "Only listens. In a pipe: one line a message. Ctrl-C ends it."


@dataclass(slots=True)
class _Session:
    args: argparse.Namespace
    link: MqttLink
    board: Board
    said: str | None = None
    """The last complaint about the connection, told once."""


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    unit = args.unit or config.unit.id
    with quiet():
        link = _link(config, unit)
        session = _Session(args, link, Board(config.mqtt.base_topic))
        link.start()
        try:
            if args.once:
                return _once(session)
            _follow(session)
        except KeyboardInterrupt:
            pass  # the usual end
        finally:
            link.stop(0.5)
    return 0


def _link(config: Config, unit: str | None) -> MqttLink:
    base = config.mqtt.base_topic
    # A client must have a last will here; this one is heard by nobody, not retained and not acknowledged.
    presence = f"{base}/{unit or 'monitor'}/monitor"
    return MqttLink(
        mqtt_settings(config, f"moodcast-monitor-{secrets.token_hex(3)}"),
        will=Message(presence, "offline", qos=0),
        birth=Message(presence, "online", qos=0),
        subscriptions=[f"{base}/{unit or '+'}/{tail}" for tail in TAILS],
    )


def _once(session: _Session) -> int:
    begin_s = time.monotonic()
    while (now_s := time.monotonic()) - begin_s < _ONCE_S:
        _take(session, show=False)
        views = session.board.units.values()
        awaited = [v for v in views if v.online and "emotion" not in v.said and v.of("camera").get("state") == "online"]
        if views and not awaited and now_s - begin_s > _CALM_S:
            break
        if session.link.stats().login_refused or (not views and session.link.stats().tries > 1):
            break
        time.sleep(_TICK_S)
    units = [session.board.units[name] for name in sorted(session.board.units)]
    if session.args.json:
        print(json.dumps({view.unit: view.said for view in units}))
    elif units:
        print("\n".join(boards(units, time.monotonic())))
    if not units:
        print(f"moodcast monitor: no unit heard: {_why(session)}", file=sys.stderr)
    return 0 if any(view.online for view in units) else EXIT_INPUT


def _follow(session: _Session) -> None:
    terminal = Terminal()
    as_lines = session.args.json or not terminal.real
    if as_lines:
        while True:
            _take(session, show=True)
            _complain(session)
            time.sleep(_TICK_S)
    with terminal:
        while True:
            _take(session, show=False)
            units = [session.board.units[name] for name in sorted(session.board.units)]
            waiting = [] if session.link.stats().connected and units else [_why(session)]
            terminal.draw([*boards(units, time.monotonic()), *waiting])
            time.sleep(_TICK_S)


def _take(session: _Session, *, show: bool) -> None:
    for message in session.link.poll():
        taken = session.board.take(message.topic, message.payload, time.monotonic())
        if taken is None or not show:
            continue
        view, tail = taken
        if session.args.json:
            told = {"unit": view.unit, "topic": tail, "retained": message.retained, "payload": view.said[tail]}
            print(json.dumps(told), flush=True)
        else:
            print(f"{time.strftime('%H:%M:%S')} {line(view, tail)}", flush=True)


def _complain(session: _Session) -> None:
    stats = session.link.stats()
    said = None if stats.connected or stats.last_error is None else _why(session)
    if said is not None and said != session.said:
        print(f"moodcast monitor: {said}", file=sys.stderr, flush=True)
    session.said = said


def _why(session: _Session) -> str:
    stats = session.link.stats()
    if stats.connected:
        return "connected; no unit has said anything yet: is it running, and is its name right (--unit)?"
    return f"{stats.last_error or 'connecting'}; check mqtt.host, mqtt.port and the login in {session.args.config}"
