"""The Raspberry Pi adapter against a stub, and the stub and all calls against the source of the real package."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from edge.camera.source import CameraSettings
from edge.camera.table import make_camera
from edge.errors import CameraError, CameraMissing
from tests.camera_cases import use_picamera2_stub

SOURCES = {"Picamera2": "picamera2/picamera2.py", "CompletedRequest": "picamera2/request.py"}


@pytest.fixture
def stub(monkeypatch) -> ModuleType:
    use_picamera2_stub(monkeypatch)
    return sys.modules["picamera2"]


@pytest.fixture(scope="module")
def real_signatures() -> dict[tuple[str, str], inspect.Signature]:
    """Of the methods of the real classes, read from their source: importing it needs libcamera."""
    try:
        package = importlib.metadata.distribution("picamera2")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs the source of picamera2: `pip install --no-deps picamera2`")
    found = {}
    for name, path in SOURCES.items():
        tree = ast.parse(Path(package.locate_file(path)).read_text())
        (kind,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        for node in kind.body:
            if isinstance(node, ast.FunctionDef):  # overloads come first, the real one last
                found[name, node.name] = signature(node.args)
    return found


def signature(args: ast.arguments) -> inspect.Signature:
    kinds = inspect.Parameter
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    parameters = [
        kinds(arg.arg, kinds.POSITIONAL_OR_KEYWORD, default=kinds.empty if i < required else None)
        for i, arg in enumerate(positional)
    ]
    parameters += [
        kinds(arg.arg, kinds.KEYWORD_ONLY, default=kinds.empty if default is None else None)
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
    ]
    return inspect.Signature(parameters)


def pi_camera(**settings):
    return make_camera(CameraSettings(source="picamera2", width_px=64, height_px=48, rate_hz=50.0, **settings))


def test_every_call_fits_the_real_package(stub, real_signatures):
    camera = make_camera(CameraSettings(source="picamera2", width_px=1280, height_px=720, rate_hz=50.0))
    camera.open()
    camera.read()
    camera.read(every_s=0.1)
    camera.close()
    used = {"configure", "start", "capture_request", "wait", "set_controls", "close"}
    assert {method for _, method, _, _ in stub.CALLS} >= used
    for kind, method, args, kwargs in stub.CALLS:
        assert (kind, method) in real_signatures, f"{kind}.{method} is not in the real package"
        real_signatures[kind, method].bind(None, *args, **kwargs)


def test_stub_has_the_real_signatures(stub, real_signatures):
    for kind in SOURCES:
        for method, function in vars(getattr(stub, kind)).items():
            if (
                method == "_lores"
                or not inspect.isfunction(function)
                or (kind, method) == ("CompletedRequest", "__init__")
            ):
                continue
            stubbed = signature(ast.parse(inspect.getsource(function).strip()).body[0].args)
            assert stubbed == real_signatures[kind, method], f"{kind}.{method}"


def test_calls_that_the_real_package_lacks_are_caught(real_signatures):
    with pytest.raises(TypeError):
        real_signatures["Picamera2", "start"].bind(None, no_such_argument=1)


def test_colours_size_rate_and_time(stub):
    camera = pi_camera()
    camera.open()
    before_s = time.monotonic()
    frame = camera.read()
    camera.close()
    assert frame.image.shape == (48, 64, 3)
    assert tuple(frame.image[0, 0]) == (255, 0, 0), "blue: BGR as it comes"
    assert before_s - 1.0 < frame.t_s < time.monotonic() - 0.004, "the sensor's stamp, not the time of reading"
    (call,) = (kwargs for _, method, _, kwargs in stub.CALLS if method == "create_video_configuration")
    assert call == {"main": {"size": (64, 48), "format": "RGB888"}, "controls": {"FrameRate": 50.0}}


@pytest.mark.parametrize(
    ("size_px", "small_px"), [((640, 480), None), ((1280, 720), (640, 360)), ((1640, 1232), (640, 480))]
)
def test_a_large_picture_comes_with_a_small_one_for_the_search(stub, size_px, small_px):
    width, height = size_px
    camera = make_camera(
        CameraSettings(source="picamera2", width_px=width, height_px=height, rate_hz=50.0, mirror=True)
    )
    camera.open()
    frame = camera.read()
    camera.close()
    assert frame.image.shape == (height, width, 3)
    if small_px is None:
        assert frame.small is None
        return
    assert frame.small.shape == (small_px[1], small_px[0], 3)
    assert frame.small.flags.c_contiguous
    assert frame.small.reshape(-1, 3).mean(axis=0) == pytest.approx((255, 0, 0), abs=6), "blue here too"


def test_the_sensor_runs_slower_while_few_frames_are_wanted(stub):
    camera = pi_camera()
    camera.open()
    for every_s in (0.0, 0.1, 0.1, 0.0):
        camera.read(every_s=every_s)
    camera.close()
    assert [args for _, method, args, _ in stub.CALLS if method == "set_controls"] == [
        ({"FrameRate": 10.0},),
        ({"FrameRate": 50.0},),
    ]


def test_every_request_is_given_back(stub):
    camera = pi_camera()
    camera.open()
    for _ in range(10):
        camera.read()
    camera.close()
    calls = [method for _, method, _, _ in stub.CALLS]
    assert calls.count("release") == calls.count("capture_request") == 10


@pytest.mark.parametrize("fault", ["absent", "busy"])
def test_camera_that_cannot_be_opened_says_what_to_check(stub, fault):
    stub.FAULTS.add(fault)
    camera = pi_camera()
    with pytest.raises(CameraError, match=r"camera 0: .*ribbon cable"):
        camera.open()
    stub.FAULTS.clear()
    camera.open()
    camera.read()
    camera.close()


def test_unplugged_while_reading(stub):
    camera = pi_camera()
    camera.open()
    stub.FAULTS.add("unplugged")
    with pytest.raises(CameraError, match="gives no frame"):
        camera.read()
    camera.close()


def test_hanging_close_does_not_hold_the_caller(stub, caplog):
    camera = pi_camera()
    camera.open()
    stub.FAULTS.add("hang")
    start_s = time.monotonic()
    camera.close()
    assert time.monotonic() - start_s < 3.0
    assert "has not returned" in caplog.text


def test_close_ends_a_read_that_hangs(stub):
    camera = pi_camera()
    camera.open()
    stub.FAULTS.add("hang")
    errors = []

    def read() -> None:
        try:
            camera.read()
        except CameraError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.3)
    camera.close()
    reader.join(2.0)
    assert not reader.is_alive()
    assert len(errors) == 1


def test_device_must_be_a_number(stub):
    with pytest.raises(CameraError, match="device `/dev/video0`: source `picamera2` needs the number"):
        pi_camera(device="/dev/video0")


def test_package_missing_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraMissing, match="apt install python3-picamera2"):
        pi_camera()
