"""``moodcast aim``: for the installer on the ladder. Boxes and figures in a terminal or a browser here, no picture."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from pathlib import Path

from edge.aim import Aimer, Sight, canvas, figures, payload
from edge.aim_page import AimServer
from edge.camera.table import make_camera
from edge.compose import camera_settings, face_finder
from edge.config.file import load_config
from edge.daemon import pause_folders
from edge.doctor.files import is_paused
from edge.errors import InputError
from edge.grabber import Grabber
from edge.logs import quiet
from edge.paths import default_config
from edge.terminal import Terminal

_TICK_S = 0.2
_LINE_S = 1.0
"""In a pipe: one line so often."""
_STOP_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=default_config(), help="default: %(default)s")
    parser.add_argument("--web", type=int, metavar="PORT", help="also in a browser on this machine; 0: any free port")
    parser.add_argument("--seconds", type=float, help="end after so long; default: at Ctrl-C")
    parser.epilog = (
        "Stop the service first, it holds the camera: systemctl stop moodcast-sense. From afar: "
        "ssh -L 8090:127.0.0.1:8090 PI sudo moodcast aim --web 8090. On an installed device with sudo: only root may "
        "read the service's pause switch, which holds for this view, too."
    )


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    for folder in pause_folders(config):
        if is_paused(folder):
            raise InputError(
                "paused by the privacy switch, so the camera stays closed: publish `on` to privacy/set first (where "
                f"only root may read the switch, in {folder}: run this with sudo)"
            )
    aimer = Aimer(face_finder(config), readable_px=config.emotion.min_face_px)
    grabber = Grabber(make_camera(camera_settings(config)), reopen_max_s=2.0)
    server = None if args.web is None else AimServer(args.web)
    if server is not None:
        print(server.address, flush=True)
    with quiet(), contextlib.suppress(KeyboardInterrupt):
        grabber.start()
        try:
            _watch(grabber, aimer, server, args.seconds)
        finally:
            grabber.stop(_STOP_S)
            if server is not None:
                server.close()
    return 0


def _watch(grabber: Grabber, aimer: Aimer, server: AimServer | None, seconds: float | None) -> None:
    begin_s = told_s = time.monotonic()
    complaint = ""
    with Terminal() as terminal:
        while seconds is None or time.monotonic() - begin_s < seconds:
            frame = grabber.take(_TICK_S)
            now_s = time.monotonic()
            if frame is not None:
                sight = aimer.look(frame, now_s)
                if server is not None:
                    server.show(payload(sight))
                terminal.draw(_screen(sight, server))
                if not terminal.real and now_s - told_s >= _LINE_S:
                    told_s = now_s
                    print(figures(sight), flush=True)
                continue
            state, reason = grabber.state
            if state != "online" and reason not in ("", "opening", complaint):
                complaint = reason
                terminal.draw([f"camera {state}: {reason}"])
                if not terminal.real:
                    print(f"moodcast aim: camera {state}: {reason}", file=sys.stderr, flush=True)


def _screen(sight: Sight, server: AimServer | None) -> list[str]:
    columns, rows = shutil.get_terminal_size()
    where = [] if server is None else [server.address]
    return [*canvas(sight, columns=columns, rows=rows - 3), figures(sight), *where]
