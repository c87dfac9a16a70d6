"""A GStreamer pipeline: Jetson's CSI camera and whatever else GStreamer can read. The OpenCV wheels come without it."""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np

from edge.camera.address import mask
from edge.camera.bounded import call_within
from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.timing import capture_time_s
from edge.core.pace import Pace
from edge.data import Frame, Image
from edge.errors import CameraError, CameraMissing

# The newest frame only; no waiting for its display time, which for a live source would add latency.
_SINK = " ! videoconvert ! video/x-raw,format=BGR ! appsink name=moodcast drop=true max-buffers=1 sync=false"
_POLL_NS = 200_000_000
_STOP_LIMIT_S = 2.0
_INSTALL = (
    "`apt install libgirepository1.0-dev libcairo2-dev pkg-config gcc gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base` "
    "and `pip install 'PyGObject<3.51'` (`moodcast[gst]`)"
)


def make(settings: CameraSettings) -> GstCamera:
    """The source for ``settings.pipeline``. Raises CameraMissing when GStreamer or PyGObject is not installed."""
    if not settings.pipeline:
        raise CameraError(
            "source `gst` needs `pipeline`, e.g. `nvarguscamerasrc ! nvvidconv ! video/x-raw,format=BGRx`"
        )
    return GstCamera(settings.pipeline, gst=load_gst())


def load_gst() -> Any:
    """The initialised module ``gi.repository.Gst``. Raises CameraMissing, saying what to install."""
    try:
        importlib.import_module("gi").require_version("Gst", "1.0")
        gst = importlib.import_module("gi.repository.Gst")
    except (ImportError, ValueError) as error:
        raise CameraMissing(f"source `gst` needs GStreamer and PyGObject ({error}); {_INSTALL}") from error
    gst.init(None)
    if gst.ElementFactory.find("appsink") is None or gst.ElementFactory.find("videoconvert") is None:
        raise CameraMissing(
            "source `gst` needs the elements appsink and videoconvert; `apt install gstreamer1.0-plugins-base`"
        )
    return gst


class GstCamera:
    """Reads the newest frame of ``pipeline``. Its source decides on size and rate: set them there, as caps."""

    def __init__(self, pipeline: str, *, gst: Any) -> None:
        self._text = pipeline
        self._name = f"pipeline `{mask(pipeline)}`"
        self._gst = gst
        self._pipeline: Any = None
        self._sink: Any = None
        self._pace = Pace()
        self._seq = 0
        self._last_s = 0.0

    def open(self) -> None:
        self.close()
        try:
            pipeline = self._gst.parse_launch(self._text + _SINK)
        except importlib.import_module("gi.repository.GLib").Error as error:
            raise CameraError(f"{self._name}: {mask(error.message)}; correct `pipeline`") from error
        self._pipeline, self._sink = pipeline, pipeline.get_by_name("moodcast")
        pipeline.set_state(self._gst.State.PLAYING)  # a failure arrives as a message
        self._raise_message(pipeline)

    def read(self, *, every_s: float = 0.0) -> Frame:
        while True:
            pipeline, sink = self._pipeline, self._sink
            if pipeline is None:
                raise CameraError(f"{self._name}: not open")
            sample = sink.emit("try-pull-sample", _POLL_NS)
            if sample is None:
                self._raise_message(pipeline)
                continue
            buffer = sample.get_buffer()
            stamp_s = (pipeline.get_base_time() + buffer.pts) / 1e9  # GStreamer's clock is the monotonic one by default
            self._last_s = capture_time_s(stamp_s=stamp_s, now_s=time.monotonic(), last_s=self._last_s)
            if self._pace.wanted(self._last_s, every_s):
                break
            self._seq += 1
        frame = Frame(image=_image(sample, buffer), t_s=self._last_s, seq=self._seq)
        self._seq += 1
        return frame

    def close(self) -> None:
        pipeline, self._pipeline, self._sink = self._pipeline, None, None
        if pipeline is not None:
            call_within(
                lambda: pipeline.set_state(self._gst.State.NULL), limit_s=_STOP_LIMIT_S, what="stop of the pipeline"
            )

    def _raise_message(self, pipeline: Any) -> None:
        """Closes and raises if the pipeline failed (CameraError) or its stream came to its end (CameraEnded)."""
        kinds = self._gst.MessageType
        message = pipeline.get_bus().pop_filtered(kinds.ERROR | kinds.EOS)
        if message is None:
            return
        self.close()  # the message is told once only
        if message.type == kinds.EOS:
            raise CameraEnded(f"{self._name}: end of the stream")
        error, _ = message.parse_error()
        raise CameraError(f"{self._name}: {mask(error.message)}; try it with `gst-launch-1.0`")


def _image(sample: Any, buffer: Any) -> Image:
    """The picture of a BGR sample. GStreamer fills rows up to multiples of 4 bytes."""
    caps = sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
    stride = (width * 3 + 3) // 4 * 4
    return rows[: stride * height].reshape(height, stride)[:, : width * 3].reshape(height, width, 3).copy()
