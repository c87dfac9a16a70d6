"""Runtime, network, card, and the numpy that picamera2 was built against."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

from edge.doctor.check import Check, green, red, skipped
from edge.errors import ModelError
from edge.paths import model_path
from edge.vision.model import load_emotion_model
from edge.vision.runtime import load_runtime

_IMPORT_S = 30.0
_PAIRED = ("simplejpeg", "picamera2")
"""From apt, built against the system's numpy."""
_MISMATCH = re.compile(r"numpy\.dtype size changed|compiled using NumPy|_ARRAY_API not found|numpy\.core\.multiarray")


def runtime_check(load: Callable[[], ModuleType] = load_runtime) -> Check:
    libc = " ".join(platform.libc_ver()) or "an unknown libc"
    try:
        module = load()
    except ModelError as error:
        what, _, remedy = str(error).partition(". ")
        return red("runtime", f"{what}; this system has {libc}", remedy)
    return green("runtime", f"{module.__name__.partition('.')[0]}, {libc}")


def model_check(name_or_path: str) -> Check:
    """The network fits its card: hash, shapes, labels."""
    try:
        path = model_path(name_or_path)
        card = load_emotion_model(path).card
    except ModelError as error:
        remedy = (
            "copy NAME.tflite and its card NAME.yaml from one release again (both files, side by side), or install "
            "Moodcast again: tools/install --upgrade"
        )
        return red("model", str(error), remedy)
    return green("model", f"{path.name}, sha256 {card.sha256[:16]} as on its card")


def numpy_check(*, wanted: bool, probe: Callable[[str], str | None] | None = None) -> Check:
    """Whether picamera2 and simplejpeg load beside this environment's numpy.

    ``wanted``: the camera is read through picamera2. ``probe(module)``: "" when it can be imported, its error, or None
    when it is not installed.
    """
    if not wanted:
        return skipped("numpy", "camera.source is not picamera2, so any numpy will do")
    ask = probe or import_error
    found = {name: ask(name) for name in _PAIRED}
    if all(error is None for error in found.values()):
        return skipped("numpy", "picamera2 is not installed in this environment")
    wrong = {name: error for name, error in found.items() if error}
    if not wrong:
        return green("numpy", "picamera2's parts load beside it")
    name, error = next(iter(wrong.items()))
    if _MISMATCH.search(error):
        remedy = (
            "it is built against the system's numpy: install that version here, "
            "pip install \"numpy==$(/usr/bin/python3 -c 'import numpy; print(numpy.__version__)')\" "
            "'opencv-python-headless<4.12', or run tools/install --upgrade, which does both"
        )
        return red("numpy", f"another numpy than {name} was built against: {error}", remedy)
    remedy = "apt-get install --reinstall python3-picamera2 python3-simplejpeg, in an environment with system packages"
    return red("numpy", f"{name} does not load: {error}", remedy)


def import_error(module: str) -> str | None:
    """Imports ``module`` in a fresh process, since a failed import of C code may spoil this one."""
    code = (
        f"import importlib.util as u, sys; sys.exit(99) if u.find_spec({module!r}) is None else None; import {module}"
    )
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and a fixed line
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=_IMPORT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 99:
        return None
    last = done.stderr.strip().splitlines()[-1:] or ["ended without a word"]
    return "" if done.returncode == 0 else last[0]
