"""Whether something can make sound."""

from __future__ import annotations

import io
import math
import shutil
import socket
import struct
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

from edge.doctor.check import Check, green, red, skipped

_PLAYERS = ("pw-play", "paplay", "aplay")
"""PipeWire, PulseAudio, ALSA: the first one that is there."""
_RATE_HZ, _TONE_HZ, _TONE_S = 48_000, 440.0, 0.6
_WAIT_S = 10.0


def player_check(player: str, host: str, port: int) -> Check:
    """MPD greets; the other players cannot be asked."""
    if player != "mpd":
        why = "no player is configured" if player == "none" else "the player is behind MQTT"
        return skipped("player", why)
    try:
        greeting = _greeting(host, port)
    except OSError as error:
        remedy = (
            "start MPD (systemctl --user start mpd, or sudo systemctl start mpd), or correct speaker.host and "
            "speaker.port"
        )
        return red("player", f"MPD at {host}:{port} does not answer: {error.strerror or error}", remedy)
    if not greeting.startswith("OK MPD"):
        return red("player", f"{host}:{port} is no MPD", "correct speaker.host and speaker.port")
    return green("player", greeting)


def sound_check(*, asked: bool, which: Callable[[str], str | None] = shutil.which) -> Check:
    """Plays a tone of 0.6 s, when ``asked``. Whether it was heard only a person can say."""
    if not asked:
        return skipped("sound", "--sound plays a tone")
    program = next((path for name in _PLAYERS if (path := which(name))), None)
    if program is None:
        return skipped("sound", f"none of {', '.join(_PLAYERS)} is installed (apt-get install alsa-utils)")
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(tone())
        file.flush()
        try:
            done = subprocess.run(  # noqa: S603 - one of three programs, found in PATH
                [program, file.name], capture_output=True, text=True, timeout=_WAIT_S, check=False
            )
            said = "" if done.returncode == 0 else (done.stderr.strip().splitlines()[-1:] or ["failed"])[0]
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
    name = Path(program).name
    if said:
        remedy = "name the right card (aplay -l; raspi-config, System, Audio), and put the user into the group audio"
        return red("sound", f"{name}: {said}", remedy)
    return green("sound", f"{name} played a tone; if it was not heard: alsamixer, cable, volume")


def tone() -> bytes:
    """A WAV file: one quiet sine with soft ends, mono, 16 bit."""
    count = int(_RATE_HZ * _TONE_S)
    samples = [
        int(6000 * math.sin(2 * math.pi * _TONE_HZ * n / _RATE_HZ) * min(1.0, n / 2400, (count - n) / 2400))
        for n in range(count)
    ]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(struct.pack(f"<{count}h", *samples))
    return buffer.getvalue()


def _greeting(host: str, port: int) -> str:
    if host.startswith("/"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(3.0)
            sock.connect(host)
            return sock.recv(200).decode(errors="replace").strip()
    with socket.create_connection((host, port), 3.0) as sock:
        return sock.recv(200).decode(errors="replace").strip()
