"""Imports in one process what must fit together, and runs the network once: ``check_pairing.py [picamera2]``.

With the environment's Python, as the service's user. picamera2 and simplejpeg are compiled against the system's numpy;
with another one their import fails with `numpy.dtype size changed`. Exit 1 with what to do.
"""

from __future__ import annotations

import importlib
import sys


def failure(name: str) -> Exception | None:
    try:
        importlib.import_module(name)
    except (ImportError, ValueError, OSError) as error:  # ValueError: compiled against another numpy
        return error
    return None


def main(wanted: list[str]) -> int:
    import numpy

    for name in [*wanted, "cv2", "starlette", "uvicorn", "mpd", "paho.mqtt.client", "pydantic", "yaml"]:
        error = failure(name)
        if error is not None:
            advice = "with --picamera2, which keeps the system's numpy" if name in wanted else "with --upgrade"
            print(
                f"{name} cannot be imported beside numpy {numpy.__version__}: {error}; install {advice}",
                file=sys.stderr,
            )
            return 1
    import cv2

    from edge.paths import model_path
    from edge.vision.runtime import load_network, load_runtime

    network = load_network(model_path("emotion"))
    network.run(numpy.zeros(network.input.shape, network.input.dtype))
    names = ", ".join([*wanted, f"numpy {numpy.__version__}", f"cv2 {cv2.__version__}", load_runtime().__name__])
    log = "the journal" if failure("systemd.journal") is None else "standard error, without priorities"
    print(f"in one process: {names}; the network ran; log: {log}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
