"""A folder of stand-in wheels whose requirements conflict as the real packages' do, for the trap of apt's picamera2.

On Raspberry Pi OS Bookworm picamera2 comes from apt, compiled against numpy 1.24.2. The newest OpenCV and ml-dtypes
require numpy 2; pip then puts numpy 2 into the virtual environment, over the system's, and `import picamera2` fails
with `numpy.dtype size changed`. The stand-ins carry the requirements that the real packages had on 2026-11-21.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

SYSTEM_NUMPY = "1.24.2"
SIZE_CHANGED = (
    "numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject"
)
REQUIREMENTS: dict[tuple[str, str], list[str]] = {
    ("numpy", "1.24.2"): [],
    ("numpy", "2.4.6"): [],
    ("opencv-python-headless", "4.11.0.86"): ["numpy>=1.21"],
    ("opencv-python-headless", "4.14.0.94"): ["numpy>=2"],
    ("ml-dtypes", "0.5.4"): ["numpy>=1.21"],
    ("ml-dtypes", "0.6.0"): ["numpy>=2.0.0"],
    ("ai-edge-litert", "2.3.0"): ["numpy>=1.23.2", "ml-dtypes"],
}
MODULES = {"opencv-python-headless": "cv2", "ml-dtypes": "ml_dtypes", "ai-edge-litert": "ai_edge_litert"}


def make_wheels(folder: Path) -> None:
    """Writes a wheel for each entry of ``REQUIREMENTS``; each has one module that knows its version."""
    folder.mkdir()
    for (name, version), requires in REQUIREMENTS.items():
        plain = name.replace("-", "_")
        info = f"{plain}-{version}.dist-info"
        metadata = [
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
            *(f"Requires-Dist: {r}" for r in requires),
        ]
        with zipfile.ZipFile(folder / f"{plain}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{MODULES.get(name, plain)}.py", f"__version__ = {version!r}\n")
            wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", "")


def make_system(folder: Path) -> None:
    """What apt installed: numpy, and a picamera2 that accepts no other."""
    folder.mkdir()
    with zipfile.ZipFile(folder.parent / "wheels" / f"numpy-{SYSTEM_NUMPY}-py3-none-any.whl") as wheel:
        wheel.extractall(folder)
    (folder / "picamera2.py").write_text(
        f"import numpy\nif numpy.__version__ != {SYSTEM_NUMPY!r}:\n    raise ValueError({SIZE_CHANGED!r})\n"
    )
