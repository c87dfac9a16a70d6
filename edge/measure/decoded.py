"""Frames of a recording, decoded by another process, so that neither the time nor the memory of a video decoder counts
as ours: a live camera needs none. As a program it writes the frames of PATH to its standard output."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from edge.data import Frame
from edge.errors import InputError
from edge.measure.recording import frames_of

_HEADER = struct.Struct("<dIII")
"""Before each picture: seconds, height, width, bytes of the picture (uint8, BGR, row by row)."""
_STOP_S = 5.0


def decoded_frames(path: Path) -> Iterator[Frame]:
    """Every frame of the video file ``path``, as ``frames_of`` gives them. Raises InputError."""
    command = [sys.executable, "-m", "edge.measure.decoded", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:  # noqa: S603 - ours
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            for seq, frame in enumerate(iter(lambda: _read(child.stdout), None)):
                yield Frame(frame.image, frame.t_s, seq)
            if child.wait(_STOP_S) != 0:
                raise InputError(child.stderr.read().decode(errors="replace").strip())
        finally:
            child.kill()


def _read(source: IO[bytes] | None) -> Frame | None:
    """The next frame; None at the end of the stream, a broken one included."""
    assert source is not None
    header = source.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    t_s, height, width, size = _HEADER.unpack(header)
    image = np.empty((height, width, 3), np.uint8)
    if image.nbytes != size or source.readinto(image.reshape(-1).data) != size:  # type: ignore[attr-defined]
        return None
    return Frame(image, t_s, 0)


def main() -> int:
    """Writes the frames of the file named as the only argument. Exit status 65 with one line of error."""
    try:
        for frame in frames_of(Path(sys.argv[1])):
            height, width, _ = frame.image.shape
            sys.stdout.buffer.write(_HEADER.pack(frame.t_s, height, width, frame.image.nbytes))
            sys.stdout.buffer.write(frame.image.data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        return 0  # who read has enough
    except InputError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's error
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
