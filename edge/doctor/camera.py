"""Whether the camera opens, gives a picture, and what kind of picture."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edge.camera.source import Camera
from edge.core.picture import complaint, quality
from edge.data import Frame
from edge.doctor.check import Check, green, red, skipped
from edge.errors import CameraError

_SETTLE_FRAMES = 10
"""Read before the one that counts: automatic exposure needs some."""


def camera_checks(make: Callable[[], Camera], *, serving: bool, wait_s: float = 15.0) -> list[Check]:
    """``make``: the configured source, closed. ``serving``: the running daemon says that its camera is online, so it
    holds the device. Two checks: ``camera`` and ``picture``."""
    outcome = _first_frame(make, wait_s)
    if isinstance(outcome, Frame):
        height, width = outcome.image.shape[:2]
        found = quality(outcome.image)
        figures = f"brightness {found.brightness:.2f}, sharpness {found.sharpness:.1f}"
        wrong = complaint(found)
        picture = red("picture", f"{figures}: {wrong.split(':')[0]}", wrong) if wrong else green("picture", figures)
        return [green("camera", f"gives pictures of {width} x {height} pixels"), picture]
    if serving:
        in_use = "in use by the running service, which says that it is online"
        return [green("camera", in_use), skipped("picture", "the running service holds the camera: see moodcast aim")]
    remedy = (
        "check cable and camera.source, camera.device in the configuration (v4l2-ctl --list-devices, rpicam-hello "
        "--list-cameras); stop what else uses it (systemctl stop moodcast-sense); the user needs the group video"
    )
    return [red("camera", outcome, remedy), skipped("picture", "no picture")]


def _first_frame(make: Callable[[], Camera], wait_s: float) -> Frame | str:
    """A frame, or why there is none. In a thread of its own: a driver that hangs must not hang the doctor."""
    result: list[Frame | str] = []
    thread = threading.Thread(target=lambda: result.append(_read(make)), daemon=True)
    thread.start()
    thread.join(wait_s)
    return result[0] if result else f"no picture and no error for {wait_s:.0f} s: the driver hangs"


def _read(make: Callable[[], Camera]) -> Frame | str:
    camera: Camera | None = None
    frame: Frame | None = None
    try:
        camera = make()
        camera.open()
        for _ in range(_SETTLE_FRAMES):
            frame = camera.read()
    except CameraError as error:
        return frame or str(error)  # a folder of few images ends early: the last one serves
    except Exception as error:  # noqa: BLE001 - whatever a driver's library raises is a finding, not our bug
        return f"{type(error).__name__}: {error}"
    finally:
        if camera is not None:
            camera.close()
    assert frame is not None
    return frame
